"""A visitor's keys and mouse as a player: messages of the page come in, an action goes out for each chunk.

Actions are named as everywhere; the page learns from `codes` which of the browser's keys and buttons mean them.
"""

import time
from typing import Any

import numpy as np

from simworld.actions import ACTIONS, SLOT, noop
from simworld.client.player import Sample

DEGREES_PER_PIXEL = 0.15
_MOST_DEGREES = 180.0
_CODES = {"space": "Space", "left shift": "ShiftLeft", "mouse 1": "mouse 0", "mouse 2": "mouse 1", "mouse 3": "mouse 2"}
_UNBOUND = ("ESC", "sprint")
"""Esc frees the mouse in every browser, and Ctrl+W closes the page: there, walking twice in a row sprints."""


def codes() -> dict[str, str]:
    """Action by the browser's `KeyboardEvent.code`, or "mouse N"."""
    found = {}
    for key in ACTIONS:
        if key.name not in _UNBOUND:
            plain = f"Digit{key.binding}" if key.binding.isdigit() else f"Key{key.binding.upper()}"
            found[_CODES.get(key.binding, plain)] = key.name
    return found


class WebPlayer:
    """Keys held, keys tapped since the last sample, the mouse's travel since then."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._tapped: set[str] = set()
        self._travel = np.zeros(2)
        self._event_times: list[float] = []

    def take(self, message: dict[str, Any]) -> None:
        """`press` or `lift`: an action's name. `turn`: [right, down] in pixels. ValueError for anything else in them."""
        for verb in ("press", "lift"):
            if verb in message:
                name = message[verb]
                if name not in SLOT or name == "ESC":
                    raise ValueError(f"{verb}: {name!r} is no action; they are {', '.join(SLOT)}")
                self._event_times.append(time.perf_counter())
                if verb == "lift":
                    self._held.discard(name)
                else:
                    self._held.add(name)
                    self._tapped.add(name)
        if "turn" in message:
            travel = np.asarray(message["turn"], dtype=float)
            if travel.shape != (2,) or not np.isfinite(travel).all():
                raise ValueError(f"turn: {message['turn']!r}; it must be [right, down] in pixels")
            self._travel += travel

    def release(self) -> None:
        """Let go of everything."""
        self._held.clear()
        self._tapped.clear()
        self._travel[:] = 0

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """The action since the last sample, for `num_frames` pictures."""
        action = noop()
        for name in self._held | self._tapped:
            action[name] = 1
        yaw, pitch = self._travel * DEGREES_PER_PIXEL / num_frames
        action["camera"] = np.clip([pitch, yaw], -_MOST_DEGREES, _MOST_DEGREES).astype(np.float32)
        sample = Sample(action, tuple(self._event_times))
        self._tapped.clear()
        self._travel[:] = 0
        self._event_times.clear()
        return sample
