"""Keyboard and mouse as a player: Pygame events come in, an action goes out for each chunk.

The bindings are those of `simworld.actions.ACTIONS`. Knows no window: the caller passes on only the events meant for
the world (none while a prompt is typed, no mouse while it is free).
"""

import numpy as np
import pygame

from simworld.actions import ACTIONS, noop
from simworld.client.player import Sample

DEGREES_PER_PIXEL = 0.15
NUM_SLOTS = 9
_MOST_DEGREES = 180.0
"""A frame's camera change may not exceed this (`simworld.env.spaces`)."""
_HOTBAR = "hotbar."


class Controls:
    """Keys held, keys tapped since the last sample, mouse travel since then, and the chosen hotbar `slot` (1..9).

    A tap that is over before it is sampled still counts once. The Esc key belongs to the client, so no world ever
    sees it. Needs an initialised Pygame display, which knows the names of keys.
    """

    def __init__(self) -> None:
        self.slot = 1
        self._keys: dict[int, str] = {}
        self._buttons: dict[int, str] = {}
        for key in ACTIONS:
            if key.name == "ESC":
                continue
            if key.binding.startswith("mouse "):
                self._buttons[int(key.binding.removeprefix("mouse "))] = key.name
            else:
                self._keys[pygame.key.key_code(key.binding)] = key.name
        self._held: set[str] = set()
        self._tapped: set[str] = set()
        self._chosen: int | None = None
        self._travel = np.zeros(2)
        self._event_times: list[float] = []

    def handle(self, event: pygame.Event, time: float) -> None:
        """Take one event that happened at `time` (seconds); those without a binding are ignored."""
        match event.type:
            case pygame.KEYDOWN:
                self._press(self._keys.get(event.key), time)
            case pygame.KEYUP:
                self._lift(self._keys.get(event.key), time)
            case pygame.MOUSEBUTTONDOWN:
                self._press(self._buttons.get(event.button), time)
            case pygame.MOUSEBUTTONUP:
                self._lift(self._buttons.get(event.button), time)
            case pygame.MOUSEMOTION:
                self._travel += event.rel
            case pygame.MOUSEWHEEL if event.y:
                self._choose((self.slot - 1 - event.y) % NUM_SLOTS + 1, time)

    def release(self) -> None:
        """Let go of everything: the window lost the keyboard, or a prompt is being typed."""
        self._held.clear()
        self._tapped.clear()
        self._travel[:] = 0

    def sample(self, num_frames: int) -> Sample:
        """The action since the last sample, for `num_frames` pictures: the mouse's travel is divided among them."""
        action = noop()
        for name in self._held | self._tapped:
            action[name] = 1
        if self._chosen is not None:
            action[f"{_HOTBAR}{self._chosen}"] = 1
        yaw, pitch = self._travel * DEGREES_PER_PIXEL / num_frames
        action["camera"] = np.clip([pitch, yaw], -_MOST_DEGREES, _MOST_DEGREES).astype(np.float32)
        sample = Sample(action, tuple(self._event_times))
        self._tapped.clear()
        self._chosen = None
        self._travel[:] = 0
        self._event_times.clear()
        return sample

    def _press(self, name: str | None, time: float) -> None:
        if name is None or name in self._held:
            return
        if name.startswith(_HOTBAR):
            self._choose(int(name.removeprefix(_HOTBAR)), time)
            return
        self._held.add(name)
        self._tapped.add(name)
        self._event_times.append(time)

    def _lift(self, name: str | None, time: float) -> None:
        if name in self._held:
            self._held.discard(name)
            self._event_times.append(time)

    def _choose(self, slot: int, time: float) -> None:
        """Hold block `slot`; of several choices between two samples the last one counts."""
        self.slot = self._chosen = slot
        self._event_times.append(time)
