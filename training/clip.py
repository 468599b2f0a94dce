"""A clip: the slice of gameplay that training learns from, one record for every source.

Knows neither where clips come from (`stream.GameplayStream`, `episode_clips.EpisodeClips`: endless iterators of `Clip`
with `state()` and `close()`) nor what is trained on them.

    batch = next_batch(source, 16)        # batch.frames: uint8 [16, t, h, w, 3]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simworld.episode import Prompt


@dataclass(frozen=True)
class Clip:
    """frames: uint8 [t, h, w, 3]. actions: float32 [t - 1, 25], `actions[i]` leads from `frames[i]` to `frames[i + 1]`.
    prompts: what the clip shows, sorted, usually one, from frame 0 on; none where the source has no words for it. seed:
    of the world that was played, -1 where unknown."""

    frames: np.ndarray
    actions: np.ndarray
    prompts: list[Prompt]
    seed: int


@dataclass(frozen=True)
class Batch:
    """frames: uint8 [b, t, h, w, 3]. actions: float32 [b, t - 1, 25]. prompts: those of each clip."""

    frames: np.ndarray
    actions: np.ndarray
    prompts: list[list[Prompt]]


class ClipSource(Protocol):
    """An endless, deterministic series of clips. `state()` counts the clips given so far; a source made with
    `start_at=state()` and otherwise equal arguments continues with exactly the clips that would have come next."""

    def __iter__(self) -> Iterator[Clip]: ...
    def __next__(self) -> Clip: ...
    def state(self) -> int: ...
    def close(self) -> None: ...


def next_batch(source: Iterator[Clip], num_clips: int) -> Batch:
    """The next `num_clips` clips of `source`, stacked."""
    clips = [next(source) for _ in range(num_clips)]
    return Batch(
        np.stack([clip.frames for clip in clips]),
        np.stack([clip.actions for clip in clips]),
        [clip.prompts for clip in clips],
    )
