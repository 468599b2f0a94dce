"""How fast a world plays on this machine: the client's own loop, window and all, played by posted keys and mouse.

Without a display SDL's dummy one stands in. The rehearsed player is no part of the client; `Stats` has the figures.
"""

import json
import math
import os
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pygame

from simworld.client import worlds
from simworld.client.app import App
from simworld.client.options import PlayOptions
from simworld.client.play import display_announced
from simworld.client.stats import percentile, process_age
from simworld.client.window import Window

_SEED = 7
_KEYS = (pygame.K_w, pygame.K_w, pygame.K_w, pygame.K_a, pygame.K_s, pygame.K_d, pygame.K_SPACE, pygame.K_1, pygame.K_2)
_KEYS_A_SECOND = 3.0
_HELD_SECONDS = (0.05, 1.0)
_MOTION_SECONDS = 0.008
_MATRIX = {"cpu": 1024, "cuda": 8192}
_MATRIX_SECONDS = 1.0
_PICTURES = 60


def benchmark(
    world: str,
    seconds: float,
    json_path: str | Path | None = None,
    num_steps: int = 4,
    device: str = "cpu",
    dtype: str | None = None,
) -> dict[str, Any]:
    """Play `world` for `seconds` after its first picture and return, and write to `json_path` if given, the figures:

    fps: pictures shown a second (20 is all that is asked for). fps_possible: what the median step would allow unpaced.
    chunk_ms_p50, chunk_ms_p95: in which chunks can follow each other. latency_ms_p50, latency_ms_p95: from a key event to the
    flip of the first picture computed with it. late_share: of the pictures, 0..1. first_picture_s: since the process was
    started. rss_mb: at the end; rss_growth: over the last two thirds. flops_per_chunk: of a dream those of all its stages,
    else as the world says, else None.
    dtype: number format, the device's faster one where not given.
    matmul_gflops: this machine's matrix rate in it, measured right after. floor_share: the time that these flops would
    take at that rate ÷ chunk_ms_p50, else None. stages: for each stage of a chunk of a dream its ms, its flops and the
    share of the matrix rate that it reaches, measured right after, alone; display is of all its pictures. ValueError as
    `app.play`, and where `json_path` cannot be written.
    """
    if json_path is not None and not Path(json_path).absolute().parent.is_dir():
        raise ValueError(f"benchmark: there is no folder {Path(json_path).parent} to write {Path(json_path).name} into")
    if not display_announced():
        os.environ["SDL_VIDEODRIVER"] = "dummy"
    age = process_age()
    options = PlayOptions(world=world, steps=num_steps, device=device, dtype=dtype, seed=_SEED)
    app = App(options, time.perf_counter(), Rehearsal(seconds), personal=False)
    display = pygame.display.get_driver()
    stats = app.run()
    memory_mb = stats.rss[-1][1] if stats.rss else math.nan
    dtype = dtype or _fastest(device)
    chunk_ms = [1000 * step for step in stats.step_seconds]
    latency_ms = [1000 * latency for latency in stats.latencies]
    gflops = matmul_gflops(device, dtype)
    parts = stages(world, num_steps, device, gflops, dtype)
    flops = sum(part["flops"] for part in parts.values()) if parts is not None else _told_flops(options)
    figures: dict[str, Any] = {
        "world": world,
        "device": device,
        "dtype": dtype,
        "display": display,
        "num_steps": num_steps,
        "seconds": seconds,
        "pictures": stats.pictures,
        "chunk_frames": stats.chunk_frames,
        "fps": stats.fps,
        "fps_possible": 1000 * stats.chunk_frames / percentile(chunk_ms, 50),
        "chunk_ms_p50": percentile(chunk_ms, 50),
        "chunk_ms_p95": percentile(chunk_ms, 95),
        "latency_ms_p50": percentile(latency_ms, 50),
        "latency_ms_p95": percentile(latency_ms, 95),
        "late_share": stats.late_share,
        "first_picture_s": age + stats.first_picture_s,
        "rss_mb": memory_mb,
        "rss_growth": stats.rss_growth(),
        "flops_per_chunk": flops,
        "matmul_gflops": gflops,
        "stages": parts,
    }
    floor_ms = flops / gflops / 1e6 if flops is not None else math.nan
    figures["floor_share"] = floor_ms / figures["chunk_ms_p50"]
    figures = {name: _json_number(value) for name, value in figures.items()}
    if json_path is not None:
        aside = Path(f"{json_path}.tmp")
        aside.write_text(json.dumps(figures, indent=2) + "\n")
        aside.replace(json_path)
    return figures


