"""Clips from recorded episodes: random windows of a folder of them, fitted to one size; the stream's own records.

Clip n is a pure function of the folder, the seed and n: any window of any episode is as likely as another. A few
threads decode ahead of the reader. Knows no network.

    with EpisodeClips("recordings", clip_frames=32, height=96, width=160) as clips:
        clip = next(clips)
"""

import bisect
import itertools
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from simworld.episode import Prompt
from simworld.frames import fit
from simworld.training.clip import Clip
from simworld.training.episode_files import EpisodeFile, list_episodes, num_frames_of

NUM_THREADS = 2
NUM_AHEAD = 8
"""Clips that are decoded before they are asked for."""
NUM_OPEN = 64
"""Episodes whose logs are kept in memory."""


class EpisodeClips:
    """An endless iterator of `Clip`s of `clip_frames` frames, cropped to the aspect of `height` × `width` and resized.

    folder: of episodes at any size (SimWorld's recordings, VPT's), or a VPT index file. seed: 0 or more. start_at: a
    `state()`, to continue there. prompt: for episodes that have none. FileNotFoundError for a missing folder,
    ValueError where no episode is long enough or one cannot be read.
    """

    def __init__(
        self,
        folder: str | Path,
        clip_frames: int,
        height: int,
        width: int,
        seed: int = 0,
        *,
        start_at: int = 0,
        prompt: str | None = None,
    ) -> None:
        if clip_frames < 2:
            raise ValueError(f"clip_frames is {clip_frames}; a clip needs at least 2 frames to hold an action")
        if seed < 0 or start_at < 0:
            raise ValueError(f"seed is {seed}, start_at is {start_at}; both must be 0 or more")
        self.clip_frames, self.height, self.width = clip_frames, height, width
        self.seed, self.prompt = seed, prompt
        paths = list_episodes(folder)
        num_windows = {path: num_frames_of(path) - clip_frames + 1 for path in paths}
        self._paths = [path for path in paths if num_windows[path] > 0]
        if not self._paths:
            raise ValueError(
                f"{folder} holds {len(paths)} episodes, none of them with {clip_frames} frames; "
                "record longer ones (simworld record) or ask for shorter clips"
            )
        self._ends = list(itertools.accumulate(num_windows[path] for path in self._paths))
        self._open = lru_cache(maxsize=NUM_OPEN)(EpisodeFile)
        self._position = start_at
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="episode-clips")
        self._ahead: deque[Future[Clip]] = deque()

    def __iter__(self) -> Iterator[Clip]:
        return self

    def __next__(self) -> Clip:
        while len(self._ahead) < NUM_AHEAD:
            self._ahead.append(self._threads.submit(self._clip, self._position + len(self._ahead)))
        clip = self._ahead.popleft().result()
        self._position += 1
        return clip

    def state(self) -> int:
        """How many clips came before the next one, counted from the very start: the `start_at` that continues here."""
        return self._position

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def __enter__(self) -> "EpisodeClips":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _clip(self, index: int) -> Clip:
        window = int(np.random.default_rng([self.seed, index]).integers(self._ends[-1]))
        number = bisect.bisect_right(self._ends, window)
        start = window - (self._ends[number - 1] if number else 0)
        episode = self._open(self._paths[number])
        stop = start + self.clip_frames
        frames = fit(episode.frames(start, stop), self.height, self.width)
        seed = episode.meta.get("seed", -1)
        return Clip(frames, episode.actions[start : stop - 1].copy(), self._prompts(episode, start, stop), seed)

    def _prompts(self, episode: EpisodeFile, start: int, stop: int) -> list[Prompt]:
        spans = {max(0, prompt.start - start): prompt.text for prompt in episode.prompts if prompt.start < stop}
        if not spans and self.prompt:
            return [Prompt(0, self.prompt)]
        return [Prompt(first, text) for first, text in spans.items()]
