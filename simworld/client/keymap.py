"""Which key means what: the action table and the client's own commands as bound by default, and as the player bound them.

A binding is a key's name as Pygame knows it ("w", "left shift") or a mouse button ("mouse 1" is the left one).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pygame

from simworld.actions import ACTIONS


@dataclass(frozen=True)
class Command:
    """Something that the window does, not the world: `name`, default `binding`, `meaning` for people."""

    name: str
    binding: str
    meaning: str


COMMANDS: tuple[Command, ...] = (
    Command("prompt", "t", "type a prompt: the world changes"),
    Command("restart", "r", "a new world"),
    Command("watch", "p", "let the bot play; any key takes over"),
    Command("rewind", "backspace", "held: back in time, up to a minute"),
    Command("remember", "f5", "remember this moment"),
    Command("return", "f9", "come back to it"),
    Command("moments", "f8", "all remembered moments"),
    Command("record", "f6", "record the play, stop recording"),
    Command("clip", "f7", "keep the last 5 seconds as a film"),
    Command("photo", "f2", "screenshot"),
    Command("help", "f1", "all keys"),
    Command("figures", "f3", "figures, and how sure the dream is"),
    Command("inputs", "f4", "what is being sent, frame times"),
    Command("full screen", "f11", "full screen"),
)
FIXED = ("escape",)
"""Opens the menu, whatever the player binds, so that nobody locks themselves out."""
_MOUSE = {"mouse 1": "left button", "mouse 2": "middle button", "mouse 3": "right button"}
_BINDABLE = {key.name: (key.binding, key.meaning) for key in ACTIONS if key.name != "ESC"} | {
    command.name: (command.binding, command.meaning) for command in COMMANDS
}


class KeyMap:
    """`changes`: binding by the name of an action or command, where the player wants another than the default. Those that
    cannot be are left out and named in `complaints`. Needs an initialised Pygame display, which knows the names of keys."""

    def __init__(self, changes: Mapping[str, str] | None = None) -> None:
        self.complaints: list[str] = []
        self._bindings = {name: binding for name, (binding, _) in _BINDABLE.items()}
        for name, binding in (changes or {}).items():
            if name not in _BINDABLE:
                self.complaints.append(f"binding of {name!r}: there is no such action")
            elif not is_bindable(binding):
                self.complaints.append(f"binding of {name!r}: {binding!r} is no key or mouse button")
            else:
                self.bind(name, binding)

    @property
    def changes(self) -> dict[str, str]:
        """What differs from the defaults."""
        return {name: binding for name, binding in self._bindings.items() if binding != _BINDABLE[name][0]}

    def binding(self, name: str) -> str:
        """What an action or command is bound to."""
        return self._bindings[name]

    def name_of(self, binding: str) -> str | None:
        """The action or command that is bound to `binding`."""
        return next((name for name, bound in self._bindings.items() if bound == binding), None)

    def bind(self, name: str, binding: str) -> str | None:
        """Bind; what had that binding before gets the old one of `name`, and is returned."""
        other = self.name_of(binding)
        if other is not None and other != name:
            self._bindings[other] = self._bindings[name]
        self._bindings[name] = binding
        return other if other != name else None

    def reset(self) -> None:
        """All defaults again."""
        self._bindings = {name: binding for name, (binding, _) in _BINDABLE.items()}


def is_bindable(binding: object) -> bool:
    """Whether it names a key that Pygame knows, other than the fixed ones, or one of the first five mouse buttons."""
    if not isinstance(binding, str) or binding in FIXED:
        return False
    if binding.startswith("mouse "):
        return binding.removeprefix("mouse ") in tuple("12345")
    try:
        pygame.key.key_code(binding)
    except ValueError:
        return False
    return True


def binding_of(event: pygame.Event) -> str | None:
    """The binding that an event presses or lifts, None for other events and for keys without a name."""
    if event.type in (pygame.KEYDOWN, pygame.KEYUP):
        return pygame.key.name(event.key) or None
    if event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        return f"mouse {event.button}"
    return None


def label(binding: str) -> str:
    """A binding for people."""
    if binding in _MOUSE:
        return _MOUSE[binding]
    return binding.upper() if len(binding) == 1 or (binding[0] == "f" and binding[1:].isdigit()) else binding


def meaning(name: str) -> str:
    """What an action or command does, for people."""
    return _BINDABLE[name][1]
