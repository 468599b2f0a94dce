"""The interface of all screens, and the stack on which they lie: only the uppermost is drawn and hears events."""

from typing import Protocol

import pygame


class Screen(Protocol):
    """Something that covers the play."""

    def handle(self, event: pygame.Event) -> bool:
        """Take one event; False asks to be closed."""
        ...

    def draw(self, screen: pygame.Surface, now: float) -> None:
        """Draw over all of `screen`."""
        ...


class Screens:
    """`open` while there is any."""

    def __init__(self) -> None:
        self._stack: list[Screen] = []

    @property
    def open(self) -> bool:
        return bool(self._stack)

    @property
    def top(self) -> Screen | None:
        """The uppermost."""
        return self._stack[-1] if self._stack else None

    def push(self, screen: Screen) -> None:
        """Lay a screen over the others."""
        self._stack.append(screen)

    def pop(self) -> None:
        """Take the uppermost away."""
        self._stack.pop()

    def clear(self) -> None:
        """Back to the play."""
        self._stack.clear()

    def handle(self, event: pygame.Event) -> None:
        """Let the uppermost have the event."""
        top = self._stack[-1]
        if not top.handle(event) and self._stack and self._stack[-1] is top:
            self._stack.pop()

    def draw(self, screen: pygame.Surface, now: float) -> None:
        """Draw the uppermost."""
        if self._stack:
            self._stack[-1].draw(screen, now)
