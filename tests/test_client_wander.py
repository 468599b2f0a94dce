"""The wanderer plays like somebody: everywhere, smoothly, never upside down, and not into walls that it sees."""

import numpy as np
import pytest

from simworld.actions import CAMERA, SLOT, to_vector
from simworld.client.wander import Wanderer
from simworld.env.spaces import action_space


def wander(seed: int, chunks: int, frame: np.ndarray | None = None) -> np.ndarray:
    wanderer = Wanderer(seed)
    return np.stack([to_vector(wanderer.sample(2, frame).action) for _ in range(chunks)])


def around(wall: slice = slice(0, 0)) -> np.ndarray:
    """All directions of a place, uint8 (96, 360, 3), a column for each degree: sky over rough grass, and a plain `wall`."""
    picture = np.empty((96, 360, 3), np.float32)
    picture[:40], picture[40:] = (130, 180, 240), (90, 150, 60)
    picture[40:] *= np.random.default_rng(0).uniform(0.6, 1.2, (56, 360, 1))
    picture[:, wall] = (110, 105, 100)
    return picture.astype(np.uint8)


def view(place: np.ndarray, yaw: float) -> np.ndarray:
    """What is seen at 100 degrees of view: uint8 (96, 160, 3)."""
    return place[:, (np.round(yaw + np.linspace(-50, 50, 160)) % 360).astype(int)]


def look_about(seed: int, place: np.ndarray, chunks: int) -> tuple[np.ndarray, np.ndarray]:
    """Actions of who stands in a place, seeing what the camera shows, and the yaw before each."""
    wanderer, yaw, actions, yaws = Wanderer(seed), 180.0, [], []
    for _ in range(chunks):
        yaws.append(yaw)
        actions.append(to_vector(wanderer.sample(2, view(place, yaw)).action))
        yaw += 2 * float(actions[-1][CAMERA][1])
    return np.stack(actions), np.array(yaws)


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


def test_open_views_change_nothing() -> None:
    assert np.array_equal(wander(5, 600, view(around(), 180)), wander(5, 600))


def test_equal_seeds_and_pictures_wander_equally() -> None:
    place = around(slice(140, 260))
    assert np.array_equal(look_about(3, place, 200)[0], look_about(3, place, 200)[0])


@pytest.mark.parametrize("wall, side", [(slice(100, 205), 1), (slice(155, 260), -1)])
def test_it_turns_from_a_wall_to_the_open_side(wall: slice, side: int) -> None:
    for seed in range(8):
        actions, yaws = look_about(seed, around(wall), 40)
        assert max(side * (yaws - 180)) > 30, "where it is open, within four seconds"
        facing = (yaws[10:] > wall.start + 25) & (yaws[10:] < wall.stop - 25)
        assert facing.mean() < 0.4, "it does not stay before the wall"
        assert not actions[10:][facing, SLOT["forward"]].any(), "nor walk into it"


@pytest.mark.parametrize("shape", [(96, 160, 3), (24, 40, 3), (360, 640, 3), (3, 3, 3)])
def test_where_nothing_is_to_be_seen_it_looks_round_and_goes_on(shape: tuple[int, int, int]) -> None:
    actions = wander(2, 300, np.zeros(shape, np.uint8))
    pitch, yaw = np.cumsum(2 * actions[:, CAMERA], 0).T
    assert np.ptp(yaw) > 150
    assert 0.2 < actions[:, SLOT["forward"]].mean() < 0.9
    assert np.abs(pitch).max() <= 61


def test_its_eyes_are_near_the_horizon_unless_its_hands_work() -> None:
    pitch = np.cumsum(2 * wander(1, 4000)[:, CAMERA][:, 0])
    assert (np.abs(pitch) < 20).mean() > 0.75


def test_it_digs_and_builds_on_its_feet_and_not_in_water() -> None:
    actions = wander(4, 3000)
    working = actions[:, [SLOT["attack"], SLOT["use"]]].any(1)
    assert 0.01 < working.mean() < 0.1
    assert not actions[working][:, [SLOT["forward"], SLOT["back"]]].any()
    sea = view(around(), 180).copy()
    sea[40:] = (40, 80, 170)
    assert not wander(4, 3000, sea)[:, [SLOT["attack"], SLOT["use"]]].any()
