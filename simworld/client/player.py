"""Whoever decides the actions of a play: a record of one decision, the interface, and the player who does nothing."""

from dataclasses import dataclass
from typing import Protocol

from simworld.actions import Action, noop


@dataclass(frozen=True)
class Sample:
    """An action dict, and when (seconds) the events happened that it is the first to contain."""

    action: Action
    event_times: tuple[float, ...] = ()


class Player(Protocol):
    """Keys and mouse, a wanderer, or nobody."""

    def sample(self, num_frames: int) -> Sample:
        """The action for the next chunk, held for each of its `num_frames` pictures."""
        ...


class Nobody:
    """A player that stands still."""

    def sample(self, num_frames: int) -> Sample:
        """Doing nothing for `num_frames` pictures."""
        return Sample(noop())
