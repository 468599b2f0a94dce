"""The client, played by posted events under SDL's dummy display: what a player does and sees."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from client_fake_env import AheadDream, FakeDream, FakeGame, make
from client_rehearsal import Wait, click, lift, move_mouse, press, rehearse, shown, tap, write
from PIL import Image

from simworld.actions import CAMERA, SLOT
from simworld.client.app import App


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def pressed(actions: list[np.ndarray], key: str) -> list[int]:
    """The numbers of the steps in which `key` was pressed."""
    return [number for number, action in enumerate(actions) if action[SLOT[key]]]


def test_a_held_key_moves_until_it_is_lifted_and_a_tap_counts_once() -> None:
    world, life = make()

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        press(pygame.K_w)
        yield shown(app, 8)
        lift(pygame.K_w)
        yield shown(app, 4)
        tap(pygame.K_SPACE)
        tap(pygame.K_SPACE)
        yield shown(app, 6)

    rehearse(script, world)
    steps = pressed(life.actions, "forward")
    assert len(steps) >= 3
    assert steps == list(range(steps[0], steps[-1] + 1))
    assert len(pressed(life.actions, "jump")) == 1


def test_a_world_that_goes_ahead_plays_at_the_pace_at_which_it_dreams() -> None:
    """Dreaming and finishing a chunk take a fifth longer than its pictures are shown, but not after each other."""
    world, life = make(AheadDream, step_seconds=0.06, finish_seconds=0.06)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 10)
        press(pygame.K_w)
        yield shown(app, 40)
        lift(pygame.K_w)
        yield 0.5

    _, stats = rehearse(script, world)
    assert stats.fps == pytest.approx(20, abs=1.5) and stats.late_share < 0.3
    assert max(list(stats.step_seconds)[5:]) < 0.1 < min(stats.latencies)
    steps = pressed(life.actions, "forward")
    assert steps == list(range(steps[0], steps[-1] + 1))


def test_twenty_pictures_a_second_and_an_honest_latency() -> None:
    world, _ = make(step_seconds=0.03)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        for number in range(12):
            (press if number % 2 == 0 else lift)(pygame.K_w)
            yield 0.13

    _, stats = rehearse(script, world)
    assert stats.fps == pytest.approx(20, abs=1.5)
    assert len(stats.latencies) >= 10
    # At the least a step; at the most a chunk's wait for the sample, a step, and what flips and a busy machine add.
    assert min(stats.latencies) >= 0.03
    assert float(np.median(stats.latencies)) < 0.03 + 0.1 + 0.06


def test_the_picture_that_counts_as_the_answer_is_the_one_that_shows_the_key() -> None:
    world, _ = make(step_seconds=0.02)
    seen: list[tuple[int, bool]] = []

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        press(pygame.K_w)

        def answered() -> bool:
            assert app.picture is not None
            seen.append((len(app.session.stats.latencies), bool(app.picture.frame[0, SLOT["forward"], 0])))
            return app.session.stats.pictures >= 10

        yield answered

    rehearse(script, world)
    assert {(0, False), (1, True)} == set(seen)


def test_a_slow_world_is_shown_late_and_said_to_be() -> None:
    world, _ = make(step_seconds=0.16)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 14)

    _, stats = rehearse(script, world)
    assert stats.late_share > 0.5
    assert stats.fps == pytest.approx(2 / 0.16, rel=0.15)
    # Spread evenly, not in bursts of two.
    gaps = np.diff(list(stats.flips))[4:]
    assert np.percentile(gaps, 90) < 0.14


def test_the_mouse_turns_only_while_caught_and_by_its_whole_travel() -> None:
    world, life = make()

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        move_mouse(500, 0)
        yield shown(app, 4)
        click()
        yield shown(app, 2)
        for _ in range(10):
            move_mouse(8, -4)
            yield 0.02
        yield shown(app, 4)
        click()
        yield shown(app, 4)
        press(pygame.K_ESCAPE)
        yield lambda: app.screens.open
        assert not app.window.caught
        move_mouse(500, 0)
        press(pygame.K_ESCAPE)
        yield lambda: not app.screens.open
        click(pygame.BUTTON_RIGHT)
        move_mouse(500, 0)
        yield shown(app, 4)

    rehearse(script, world)
    # 80 pixels right and 40 up at 0.15 degrees a pixel; an action is held for two pictures.
    turned = np.sum([2 * action[CAMERA] for action in life.actions], 0)
    assert turned == pytest.approx([-6, 12], abs=1e-3)
    assert len(pressed(life.actions, "attack")) == 1, "the click that catches the mouse breaks no block"
    assert not pressed(life.actions, "use")


def test_the_wheel_and_the_number_keys_choose_a_slot() -> None:
    world, life = make()

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        tap(pygame.K_3)
        yield shown(app, 4)
        pygame.event.post(pygame.Event(pygame.MOUSEWHEEL, x=0, y=-1))
        yield shown(app, 4)
        pygame.event.post(pygame.Event(pygame.MOUSEWHEEL, x=0, y=1))
        pygame.event.post(pygame.Event(pygame.MOUSEWHEEL, x=0, y=3))
        yield shown(app, 4)

    rehearse(script, world)
    chosen = [key for action in life.actions for key in SLOT if key.startswith("hotbar.") and action[SLOT[key]]]
    assert chosen == ["hotbar.3", "hotbar.4", "hotbar.9"]


def test_a_prompt_is_typed_without_moving_and_errors_are_shown() -> None:
    world, life = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        press(pygame.K_w)
        yield shown(app, 4)
        press(pygame.K_t)
        yield lambda: app.prompt_line.open
        steps = len(life.actions) + 1
        write("wasd night")
        press(pygame.K_BACKSPACE)
        yield shown(app, 6)
        assert not any(action[:23].any() for action in life.actions[steps:])
        press(pygame.K_RETURN)
        yield lambda: "wasd nigh" in app.messages.text
        assert app.session.prompt == "wasd nigh"
        press(pygame.K_t)
        write("nonsense")
        press(pygame.K_RETURN)
        yield lambda: "makes no sense" in app.messages.text
        press(pygame.K_t)
        write("never sent")
        press(pygame.K_ESCAPE)
        yield shown(app, 4)
        assert not app.prompt_line.open
        press(pygame.K_t)
        press(pygame.K_UP)
        press(pygame.K_UP)
        press(pygame.K_RETURN)
        yield lambda: len(life.prompts) == 2

    rehearse(script, world, prompt="a desert")
    assert life.resets[0][1] == {"prompt": "a desert"}
    assert life.prompts == ["wasd nigh", "wasd nigh"]


def test_a_game_says_that_it_takes_no_prompt() -> None:
    world, life = make(FakeGame)

    def script(app: App) -> Iterator[Wait]:
        yield lambda: "no prompts" in app.messages.text
        yield shown(app, 2)
        app.messages.text = ""
        press(pygame.K_t)
        write("snow")
        press(pygame.K_RETURN)
        yield lambda: "no prompts" in app.messages.text
        app.messages.text = ""
        tap(pygame.K_F5)
        yield lambda: "cannot save" in app.messages.text

    app, _ = rehearse(script, world, prompt="snow")
    assert app.session.prompt is None
    assert life.resets[0][1] is None


def test_r_starts_a_new_world_and_shows_its_seed() -> None:
    world, life = make(step_seconds=0.05)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 5)
        press(pygame.K_r)
        yield lambda: len(life.resets) == 2
        assert str(app.session.seed) in app.messages.text
        yield shown(app, 1)
        assert app.picture is not None
        assert app.picture.frame[1, 0, 0] == 0, "the first picture after R is the first of the new world"

    rehearse(script, world, seed=5)
    assert life.resets[0][0] == 5
    assert life.resets[1][0] != 5


def test_a_world_that_ends_starts_anew() -> None:
    world, life = make(ends_at=3)

    def script(app: App) -> Iterator[Wait]:
        yield lambda: len(life.resets) == 2
        assert "reward 3" in app.messages.text
        yield shown(app, 6)

    rehearse(script, world)
    assert len(life.actions) > 4


def test_a_moment_is_remembered_and_come_back_to() -> None:
    world, _ = make(FakeDream)
    yaws: list[float] = []

    def script(app: App) -> Iterator[Wait]:
        def yaw() -> float:
            assert app.picture is not None
            return float(app.picture.chunk.info["pose"][3])

        yield shown(app, 2)
        tap(pygame.K_F9)
        yield lambda: "no moment" in app.messages.text
        tap(pygame.K_F5)
        yield lambda: "remembered" in app.messages.text
        click()
        move_mouse(100, 0)
        yield lambda: yaw() == pytest.approx(15)
        tap(pygame.K_F9)
        yield lambda: yaw() == 0
        yaws.append(yaw())

    rehearse(script, world)
    assert yaws == [0]


def test_f2_saves_the_picture_without_overlays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    world, _ = make()

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        press(pygame.K_F3)
        yield shown(app, 2)
        for _ in range(2):
            tap(pygame.K_F2)
            yield lambda: "saved" in app.messages.text
        yield lambda: len(list(tmp_path.iterdir())) == 2
        monkeypatch.chdir("/proc")
        tap(pygame.K_F2)
        yield lambda: "no screenshot" in app.messages.text

    app, _ = rehearse(script, world)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert all(name.startswith("simworld-") and name.endswith(".png") for name in names)
    with Image.open(tmp_path / names[0]) as image:
        assert image.size == app.window.area.size
        assert set(np.unique(np.asarray(image)[200:])) <= {60, 150}


def test_help_and_figures_are_drawn_over_the_picture() -> None:
    world, _ = make()
    looks: list[np.ndarray] = []

    def script(app: App) -> Iterator[Wait]:
        def keep() -> None:
            looks.append(pygame.surfarray.array3d(app.window.screen))

        yield shown(app, 2)
        app.messages.text = ""
        yield shown(app, 2)
        keep()
        tap(pygame.K_F3)
        yield shown(app, 2)
        keep()
        tap(pygame.K_F1)
        yield shown(app, 2)
        keep()
        tap(pygame.K_ESCAPE)
        yield shown(app, 2)
        keep()

    rehearse(script, world)
    plain, figures, helped, closed = looks
    half = plain.shape[0] // 2
    assert (plain != figures)[: half // 2].mean() > 0.1
    assert (plain != figures)[half:].mean() < 0.01
    assert (plain != helped)[half - 100 : half + 100].mean() > 0.3
    assert (closed != helped).mean() > 0.2


def test_escape_opens_the_menu_and_the_world_stands_still_until_it_closes() -> None:
    world, life = make()

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        click()
        yield lambda: app.window.caught
        press(pygame.K_w)
        tap(pygame.K_ESCAPE)
        yield lambda: app.screens.open
        assert not app.window.caught
        yield 0.2
        steps, pictures = len(life.actions), app.session.stats.pictures
        yield 0.3
        assert (len(life.actions), app.session.stats.pictures) == (steps, pictures)
        tap(pygame.K_RETURN)  # "play on"
        yield shown(app, 8)
        assert not app.screens.open
        assert not life.actions[-1].any(), "a key held before the menu opened was let go"
        tap(pygame.K_ESCAPE)
        tap(pygame.K_UP)  # the last row: "quit"
        tap(pygame.K_RETURN)
        yield 10.0

    _, stats = rehearse(script, world)
    assert stats.pictures < 60
    assert stats.late == 0, "what the world stood still is no lateness"
    assert life.closed
    assert not any(action[SLOT["ESC"]] for action in life.actions)


def test_losing_the_keyboard_lets_all_keys_go() -> None:
    world, life = make()

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        click()
        press(pygame.K_w)
        yield shown(app, 4)
        pygame.event.post(pygame.Event(pygame.WINDOWFOCUSLOST))
        yield shown(app, 4)
        assert not app.window.caught
        assert not life.actions[-1].any()

    rehearse(script, world)
    assert pressed(life.actions, "forward")
