"""Discrete and MultiDiscrete actions mean what VPT's do, in one env and in a vector; and Gymnasium's wrappers apply."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import FrameStackObservation, GrayscaleObservation, ResizeObservation
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import CAMERA, KEYS, SLOT, noop, to_vector
from simworld.choices import BINS, GROUPS, from_bins, to_bins
from simworld.env.wrappers import MOVES, KeysAndCamera, Moves, Pov, VectorPov, discrete, multi_discrete

VPT_DEGREES = [-10.0, -5.8095, -3.2154, -1.6095, -0.6154, 0.0, 0.6154, 1.6095, 3.2154, 5.8095, 10.0]
"""What VPT's own CameraQuantizer gives for its 11 bins (maxval 10, binsize 2, mu 10)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_world(tmp_path_factory.mktemp("world"))


def dream(folder: Path) -> gymnasium.Env:
    return gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=1)


def dreams(folder: Path, num_envs: int = 2) -> gymnasium.vector.VectorEnv:
    return gymnasium.make_vec("simworld:simworld/World-v0", num_envs=num_envs, world=str(folder), num_steps=1)


def test_camera_bins_are_vpts() -> None:
    assert np.allclose(from_bins(np.arange(BINS)), VPT_DEGREES, atol=1e-3)
    assert to_bins(from_bins(np.arange(BINS))).tolist() == list(range(BINS))
    assert to_bins(np.array([-90, -0.2, 0.2, 0.5, 90])).tolist() == [0, 5, 5, 6, 10]


def test_factors_hold_one_key_of_each_group() -> None:
    factors = KeysAndCamera()
    assert factors.space.nvec.tolist() == [3, 3, 3, 2, 2, 2, 10, BINS, BINS]
    vector = factors.vector(np.array([1, 2, 0, 1, 1, 0, 4, 5, 8]))
    held = {KEYS[slot] for slot in np.flatnonzero(vector[: len(KEYS)])}
    assert held == {"forward", "right", "jump", "attack", "hotbar.4"}
    assert np.allclose(vector[CAMERA], [0, 3.2154], atol=1e-3)
    rng = np.random.default_rng(0)
    for _ in range(50):
        choice = rng.integers(factors.space.nvec)
        assert factors.choice(factors.vector(choice)).tolist() == choice.tolist()
    both = to_vector({**noop(), "forward": 1, "back": 1})
    assert factors.choice(both)[0] == 1, "of two keys the first"


def test_moves_are_whole_actions() -> None:
    moves = Moves()
    assert moves.space.n == len(MOVES) and not moves.vector(0).any()
    jump = moves.vector(MOVES.index({"forward": 1, "jump": 1}))
    assert set(np.flatnonzero(jump)) == {SLOT["forward"], SLOT["jump"]}
    assert moves.vector(MOVES.index({"camera": (0.0, 5.0)}))[CAMERA].tolist() == [0, 5]


@pytest.mark.parametrize("wrap", [discrete, multi_discrete])
def test_a_wrapped_env_does_what_the_action_dict_does(wrap: Any, folder: Path) -> None:
    wrapped, plain = wrap(dream(folder)), dream(folder)
    wrapped.reset(seed=1)
    plain.reset(seed=1)
    choice = 14 if wrap is discrete else np.array([1, 0, 0, 0, 0, 0, 0, 5, 2])
    action = {**noop(), "forward": 1, "camera": np.array([0, -3 if wrap is discrete else from_bins(2)], np.float32)}
    one, other = wrapped.step(choice)[0]["pov"], plain.step(action)[0]["pov"]
    assert np.array_equal(one, other) and wrapped.action_space.contains(choice)
    envs = wrap(dreams(folder))
    envs.reset(seed=1)
    together = envs.step(np.stack([choice, np.zeros_like(choice)]))[0]["pov"]
    assert np.abs(together[0].astype(int) - one).max() <= 1 and not np.array_equal(together[0], together[1])
    assert envs.action_space.sample() in envs.action_space


@pytest.mark.parametrize(
    ("wrap", "wrong"), [(discrete, len(MOVES)), (discrete, 1.5), (multi_discrete, [0] * 8), (multi_discrete, [3] + [0] * 8)]
)
def test_choices_outside_the_space_are_told(wrap: Any, wrong: Any, folder: Path) -> None:
    env = wrap(dream(folder))
    env.reset(seed=1)
    with pytest.raises(ValueError, match=r"action is .*it must be in"):
        env.step(np.array(wrong))
    envs = wrap(dreams(folder))
    envs.reset(seed=1)
    with pytest.raises(ValueError, match=r"env 1: action is|inhomogeneous"):
        envs.step([np.zeros_like(np.array(envs.single_action_space.sample())), np.array(wrong)])


def test_impossible_sets_of_actions_are_told() -> None:
    for groups in ((*GROUPS, ("jump",)), (("fly",),)):
        with pytest.raises(ValueError, match="groups of keys"):
            KeysAndCamera(groups)
    with pytest.raises(ValueError, match=r"move 1: unknown \['fly'\]"):
        Moves([{}, {"fly": 1}])


def test_pictures_pass_through_gymnasiums_wrappers(folder: Path) -> None:
    env = FrameStackObservation(GrayscaleObservation(ResizeObservation(Pov(discrete(dream(folder))), (36, 40))), 3)
    observation, _ = env.reset(seed=1)
    assert observation.shape == (3, 36, 40) and observation in env.observation_space
    observation = env.step(env.action_space.sample())[0]
    assert observation in env.observation_space and observation.std() > 1
    envs = VectorPov(dreams(folder))
    pictures, _ = envs.reset(seed=1)
    assert pictures.shape == (2, HEIGHT, WIDTH, 3) and pictures in envs.observation_space
