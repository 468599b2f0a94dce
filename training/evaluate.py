"""Measures a world against the reference game, on evaluation seeds: same first frames, same actions, side by side.

    simworld evaluate --world small --json evaluation.json --sheet evaluation.png

reconstruction: the autoencoder alone, the ceiling of the rest. horizon: the dream after 1, 2, 4 … chunks beside the
ceiling and copy-last-frame. shuffled_action_ratio: denoising loss with other clips' actions over that with the true ones.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image
from torch import Tensor

from simworld.actions import CAMERA
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.pixels import to_float, to_uint8
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.model.world import World
from simworld.training.metrics import psnr, ssim
from simworld.training.objective import LatentBatch, ObjectiveConfig, denoising_loss
from simworld.training.pictures import grid
from simworld.training.truth import FIRST_SEED, play_truth

CONTEXT = 8
"""Latents of truth that the dream starts from."""
HORIZONS = (1, 2, 4, 8, 16, 32)
SHEET_CLIPS, SHEET_CHUNKS = 5, (0, 1, 2, 4, 8, 12, 16, 24, 32)
NOISE_DRAWS = 4


@torch.inference_mode()
def evaluate(
    world: str = "small",
    num_seeds: int = 16,
    num_steps: int = 4,
    device: str = "cpu",
    json_path: str | None = None,
    sheet_path: str | None = None,
    first_seed: int = FIRST_SEED,
) -> dict[str, Any]:
    """All figures of a world, written to `json_path` and, as pictures, to `sheet_path` where given.

    PSNR in dB and SSIM in [-1, 1], means over clips. ValueError for a world that cannot be loaded or training seeds.
    """
    if num_seeds < 2:
        raise ValueError(f"seeds is {num_seeds}; at least 2 are needed, for actions are shuffled between clips")
    net = load_world(find_world(world), fastest_dtype(device), device)
    r = net.config.autoencoder.time_stride
    num_latents = CONTEXT + max(HORIZONS)
    truth = play_truth(num_seeds, 1 + r * (num_latents - 1), net.config.height, net.config.width, first_seed)
    frames, actions = torch.from_numpy(truth.frames).to(device), torch.from_numpy(truth.actions).to(device)
    latents = torch.cat([net.autoencoder.encode(to_float(one[None], net.dtype)) for one in frames])
    ceiling = torch.cat([_decode(net, *pair) for pair in zip(latents[:, None], actions[:, None], strict=True)])
    dream = roll(net, frames, actions, truth.captions, num_steps)

    known = 1 + r * (CONTEXT - 1)
    horizon = {}
    for chunks in HORIZONS:
        last = known + r * chunks - 1
        pairs = {"dream": dream[:, last - known], "copy_last_frame": frames[:, known - 1], "ceiling": ceiling[:, last]}
        scores: dict[str, float] = {}
        for name, pictures in pairs.items():
            scores[f"{name}_psnr"] = round(float(psnr(pictures, frames[:, last]).mean()), 3)
            scores[f"{name}_ssim"] = round(float(ssim(pictures, frames[:, last]).mean()), 4)
        scores["gain_psnr"] = round(scores["dream_psnr"] - scores["copy_last_frame_psnr"], 3)
        horizon[str(chunks)] = scores
    figures = {
        "world": str(world),
        "num_steps": num_steps,
        "seeds": [first_seed, num_seeds],
        "reconstruction": {
            "psnr": round(float(psnr(ceiling, frames).mean()), 3),
            "ssim": round(float(ssim(ceiling[:, ::8], frames[:, ::8]).mean()), 4),
        },
        "horizon": horizon,
        "shuffled_action_ratio": round(shuffled_action_ratio(net, latents, actions, truth.captions), 4),
    }
    if json_path:
        aside = Path(f"{json_path}.tmp")
        aside.write_text(json.dumps(figures, indent=2) + "\n")
        os.replace(aside, json_path)
    if sheet_path:
        places = [known - 1 + r * chunks for chunks in SHEET_CHUNKS]
        whole = torch.cat([frames[:, :known], dream], 1)
        rows = [clip[row, places] for row in range(min(SHEET_CLIPS, num_seeds)) for clip in (frames, whole)]
        Image.fromarray(grid(torch.stack(rows).cpu().numpy())).save(sheet_path)
    return figures


def roll(net: World, frames: Tensor, actions: Tensor, captions: list[str], num_steps: int) -> Tensor:
    """The dream that follows the first `CONTEXT` latents of `frames` under the rest of `actions`: uint8 [b, t, h, w, 3]."""
    r = net.config.autoencoder.time_stride
    known = 1 + r * (CONTEXT - 1)
    context = sampler.start(net, captions, list(range(len(frames))))
    sampler.append_frames(net, context, frames[:, :known], actions[:, : known - 1])
    chunks = rearrange(actions[:, known - 1 :], "b (n r) a -> n b r a", r=r)
    return torch.cat([sampler.extend(net, context, chunk, num_steps) for chunk in chunks], 1)


def shuffled_action_ratio(net: World, latents: Tensor, actions: Tensor, captions: list[str]) -> float:
    """Denoising loss under the next clip's actions over that under the true ones: 1 is deaf, more is better."""
    b, t = latents.shape[:2]
    r, window = net.config.autoencoder.time_stride, net.config.denoiser.window
    leading = rearrange(actions, "b (t r) a -> b t r a", r=r)
    quiet = ObjectiveConfig(full_share=0, prompt_dropout=0, own_share=0, shortcut_share=0)
    losses = {}
    for name, of in (("true", leading), ("shuffled", leading.roll(1, 0))):
        total = 0.0
        for draw in range(NOISE_DRAWS):
            start = 1 + draw * (t - window) // NOISE_DRAWS
            batch = LatentBatch(
                latents[:, start : start + window].float(),
                of[:, start - 1 : start - 1 + window],
                torch.ones(b, window, dtype=torch.bool, device=latents.device),
                [[caption] for caption in captions],
                torch.zeros(b, window, dtype=torch.long, device=latents.device),
            )
            generator = torch.Generator(latents.device).manual_seed(draw)
            with torch.autocast(latents.device.type, torch.bfloat16):
                total += denoising_loss(net, batch, quiet, generator, 0.0)[1]["error"]
        losses[name] = total
    return losses["shuffled"] / losses["true"]


def _decode(net: World, latents: Tensor, actions: Tensor) -> Tensor:
    r = net.config.autoencoder.time_stride
    camera = rearrange(F.pad(actions[..., CAMERA], (0, 0, r, 0)), "b (t r) two -> b t r two", r=r)
    frames, _ = net.autoencoder.decode(latents, (net.config.height, net.config.width), camera=camera)
    return to_uint8(frames)
