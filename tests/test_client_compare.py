"""The game beside the dream, under one set of keys; and the bot that plays until a key is touched."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pygame
import pytest
from client_fake_env import FakeDream, make
from client_rehearsal import Wait, press, rehearse, shown, tap
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import SLOT, noop
from simworld.client import worlds
from simworld.client.app import App
from simworld.client.options import PlayOptions


@pytest.fixture(autouse=True)
def dummy_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_tiny_world(tmp_path_factory.mktemp("world")))


def test_both_begin_with_the_same_sight_and_do_the_same(folder: str) -> None:
    env = worlds.make(PlayOptions(world=folder, compare=True))
    observation, info = env.reset(seed=4)
    game, dream = np.split(observation["pov"], 2, 1)
    assert game.shape == dream.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(game, dream), "the dream begins with the game's own picture"
    walk = {**noop(), "forward": 1, "camera": np.array([0, 4.0], np.float32)}
    alone = worlds.make(PlayOptions(world=folder, compare=True))
    alone.reset(seed=4)
    both: Any = env.unwrapped
    for _ in range(3):
        *_, info = env.step(walk)
    assert info["frames"].shape == (2, HEIGHT, 2 * WIDTH, 3) and info["psnr"] < 60
    packed = both.pack_state(both.save_state())
    expected = [env.step(walk)[4]["frames"] for _ in range(3)]
    other: Any = alone.unwrapped
    other.load_state(other.unpack_state(*packed))
    assert np.array_equal([alone.step(walk)[4]["frames"] for _ in range(3)], expected)
    with pytest.raises(ValueError, match="another kind of world"):
        other.unpack_state({}, {})


def test_it_is_played_with_all_that_a_play_has(folder: str) -> None:
    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 4)
        press(pygame.K_w)
        yield shown(app, 6)
        tap(pygame.K_F3)
        tap(pygame.K_F5)
        yield lambda: "remembered" in app.messages.text
        left, right = app.halves()
        assert left.right == right.left and left.size == right.size
        assert app.picture is not None and app.picture.frame.shape == (HEIGHT, 2 * WIDTH, 3)

    rehearse(script, folder, compare=True)


def test_a_recording_of_both_is_played_again_with_both() -> None:
    for options in (PlayOptions(world="small", compare=True), PlayOptions(world="voxel")):
        assert PlayOptions(**worlds.titled(worlds.title(options))) == options


@pytest.mark.parametrize(("options", "said"), [({"prompt": "snow"}, "takes no prompt"), ({"world": "voxel"}, "give a dream")])
def test_what_cannot_be_compared_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        PlayOptions(**{"compare": True, **options})


def test_the_bot_plays_until_a_key_is_touched() -> None:
    world, life = make(FakeDream)

    def script(app: App) -> Iterator[Wait]:
        yield shown(app, 3)
        assert not any(action.any() for action in life.actions)
        tap(pygame.K_p)
        yield lambda: any(action.any() for action in life.actions)
        assert app.watching
        press(pygame.K_d)
        yield lambda: not app.watching
        steps = len(life.actions) + 1
        yield shown(app, 8)
        assert all(action[SLOT["right"]] and action.sum() == 1 for action in life.actions[steps:])
        tap(pygame.K_p)
        yield lambda: app.watching
        tap(pygame.K_p)
        yield lambda: not app.watching

    rehearse(script, world)


def test_a_start_from_seen_frames_remembers_what_was_seen(folder: str) -> None:
    env = worlds.make(PlayOptions(world=folder))
    seen = np.random.default_rng(0).integers(0, 255, (5, HEIGHT, WIDTH, 3), np.uint8)
    turn = {**noop(), "camera": np.array([0, 30.0], np.float32)}
    world: Any = env.unwrapped
    shares = []
    for frames, actions in ((seen[-1:], None), (seen, [turn] * 4)):
        env.reset(seed=1, options={"frames": frames, "actions": actions})
        packed = world.save_state()["context"].around.seen_from
        shares.append(float((packed.abs() < 1e3).float().mean()))
    assert shares[1] > 1.5 * shares[0] > 0, "not only the last of them"
