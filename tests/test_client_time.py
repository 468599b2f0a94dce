"""Going back in time: rewinding, moments in memory and on disk, their futures, and plays that are gone on with."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pygame
import pytest
import torch
from client_fake_env import AheadDream, FakeDream, make
from client_rehearsal import Wait, click, lift, move_mouse, press, rehearse, shown, tap
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import noop, to_vector
from simworld.client import moment_files, worlds
from simworld.client.app import App
from simworld.client.options import PlayOptions
from simworld.client.past import Past
from simworld.client.requests import (
    Broken,
    Chunk,
    Dreamt,
    Ready,
    Reset,
    Return,
    Rewind,
    Rewound,
    Saved,
    SaveState,
    SetPrompt,
    Step,
)
from simworld.client.screens.moments_screen import MomentsScreen
from simworld.client.worker import Worker
from simworld.model.checkpoint import write_tensors
from simworld.model.heads import Heads, HeadsConfig, save_heads


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def moments() -> list[Path]:
    return sorted((Path(os.environ["XDG_DATA_HOME"]) / "simworld" / "moments").glob("*"))


def yaw(app: App) -> float:
    assert app.picture is not None
    return float(app.picture.chunk.info["pose"][3])


def remembered(world: str) -> Path:
    """A moment of seed 5, on disk, in which the player has turned by 15 degrees."""

    def remember(app: App) -> Iterator[Wait]:
        yield shown(app, 4)
        click()
        move_mouse(100, 0)
        yield lambda: yaw(app) == pytest.approx(15)
        tap(pygame.K_F5)
        yield lambda: "remembered" in app.messages.text

    rehearse(remember, world, seed=5)
    (path,) = moments()
    return path


def answers(worker: Worker, kind: type, patience: float = 30.0) -> Any:
    until = time.perf_counter() + patience
    while time.perf_counter() < until:
        for answer in worker.answers():
            if isinstance(answer, kind):
                return answer
        worker.wait(0.05)
    raise AssertionError(f"no {kind.__name__} came")


def test_backspace_goes_back_and_the_play_goes_on_from_there() -> None:
    world, _ = make(FakeDream, step_seconds=0.01)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        click()
        for _ in range(12):
            move_mouse(20, 0)
            yield shown(app, 2)
        yield lambda: yaw(app) == pytest.approx(36)
        press(pygame.K_BACKSPACE)
        yield lambda: 5 < yaw(app) < 20
        lift(pygame.K_BACKSPACE)
        yield lambda: app.session.settled or app.session.rewinding is None
        there = yaw(app)
        yield shown(app, 4)
        assert yaw(app) == pytest.approx(there), "the mouse has rested since"
        number = app.picture.chunk.number  # type: ignore[union-attr]
        move_mouse(20, 0)
        yield lambda: yaw(app) == pytest.approx(there + 3)
        assert app.picture.chunk.number < number + 4  # type: ignore[union-attr]

    _, stats = rehearse(script, world)
    assert stats.late_share < 0.2


def test_what_a_play_stood_still_is_no_time_of_play() -> None:
    world, _ = make(FakeDream, step_seconds=0.005)

    def script(app: App) -> Iterator[Wait]:
        app.choose()
        yield 0.5
        app.start(Reset(1))
        yield shown(app, 10)
        tap(pygame.K_ESCAPE)
        yield 1.0
        tap(pygame.K_ESCAPE)
        yield shown(app, 10)

    _, stats = rehearse(script, world)
    assert stats.fps == pytest.approx(20, abs=4)


def test_no_farther_back_than_the_beginning() -> None:
    world, _ = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 8)
        press(pygame.K_BACKSPACE)
        yield lambda: app.session.rewinding is not None and app.session.rewinding.at_end
        yield 0.2
        lift(pygame.K_BACKSPACE)
        yield lambda: app.session.rewinding is None and app.session.settled
        yield shown(app, 4)
        assert app.picture.chunk.number <= 3  # type: ignore[union-attr]

    rehearse(script, world)


def test_rewinding_is_exact_in_a_dream(tmp_path: Path) -> None:
    options = PlayOptions(world=str(write_tiny_world(tmp_path)), steps=2)
    worker = Worker(lambda: worlds.make(options))
    turn = {**noop(), "forward": 1, "camera": np.array([0.0, 3.0], np.float32)}
    worker.ask(Reset(3))
    for number in range(30):
        if number == 13:
            worker.ask(SetPrompt("a snowy forest at night"))
        worker.ask(Step(turn))
    chunks = [answers(worker, object) for _ in range(1)]
    while len(chunks) < 30 + 3:  # Ready, the reset and the note come as well
        chunks += worker.answers()
        worker.wait(0.05)
    shown_first = {chunk.number: chunk.frames for chunk in chunks if hasattr(chunk, "frames")}
    for number in (28, 17, 9):
        worker.ask(Rewind(number))
        assert answers(worker, Rewound).number == number
        if number == 28:
            worker.ask(Step(turn))
            assert np.array_equal(answers(worker, type(chunks[-1])).frames, shown_first[29])
    worker.ask(SaveState())
    state = answers(worker, Saved).state
    assert np.array_equal(state["frame"], shown_first[9][-1])
    worker.close()


def test_whatever_is_asked_of_a_world_that_goes_ahead_waits_for_its_pictures() -> None:
    world, _ = make(AheadDream, step_seconds=0.001, finish_seconds=0.05)
    worker = Worker(lambda: worlds.make(PlayOptions(world=world)), ahead=True)
    turn = {**noop(), "camera": np.array([0.0, 3.0], np.float32)}
    for request in (Reset(3), *[Step(turn) for _ in range(8)], SaveState(), Rewind(4), Step(turn)):
        worker.ask(request)
    came: list[object] = []
    while sum(isinstance(answer, Chunk) for answer in came) < 10:
        came += worker.answers()
        worker.wait(0.05)
    order = [type(answer) for answer in came if not isinstance(answer, Dreamt)]
    assert order == [Ready, *[Chunk] * 9, Saved, Rewound, Chunk]
    chunks = [answer for answer in came if isinstance(answer, Chunk)]
    assert [chunk.number for chunk in chunks] == [*range(9), 5]
    assert np.array_equal(chunks[-1].frames, chunks[5].frames) and not np.array_equal(chunks[-1].frames, chunks[6].frames)
    # A step could be taken before the pictures of the one before had come.
    dreamt, seen = ([place for place, answer in enumerate(came) if isinstance(answer, kind)] for kind in (Dreamt, Chunk))
    assert len(dreamt) == 9 and all(before < after for before, after in zip(dreamt, seen[1:], strict=True))
    worker.close()


def test_a_picture_that_cannot_be_finished_is_told() -> None:
    world, _ = make(AheadDream, unfinished=3)
    worker = Worker(lambda: worlds.make(PlayOptions(world=world)), ahead=True)
    for request in (Reset(3), *[Step(noop()) for _ in range(5)]):
        worker.ask(request)
    broken = answers(worker, Broken)
    assert "cannot finish" in str(broken.error) and broken.doing == "stepped" and broken.saved is not None
    worker.close()


def test_rewinding_is_exact_where_the_dream_plays_itself_and_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simworld.env.guide.LEAST_DETAIL", 1e9)  # everything is mist, and faded from
    folder = write_tiny_world(tmp_path)
    pictures = torch.randint(0, 256, (9, HEIGHT, WIDTH, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    write_tensors(folder / "starts.safetensors", {"frames": pictures}, {"captions": ["a place"] * len(pictures)})
    save_heads(folder / "heads.safetensors", Heads(HeadsConfig(num_tokens=7, token_width=128)), {})
    worker = Worker(lambda: worlds.make(PlayOptions(world=str(folder), steps=1)))

    def chunk(request: Reset | Step) -> Chunk:
        worker.ask(request)
        return answers(worker, Chunk)

    own = Step(noop(), own=True)
    shown_first = [chunk(Reset(3)), *(chunk(own) for _ in range(40))]
    assert sum(each.info.get("led", False) for each in shown_first) > 30
    for number in (33, 7):
        worker.ask(Rewind(number))
        assert answers(worker, Rewound).number == number
        for later in shown_first[number + 1 : number + 6]:  # the dream goes on, and plays, as it did
            again = chunk(own)
            assert np.array_equal(again.frames, later.frames)
            assert np.array_equal(to_vector(again.action), to_vector(later.action))
    # The same actions, played by hand, lead through the same places: so a recording of such a play can be played again.
    chunk(Reset(3))
    assert all(np.array_equal(chunk(Step(later.action)).frames, later.frames) for later in shown_first[1:])
    worker.close()


def test_the_past_forgets_what_is_over_a_minute_old_and_stays_small() -> None:
    past = Past(chunk_frames=2)
    past.begin("state 0")
    for number in range(1, 2001):
        past.asked(Step({"number": number}))
        if past.due:
            past.keep(f"state {number}")
    assert len(past._stretches) < 30
    for number in (1999, 1990, 1777, 1403):
        state, asked = past.way_to(number)
        start = int(state.removeprefix("state "))
        assert [step.action["number"] for step in asked if isinstance(step, Step)] == list(range(start + 1, number + 1))
    with pytest.raises(ValueError, match="too long ago"):
        past.way_to(1000)


def test_a_moment_on_disk_is_gone_to_by_another_play_and_has_several_futures() -> None:
    world, _ = make(FakeDream)
    path = remembered(world)
    about, _ = moment_files.read_about(path)
    assert (about.world, about.seed, about.kept, about.parent) == (world, 5, True, "")

    def second(app: App) -> Iterator[Wait]:
        yield shown(app, 2)
        for future in (10, 20):
            tap(pygame.K_F8)
            yield lambda: isinstance(app.screens.top, MomentsScreen)
            for _ in range(8):
                tap(pygame.K_RIGHT)  # the oldest of them
            tap(pygame.K_RETURN)
            yield lambda: not app.screens.open and yaw(app) == pytest.approx(15)
            assert app.session.seed == 5
            click()
            move_mouse(future * 20, 0)
            yield lambda future=future: yaw(app) == pytest.approx(15 + 3 * future)
            tap(pygame.K_F5)
            yield lambda future=future: len(app.keeper.moments.found(world)) == 1 + future // 10

    rehearse(second, world)
    children = [moment_files.read_about(child)[0] for child in moments() if child != path]
    assert [child.parent for child in children] == [path.stem, path.stem], "both came after the first"


def test_a_moment_is_dropped_onto_the_window(tmp_path: Path) -> None:
    world, _ = make(FakeDream)
    path = remembered(world)
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(path.read_bytes()[:300])

    def drop(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        pygame.event.post(pygame.Event(pygame.DROPFILE, file=str(torn)))
        yield lambda: "cut short" in app.messages.text
        pygame.event.post(pygame.Event(pygame.DROPFILE, file=str(path)))
        yield lambda: yaw(app) == pytest.approx(15)
        assert app.session.seed == 5

    rehearse(drop, world)


def test_where_one_left_is_kept_and_only_for_plays_worth_it() -> None:
    world, _ = make(FakeDream, step_seconds=0.001)

    def brief(app: App) -> Iterator[Wait]:
        yield shown(app, 4)

    def longer(app: App) -> Iterator[Wait]:
        app.session.pacer.interval = 0.002
        yield shown(app, 120)

    rehearse(brief, world)
    assert not moments()
    rehearse(longer, world)
    (path,) = moments()
    assert not moment_files.read_about(path)[0].kept


@pytest.mark.parametrize("size", [0, 40, 400, -200])
def test_a_moment_cut_short_is_one_clear_message(size: int) -> None:
    world, _ = make(FakeDream)

    def remember(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        tap(pygame.K_F5)
        yield lambda: "remembered" in app.messages.text

    rehearse(remember, world)
    (path,) = moments()
    path.write_bytes(path.read_bytes()[:size])

    def go(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        tap(pygame.K_F8)
        yield lambda: app.screens.open
        assert "cut short" in app.messages.text
        tap(pygame.K_ESCAPE)
        app.session.begin(Return(path=path))
        yield lambda: app.session.settled
        assert "cut short" in app.messages.text
        yield shown(app, 4)

    rehearse(go, world)


def test_a_world_that_breaks_says_so_keeps_its_last_moment_and_wakes_again() -> None:
    world, life = make(FakeDream, breaks_at=12)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 10)
        yield lambda: getattr(app.screens.top, "title", "") == "The world broke"
        assert "the fake fell apart" in app.screens.top.note  # type: ignore[union-attr]
        yield lambda: len(moments()) == 1
        life.actions.clear()
        tap(pygame.K_RETURN)
        yield lambda: len(life.resets) == 2
        yield shown(app, 4)

    rehearse(script, world)


def test_closing_during_a_long_chunk_ends_within_a_second_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simworld.client.keeper.WORTH_KEEPING", 2)
    world, _ = make(FakeDream, step_seconds=3.0)
    closed_at = 0.0

    def script(app: App) -> Iterator[Wait]:
        nonlocal closed_at
        yield shown(app, 3)
        yield lambda: not app.session.settled
        closed_at = time.perf_counter()

    rehearse(script, world)
    assert time.perf_counter() - closed_at < 1.3, "a second, and what a busy machine adds"
    assert len(moments()) == 1
