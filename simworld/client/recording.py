"""Recording a play in the project's episode format, as training reads it, by a thread of its own. Knows no window.

Beside the episode's files lies NAME.start.safetensors, the moment at which it begins, where the world can put that on disk:
so a replay in the same world is exact.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from simworld import __version__
from simworld.actions import ACTION_SIZE, to_vector
from simworld.client import moment_files
from simworld.client.moment_files import About
from simworld.client.requests import Chunk, Saved, Step
from simworld.frames import FPS
from simworld.training.episode_files import EpisodeWriter

START = ".start" + moment_files.ENDING
_MOST_WAITING = 1200
"""Frames that may wait for the disk: a minute."""


class Recording:
    """Begins after `first`, whose last frame is the episode's first. saved: the world's state then. meta: JSON values.
    `seconds`: recorded so far. `tell` hears from the writing thread, in a line, how it ended."""

    def __init__(
        self,
        folder: Path,
        first: Chunk,
        meta: Mapping[str, Any],
        about: About,
        saved: Saved | None,
        tell: Callable[[str], None],
    ) -> None:
        self.path = _fresh(folder)
        self.num_frames = 0
        self._last = first
        self._tell = tell
        self._start = (about, first.frames[-1], saved) if saved is not None and saved.values is not None else None
        self._meta = {"fps": FPS, "version": __version__, **meta}
        self._jobs: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="recording")
        self._thread.start()

    @property
    def seconds(self) -> float:
        return self.num_frames / FPS

    @property
    def failed(self) -> bool:
        """Whether it cannot go on: its files cannot be written, or not fast enough."""
        return not self._thread.is_alive() or self._jobs.qsize() > _MOST_WAITING

    def take(self, chunk: Chunk) -> None:
        """The next chunk of the play: what was seen before it, with the action that led to it."""
        assert isinstance(chunk.request, Step), "an episode has no jumps"
        assert chunk.action is not None, "a step does something"
        action = to_vector(chunk.action)
        seen = [self._last.frames[-1], *chunk.frames[:-1]]
        text = chunk.info.get("caption") or chunk.info.get("prompt")
        pose = self._last.info.get("pose")
        for number, frame in enumerate(seen):
            reward = chunk.reward if number == len(seen) - 1 else 0.0
            self._put("frame", (frame, action, reward, pose if number == 0 else None, text if number == 0 else None))
        self._last = chunk

    def finish(self, *, ended: bool = False) -> None:
        """The episode is over; `ended`: by itself. Its files appear a moment later."""
        nothing = np.zeros(ACTION_SIZE, np.float32)
        self._put("frame", (self._last.frames[-1], nothing, 0.0, self._last.info.get("pose"), None))
        self._put("finish", ended)

    def wait(self, patience: float) -> None:
        """Until the files are there, at most so many seconds."""
        self._thread.join(patience)

    def _put(self, what: str, job: Any) -> None:
        self.num_frames += what == "frame"
        if self._thread.is_alive():
            self._jobs.put((what, job))

    def _write(self) -> None:
        try:
            if self._start is not None:
                about, picture, saved = self._start
                moment_files.write(start_of(self.path), about, picture, saved.values, saved.arrays)
            with EpisodeWriter(self.path, self._meta) as writer:
                while True:
                    what, job = self._jobs.get()
                    if what == "finish":
                        writer.finish(terminated=job)
                        break
                    frame, action, reward, pose, text = job
                    if text:
                        writer.prompt(text)
                    writer.append(frame, action, reward=reward, pose=pose)
            self._tell(f"recorded {writer.num_frames / FPS:.0f} s: {self.path.parent.name}/{self.path.name}.mp4")
        except (OSError, ValueError) as error:
            self._tell(f"the recording failed: {error}")
            with contextlib.suppress(OSError):
                start_of(self.path).unlink(missing_ok=True)


def start_of(path: Path) -> Path:
    """The file of the moment at which the episode `path` (without ending) begins."""
    return path.with_name(path.name + START)


def _fresh(folder: Path) -> Path:
    """A name that no episode in `folder` has."""
    stem = f"play-{datetime.now():%Y-%m-%d-%H%M%S}"
    for number in range(1, 10_000):
        path = folder / (stem if number == 1 else f"{stem}-{number}")
        if not any(folder.glob(f"{path.name}.*")):
            return path
    raise AssertionError("ten thousand recordings in one second")
