"""Latents of stored clips, cached on disk as float16, so that a world trains without the autoencoder at its side."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from simworld.episode import Prompt
from simworld.model.autoencoder import Autoencoder
from simworld.model.pixels import to_float
from simworld.training.clip_store import ClipStore


@dataclass(frozen=True)
class LatentStore:
    """latents: float16 [n, t, h, w, c], normalised. actions: float32 [n, t - 1, r, a], `actions[:, i]` the r actions that
    lead to latent i + 1. prompts: for each clip its spans, `start` counted in latents."""

    latents: np.ndarray
    actions: np.ndarray
    prompts: list[list[Prompt]]

    def __len__(self) -> int:
        return len(self.prompts)


@torch.inference_mode()
def encode_store(autoencoder: Autoencoder, clips: ClipStore, path: Path, batch_size: int = 8) -> LatentStore:
    """The latents of `clips`, read from `path` (a .npy) as far as it holds them, else encoded and kept there.

    Delete the file after a change of the autoencoder. ValueError when it holds latents of another shape.
    """
    r = autoencoder.config.time_stride
    _, num_frames, height, width, _ = clips.frames.shape
    shape = (autoencoder.num_latents(num_frames), *autoencoder.config.latent_size(height, width), autoencoder.config.channels)
    known = np.load(path, mmap_mode="r") if path.exists() else np.zeros((0, *shape), np.float16)
    if known.shape[1:] != shape:
        raise ValueError(f"{path} holds latents {known.shape[1:]}; these clips need {shape}; delete it")
    if len(known) < len(clips):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".tmp")
        latents = np.lib.format.open_memmap(aside, "w+", np.float16, (len(clips), *shape))
        latents[: len(known)] = known
        weight = autoencoder.basis
        for first in tqdm(range(len(known), len(clips), batch_size), desc="encoding", mininterval=5):
            frames = torch.from_numpy(np.array(clips.frames[first : first + batch_size])[: len(clips) - first])
            encoded = autoencoder.encode(to_float(frames.to(weight.device), weight.dtype))
            latents[first : first + len(encoded)] = encoded.float().cpu().numpy()
        latents.flush()
        os.replace(aside, path)
    latents = np.load(path)[: len(clips)]
    actions = np.array(clips.actions[: len(clips)]).reshape(len(clips), -1, r, clips.actions.shape[-1])
    prompts = [
        [Prompt(-(-(span.start + r - 1) // r) if span.start else 0, span.text) for span in spans] for spans in clips.prompts
    ]
    return LatentStore(latents, actions, prompts)
