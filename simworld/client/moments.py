"""The moments that a play remembers: in memory to go back to at once, and on disk, written by a thread of its own.

Each remembers which moment it came after, so that one moment can have several futures. Knows no window and no env.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from simworld.client import moment_files
from simworld.client.moment_files import About
from simworld.client.requests import Return, Saved

MOST_ENDS = 8
"""So many ends of plays are kept, for going on later; what the player remembered is kept for good."""


@dataclass(frozen=True)
class Moment:
    """name: unique. picture: uint8 [h, w, 3]. state: what a worker gave, None for one that is only on disk."""

    name: str
    about: About
    picture: np.ndarray
    path: Path | None
    state: Any = None

    @property
    def request(self) -> Return:
        """What to ask of a worker to be there again."""
        return Return(state=self.state) if self.state is not None else Return(path=self.path)


class Moments:
    """`latest`: the one remembered, or gone to, last. `complain` hears why one cannot be written; it is called in the client's
    thread, by `tick`. `complaints`: lines for it, that other threads may append to."""

    def __init__(self, where: Path, complain: Callable[[str], None]) -> None:
        self.where = where
        self.latest: Moment | None = None
        self._complain = complain
        self.complaints: list[str] = []
        self._writers: list[threading.Thread] = []
        self._in_memory: dict[str, Moment] = {}

    def take(self, saved: Saved, about: About, picture: np.ndarray) -> Moment:
        """A moment was saved. It is written while the play goes on, where the world can put it on disk."""
        stem = f"{datetime.fromtimestamp(about.made):%Y-%m-%d-%H%M%S}"
        taken = {path.stem for path in moment_files.listed(self.where)} | set(self._in_memory)
        name = next(name for n in range(1, 10_000) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)
        path = self.where / f"{name}{moment_files.ENDING}" if saved.values is not None else None
        moment = Moment(name, about, picture, path, saved.state)
        if about.kept:
            self.latest = moment
            self._in_memory[name] = moment
        if path is not None:
            writer = threading.Thread(target=self._write, args=(moment, saved), name="moments")
            self._writers = [*(thread for thread in self._writers if thread.is_alive()), writer]
            writer.start()
        return moment

    def found(self, world: str | None = None) -> list[Moment]:
        """All that are in memory or on disk, of `world` if given, the latest first. Files that are none are left out and
        complained of."""
        found = dict(self._in_memory)
        for path in moment_files.listed(self.where):
            if path.stem in found:
                continue
            try:
                about, picture = moment_files.read_about(path)
            except ValueError as error:
                self._complain(str(error))
                continue
            found[path.stem] = Moment(path.stem, about, picture, path)
        of_world = [moment for moment in found.values() if world is None or moment.about.world == world]
        return sorted(of_world, key=lambda moment: moment.about.made, reverse=True)

    def forget(self, moment: Moment) -> None:
        """Delete it, on disk as well."""
        self._in_memory.pop(moment.name, None)
        if self.latest is not None and self.latest.name == moment.name:
            self.latest = None
        if moment.path is not None:
            moment.path.unlink(missing_ok=True)

    def tick(self) -> None:
        """Say what went wrong in writing."""
        while self.complaints:
            self._complain(self.complaints.pop(0))

    def finish(self, patience: float) -> None:
        """Wait until all is written, at most so many seconds."""
        until = time.perf_counter() + patience
        for writer in self._writers:
            writer.join(max(0.0, until - time.perf_counter()))

    def _write(self, moment: Moment, saved: Saved) -> None:
        assert moment.path is not None
        try:
            moment_files.write(moment.path, moment.about, moment.picture, saved.values, saved.arrays)
            if not moment.about.kept:
                self._drop_old_ends()
        except OSError as error:
            self.complaints.append(f"this moment could not be put on disk: {error}")

    def _drop_old_ends(self) -> None:
        ends = []
        for path in moment_files.listed(self.where):
            try:
                about, _ = moment_files.read_about(path)
            except ValueError:
                continue
            if not about.kept:
                ends.append(path)
        for path in ends[MOST_ENDS:]:
            path.unlink(missing_ok=True)
