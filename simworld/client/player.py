"""Whoever decides the actions of a play: a record of one decision, the interface, and the player who does nothing."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simworld.actions import Action, noop


@dataclass(frozen=True)
class Sample:
    """An action dict, and when (seconds) the events happened that it is the first to contain. own: the world is to choose the
    action itself."""

    action: Action
    event_times: tuple[float, ...] = ()
    own: bool = False


class Player(Protocol):
    """Keys and mouse, a wanderer, the world itself, or nobody."""

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """The action for the next chunk, held for each of its `num_frames` pictures. frame: uint8 [h, w, 3], the newest
        picture of the world, for players who look at it."""
        ...


class WorldItself:
    """The world's own policy, which knows better than anybody what its players do."""

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """What the world would do for `num_frames` pictures."""
        return Sample(noop(), own=True)


class Nobody:
    """A player that stands still."""

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """Doing nothing for `num_frames` pictures."""
        return Sample(noop())
