"""The menu of settings by posted keys and mouse: what is chosen counts at once and is kept; what is broken is said."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest
from client_fake_env import FakeDream, FakeGame, make
from client_rehearsal import Wait, click, lift, move_mouse, press, rehearse, shown, tap

from simworld.actions import CAMERA, SLOT
from simworld.client.app import App
from simworld.client.screens.menu import Menu
from simworld.client.screens.settings_menu import KeysMenu
from simworld.client.settings import SettingsFile


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def kept() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"]) / "simworld" / "settings.json"


def write_settings(text: str) -> None:
    kept().parent.mkdir(parents=True)
    kept().write_text(text)


def down(times: int) -> None:
    for _ in range(times):
        tap(pygame.K_DOWN)


def open_settings(app: App) -> Iterator[Wait]:
    tap(pygame.K_ESCAPE)
    yield lambda: app.screens.open
    while True:
        menu = app.screens.top
        assert isinstance(menu, Menu)
        if menu._rows()[menu.selected].label.startswith("settings"):
            break
        down(1)
        yield 0.02
    tap(pygame.K_RETURN)
    yield lambda: getattr(app.screens.top, "title", "") == "Settings"


def test_what_is_chosen_counts_at_once_and_the_next_time() -> None:
    world, life = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        yield from open_settings(app)
        tap(pygame.K_RIGHT)  # quality: 8 steps
        down(1)
        for _ in range(10):
            tap(pygame.K_RIGHT)  # sensitivity 2.0
        down(1)
        tap(pygame.K_RIGHT)  # inverted
        tap(pygame.K_ESCAPE)
        tap(pygame.K_ESCAPE)
        yield lambda: not app.screens.open
        click()
        yield lambda: app.window.caught
        move_mouse(10, 10)
        yield shown(app, 6)

    app, _ = rehearse(script, world)
    turned = sum(2 * action[CAMERA] for action in life.actions)
    assert turned == pytest.approx([-3, 3])
    assert app.session.steps == 8
    assert {"steps": 8, "mouse_sensitivity": 2.0, "invert_mouse": True}.items() <= json.loads(kept().read_text()).items()
    again = SettingsFile()
    assert (again.settings, again.complaints) == (app.settings, [])


def test_steps_of_the_command_line_count_for_now_only() -> None:
    world, _ = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        assert app.session.steps == 1
        yield from open_settings(app)
        down(1)
        tap(pygame.K_RIGHT)
        yield lambda: kept().exists()
        assert app.settings.steps == app.session.steps == 1

    rehearse(script, world, steps=1)
    assert SettingsFile().settings.steps == 4
    assert SettingsFile().settings.mouse_sensitivity == 1.1


def test_a_row_is_clicked_and_its_arrow_to_the_left_lowers_it() -> None:
    world, _ = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        yield from open_settings(app)
        yield 0.15
        menu = app.screens.top
        assert isinstance(menu, Menu)
        for place, expected in ((menu._areas[1].center, 1.1), (menu._lowering[1].center, 1.0), (menu._lowering[1].center, 0.9)):
            pygame.event.post(pygame.Event(pygame.MOUSEBUTTONDOWN, button=pygame.BUTTON_LEFT, pos=place))
            yield lambda expected=expected: app.settings.mouse_sensitivity == pytest.approx(expected)

    rehearse(script, world)


def test_the_estimate_is_measured_and_a_game_has_none() -> None:
    class Stepped(FakeDream):
        num_steps = 4

    for kind, expected in ((Stepped, "pictures a second possible here"), (FakeGame, "no sampling steps")):
        world, _ = make(kind, step_seconds=0.02)

        def script(app: App, expected: str = expected) -> Iterator[Wait]:
            def hint() -> str:
                menu = app.screens.top
                assert isinstance(menu, Menu)
                told = menu._rows()[0].hint
                assert callable(told)
                return told()

            yield shown(app, 4)
            yield from open_settings(app)
            yield lambda: expected in hint()

        app, _ = rehearse(script, world)
        if kind is Stepped:
            assert app.step_seconds[4] == pytest.approx(0.02, rel=0.5)


def test_a_key_is_bound_anew_and_one_in_use_changes_places() -> None:
    world, life = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        yield from open_settings(app)
        down(5)
        tap(pygame.K_RETURN)  # keys
        yield lambda: getattr(app.screens.top, "title", "") == "Keys"
        tap(pygame.K_RETURN)  # walk forward
        tap(pygame.K_s)  # which was: walk back
        yield lambda: app.keymap.binding("forward") == "s"
        assert app.keymap.binding("back") == "w"
        tap(pygame.K_RETURN)
        tap(pygame.K_ESCAPE)  # none after all
        for _ in range(3):
            tap(pygame.K_ESCAPE)
        yield lambda: not app.screens.open
        press(pygame.K_s)
        yield shown(app, 6)
        lift(pygame.K_s)

    rehearse(script, world)
    assert any(action[SLOT["forward"]] for action in life.actions)
    assert not any(action[SLOT["back"]] for action in life.actions)
    assert json.loads(kept().read_text())["bindings"] == {"forward": "s", "back": "w"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "must be a JSON object"),
        ('{"steps": 3}', "must be one of"),
        ('{"colour": "red", "steps": 2}', "colour is unknown"),
        ('{"bindings": {"fly": "g"}}', "no such action"),
        ('{"bindings": {"jump": "no key"}}', "is no key"),
    ],
)
def test_settings_that_cannot_be_understood_are_said_and_the_play_goes_on(text: str, said: str) -> None:
    write_settings(text)
    world, _ = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        assert said in app.messages.text
        yield shown(app, 3)

    app, _ = rehearse(script, world)
    if "colour" in text:
        assert app.session.steps == 2
        app.settings_file.save()
        assert json.loads(kept().read_text())["colour"] == "red", "another version's setting is not lost"


def test_f11_is_heard_on_every_screen_but_where_a_key_is_asked_for() -> None:
    world, _ = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        yield from open_settings(app)
        tap(pygame.K_F11)
        yield lambda: app.window.full and app.settings.full_screen
        tap(pygame.K_F11)
        yield lambda: not app.window.full
        app.choose()
        tap(pygame.K_F11)
        yield lambda: app.window.full
        tap(pygame.K_F11)
        yield lambda: not app.window.full
        app.screens.clear()
        app.open(KeysMenu(app))
        tap(pygame.K_RETURN)  # another key for walking forward
        tap(pygame.K_F11)
        yield lambda: app.keymap.binding("forward") == "f11"
        assert not app.window.full

    rehearse(script, world)


def test_a_key_that_the_menu_interrupts_is_no_latency() -> None:
    world, _ = make(FakeDream, step_seconds=0.01)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 4)
        press(pygame.K_w)
        tap(pygame.K_ESCAPE)
        yield 1.5
        tap(pygame.K_ESCAPE)
        yield shown(app, 8)

    _, stats = rehearse(script, world)
    assert all(latency < 1 for latency in stats.latencies)


def test_full_screen_and_a_window_of_nothing() -> None:
    world, _ = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        tap(pygame.K_F11)
        yield lambda: app.window.full
        yield shown(app, 2)
        assert app.window.screen.get_size() == pygame.display.get_desktop_sizes()[0]
        tap(pygame.K_F11)
        yield lambda: not app.window.full
        for size in ((1, 1), (90, 30), (300, 900)):
            app.window.screen = pygame.display.set_mode(size, pygame.RESIZABLE)
            yield shown(app, 3)
            tap(pygame.K_ESCAPE)
            yield 0.15
            tap(pygame.K_ESCAPE)
            yield lambda: not app.screens.open

    rehearse(script, world)
