"""Saved states as JSON values and arrays: a play goes on exactly in another env, and what is not whole is refused."""

import json
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from tiny_world import write_tiny_world

from simworld.actions import noop
from simworld.env.packing import pack, unpack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_world(tmp_path_factory.mktemp("world"))


def through_a_file(values: Any, arrays: dict[str, np.ndarray]) -> tuple[Any, dict[str, np.ndarray]]:
    return json.loads(json.dumps(values)), {name: np.frombuffer(array.tobytes(), array.dtype) for name, array in arrays.items()}


def walk(env: gymnasium.Env, num_steps: int) -> np.ndarray:
    action = {**noop(), "forward": 1, "attack": 1, "camera": np.array([1.0, -4.5], np.float32)}
    return np.concatenate([env.step(action)[4]["frames"] for _ in range(num_steps)])


@pytest.mark.parametrize("kind", ["World", "Voxel", "VoxelTreechop", "VoxelNavigate", "VoxelExplore", "VoxelRecall"])
def test_a_play_goes_on_exactly_in_another_env(kind: str, folder: Path) -> None:
    arguments = {"world": str(folder)} if kind == "World" else {"height": 32, "width": 48}
    one, other = (gymnasium.make(f"simworld:simworld/{kind}-v0", **arguments) for _ in range(2))
    one.reset(seed=3)
    walk(one, 4)
    world: Any = one.unwrapped
    packed = through_a_file(*world.pack_state(world.save_state()))
    expected = walk(one, 6)
    other.reset(seed=9)
    another: Any = other.unwrapped
    another.load_state(another.unpack_state(*packed))
    assert np.array_equal(walk(other, 6), expected)


def test_a_state_that_is_not_whole_or_not_of_this_world_is_refused(folder: Path) -> None:
    dream: Any = gymnasium.make("simworld:simworld/World-v0", world=str(folder)).unwrapped
    game: Any = gymnasium.make("simworld:simworld/Voxel-v0", height=32, width=48).unwrapped
    task: Any = gymnasium.make("simworld:simworld/VoxelExplore-v0", height=32, width=48).unwrapped
    dream.reset(seed=1)
    values, arrays = dream.pack_state(dream.save_state())
    arrays.pop(sorted(arrays)[0])
    with pytest.raises(ValueError, match="not whole"):
        dream.unpack_state(values, arrays)
    with pytest.raises(ValueError, match="another kind of world"):
        game.unpack_state(*dream.pack_state(dream.save_state()))
    with pytest.raises(ValueError, match="another task"):
        task.unpack_state(*game.pack_state(game.save_state()))
    with pytest.raises(ValueError, match="cannot be gone on with"):
        dream.unpack_state(*game.pack_state(game.save_state()))


def test_plain_values_come_back_as_they_were() -> None:
    dice = np.random.default_rng(5)
    state = {(1, 2): {"a": [1, None, True], "t": (0.5, {3, 4})}, "n": np.float32(1.5), "d": dice}
    state["x"] = np.arange(6).reshape(2, 3)
    found = unpack(*through_a_file(*pack(state)))
    assert found[(1, 2)] == state[(1, 2)]
    assert found["n"] == 1.5 and type(found["n"]) is np.float32
    assert np.array_equal(found["x"], state["x"])
    assert found["d"].integers(1000, size=5).tolist() == dice.integers(1000, size=5).tolist()
    with pytest.raises(TypeError, match="object cannot be packed"):
        pack({"what": object()})
