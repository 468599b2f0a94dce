"""The bot: does it use all keys, move its mouse like a hand, get about, and repeat itself exactly?"""

import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA, KEYS, SLOT
from simworld.env.voxel.bot import Bot
from simworld.env.voxel.darter import Darter
from simworld.env.voxel.game import Game

NUM_STEPS = 1500


@pytest.fixture(scope="module")
def plays() -> list[tuple[np.ndarray, np.ndarray, int, int]]:
    """Actions, poses, blocks broken and placed of some plays of 75 seconds."""
    game = Game(24, 40)
    found = []
    for seed in range(6):
        game.set_conditions(respawn=True)
        bot, actions, poses, broken, placed = Bot(seed), [], [], 0, 0
        for _ in range(NUM_STEPS):
            actions.append(bot.act(game))
            game.step(actions[-1])
            poses.append(game.pose)
            broken, placed = broken + (game.broken > 0), placed + (game.placed > 0)
        found.append((np.stack(actions), np.stack(poses), broken, placed))
    return found


def test_keys_are_used_as_people_use_them(plays: list) -> None:
    actions = np.concatenate([play[0] for play in plays])
    share = dict(zip(KEYS, actions[:, : len(KEYS)].mean(0), strict=True))
    assert actions.dtype == np.float32 and actions.shape[1] == ACTION_SIZE
    assert set(np.unique(actions[:, : len(KEYS)])) == {0.0, 1.0}
    bounds = {"forward": (0.3, 0.75), "left": (0.03, 0.2), "right": (0.03, 0.2), "back": (0.01, 0.12)}
    bounds |= {"jump": (0.05, 0.3), "sprint": (0.05, 0.3), "sneak": (0.005, 0.1), "attack": (0.04, 0.25)}
    bounds |= {"use": (0.01, 0.12)}
    for key, (low, high) in bounds.items():
        assert low < share[key] < high, (key, share[key])
    changes = actions[:, SLOT["hotbar.1"] : SLOT["hotbar.9"] + 1].sum()
    assert len(actions) / 400 < changes < len(actions) / 40, "another block every few seconds"


def test_the_mouse_moves_like_a_hand(plays: list) -> None:
    camera = np.concatenate([play[0][:, CAMERA] for play in plays])
    yaw = np.abs(camera[:, 1])
    assert 0.1 < (yaw == 0).mean() < 0.7, "now and then it rests exactly still"
    assert (yaw > 5).mean() > 0.02 and yaw.max() < 25, "quick flicks, no jumps"
    assert ((yaw > 0) & (yaw < 0.5)).mean() > 0.03, "tiny jitters"
    assert np.quantile(np.abs(np.diff(camera[:, 1])), 0.99) < 6, "smooth"
    assert (camera[camera != 0] % 1 != 0).any(), "not in whole degrees"


def test_it_looks_ahead_and_gets_about(plays: list) -> None:
    pitch = np.concatenate([play[1][:, 4] for play in plays])
    assert 3 < np.median(pitch) < 18
    assert (np.abs(pitch) < 35).mean() > 0.7, "neither the floor nor the sky"
    spans = [np.hypot(*np.ptp(play[1][:, [0, 2]], axis=0)) for play in plays]
    assert np.median(spans) > 15, spans


def test_it_digs_and_builds(plays: list) -> None:
    assert sum(play[2] for play in plays) >= 15
    assert sum(play[3] for play in plays) >= 10


def test_it_comes_back_to_what_it_saw(plays: list) -> None:
    """Some view is left by more than 40 degrees and seen again to within 3 degrees, from the same place."""
    returns = 0
    for _, poses, _, _ in plays:
        for start in range(0, NUM_STEPS - 120, 20):
            window = poses[start : start + 120]
            still = np.abs(window[:, [0, 2]] - window[0, [0, 2]]).max(1) < 0.05
            still = np.cumprod(still).astype(bool)
            turned = np.abs((window[:, 3] - window[0, 3] + 180) % 360 - 180)
            away = np.flatnonzero(still & (turned > 40))
            if len(away) and (turned[away[0] :][still[away[0] :]] < 3).any():
                returns += 1
    assert returns >= 2


def test_equal_seeds_play_equally() -> None:
    game = Game(24, 40)
    runs = []
    for _ in range(2):
        game.reset(5)
        bot, actions = Bot(3), []
        for _ in range(200):
            actions.append(bot.act(game))
            game.step(actions[-1])
        runs.append(np.stack(actions))
    assert np.array_equal(*runs)


def test_it_plays_blindly_too() -> None:
    bot = Bot(1)
    actions = np.stack([bot.act(None) for _ in range(1000)])
    assert actions[:, SLOT["forward"]].mean() > 0.2
    assert np.abs(actions[:, CAMERA]).max() > 2
    assert np.abs(np.clip(np.cumsum(actions[:, -2]), -90, 90)).mean() < 40


def test_who_darts_about_leaps_lets_go_and_gets_somewhere() -> None:
    """Keys change more often than others' do; half of them see nothing."""
    game, blind = Game(24, 40), []
    changes, leaps, idle, far = [], [], [], []
    for seed in range(6):
        game.reset(seed)
        bot = Darter(seed)
        blind.append(bot.blind)
        actions, place = [], game.pose[[0, 2]]
        for _ in range(200):
            actions.append(bot.act(game))
            game.step(actions[-1])
        keys = np.stack(actions)[:, [SLOT["forward"], SLOT["sprint"], SLOT["jump"], SLOT["left"], SLOT["right"]]] > 0
        changes.append((keys[1:] != keys[:-1]).any(1).mean())
        leaps.append(keys[:, :3].all(1).mean())
        idle.append((~keys.any(1)).mean())
        far.append(np.hypot(*(game.pose[[0, 2]] - place)))
    assert {True, False} == set(blind)
    assert np.mean(changes) > 0.1 and np.mean(leaps) > 0.2 and 0.03 < np.mean(idle) < 0.5 and np.mean(far) > 5
