"""Vectors of dreams and of games: each world as it would be alone, endings, masks, states, and errors that name the world."""

import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from test_env_guide import with_pictures
from test_env_world import some_frames
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import noop
from simworld.env.guide import Guide
from simworld.env.vector_env import WorldsVectorEnv
from simworld.env.voxel.blocks import LOG
from simworld.model import footprint

NUM = 3
SMALL = {"height": 24, "width": 40, "frame_skip": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_world(tmp_path_factory.mktemp("world"))


def make(kind: str, folder: Path, num_envs: int = NUM, **arguments: Any) -> WorldsVectorEnv:
    envs = gymnasium.make_vec(f"simworld:simworld/{kind}-v0", num_envs=num_envs, **arguments_of(kind, folder), **arguments)
    assert isinstance(envs, WorldsVectorEnv)
    return envs


def arguments_of(kind: str, folder: Path) -> dict[str, Any]:
    return {"world": str(folder), "num_steps": 2} if kind == "World" else SMALL


def alone(kind: str, folder: Path, **arguments: Any) -> gymnasium.Env:
    return gymnasium.make(f"simworld:simworld/{kind}-v0", **arguments_of(kind, folder), **arguments)


def turning(num_envs: int = NUM) -> dict[str, Any]:
    """Each world turns at its own speed."""
    camera = np.stack([[0.5, 3.0 * (number - 1)] for number in range(num_envs)]).astype(np.float32)
    return {**{key: np.zeros(num_envs, np.int64) for key in noop() if key != "camera"}, "camera": camera}


def of(number: int, actions: dict[str, Any]) -> dict[str, Any]:
    return {name: column[number] for name, column in actions.items()}


KINDS = pytest.mark.parametrize("kind", ["World", "Voxel"])


@KINDS
def test_make_vec_gives_a_vector_of_gymnasiums_shape(kind: str, folder: Path) -> None:
    envs = make(kind, folder, render_mode="rgb_array")
    assert isinstance(envs, VectorEnv) and envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    observation, info = envs.reset(seed=5)
    assert observation in envs.observation_space and envs.action_space.sample() in envs.action_space
    observation, rewards, terminated, truncated, info = envs.step(envs.action_space.sample())
    assert observation in envs.observation_space
    assert rewards.shape == terminated.shape == truncated.shape == (NUM,) and terminated.dtype == truncated.dtype == bool
    assert info["frames"].shape == (NUM, 2, *observation["pov"].shape[1:]) and info["_frames"].all()
    assert np.array_equal(info["frames"][:, -1], observation["pov"])
    pictures = envs.render()
    assert pictures is not None and np.array_equal(np.stack(pictures), observation["pov"])
    envs.close()
    with pytest.raises(ValueError, match="closed"):
        envs.reset()


@KINDS
def test_world_i_of_a_vector_is_the_single_world_of_its_seed(kind: str, folder: Path) -> None:
    envs = make(kind, folder)
    first, _ = envs.reset(seed=5)
    after = envs.step(turning())[0]
    for number in range(NUM):
        env = alone(kind, folder)
        assert np.array_equal(env.reset(seed=5 + number)[0]["pov"], first["pov"][number])
        # An untrained world makes much of what a batch rounds differently; after one chunk it is a level at most.
        apart = env.step(of(number, turning()))[0]["pov"].astype(int) - after["pov"][number]
        assert np.abs(apart).max() <= (1 if kind == "World" else 0)
    assert not np.array_equal(after["pov"][0], after["pov"][1])


def test_the_shipped_worlds_vector_dreams_what_single_worlds_dream() -> None:
    """15 chunks, worlds of two ages; bf16 products of another batch size may round differently, by a level here and there."""
    arguments = {"world": "small", "num_steps": 1, "renew": False}
    envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=2, **arguments)
    env = gymnasium.make("simworld:simworld/World-v0", **arguments)
    envs.reset(seed=[1, 2])
    for _ in range(3):
        envs.step(turning(2))
    envs.reset(seed=[None, 7], options={"reset_mask": np.array([False, True])})
    for _ in range(12):
        together = envs.step(turning(2))[0]["pov"]
    for number, seed, num_chunks in ((0, 1, 15), (1, 7, 12)):
        env.reset(seed=seed)
        for _ in range(num_chunks):
            single = env.step(of(number, turning(2)))[0]["pov"]
        assert np.square(single.astype(float) - together[number]).mean() < 0.5, "51 dB"


