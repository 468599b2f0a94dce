"""Playing what somebody played: the actions of a recorded episode as a player, in any world. Knows no window."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from simworld.actions import CAMERA, from_vector, noop
from simworld.client import moment_files
from simworld.client.given_start import GivenStart
from simworld.client.player import Sample
from simworld.client.recording import start_of
from simworld.client.requests import Reset, Return
from simworld.training.episode_files import EpisodeFile

TYPED = "prompts were typed"
"""The key of an episode's meta that says so: then they are typed again; else they only describe what was seen."""


class Replay:
    """path: of a recording of SimWorld's or VPT's. `world`, `seed`: of the recording, as far as it says. `over`: all its
    actions were done; then it stands still. FileNotFoundError or ValueError for what is no episode."""

    def __init__(self, path: str) -> None:
        self._file = EpisodeFile(path)
        self.world = self._file.meta.get("world")
        self.seed = int(self._file.meta.get("seed") or 0)
        self.type: Callable[[str], None] = lambda text: None
        self._prompts = list(self._file.prompts) if self._file.meta.get(TYPED) else []
        self._at = 0

    def __len__(self) -> int:
        """How many actions there are: the last one's effect was not seen any more."""
        return max(1, len(self._file) - 1)

    @property
    def over(self) -> bool:
        return self._at >= len(self)

    @property
    def left(self) -> float:
        """The share of it that is still to come, 0..1."""
        return 1 - min(self._at / len(self), 1)

    def start(self, world: str, takes_pictures: bool) -> Reset | Return:
        """Where to begin: exactly where the recording did, in the same world; from its seed; else, in worlds that take
        them, from its first picture."""
        moment = start_of(self._file.path)
        if world == self.world and moment.exists():
            moment_files.read_about(moment)  # a broken one is said before anything is loaded
            return Return(path=moment)
        if takes_pictures:
            prompt = next((prompt.text for prompt in self._prompts if prompt.start == 0), "")
            return Reset(self.seed, prompt, GivenStart(self._file.frames(0, 1)[0]))
        return Reset(self.seed)

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """The next `num_frames` actions as one: keys pressed in any of them, the camera's mean."""
        if self.over:
            return Sample(noop())
        while self._prompts and self._prompts[0].start <= self._at:
            prompt = self._prompts.pop(0)
            if prompt.start > 0:  # what it begins with belongs to the start
                self.type(prompt.text)
        rows = self._file.actions[self._at : min(self._at + num_frames, len(self))]
        self._at += num_frames
        action = rows.max(0)
        action[CAMERA] = rows[:, CAMERA].sum(0) / num_frames
        return Sample(from_vector(np.asarray(action, np.float32)))


def recorded_world(path: str) -> str | None:
    """The world that an episode was recorded in, as `simworld play --world` takes it, where it says so."""
    world = EpisodeFile(Path(path)).meta.get("world")
    return world if isinstance(world, str) else None
