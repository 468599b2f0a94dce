"""Clips kept on disk, to be drawn again and again: frames for the autoencoder, from which latents are cached for the world.

A store is a folder: `frames.npy` uint8 [n, t, h, w, 3], `actions.npy` float32 [n, t - 1, 25], `prompts.json`, written
last, which says how many clips are whole. Arrays are memory-mapped. Knows no network, and clips from any `ClipSource`.

    simworld train clips folder=runs/clips num_clips=4000
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from simworld.actions import ACTION_SIZE
from simworld.episode import Prompt
from simworld.training.clip import ClipSource


@dataclass(frozen=True)
class ClipStore:
    """`num_clips` whole clips. frames: uint8 [n, t, h, w, 3], actions: float32 [n, t - 1, 25], both memory-mapped;
    prompts: for each clip its spans."""

    frames: np.ndarray
    actions: np.ndarray
    prompts: list[list[Prompt]]

    def __len__(self) -> int:
        return len(self.prompts)


def open_store(folder: Path, num_clips: int) -> ClipStore:
    """The first `num_clips` clips of a store. ValueError when there is none, or it holds fewer."""
    index = folder / "prompts.json"
    if not index.exists():
        raise ValueError(f"{folder} holds no clips (no {index.name}); make some with: simworld train clips folder={folder}")
    prompts = [[Prompt(start, text) for start, text in spans] for spans in json.loads(index.read_text())]
    if len(prompts) < num_clips:
        raise ValueError(f"{folder} holds {len(prompts)} clips, not {num_clips}; fill it up with: simworld train clips")
    frames, actions = (np.load(folder / name, mmap_mode="r") for name in ("frames.npy", "actions.npy"))
    return ClipStore(frames[:num_clips], actions[:num_clips], prompts[:num_clips])


def fill_store(folder: Path, source: ClipSource, num_clips: int, shape: tuple[int, int, int, int]) -> ClipStore:
    """Fill `folder` up to `num_clips` clips of frames of `shape` (t, h, w, 3); goes on where an earlier call stopped.

    `source` must start at the number of clips that the store already holds (`num_stored`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = _array(folder / "frames.npy", np.uint8, (num_clips, *shape))
    actions = _array(folder / "actions.npy", np.float32, (num_clips, shape[0] - 1, ACTION_SIZE))
    index = folder / "prompts.json"
    prompts = json.loads(index.read_text()) if index.exists() else []
    for number in tqdm(range(len(prompts), num_clips), initial=len(prompts), total=num_clips, desc=folder.name, mininterval=5):
        clip = next(source)
        frames[number], actions[number] = clip.frames, clip.actions
        prompts.append([[prompt.start, prompt.text] for prompt in clip.prompts])
        if len(prompts) % 100 == 0 or len(prompts) == num_clips:
            aside = index.with_suffix(".tmp")
            aside.write_text(json.dumps(prompts))
            os.replace(aside, index)
    return open_store(folder, num_clips)


def num_stored(folder: Path) -> int:
    """How many whole clips a store holds, 0 where there is none."""
    index = folder / "prompts.json"
    return len(json.loads(index.read_text())) if index.exists() else 0


def _array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """A writable memory-mapped array, made or grown to `shape` (the clips already there stay)."""
    if not path.exists():
        return np.lib.format.open_memmap(path, "w+", dtype, shape)
    old = np.load(path, mmap_mode="r")
    if old.shape[1:] != shape[1:]:
        raise ValueError(f"{path} holds clips of shape {old.shape[1:]}, not {shape[1:]}; use another folder")
    if old.shape[0] >= shape[0]:
        return np.lib.format.open_memmap(path, "r+")
    aside = path.with_suffix(".tmp")
    grown = np.lib.format.open_memmap(aside, "w+", dtype, shape)
    grown[: len(old)] = old
    os.replace(aside, path)
    return grown
