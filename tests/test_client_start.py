"""The start screen and all that a play can start from, by posted keys, mouse and dropped files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pygame
import pytest
from client_fake_env import HEIGHT, WIDTH, FakeDream, FakeGame, make
from client_rehearsal import Wait, click, rehearse, shown, tap, write
from PIL import Image

from simworld.client import worlds
from simworld.client.app import App
from simworld.client.given_start import read_start
from simworld.client.screens.start_screen import SUGGESTIONS, StartScreen


class StartingDream(FakeDream):
    """A fake that starts from pictures, and from prompts."""

    def start_options(self, prompt: str, seed: int) -> dict[str, Any]:
        return {"frames": np.full((1, HEIGHT, WIDTH, 3), seed % 256, np.uint8)}


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)


def chooser(app: App) -> StartScreen:
    assert isinstance(app.screens.top, StartScreen)
    return app.screens.top


def all_seen(app: App) -> bool:
    return not chooser(app)._previews


def test_a_gallery_of_moving_starts_and_one_is_chosen() -> None:
    world, life = make(StartingDream, step_seconds=0.001)

    def script(app: App) -> Iterator[Wait]:
        yield lambda: bool(chooser(app)._grid.tiles[1:]) and all_seen(app)
        tiles = chooser(app)._grid.tiles
        assert [tile.caption for tile in tiles] == ["surprise me", *SUGGESTIONS]
        assert all(len(tile.frames) > 10 and (tile.frames[0] != tile.frames[4]).any() for tile in tiles)  # type: ignore
        for key in (pygame.K_RIGHT, pygame.K_RIGHT, pygame.K_RETURN):
            tap(key)
        yield shown(app, 4)
        assert not app.screens.open
        tap(pygame.K_w)
        yield shown(app, 4)

    rehearse(script, world, choose=True)
    seed, options = life.resets[-1]
    assert seed == 2 and options is not None and options["prompt"] == SUGGESTIONS[1]
    assert any(action[0] for action in life.actions), "letters are keys again"


def test_a_prompt_and_a_seed_are_typed() -> None:
    world, life = make(StartingDream, step_seconds=0.001)

    def script(app: App) -> Iterator[Wait]:
        yield lambda: app.session.world is not None
        write("ein Wald ☃ ñ")
        yield 0.1
        assert chooser(app)._prompt.text == "ein Wald ☃ ñ"
        pygame.event.post(pygame.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=chooser(app)._areas["seed"].center))
        write("4x2")
        yield 0.1
        assert chooser(app)._seed.text == "42"
        tap(pygame.K_RETURN)
        yield shown(app, 3)

    app, _ = rehearse(script, world, choose=True)
    assert life.resets[-1][0] == 42 and life.resets[-1][1]["prompt"] == "ein Wald ☃ ñ"  # type: ignore[index]
    assert app.session.prompt == "ein Wald ☃ ñ"


def test_tab_suggests_and_a_click_chooses_a_tile() -> None:
    world, life = make(FakeGame, step_seconds=0.001)

    def script(app: App) -> Iterator[Wait]:
        yield lambda: len(chooser(app)._grid.tiles) > 3 and all_seen(app)
        assert chooser(app)._grid.tiles[1].caption == "plains", "what a seed looks like is told by the world"
        tap(pygame.K_TAB)
        tap(pygame.K_TAB)
        yield lambda: chooser(app)._prompt.text == SUGGESTIONS[1]
        pygame.event.post(pygame.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=chooser(app)._grid._areas[3].center))
        yield shown(app, 3)

    rehearse(script, world, choose=True)
    assert life.resets[-1] == (3, None)


def test_another_world_is_chosen_and_the_play_is_gone_back_to(monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = make(FakeDream, step_seconds=0.001)
    second, life = make(FakeGame, step_seconds=0.001)
    monkeypatch.setattr(worlds, "found", lambda: [first, second])

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 4)
        app.choose()
        yield lambda: app.screens.open
        tap(pygame.K_ESCAPE)
        yield shown(app, 4)
        app.choose()
        for key in (pygame.K_UP, pygame.K_UP, pygame.K_RIGHT):
            tap(key)
        yield lambda: app.options.world == second and app.session.world is not None
        tap(pygame.K_DOWN)
        tap(pygame.K_DOWN)
        tap(pygame.K_RETURN)
        yield shown(app, 4)

    rehearse(script, first)
    assert life.actions, "the other world is played"


def test_a_world_that_cannot_be_had_is_said_and_another_is_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, _ = make(FakeDream, step_seconds=0.001)
    broken = tmp_path / "runs" / "broken"
    broken.mkdir(parents=True)
    (broken / "dynamics.safetensors").write_bytes(b"nothing")
    monkeypatch.setattr(worlds, "found", lambda: [first, str(broken)])

    def script(app: App) -> Iterator[Wait]:
        yield lambda: app.session.world is not None
        for key in (pygame.K_UP, pygame.K_UP, pygame.K_RIGHT):
            tap(key)
        yield lambda: "safetensors" in app.messages.text
        tap(pygame.K_LEFT)
        yield lambda: app.options.world == first and app.session.world is not None
        tap(pygame.K_DOWN)
        tap(pygame.K_RETURN)
        yield shown(app, 4)

    rehearse(script, first, choose=True)


def test_looking_at_starts_does_not_disturb_a_play_that_cannot_be_gone_back_to() -> None:
    world, life = make(FakeGame, step_seconds=0.001)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 6)
        app.choose()
        yield 0.3
        assert len(life.resets) == 1
        tap(pygame.K_ESCAPE)
        yield shown(app, 4)

    rehearse(script, world)


def test_where_one_left_can_be_gone_on_from() -> None:
    world, _ = make(StartingDream, step_seconds=0.001)

    def leave(app: App) -> Iterator[Wait]:
        app.session.pacer.interval = 0.002
        yield shown(app, 130)

    def go_on(app: App) -> Iterator[Wait]:
        yield lambda: len(chooser(app)._grid.tiles) > 1
        assert "where you left" in chooser(app)._grid.tiles[1].note
        tap(pygame.K_RIGHT)
        tap(pygame.K_RETURN)
        yield shown(app, 3)

    rehearse(leave, world, seed=77)
    app, _ = rehearse(go_on, world, choose=True)
    assert app.session.seed == 77
    assert app.keeper.played_before > 5


def test_files_are_dropped_onto_the_window(tmp_path: Path) -> None:
    world, life = make(StartingDream, step_seconds=0.001)
    picture, clip, text = tmp_path / "holiday.jpg", tmp_path / "clip.mp4", tmp_path / "words.txt"
    Image.fromarray(np.full((300, 200, 3), (200, 30, 30), np.uint8)).save(picture)
    write_clip(clip, rate=30, seconds=3)
    text.write_text("not a picture")

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        for path in (picture, clip):
            count = len(life.resets)
            pygame.event.post(pygame.Event(pygame.DROPFILE, file=str(path)))
            yield lambda count=count: len(life.resets) > count and app.session.settled
            yield shown(app, 3)
        pygame.event.post(pygame.Event(pygame.DROPFILE, file=str(text)))
        yield lambda: "cannot be read as a picture" in app.messages.text
        yield shown(app, 4)

    rehearse(script, world)
    dropped, going_on = (options["frames"] for _, options in life.resets[1:3])  # type: ignore[index]
    assert dropped.shape == (1, HEIGHT, WIDTH, 3) and dropped[0, 5, 5, 0] > 190
    assert going_on.shape == (41, HEIGHT, WIDTH, 3)


def write_clip(path: Path, rate: int, seconds: float, size: tuple[int, int] = (90, 160)) -> None:
    """A clip whose brightness rises with time, from 0 to 250."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        count = round(rate * seconds)
        for number in range(count):
            frame = np.full((*size, 3), 250 * number // max(1, count - 1), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.parametrize(("rate", "seconds", "frames"), [(30, 3.0, 41), (10, 1.0, 19), (60, 0.5, 10)])
def test_a_clip_is_gone_on_from_at_its_true_speed(rate: int, seconds: float, frames: int, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", rate, seconds)
    given = read_start(None, None, str(tmp_path / "clip.mp4"))
    assert given is not None
    found = given.options(HEIGHT, WIDTH)["frames"]
    assert found.shape[0] == pytest.approx(frames, abs=1)
    bright = found.mean((1, 2, 3))
    assert bright[-1] > 240
    steps = np.diff(bright)
    assert (steps >= -2).all() and steps.mean() == pytest.approx(250 / seconds / 20, rel=0.2)


@pytest.mark.parametrize("content", [b"", b"nothing", None])
def test_a_clip_that_cannot_be_read_is_one_clear_message(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "torn.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"give a (whole|clip)|no such file"):
        read_start(None, None, str(path))


def test_esc_leaves_where_there_is_no_play() -> None:
    world, _ = make(StartingDream)

    def script(app: App) -> Iterator[Wait]:
        yield lambda: app.session.world is not None
        click()
        tap(pygame.K_ESCAPE)
        yield 10.0

    _, stats = rehearse(script, world, choose=True)
    assert stats.pictures == 0
