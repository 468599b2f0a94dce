"""The record of one play: frames, actions, rewards, endings, prompts. Knows no file format (see `simworld.training`)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simworld.actions import ACTION_SIZE
from simworld.frames import check_frames


@dataclass(frozen=True)
class Prompt:
    """`text` describes the play from frame `start` on, until the next prompt."""

    start: int
    text: str


@dataclass
class Episode:
    """T frames and T actions: `actions[t]` is done while seeing `frames[t]`; its effect shows in `frames[t + 1]`.

    frames: uint8 [T, h, w, 3]. actions: float32 [T, 25] vectors (`simworld.actions`). rewards: float32 [T] or None,
    `rewards[t]` earned by `actions[t]`. terminated, truncated: how the last action ended it. prompts: sorted by start.
    meta: fps, source, seed, game version and whatever else is known, JSON values only. ValueError where these disagree.
    """

    frames: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray | None = None
    terminated: bool = False
    truncated: bool = False
    prompts: list[Prompt] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        num_frames = len(check_frames(self.frames, "episode"))
        if self.actions.shape != (num_frames, ACTION_SIZE) or self.actions.dtype != np.float32:
            raise ValueError(
                f"episode: actions are {self.actions.dtype} {self.actions.shape}; "
                f"{num_frames} frames need float32 ({num_frames}, {ACTION_SIZE})"
            )
        if self.rewards is not None and self.rewards.shape != (num_frames,):
            raise ValueError(f"episode: rewards have shape {self.rewards.shape}; they must be ({num_frames},)")
        starts = [prompt.start for prompt in self.prompts]
        if starts != sorted(starts) or any(not 0 <= start < num_frames for start in starts):
            raise ValueError(f"episode: prompts start at frames {starts}; they must rise and lie in 0..{num_frames - 1}")

    def __len__(self) -> int:
        return len(self.frames)

    def prompt_at(self, frame: int) -> str:
        """The prompt in force at `frame`, or ''."""
        return next((prompt.text for prompt in reversed(self.prompts) if prompt.start <= frame), "")
