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
    """The latents of `clips`, read from `path` (a .npy) where it exists, else encoded and kept there.

    Delete the file after a change of the autoencoder. ValueError when it holds another number of clips.
    """
    r = autoencoder.config.time_stride
    _, num_frames, height, width, _ = clips.frames.shape
    shape = (autoencoder.num_latents(num_frames), *autoencoder.config.latent_size(height, width), autoencoder.config.channels)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".tmp")
        latents = np.lib.format.open_memmap(aside, "w+", np.float16, (len(clips), *shape))
        weight = autoencoder.basis
        for first in tqdm(range(0, len(clips), batch_size), desc="encoding", mininterval=5):
            frames = torch.from_numpy(np.array(clips.frames[first : first + batch_size])[: len(clips) - first])
            encoded = autoencoder.encode(to_float(frames.to(weight.device), weight.dtype))
            latents[first : first + len(encoded)] = encoded.float().cpu().numpy()
        latents.flush()
        os.replace(aside, path)
    latents = np.load(path)
    if latents.shape != (len(clips), *shape):
        raise ValueError(f"{path} holds latents {latents.shape}; these clips need {(len(clips), *shape)}; delete it")
    actions = np.array(clips.actions[: len(clips)]).reshape(len(clips), -1, r, clips.actions.shape[-1])
    prompts = [
        [Prompt(-(-(span.start + r - 1) // r) if span.start else 0, span.text) for span in spans] for spans in clips.prompts
    ]
    return LatentStore(latents, actions, prompts)
