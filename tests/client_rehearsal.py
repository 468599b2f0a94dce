"""A scripted player for the client's tests: a generator that posts events and yields what it waits for."""

import time
from collections.abc import Callable, Iterator

import pygame

from simworld.client.app import App
from simworld.client.options import PlayOptions
from simworld.client.stats import Stats

Wait = float | Callable[[], bool]
PATIENCE_SECONDS = 20.0


def press(key: int) -> None:
    pygame.event.post(pygame.Event(pygame.KEYDOWN, key=key, mod=0, unicode=""))


def lift(key: int) -> None:
    pygame.event.post(pygame.Event(pygame.KEYUP, key=key, mod=0))


def tap(key: int) -> None:
    press(key)
    lift(key)


def click(button: int = pygame.BUTTON_LEFT) -> None:
    pygame.event.post(pygame.Event(pygame.MOUSEBUTTONDOWN, button=button, pos=(1, 1)))
    pygame.event.post(pygame.Event(pygame.MOUSEBUTTONUP, button=button, pos=(1, 1)))


def move_mouse(right: int, down: int) -> None:
    pygame.event.post(pygame.Event(pygame.MOUSEMOTION, rel=(right, down), pos=(1, 1), buttons=(0, 0, 0)))


def write(text: str) -> None:
    """Type `text` as SDL reports it: key by key, each with its text."""
    for letter in text:
        press(ord(letter.lower()))
        pygame.event.post(pygame.Event(pygame.TEXTINPUT, text=letter))
        lift(ord(letter.lower()))


def rehearse(script: Callable[[App], Iterator[Wait]], world: str, **options: object) -> tuple[App, Stats]:
    """Play `world` in the real client by `script`, which waits by yielding seconds or a condition; at its end, quit."""
    steps: Iterator[Wait] | None = None
    waiting: Wait = 0.0
    since = time.perf_counter()

    def play(app: App, now: float) -> None:
        nonlocal steps, waiting, since
        assert now - since < PATIENCE_SECONDS, f"waited in vain for {waiting}"
        if steps is None:
            steps = script(app)
        if waiting() if callable(waiting) else now - since >= waiting:
            waiting, since = next(steps, float("inf")), now
            if waiting == float("inf"):
                pygame.event.post(pygame.Event(pygame.QUIT))

    app = App(PlayOptions(world=world, **options), time.perf_counter(), play)  # type: ignore[arg-type]
    return app, app.run()


def shown(app: App, pictures: int) -> Callable[[], bool]:
    """The condition that so many more pictures were shown."""
    goal = app.session.stats.pictures + pictures
    return lambda: app.session.stats.pictures >= goal
