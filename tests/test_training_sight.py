"""Learning sight: from what the game knows, and so that it can be used."""

from pathlib import Path

import numpy as np
import pytest
import torch
from learning import learned

from simworld.actions import ACTION_SIZE, SLOT
from simworld.env.voxel.game import Game
from simworld.model.sight import RECENT, SightConfig
from simworld.model.surroundings import go, headed, nothing_seen
from simworld.training.data import DataConfig
from simworld.training.loop import LoopConfig
from simworld.training.optimizer import OptimizerConfig
from simworld.training.sights import EVERY, Sights, sights
from simworld.training.strolls import Strolls, stumbles, way
from simworld.training.train_sight import SightTask, SightTraining


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sight") / "sights"
    sights(data(path))
    return path


def data(folder: Path, num_clips: int = 12) -> DataConfig:
    return DataConfig(folder=str(folder), num_clips=num_clips, clip_frames=21, height=48, width=80)


def task(folder: Path, soft: float = 0.0) -> SightTask:
    loop = LoopConfig(folder=str(folder.parent / "run"), optimizer=OptimizerConfig(learning_rate=2e-3))
    model = SightConfig(widths=[16, 32], blocks=[1, 1], hidden=32)
    return SightTask(SightTraining(model=model, data=data(folder), loop=loop, batch_size=8, soft=soft))


def test_the_game_knows_how_far_away_things_are() -> None:
    game = Game(48, 80)
    game.reset(5, time_of_day=0.25, weather="clear")
    x, y, z, yaw, _ = game.pose
    game.stand(x, y + 20, z, yaw, 90)
    frame, depth = game.look()
    assert np.array_equal(frame, game.render()) and depth.shape == (48, 80)
    middle = depth[20:28, 36:44]
    above = y + 20 + 1.62
    ground = np.round(above - middle)
    assert np.abs(above - middle - ground).max() < 0.05 and (ground <= y + 15).all(), "whole blocks below the eye"
    game.stand(x, y + 20, z, yaw, -90)
    assert (game.look()[1] > 1e8).all(), "the sky"


def test_a_store_is_played_once_and_tells_of_each_frame(folder: Path) -> None:
    store = sights(data(folder))
    assert store.frames.shape == (12, 3, 48, 80, 3) and store.poses.shape == (12, 21, 5) and EVERY == 7
    assert float(store.near.min()) >= 0 and float(store.near.max()) > 0.2
    assert len({frame.tobytes() for frame in store.frames.reshape(-1, 48, 80, 3)}) > 30
    changed = (folder / "near.npy").stat().st_mtime
    assert sights(data(folder)).near.shape == (12, 3, 48, 80) and (folder / "near.npy").stat().st_mtime == changed
    with pytest.raises(ValueError, match="holds 12 clips of 48×80 pixels, not 40 of 48×80"):
        sights(data(folder, 40))
    with pytest.raises(ValueError, match=r"data\.source is 'recordings', not 'voxel'"):
        sights(DataConfig(folder=str(folder.parent / "none"), source="recordings"))


def test_steps_are_those_that_the_eye_then_takes(folder: Path) -> None:
    """Going on by the recorded steps and turns ends where the game's player ended."""
    learner, store = task(folder), sights(data(folder))
    stretch = learner.batch(3, 64).stretch
    assert stretch.actions.shape == (64, RECENT + 2, 25) and float(stretch.known.mean()) > 0.5
    assert 0 < float(stretch.steps.abs().mean()) < 0.5
    pose, then = (torch.from_numpy(np.array(store.poses[:, at])) for at in (EVERY, EVERY + 2))
    around = nothing_seen(pose[:, 4])
    around.view = torch.stack([pose[:, 4], pose[:, 3]], 1)
    steps = torch.from_numpy(np.stack([way(poses[EVERY : EVERY + 3], poses[EVERY, 3]) for poses in store.poses])).float()
    told = torch.from_numpy(np.array(store.actions[:, EVERY : EVERY + 2]))
    go(around, told, steps)
    moved = then - pose
    assert torch.allclose(around.place, torch.stack([-moved[:, 0], moved[:, 2], moved[:, 1]], 1), atol=1e-3)


def test_a_stumble_is_where_a_walk_ends_with_a_key_held() -> None:
    poses, actions = np.zeros((2, 12, 5), np.float32), np.zeros((2, 12, ACTION_SIZE), np.float32)
    poses[:, :, 2] = 0.18 * np.arange(12).clip(max=6)
    actions[0, :, SLOT["forward"]] = 1
    actions[1, :6, SLOT["forward"]] = 1
    nothing = np.zeros((2, 2, 4, 4), np.float32)
    found = stumbles(Sights(nothing, nothing, actions, poses), 2)
    assert found.tolist() == [[0, 6]], "the other one has let go"


def test_a_stroll_goes_on_where_it_was(folder: Path) -> None:
    """What was told of one chunk is what the next has moved; and who is held to stand higher sees the ground farther below."""
    strolls, rng = Strolls(sights(data(folder)), 2, 70.0), np.random.default_rng(0)
    clips, begins = strolls.drawn(rng, 64, 10)
    assert begins.max() == 0, "21 frames hold 10 chunks only from the first on"
    first, second = (strolls.stretch(clips, begins + 2 * number, np.random.default_rng(1)) for number in range(2))
    assert torch.allclose(headed(first.steps, first.yaw), headed(second.moved, second.yaw), atol=1e-4)
    higher = strolls.stretch(clips, begins, np.random.default_rng(1), torch.full((64,), 0.5))
    ground, below = 1, 0  # bands of height
    assert higher.around[..., below].mean() > first.around[..., below].mean()
    assert higher.around[..., ground].mean() < first.around[..., ground].mean()
    with pytest.raises(ValueError, match="clips have 21 frames; strolls of 11 chunks need more"):
        strolls.drawn(rng, 1, 11)


def test_steps_are_learned_alone(folder: Path) -> None:
    """Who learns nothing else leaves the rest as it is, and learns that what stands in the way stops a player."""
    learner = task(folder)
    learner.config.only_steps, learner.config.batch_size = True, 120
    before = learner.model.unet.leave.weight.clone()
    told = learned(learner, 80, 2e-3, "steps")
    assert np.mean(told[-10:]) < 0.8 * np.mean(told[:5]) and torch.equal(learner.model.unet.leave.weight, before)


def test_sight_learns_nearness_and_pitch(folder: Path) -> None:
    learner = task(folder)
    near, pitch = learned(learner, 120, 2e-3, "near", "pitch").T
    assert near[-20:].mean() < 0.6 * near[:10].mean() and pitch[-20:].mean() < 0.8 * pitch[:10].mean()


def test_soft_pictures_tell_the_same(folder: Path) -> None:
    sharp, soft = (task(folder, share).batch(1, 16) for share in (0.0, 1.0))
    assert torch.equal(sharp.near, soft.near) and torch.equal(sharp.stretch.steps, soft.stretch.steps)
    rough = [(m.frames[..., 1:] - m.frames[..., :-1]).square().mean() for m in (sharp, soft)]
    assert float(rough[1]) < 0.8 * float(rough[0])
