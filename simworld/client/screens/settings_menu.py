"""The menu of settings, and that of keys, where the next key pressed is the one that counts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pygame

from simworld.actions import ACTIONS
from simworld.client.keymap import COMMANDS, binding_of, is_bindable, label, meaning
from simworld.client.screens.menu import Menu, Row
from simworld.client.settings import SCALINGS, SENSITIVITIES, STEPS
from simworld.frames import FPS

if TYPE_CHECKING:
    from simworld.client.app import App


def settings_menu(app: "App") -> Menu:
    """All settings; each counts and is saved at once."""
    settings = app.settings

    def setter(name: str, turn: Callable[[int], object]) -> Callable[[int], None]:
        def change(way: int) -> None:
            setattr(settings, name, turn(way))
            app.apply_settings()

        return change

    def steps(way: int) -> int:
        return STEPS[(STEPS.index(settings.steps) + way) % len(STEPS)]

    def sensitivity(way: int) -> float:
        low, high = SENSITIVITIES
        return round(min(max(settings.mouse_sensitivity + 0.1 * way, low), high), 1)

    def on_off(value: bool) -> str:
        return "on" if value else "off"

    def change_steps(way: int) -> None:
        setter("steps", steps)(way)
        app.measure_steps()

    app.measure_steps()
    rows = [
        Row(
            "quality",
            value=lambda: f"{settings.steps} sampling step{'s' * (settings.steps > 1)}",
            change=change_steps,
            hint=lambda: _estimate(app),
        ),
        Row(
            "mouse sensitivity",
            value=lambda: f"{settings.mouse_sensitivity:.1f}",
            change=setter("mouse_sensitivity", sensitivity),
        ),
        Row(
            "mouse up looks",
            value=lambda: "down" if settings.invert_mouse else "up",
            change=setter("invert_mouse", lambda way: not settings.invert_mouse),
        ),
        Row(
            "picture size",
            value=lambda: settings.scaling,
            change=setter("scaling", lambda way: SCALINGS[(SCALINGS.index(settings.scaling) + way) % len(SCALINGS)]),
        ),
        Row(
            "full screen",
            value=lambda: on_off(settings.full_screen),
            change=setter("full_screen", lambda way: not settings.full_screen),
        ),
        Row("keys …", act=lambda: app.screens.push(KeysMenu(app))),
        Row("back", act=app.screens.pop),
    ]
    return Menu("Settings", rows, note=f"kept in {app.settings_file.path}")


def _estimate(app: "App") -> str:
    world = app.session.world
    if world is not None and not world.takes_steps:
        return "this world is no dream: it has no sampling steps"
    seconds = app.step_seconds.get(app.settings.steps)
    if seconds is None:
        return "measuring how fast that is …"
    possible = app.session.stats.chunk_frames / seconds
    return f"{possible:.0f} pictures a second possible here; {FPS} are {'shown' if possible >= FPS else 'wanted'}"


class KeysMenu(Menu):
    """Every action and command with its key. Enter or a click, then the new key; one that was in use changes places."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._asking: str | None = None
        names = [key.name for key in ACTIONS if key.name != "ESC"] + [command.name for command in COMMANDS]
        rows = [self._row(name) for name in names]
        rows += [Row("all as they were at first", act=self._reset), Row("back", act=app.screens.pop)]
        super().__init__("Keys", rows, note="Enter, then the new key · a key in use changes places · Esc goes back")

    @property
    def asking(self) -> bool:
        """Whether the next key is taken."""
        return self._asking is not None

    def handle(self, event: pygame.Event) -> bool:
        """While a key is asked for, it is taken; Esc takes none."""
        if self._asking is None:
            return super().handle(event)
        if event.type not in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            return True
        binding = binding_of(event)
        if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self._asking = None
        elif binding is not None and is_bindable(binding):
            other = self._app.keymap.bind(self._asking, binding)
            if other is not None:
                self._app.say(f"{meaning(other)}: now {label(self._app.keymap.binding(other))}")
            self._asking = None
            self._app.apply_settings()
        else:
            self._app.say("that key cannot be used; press another, or Esc")
        return True

    def _row(self, name: str) -> Row:
        def value() -> str:
            return "press a key …" if self._asking == name else label(self._app.keymap.binding(name))

        def ask() -> None:
            self._asking = name

        return Row(meaning(name), act=ask, value=value)

    def _reset(self) -> None:
        self._app.keymap.reset()
        self._app.apply_settings()