@KINDS
def test_after_the_time_limit_the_next_step_begins_anew(kind: str, folder: Path) -> None:
    envs = RecordEpisodeStatistics(make(kind, folder, max_episode_steps=3))
    sync = gymnasium.make_vec(
        f"simworld:simworld/{kind}-v0", NUM, "sync", max_episode_steps=3, **arguments_of(kind, folder)
    )
    envs.reset(seed=2)
    sync.reset(seed=2)
    for number in range(1, 9):
        observation, _, terminated, truncated, info = envs.step(turning())
        expected = sync.step(turning())
        assert truncated.tolist() == expected[3].tolist() == [number % 4 == 3] * NUM and not terminated.any()
        if number == 4:
            assert np.array_equal(observation["pov"], expected[0]["pov"]), "the dice of each world gave its next seed"
        if number % 4 == 3:
            assert info["episode"]["l"].tolist() == [3] * NUM
    sync.close()


def test_worlds_that_end_at_different_times_are_reset_one_by_one(folder: Path) -> None:
    envs = make("World", folder, max_episode_steps=4)
    first, _ = envs.reset(seed=2)
    for _ in range(2):
        before = envs.step(turning())[0]
    mask = np.array([False, True, False])
    observation, info = envs.reset(seed=[None, 3, None], options={"reset_mask": mask})
    assert np.array_equal(observation["pov"], np.stack([before["pov"][0], first["pov"][1], before["pov"][2]]))
    assert info["_frames"].tolist() == mask.tolist()
    endings = [envs.step(turning())[3].tolist() for _ in range(4)]
    assert endings == [[False] * 3, [True, False, True], [False] * 3, [False, True, False]]
    _, _, _, _, info = envs.step(turning())
    assert np.array_equal(info["frames"][1, 0], info["frames"][1, 1]) and not np.array_equal(*info["frames"][0])


def test_a_task_ends_and_begins_anew_for_itself(folder: Path) -> None:
    envs = gymnasium.make_vec("simworld:simworld/VoxelTreechop-v0", num_envs=2, **SMALL)
    assert envs.unwrapped.max_episode_steps == 8000
    envs.reset(seed=1)
    game = envs.unwrapped.envs[1].game
    envs.unwrapped.envs[1].stage.task.chopped = 7
    game._use_hands = lambda action: setattr(game, "broken", LOG)
    _, rewards, terminated, truncated, _ = envs.step(turning(2))
    assert rewards.tolist() == [0, 1] and terminated.tolist() == [False, True] and not truncated.any()
    del game._use_hands
    _, rewards, terminated, _, info = envs.step(turning(2))
    assert rewards.tolist() == [0, 0] and not terminated.any() and game.num_steps == 0
    assert info["frames"].shape == (2, 2, 24, 40, 3)


@KINDS
def test_a_vectors_state_goes_on_exactly(kind: str, folder: Path) -> None:
    envs = make(kind, folder, max_episode_steps=5)
    envs.reset(seed=4)
    envs.step(turning())
    envs.reset(options={"reset_mask": np.array([True, False, False])})
    state = pickle.loads(pickle.dumps(envs.save_state()))  # as on the way to another process
    first = [envs.step(turning()) for _ in range(7)]
    observation, _ = envs.load_state(state)
    assert observation in envs.observation_space
    second = [envs.step(turning()) for _ in range(7)]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one[0]["pov"], other[0]["pov"]) and np.array_equal(one[3], other[3])
    with pytest.raises(ValueError, match="of 3 envs; these are 2"):
        make(kind, folder, 2).load_state(state)


def test_each_world_of_a_vector_has_its_own_start_and_prompt(folder: Path, tmp_path: Path) -> None:
    envs = make("World", with_pictures(tmp_path), renew=False)
    pictures = envs.start_pictures()
    each = [{"frames": pictures[:1]}, {"frames": some_frames(5), "prompt": "rain"}, {}]
    observation, info = envs.reset(seed=1, options={"each": each})
    assert np.array_equal(observation["pov"][0], pictures[0]) and np.array_equal(observation["pov"][1], some_frames(5)[-1])
    assert any(np.array_equal(observation["pov"][2], picture) for picture in pictures)
    assert info["prompt"].tolist() == ["", "rain", ""]
    envs.set_prompts(["snow", "rain", ""])
    info = envs.step(turning())[4]
    assert info["led"].tolist() == [True, False, False] and info["prompt"].tolist() == ["snow", "rain", ""]


def test_mist_is_left_by_the_worlds_that_are_lost_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    envs = make("World", with_pictures(tmp_path))
    envs.reset(seed=1)
    monkeypatch.setattr(Guide, "lost", lambda *_: [False, True, False])
    assert envs.step(turning())[4]["led"].tolist() == [False] * 3
    monkeypatch.setattr(Guide, "lost", lambda *_: [False] * 3)
    assert envs.step(turning())[4]["led"].tolist() == [False, True, False]


