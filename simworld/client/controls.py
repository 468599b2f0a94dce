"""Keyboard and mouse as a player: Pygame events come in, an action goes out for each chunk.

The bindings are those of a `KeyMap`. Knows no window: the caller passes on only the events meant for the world (none while
a prompt is typed, no mouse while it is free).
"""

import numpy as np
import pygame

from simworld.actions import SLOT, noop
from simworld.client.keymap import KeyMap, binding_of
from simworld.client.player import Sample

DEGREES_PER_PIXEL = 0.15
NUM_SLOTS = 9
_MOST_DEGREES = 180.0
"""A frame's camera change may not exceed this (`simworld.env.spaces`)."""
_HOTBAR = "hotbar."


class Controls:
    """Keys held, keys tapped since the last sample, mouse travel since then, and the chosen hotbar `slot` (1..9).

    A tap that is over before it is sampled still counts once. The Esc key belongs to the client, so no world ever
    sees it. sensitivity: 1 turns 0.15 degrees a pixel. inverted: moving the mouse up looks down. `last`: the action that was
    sampled last.
    """

    def __init__(self, keymap: KeyMap) -> None:
        self.keymap = keymap
        self.sensitivity, self.inverted = 1.0, False
        self.slot = 1
        self.last = noop()
        self._held: set[str] = set()
        self._tapped: set[str] = set()
        self._chosen: int | None = None
        self._travel, self._turned = np.zeros(2), np.zeros(2)
        self._event_times: list[float] = []

    def handle(self, event: pygame.Event, time: float) -> None:
        """Take one event that happened at `time` (seconds); those without a binding are ignored."""
        match event.type:
            case pygame.KEYDOWN | pygame.MOUSEBUTTONDOWN:
                self.press(self.action_of(event), time)
            case pygame.KEYUP | pygame.MOUSEBUTTONUP:
                self.lift(self.action_of(event), time)
            case pygame.MOUSEMOTION:
                self._travel += event.rel
            case pygame.MOUSEWHEEL if event.y:
                self._choose((self.slot - 1 - event.y) % NUM_SLOTS + 1, time)

    def action_of(self, event: pygame.Event) -> str | None:
        """The action that an event's key or button means, None for none."""
        binding = binding_of(event)
        name = self.keymap.name_of(binding) if binding else None
        return name if name in SLOT else None

    def turn(self, right: float, down: float) -> None:
        """Turn the view by so many degrees more, as a stick does."""
        self._turned += right, down

    def release(self) -> None:
        """Let go of everything: the window lost the keyboard, or a prompt is being typed."""
        self._held.clear()
        self._tapped.clear()
        self._event_times.clear()
        self._travel[:] = 0
        self._turned[:] = 0

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """The action since the last sample, for `num_frames` pictures: the mouse's travel is divided among them."""
        action = noop()
        for name in self._held | self._tapped:
            action[name] = 1
        if self._chosen is not None:
            action[f"{_HOTBAR}{self._chosen}"] = 1
        travel = self._travel * DEGREES_PER_PIXEL * self.sensitivity + self._turned
        yaw, pitch = travel * (1, -1 if self.inverted else 1) / num_frames
        action["camera"] = np.clip([pitch, yaw], -_MOST_DEGREES, _MOST_DEGREES).astype(np.float32)
        sample = Sample(action, tuple(self._event_times))
        self._tapped.clear()
        self._chosen = None
        self._travel[:] = 0
        self._turned[:] = 0
        self._event_times.clear()
        self.last = action
        return sample

    def press(self, name: str | None, time: float) -> None:
        """Action `name` is held from `time` on; None does nothing."""
        if name is None or name in self._held:
            return
        if name.startswith(_HOTBAR):
            self._choose(int(name.removeprefix(_HOTBAR)), time)
            return
        self._held.add(name)
        self._tapped.add(name)
        self._event_times.append(time)

    def lift(self, name: str | None, time: float) -> None:
        """Action `name` is let go."""
        if name in self._held:
            self._held.discard(name)
            self._event_times.append(time)

    def _choose(self, slot: int, time: float) -> None:
        """Hold block `slot`; of several choices between two samples the last one counts."""
        self.slot = self._chosen = slot
        self._event_times.append(time)
