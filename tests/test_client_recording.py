"""F6 makes training data of a play, and --replay plays it again, exactly in the same world."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from client_fake_env import FakeDream, FakeGame, make
from client_rehearsal import Wait, click, lift, move_mouse, press, rehearse, shown, tap, write

from simworld.actions import SLOT
from simworld.client.app import App
from simworld.client.options import PlayOptions
from simworld.client.play import play
from simworld.commands import play as play_command
from simworld.training.episode_files import list_episodes, read_episode


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.chdir(tmp_path)


def recorded(app: App) -> Iterator[Wait]:
    """Walk a little, turn, and type a prompt, all while recording."""
    yield shown(app, 5)
    tap(pygame.K_F6)
    yield lambda: app.keeper.recording is not None
    press(pygame.K_w)
    click()
    yield shown(app, 6)
    move_mouse(40, -10)
    lift(pygame.K_w)
    tap(pygame.K_t)
    write("snow")
    tap(pygame.K_RETURN)
    yield shown(app, 8)
    tap(pygame.K_SPACE)
    yield shown(app, 6)
    tap(pygame.K_F6)
    yield lambda: app.keeper.recording is None


def test_a_play_becomes_an_episode() -> None:
    world, _ = make(FakeGame, step_seconds=0.01)
    rehearse(recorded, world, seed=8)
    (path,) = list_episodes("recordings")
    episode = read_episode(path)
    assert episode.meta["source"] == episode.meta["world"] == world
    assert (episode.meta["seed"], episode.meta["player"], episode.meta["fps"]) == (8, "person", 20)
    assert episode.rewards is not None and episode.rewards.sum() == len(episode) // 2
    # The effect of an action shows in the next picture: the fake paints the keys it got into the top row.
    forward = episode.actions[:-1, SLOT["forward"]] > 0
    assert 4 <= forward.sum() < len(episode) - 4
    assert np.array_equal(episode.frames[1:, 0, SLOT["forward"]].mean(-1) > 100, forward)
    assert not episode.actions[-1].any()


def test_a_replay_does_the_same_from_the_same_moment_and_types_the_same(tmp_path: Path) -> None:
    class Prompted(FakeDream):
        def step(self, action: dict[str, object]) -> tuple[object, ...]:
            observation, reward, terminated, truncated, info = super().step(action)
            return observation, reward, terminated, truncated, {**info, "prompt": (self.life.prompts or [""])[-1]}

        def reset(self, **given: object) -> tuple[object, ...]:  # type: ignore[override]
            observation, info = super().reset(**given)  # type: ignore[arg-type]
            return observation, {**info, "prompt": ""}

    world, life = make(Prompted, step_seconds=0.01)
    rehearse(recorded, world)
    (path,) = list_episodes("recordings")
    episode = read_episode(path)
    life.actions.clear()
    life.prompts.clear()
    stats = play(PlayOptions(world=world, replay=f"{path}.mp4", headless=True, out="again.mp4"))
    assert stats.pictures == len(episode)
    expected = episode.actions[:-1]
    assert np.allclose(np.repeat(life.actions, 2, 0)[: len(expected)], expected)
    assert life.prompts == ["snow"]
    first = read_episode_frames("again.mp4")[0]
    assert abs(first.astype(int) - episode.frames[0]).mean() < 12, "it begins with the same picture, within codec loss"


def read_episode_frames(path: str) -> np.ndarray:
    import av

    with av.open(path) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames)[:, ::20, ::20]


def test_a_replay_in_a_window_in_another_world_is_taken_over_by_a_key() -> None:
    world, _ = make(FakeGame, step_seconds=0.01)
    rehearse(recorded, world, seed=8)
    (path,) = list_episodes("recordings")
    other, life = make(FakeGame, step_seconds=0.01)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 6)
        assert app.replay is not None
        press(pygame.K_d)
        yield shown(app, 6)
        assert app.replay is None

    rehearse(script, other, replay=str(path))
    assert life.resets[0][0] == 8
    assert any(action[SLOT["forward"]] for action in life.actions)
    assert any(action[SLOT["right"]] for action in life.actions)


def test_a_recording_has_no_jumps() -> None:
    world, _ = make(FakeDream, step_seconds=0.01)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        tap(pygame.K_F6)
        yield lambda: app.keeper.recording is not None
        yield shown(app, 8)
        tap(pygame.K_r)
        yield shown(app, 8)
        press(pygame.K_BACKSPACE)
        yield lambda: app.session.rewinding is not None
        lift(pygame.K_BACKSPACE)
        yield shown(app, 8)
        assert app.keeper.recording is not None

    rehearse(script, world)
    episodes = [read_episode(path) for path in list_episodes("recordings")]
    assert len(episodes) == 3, "also the one that went on when the window was closed"
    for episode in episodes:
        counted = episode.frames[:, 1, 0, 0].astype(int)
        assert np.abs(np.diff(counted) - 1).mean() < 3, "the fake counts its pictures"


def test_a_recording_that_cannot_be_written_says_so_and_the_play_goes_on(tmp_path: Path) -> None:
    world, _ = make(FakeDream, step_seconds=0.005)
    (tmp_path / "recordings").write_text("in the way")

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        tap(pygame.K_F6)
        yield lambda: "the recording failed" in app.messages.text
        yield lambda: app.keeper.recording is None
        yield shown(app, 4)

    rehearse(script, world)


def test_a_prompt_typed_while_going_back_ends_the_going_back() -> None:
    world, _ = make(FakeDream, step_seconds=0.005)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 10)
        press(pygame.K_BACKSPACE)
        yield lambda: app.session.rewinding is not None
        tap(pygame.K_t)
        yield lambda: app.prompt_line.open and app.session.rewinding is None
        lift(pygame.K_BACKSPACE)
        tap(pygame.K_ESCAPE)
        yield shown(app, 4)

    rehearse(script, world)


def test_what_is_no_recording_is_refused_before_a_window_opens(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="an episode needs"):
        play(PlayOptions(world="voxel", replay="nothing"))
    import argparse

    parser = argparse.ArgumentParser()
    play_command.arguments(parser)
    with pytest.raises(FileNotFoundError, match="an episode needs"):
        play_command.run(parser.parse_args(["--replay", "nothing"]))
