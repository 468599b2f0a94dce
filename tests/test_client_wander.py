"""The wanderer plays like somebody: everywhere, smoothly, and never upside down."""

import numpy as np

from simworld.actions import CAMERA, SLOT, to_vector
from simworld.client.wander import Wanderer
from simworld.env.spaces import action_space


def wander(seed: int, chunks: int) -> np.ndarray:
    wanderer = Wanderer(seed)
    return np.stack([to_vector(wanderer.sample(2).action) for _ in range(chunks)])


def test_equal_seeds_wander_equally() -> None:
    assert np.array_equal(wander(3, 200), wander(3, 200))
    assert not np.array_equal(wander(3, 200), wander(4, 200))


def test_it_uses_what_a_player_uses() -> None:
    actions = np.concatenate([wander(seed, 1500) for seed in range(3)])
    share = actions[:, :23].mean(0)
    assert 0.4 < share[SLOT["forward"]] < 0.95
    for key in ("left", "right", "back", "jump", "sprint", "attack", "use"):
        assert 0.001 < share[SLOT[key]] < 0.4, key
    for key in ("ESC", "inventory", "drop", "sneak"):
        assert share[SLOT[key]] == 0, key


def test_its_head_moves_smoothly_and_stays_upright() -> None:
    actions = wander(1, 4000)
    pitch = np.cumsum(2 * actions[:, CAMERA][:, 0])
    assert np.abs(pitch).max() <= 61
    speed = np.abs(actions[:, CAMERA])
    assert speed.max() < 30, "degrees a frame"
    assert 0.1 < (speed.sum(1) < 0.01).mean() < 0.9, "sometimes it looks still"


def test_its_actions_lie_in_the_action_space() -> None:
    wanderer, space = Wanderer(0), action_space()
    assert all(space.contains(wanderer.sample(2).action) for _ in range(100))
