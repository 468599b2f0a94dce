"""What is drawn over the play, films of it, and the gamepad, by posted events."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pygame
import pytest
from client_fake_env import HEIGHT, WIDTH, FakeDream, make
from client_rehearsal import Wait, press, rehearse, shown, tap
from PIL import Image

from simworld.actions import CAMERA, SLOT
from simworld.client import theme
from simworld.client.app import App


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)


def look(app: App) -> np.ndarray:
    return pygame.surfarray.array3d(app.window.screen)


def axis(number: int, value: float) -> None:
    pygame.event.post(pygame.Event(pygame.JOYAXISMOTION, instance_id=0, axis=number, value=value))


def button(number: int, down: bool = True) -> None:
    kind = pygame.JOYBUTTONDOWN if down else pygame.JOYBUTTONUP
    pygame.event.post(pygame.Event(kind, instance_id=0, button=number))


def test_the_keys_being_sent_are_lit_and_late_pictures_red() -> None:
    world, _ = make(FakeDream, step_seconds=0.005)

    def lit(app: App) -> int:
        lower = look(app)[: app.window.screen.get_width() // 2, app.window.screen.get_height() // 2 :]
        return int((lower == theme.ACCENT).all(-1).sum())

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 4)
        app.messages.clear()
        yield shown(app, 2)
        plain = look(app)
        tap(pygame.K_F4)
        yield shown(app, 4)
        half = plain.shape[0] // 2
        changed = plain != look(app)
        assert changed[:half, -100:].mean() > 0.05, "keys at the left"
        assert changed[half:, -100:].mean() > 0.05, "frame times at the right"
        rest = lit(app)
        press(pygame.K_w)
        press(pygame.K_SPACE)
        yield shown(app, 6)
        assert lit(app) > rest + 500
        tap(pygame.K_F4)
        yield shown(app, 3)

    rehearse(script, world)


class SureDream(FakeDream):
    """Is surest of all in its first picture, and ever less."""

    def step(self, action: Any) -> Any:
        *rest, info = super().step(action)
        return *rest, {**info, "trust": max(0.0, 1 - len(self.life.actions) / 20), "expected_psnr": 21.4}


@pytest.mark.parametrize("kind", [SureDream, FakeDream])
def test_the_trust_meter_shows_what_the_world_says_and_nothing_where_it_says_nothing(kind: type[FakeDream]) -> None:
    world, _ = make(kind, step_seconds=0.005)

    def script(app: App) -> Iterator[Wait]:
        app.window.screen = pygame.display.set_mode((960, 540))
        yield shown(app, 30)
        app.messages.clear()
        yield shown(app, 2)
        plain = look(app)[700:, 5:150]
        tap(pygame.K_F3)
        yield shown(app, 4)
        changed = (plain != look(app)[700:, 5:150]).mean()
        if kind is SureDream:
            assert changed > 0.2
            app.session.start_rewinding(time.perf_counter())
            now = app.picture.chunk.info["trust"]  # type: ignore[union-attr]
            yield lambda: app.picture.chunk.info.get("trust", 0) > now + 0.3  # type: ignore[union-attr]
        else:
            assert changed == 0

    rehearse(script, world)


def test_all_overlays_together_cost_less_than_three_milliseconds() -> None:
    world, _ = make(SureDream, step_seconds=0.005)
    costs: list[float] = []

    def script(app: App) -> Iterator[Wait]:
        app.window.screen = pygame.display.set_mode((960, 540))
        for key in (pygame.K_F3, pygame.K_F4):
            tap(key)
        yield shown(app, 10)
        for _ in range(60):
            started = time.thread_time()
            app._redraw(time.perf_counter())
            costs.append(time.thread_time() - started)
            yield 0.01

    rehearse(script, world)
    assert float(np.median(costs)) < 0.003


def test_f7_keeps_the_last_seconds_as_a_film(tmp_path: Path) -> None:
    world, _ = make(FakeDream, step_seconds=0.001)

    def script(app: App) -> Iterator[Wait]:
        app.session.pacer.interval = 0.005
        yield shown(app, 130)
        tap(pygame.K_F7)
        yield lambda: "saved simworld-" in app.messages.text

    rehearse(script, world)
    (film,) = tmp_path.glob("simworld-*.mp4")
    with av.open(str(film)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 100
    with Image.open(film.with_suffix(".gif")) as gif:
        assert (gif.n_frames, gif.info["duration"]) == (50, 100)  # type: ignore[attr-defined]
        assert gif.size == (WIDTH * 12, HEIGHT * 12)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_gamepad_walks_turns_and_opens_the_menu() -> None:
    world, life = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        axis(1, -0.9)
        button(0)
        yield shown(app, 6)
        axis(1, 0.0)
        button(0, False)
        axis(3, 1.0)
        yield shown(app, 10)
        axis(3, 0.05)
        axis(5, 1.0)
        yield shown(app, 4)
        axis(5, -1.0)
        yield shown(app, 4)
        still = len(life.actions) + 1
        yield shown(app, 6)
        assert not any(action[:23].any() for action in life.actions[still:])
        button(5)
        yield lambda: app.controls.slot == 2
        button(7)
        yield lambda: app.screens.open
        pygame.event.post(pygame.Event(pygame.JOYHATMOTION, instance_id=0, hat=0, value=(0, -1)))
        yield 0.1
        assert app.screens.top.selected == 1  # type: ignore[union-attr]
        button(1)
        yield lambda: not app.screens.open
        axis(0, 1.0)
        yield shown(app, 4)
        pygame.event.post(pygame.Event(pygame.JOYDEVICEREMOVED, instance_id=0))
        yield lambda: "gamepad is gone" in app.messages.text
        yield shown(app, 4)
        assert not life.actions[-1].any(), "what it held is let go"

    rehearse(script, world)
    for name in ("forward", "jump", "attack", "right"):
        assert any(action[SLOT[name]] for action in life.actions), name
    turned = sum(2 * action[CAMERA][1] for action in life.actions)
    assert 40 < turned < 200, "about half a second at 160 degrees a second"
