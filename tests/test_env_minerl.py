"""MineRL's envs, by a stand-in with exactly its spaces: actions arrive as MineRL takes them, and the recorder records them."""

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from minerl_stand_in import ENVS, LIMIT, OldEnv, modules

from simworld.actions import CAMERA, SLOT, noop
from simworld.env.minerl_env import MineRLEnv
from simworld.env.spaces import action_space
from simworld.training.episode_files import read_episode
from simworld.training.recorder import random_policy, record

ID = "simworld:simworld/MineRL-v0"


@pytest.fixture
def minerl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in modules().items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.filterwarnings("ignore:.*symmetric and normalized space.*:UserWarning")
@pytest.mark.parametrize("name", list(ENVS))
def test_every_minerl_env_is_one_of_ours(name: str, minerl: None) -> None:
    env = gymnasium.make(ID, name=name, render_mode="rgb_array", disable_env_checker=True)
    check_env(env.unwrapped)
    env.reset(seed=7)
    old = env.unwrapped.old
    assert old.seeds[-1] == 7 and env.action_space == action_space()
    everything = {**{key: 1 for key in noop()}, "camera": np.array([3.5, -7.25], np.float32)}
    observation, reward, terminated, truncated, info = env.step(everything)
    taken = old.taken[-1]
    assert taken["forward"] == 1 and taken["camera"].tolist() == [3.5, -7.25] and taken["camera"].dtype == np.float32
    assert all(taken[name] == "none" for name in ("craft", "equip", "nearbyCraft", "nearbySmelt") if name in taken)
    assert taken.get("place", "dirt") == "dirt" and reward == 1 and not (terminated or truncated)
    assert set(info["minerl"]) == set(ENVS[name][1]) - {"pov"}
    assert observation["pov"].shape == ENVS[name][1]["pov"].shape and np.array_equal(env.render(), observation["pov"])
    env.step(noop())
    assert old.taken[-1].get("place", "none") == "none" and not old.taken[-1]["forward"]
    env.close()
    assert old.closed


def test_time_limits_are_truncations_and_nothing_follows_them(minerl: None) -> None:
    env = gymnasium.make(ID, name="MineRLTreechop-v0", disable_env_checker=True).unwrapped
    with pytest.raises(ValueError, match="call reset"):
        env.step(noop())
    env.reset()
    endings = [env.step(noop())[2:4] for _ in range(LIMIT)]
    assert endings == [(False, False)] * (LIMIT - 1) + [(False, True)]
    with pytest.raises(ValueError, match="call reset"):
        env.step(noop())


def test_use_places_the_block_that_was_chosen(minerl: None) -> None:
    env = gymnasium.make(ID, name="MineRLObtainDiamond-v0", place="torch", disable_env_checker=True).unwrapped
    assert env.old_action({**noop(), "use": 1})["place"] == "torch"
    with pytest.raises(ValueError, match="place is 'gold'; it must be one of dirt, stone"):
        gymnasium.make(ID, name="MineRLObtainDiamond-v0", place="gold")


def test_minecraft_is_recorded_like_any_game(minerl: None, tmp_path: Path) -> None:
    env = gymnasium.make(ID, name="MineRLNavigate-v0", height=32, width=48, disable_env_checker=True)
    (path,) = record(env, random_policy(env), tmp_path, num_frames=60, seed=3)
    episode = read_episode(path)
    assert episode.frames.shape == (LIMIT + 1, 32, 48, 3) and episode.truncated and not episode.terminated
    taken = env.unwrapped.old.taken
    assert [action["forward"] for action in taken] == episode.actions[:-1, SLOT["forward"]].tolist()
    assert np.array_equal([action["camera"] for action in taken], episode.actions[:-1, CAMERA])
    assert np.abs(episode.actions[:, CAMERA]).max() < 40, "a player turns, and does not spin"


def test_without_minerl_the_way_to_it_is_told(minerl: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="MineRL has no env 'MineRLNowhere-v0'"):
        gymnasium.make(ID, name="MineRLNowhere-v0")
    monkeypatch.setitem(sys.modules, "minerl", None)
    with pytest.raises(gymnasium.error.DependencyNotInstalled, match=r"Java 8.*simworld\[minerl\]"):
        gymnasium.make(ID, name="MineRLTreechop-v0")


def test_an_env_of_another_shape_is_refused() -> None:
    blind = OldEnv("MineRLTreechop-v0")
    del blind.observation_space.spaces["pov"]
    with pytest.raises(ValueError, match=r"observes \[\] and takes .*MineRL's have pov and camera"):
        MineRLEnv(blind)
