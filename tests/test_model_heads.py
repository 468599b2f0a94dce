"""The policy head: it learns what players do from what a world makes of its latents, and lets a dream play itself."""

from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import ACTION_SIZE, CAMERA, SLOT, from_vector, noop, to_vector
from simworld.episode import Prompt
from simworld.model.checkpoint import read_tensors, write_tensors
from simworld.model.heads import load_heads
from simworld.training.clip import Clip
from simworld.training.clip_store import fill_store
from simworld.training.data import DataConfig
from simworld.training.train_heads import HeadsTraining, train

NUM_CLIPS, NUM_FRAMES = 24, 13


class Reflexes:
    """Clips of a player who walks while the picture is bright and turns right while it is dark."""

    def __init__(self) -> None:
        self.number = 0

    def __iter__(self) -> "Reflexes":
        return self

    def __next__(self) -> Clip:
        rng = np.random.default_rng(self.number)
        self.number += 1
        bright = np.repeat(rng.random(NUM_FRAMES // 2 + 1) < 0.5, 2)[1 : NUM_FRAMES + 1]
        level = np.where(bright, 220, 30)[:, None, None, None]
        frames = level + rng.integers(0, 20, (NUM_FRAMES, HEIGHT, WIDTH, 3))
        actions = np.zeros((NUM_FRAMES - 1, ACTION_SIZE), np.float32)
        # Chunks begin after the first frame; who sees frame 2n acts for the next two.
        seen = np.repeat(bright[0::2][: (NUM_FRAMES - 1) // 2], 2)
        actions[seen, SLOT["forward"]] = 1
        actions[~seen, CAMERA.stop - 1] = 5.8
        return Clip(frames.astype(np.uint8), actions, [Prompt(0, "a room")], self.number)

    def state(self) -> int:
        return self.number

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world with heads that have learned the reflexes."""
    folder = write_tiny_world(tmp_path_factory.mktemp("world"))
    fill_store(folder / "clips", Reflexes(), NUM_CLIPS, (NUM_FRAMES, HEIGHT, WIDTH, 3))
    data = DataConfig(folder=str(folder / "clips"), num_clips=NUM_CLIPS)
    train(HeadsTraining(world=str(folder), data=data, num_clips=NUM_CLIPS, steps=200, batch_size=64, learning_rate=3e-3))
    return folder


def test_it_foretells_players_that_it_has_not_seen(folder: Path) -> None:
    summary = read_tensors(folder / "heads.safetensors")[1]["summary"]
    assert summary["nats"] < 0.5 * summary["nats_by_frequency"] and summary["clips"] == NUM_CLIPS


def test_a_dream_plays_itself(folder: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=1, renew=False).unwrapped
    reflexes, agree = Reflexes(), []
    reflexes.number = 1000  # players that it has not seen
    for clip in (next(reflexes) for _ in range(16)):
        actions = [from_vector(action) for action in clip.actions]
        env.reset(seed=1, options={"prompt": "a room", "frames": clip.frames[:9], "actions": actions[:8]})
        suggested = to_vector(env.suggest_action(warmth=0.3))
        agree.append(suggested[SLOT["forward"]] == clip.actions[8, SLOT["forward"]])
        assert (suggested[SLOT["forward"]] == 0) == (suggested[CAMERA.stop - 1] > 5), "it walks or turns"
    assert np.mean(agree) > 0.75
    runs = []
    for _ in range(2):
        env.reset(seed=4)
        runs.append([env.step(env.suggest_action())[0]["pov"] for _ in range(3)])
    assert np.array_equal(*runs), "equal seeds play equally"


def test_states_keep_what_heads_see(folder: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=1).unwrapped
    env.reset(seed=1)
    env.step(noop())
    state = env.save_state()
    first = [to_vector(env.suggest_action()) for _ in range(3)]
    env.step(noop())
    env.load_state(state)
    assert np.array_equal(first, [to_vector(env.suggest_action()) for _ in range(3)])


def test_a_world_without_heads_says_how_to_get_them(tmp_path: Path) -> None:
    env = gymnasium.make("simworld:simworld/World-v0", world=str(write_tiny_world(tmp_path))).unwrapped
    with pytest.raises(ValueError, match=r"call reset"):
        env.suggest_action()
    env.reset(seed=1)
    with pytest.raises(ValueError, match=r"has no heads.safetensors; make one: simworld train heads world="):
        env.suggest_action()


def test_broken_heads_are_told(folder: Path, tmp_path: Path) -> None:
    tensors, header = read_tensors(folder / "heads.safetensors")
    write_tensors(tmp_path / "kind", tensors, {**header, "kind": "dynamics"})
    with pytest.raises(ValueError, match="kind: holds 'dynamics'"):
        load_heads(tmp_path / "kind")
    write_tensors(tmp_path / "shape", {**tensors, "policy.bias": torch.zeros(3)}, header)
    with pytest.raises(ValueError, match="do not fit its own config"):
        load_heads(tmp_path / "shape")