BAD_ACTIONS = [
    ({"jump": np.array([0, 2, 0])}, r"env 1: action\['jump'\] is .*2.*must be 0 or 1"),
    ({"jump": np.array([0, 0, 0.5])}, r"env 2: action\['jump'\] is .*0.5"),
    ({"jump": np.array(["0", "1", "x"])}, r"env 0: action\['jump'\]"),
    ({"jump": np.zeros(2)}, r"actions\['jump'\] has shape \(2,\); 3 envs need \(3,\)"),
    ({"camera": np.array([[0, 0], [0, np.nan], [0, 0]])}, r"env 1: action\['camera'\] is .*finite"),
    ({"camera": np.array([[0, 0], [0, 0], [0, 181.0]])}, r"env 2: action\['camera'\] is .*180 degrees at most"),
    ({"camera": np.zeros((3, 3))}, r"actions\['camera'\] has shape \(3, 3\); 3 envs need \(3, 2\)"),
    ({"fly": np.zeros(3)}, r"unknown \['fly'\]"),
]


@KINDS
def test_wrong_actions_are_told_with_the_world_and_the_field(kind: str, folder: Path) -> None:
    envs = make(kind, folder)
    with pytest.raises(ValueError, match="none of these 3 envs has begun"):
        envs.step(turning())
    envs.reset(seed=1)
    for change, message in BAD_ACTIONS:
        with pytest.raises(ValueError, match=message):
            envs.step({**turning(), **change})
    with pytest.raises(ValueError, match="must be a dict of arrays"):
        envs.step(np.zeros((3, 25)))


@KINDS
def test_wrong_resets_are_told(kind: str, folder: Path) -> None:
    envs = make(kind, folder)
    half = np.array([True, False, False])
    for arguments, message in (
        ({"options": {"reset_mask": half}}, r"leaves out envs \[1, 2\]"),
        ({"options": {"reset_mask": [True] * 3}}, "reset_mask is .*bool array of shape"),
        ({"options": {"reset_mask": np.zeros(3, bool)}}, "True somewhere"),
        ({"options": {"each": [{}]}}, "each must be 3 dicts"),
        ({"options": {"each": [{}, {"frame": 1}, {}]}}, r"env 1: reset options: unknown \['frame'\]"),
        ({"seed": [1, 2]}, "2 seeds for 3 envs"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.reset(**arguments)


def test_wrong_starts_and_prompts_of_dreams_name_the_world(folder: Path) -> None:
    envs = make("World", folder)
    for option, message in (
        ({"frames": some_frames(3)[:, :16]}, "env 2: reset option frames: 16×48 pixels"),
        ({"around": some_frames(1)[0]}, "env 2: reset option around: 32×48 pixels"),
        ({"pitch": 99}, "env 2: reset option pitch is 99"),
    ):
        with pytest.raises(ValueError, match=message):
            envs.reset(options={"each": [{}, {}, option]})
    with pytest.raises(ValueError, match="has begun"):
        envs.set_prompts([""] * 3)
    envs.reset(seed=1)
    with pytest.raises(ValueError, match="need a list of 3 prompts"):
        envs.set_prompts("rain")
    with pytest.raises(ValueError, match=r"env 1: .*10000 characters"):
        envs.set_prompts(["", "a " * 5000, ""])


def test_impossible_vectors_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("World", "Voxel"):
        with pytest.raises(ValueError, match="num_envs is 0"):
            make(kind, folder, 0)
        with pytest.raises(ValueError, match="max_episode_steps is 0"):
            make(kind, folder, max_episode_steps=0)
    each = footprint.bytes_per_world(make("World", folder, 1).world)
    assert HEIGHT * WIDTH * 1000 < each < 200e6
    monkeypatch.setattr(footprint, "free_bytes", lambda device: 5 * each)
    with pytest.raises(ValueError, match=r"8 worlds need about .* GiB .* are free; 4 fit"):
        make("World", folder, 8)
    make("World", folder, 4)


def test_a_game_that_has_not_begun_or_is_over_says_so(folder: Path) -> None:
    env = alone("VoxelTreechop", folder).unwrapped
    with pytest.raises(ValueError, match="call reset"):
        env.step(noop())
    env.reset(seed=1)
    env.stage.score = lambda game: (0.0, True)
    assert env.step(noop())[2]
    with pytest.raises(ValueError, match="call reset"):
        env.step(noop())
