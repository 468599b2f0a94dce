"""Fits a world's gauge: how far its dream is from the truth, by what it was shown and has done since.

    simworld train gauge world=runs/small/world data.folder=runs/small/clips

The world dreams along with recorded clips of training seeds, half of which show it only their first frame; the world stays as
it is. Closed form, a few minutes on one core; anew whenever the world has changed. How well the gauge tells on evaluation
seeds is among the figures of `simworld evaluate` (`trust`).
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from simworld.model.gauge import Gauge, fit, save_gauge
from simworld.model.shipped import find_world
from simworld.training.clip_store import ClipStore
from simworld.training.data import DataConfig, clips
from simworld.training.players import Dream
from simworld.training.trusting import followed, spearman
from simworld.training.truth import Truth


@dataclass(kw_only=True)
class GaugeTraining:
    """`world`: a name or folder, into which the gauge goes unless `out` is another file. `num_clips` of the data's clips are
    dreamt along with, `batch_clips` at once."""

    world: str = "small"
    out: str = ""
    data: DataConfig = field(default_factory=lambda: DataConfig(num_clips=200))
    num_clips: int = 160
    batch_clips: int = 8
    device: str = "cpu"


def train(config: GaugeTraining) -> Gauge:
    """Fit the gauge that `config` describes and write it; prints how well it tells what it was fitted to. ValueError for a
    world or clips that are not there, or too short."""
    player = Dream(config.world, device=config.device)
    store = clips(config.data)
    # Where the prompt changes in the middle, the place does, too.
    whole = [number for number, spans in enumerate(store.prompts) if len(spans) < 2]
    chosen = whole[:: max(1, len(whole) // config.num_clips)][: config.num_clips]
    found = []
    for first in tqdm(range(0, len(chosen), config.batch_clips), desc="dreaming along", mininterval=5):
        known = 1 if first // config.batch_clips % 2 else player.known
        truth = _truth(store, chosen[first : first + config.batch_clips], known, player.stride)
        signs, psnr = followed(player, truth)
        found.append((signs.flatten(0, 1), psnr.flatten()))
    signs, psnr = (torch.cat(part) for part in zip(*found, strict=True))
    gauge = fit(signs, psnr)
    read = gauge.psnr(signs)
    figures = {
        "clips": len(chosen),
        "moments": len(psnr),
        "rank_correlation": round(spearman(read, psnr), 3),
        "off": round(float((read - psnr).abs().mean()), 3),
    }
    told = ", ".join(f"{weight:+.2f}" for weight in gauge.weights.tolist())
    print(f"tells {figures['moments']} moments to {figures['off']} dB (rank correlation {figures['rank_correlation']}): {told}")
    save_gauge(Path(config.out) if config.out else find_world(config.world) / "gauge.safetensors", gauge, figures)
    return gauge


def _truth(store: ClipStore, numbers: list[int], known: int, stride: int) -> Truth:
    """Clips as truth of which `known` frames are shown, whole chunks of them."""
    num_frames = known + (store.frames.shape[1] - known) // stride * stride
    if num_frames <= known:
        raise ValueError(f"clips of {store.frames.shape[1]} frames, of which {known} are shown: none is left to dream")
    frames = np.stack([store.frames[number, :num_frames] for number in numbers])
    actions = np.stack([store.actions[number, : num_frames - 1] for number in numbers])
    captions = [store.prompts[number][0].text if store.prompts[number] else "" for number in numbers]
    return Truth(frames, actions, captions, known, {})