def _told_flops(options: PlayOptions) -> float | None:
    """What a world that is no dream says of a step."""
    env = worlds.make(options)
    told = getattr(env.unwrapped, "flops_per_chunk", None)
    flops = float(told(options.steps)) if told is not None else None
    env.close()
    return flops


def _fastest(device: str) -> str:
    from simworld.model.precision import fastest_dtype

    return str(fastest_dtype(device)).removeprefix("torch.")


def stages(
    world: str, num_steps: int, device: str, gflops: float, dtype: str | None = None
) -> dict[str, dict[str, float]] | None:
    """For each stage of a chunk ms, flops and the share of the matrix rate that is reached; None for what is no dream."""
    from simworld.model.checkpoint import load_world
    from simworld.model.precision import number_format
    from simworld.model.profile import profile
    from simworld.model.shipped import find_world

    try:
        folder = find_world(world)
    except ValueError:
        return None
    net = load_world(folder, number_format(dtype, device), device)
    measured = profile(net, num_steps)
    shares = measured.shares(gflops)
    found = {
        name: {"ms": round(part["ms"], 3), "flops": round(part["flops"]), "share": round(shares[name], 4)}
        for name, part in measured.stages.items()
    }
    frames = net.config.autoencoder.time_stride
    ms = frames * display_ms(net.config.height, net.config.width)
    return {**found, "display": {"ms": round(ms, 3), "flops": 0, "share": 0.0}}


def display_ms(height: int, width: int) -> float:
    """Milliseconds to draw a picture of that size, in a window as large as it opens, and show it: the median."""
    window = Window("simworld benchmark")
    frame = np.random.default_rng(_SEED).integers(255, size=(height, width, 3), dtype=np.uint8)
    times = []
    for _ in range(_PICTURES):
        started = time.perf_counter()
        window.show(frame)
        pygame.display.flip()
        times.append(1000 * (time.perf_counter() - started))
    window.close()
    return percentile(times[_PICTURES // 4 :], 50)


def matmul_gflops(device: str, dtype: str) -> float:
    """GFLOP/s of large matrix products in a number format on `device` now: the median over a second, after a warm-up."""
    import torch

    cuda = torch.device(device).type == "cuda"
    size = _MATRIX["cuda" if cuda else "cpu"]
    left, right = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    times: list[float] = []
    begun = time.perf_counter()
    while time.perf_counter() - begun < _MATRIX_SECONDS or len(times) < 4:
        started = time.perf_counter()
        left @ right
        if cuda:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return 2 * size**3 / percentile(times[len(times) // 4 :], 50) / 1e9


class Rehearsal:
    """A restless player made of posted events, with the figures shown: keys at random moments, a mouse that never
    rests. Quits `seconds` after the first picture."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._random = Random(_SEED)
        self._begun = self._next_key = self._next_motion = 0.0
        self._lifts: list[tuple[float, int]] = []

    def __call__(self, app: App, now: float) -> None:
        """Post what is due at `now`."""
        first = app.session.stats.first_flip
        if first is None:
            return
        if not self._begun:
            self._begun = now
            pygame.event.post(pygame.Event(pygame.KEYDOWN, key=pygame.K_F3, mod=0, unicode=""))
            pygame.event.post(pygame.Event(pygame.MOUSEBUTTONDOWN, button=pygame.BUTTON_LEFT, pos=(1, 1)))
        if now >= self._next_motion:
            self._next_motion = now + _MOTION_SECONDS
            travel = round(6 * math.sin(now)), round(2 * math.sin(1.7 * now))
            pygame.event.post(pygame.Event(pygame.MOUSEMOTION, rel=travel, pos=(1, 1), buttons=(0, 0, 0)))
        if now >= self._next_key:
            self._next_key = now + self._random.expovariate(_KEYS_A_SECOND)
            key = self._random.choice(_KEYS)
            self._lifts.append((now + self._random.uniform(*_HELD_SECONDS), key))
            pygame.event.post(pygame.Event(pygame.KEYDOWN, key=key, mod=0, unicode=""))
        for lift in [lift for lift in self._lifts if lift[0] <= now]:
            self._lifts.remove(lift)
            pygame.event.post(pygame.Event(pygame.KEYUP, key=lift[1], mod=0))
        if now - first >= self._seconds:
            pygame.event.post(pygame.Event(pygame.QUIT))


def _json_number(value: Any) -> Any:
    """JSON has no NaN: what was not measured is null."""
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
