"""A gamepad as one more way to play: its events press the actions of `Controls`, or the keys of a menu.

Buttons and axes are numbered as SDL does for the pads of Xbox's kind. Knows no window; only events and the time.
"""

import contextlib

import pygame

from simworld.client.controls import NUM_SLOTS, Controls

_BUTTONS = {0: "jump", 1: "sneak", 2: "attack", 3: "use", 8: "sprint", 9: "pickItem"}
_COMMANDS = {6: "rewind", 7: "menu"}
_SLOT_BUTTONS = {4: -1, 5: 1}
_STICK = ((0, "left", "right"), (1, "forward", "back"))
_TRIGGERS = {2: "use", 5: "attack"}
_LOOK = (3, 4)
_MENU_BUTTONS = {0: pygame.K_RETURN, 1: pygame.K_ESCAPE, 7: pygame.K_ESCAPE}
_HAT_KEYS = {(-1, 0): pygame.K_LEFT, (1, 0): pygame.K_RIGHT, (0, 1): pygame.K_UP, (0, -1): pygame.K_DOWN}
_PRESSED, _DEAD = 0.45, 0.15
"""How far a stick is moved when it counts as a key, and from where on it turns the view."""
_DEGREES_A_SECOND = 160.0
EVENTS = (
    pygame.JOYAXISMOTION,
    pygame.JOYBUTTONDOWN,
    pygame.JOYBUTTONUP,
    pygame.JOYHATMOTION,
    pygame.JOYDEVICEADDED,
    pygame.JOYDEVICEREMOVED,
)


class Gamepad:
    """Any number of them, as one. Plugged in and out at any time."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._pads: dict[int, pygame.joystick.JoystickType] = {}
        self._axes: dict[int, float] = {}
        self._held: set[str] = set()
        self._tilt: tuple[int, int] = (0, 0)
        self._ticked: float | None = None
        with contextlib.suppress(pygame.error):  # a machine without any joystick system plays all the same
            pygame.joystick.init()

    def plug(self, event: pygame.Event) -> str | None:
        """A pad comes or goes; returns a line for the player."""
        if event.type == pygame.JOYDEVICEADDED:
            try:
                pad = pygame.joystick.Joystick(event.device_index)
            except pygame.error as error:
                return f"the gamepad cannot be used: {error}"
            self._pads[pad.get_instance_id()] = pad
            return f"gamepad: {pad.get_name()}"
        self._pads.pop(event.instance_id, None)
        self.release()
        return "the gamepad is gone: keyboard and mouse go on"

    def release(self) -> None:
        """Let go of everything."""
        for name in self._held:
            self._controls.lift(name, 0.0)
        self._held.clear()
        self._axes.clear()

    def tick(self, now: float) -> None:
        """Turn the view as long as the right stick is held."""
        passed = min(0.1, now - self._ticked) if self._ticked is not None else 0.0
        self._ticked = now
        right, down = (_curved(self._axes.get(axis, 0.0)) for axis in _LOOK)
        if right or down:
            self._controls.turn(right * _DEGREES_A_SECOND * passed, down * _DEGREES_A_SECOND * passed)

    def play(self, event: pygame.Event, time: float) -> str | None:
        """Take one event as a player; returns the command that it means, if it means one ("menu", "rewind", "rewind ends")."""
        match event.type:
            case pygame.JOYBUTTONDOWN if event.button in _COMMANDS:
                return _COMMANDS[event.button]
            case pygame.JOYBUTTONUP if _COMMANDS.get(event.button) == "rewind":
                return "rewind ends"
            case pygame.JOYBUTTONDOWN if event.button in _SLOT_BUTTONS:
                slot = (self._controls.slot - 1 + _SLOT_BUTTONS[event.button]) % NUM_SLOTS + 1
                self._controls.press(f"hotbar.{slot}", time)
            case pygame.JOYBUTTONDOWN | pygame.JOYBUTTONUP:
                self._hold(_BUTTONS.get(event.button), event.type == pygame.JOYBUTTONDOWN, time)
            case pygame.JOYAXISMOTION:
                self._axes[event.axis] = event.value
                for axis, low, high in _STICK:
                    if axis == event.axis:
                        self._hold(low, event.value < -_PRESSED, time)
                        self._hold(high, event.value > _PRESSED, time)
                if event.axis in _TRIGGERS:
                    self._hold(_TRIGGERS[event.axis], event.value > 0.0, time)
        return None

    def menu(self, event: pygame.Event) -> pygame.Event | None:
        """The key that an event means in a menu, as the event of its press."""
        key: int | None = None
        if event.type == pygame.JOYBUTTONDOWN:
            key = _MENU_BUTTONS.get(event.button)
        elif event.type == pygame.JOYHATMOTION:
            key = _HAT_KEYS.get(tuple(event.value))
        elif event.type == pygame.JOYAXISMOTION and event.axis in (0, 1):
            tilt = (event.value > _PRESSED) - (event.value < -_PRESSED)
            before = self._tilt[event.axis]
            self._tilt = (tilt, self._tilt[1]) if event.axis == 0 else (self._tilt[0], tilt)
            if tilt and not before:
                key = _HAT_KEYS[(tilt, 0) if event.axis == 0 else (0, -tilt)]
        return pygame.Event(pygame.KEYDOWN, key=key, mod=0, unicode="") if key is not None else None

    def _hold(self, name: str | None, held: bool, time: float) -> None:
        if name is None or held == (name in self._held):
            return
        if held:
            self._held.add(name)
            self._controls.press(name, time)
        else:
            self._held.discard(name)
            self._controls.lift(name, time)


def _curved(value: float) -> float:
    """Fine near the middle, fast at the rim."""
    beyond = max(0.0, (abs(value) - _DEAD) / (1 - _DEAD))
    return beyond**2 * (1 if value > 0 else -1)
