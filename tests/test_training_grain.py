"""Learning what blocks look like from near: from what is shown of places of the game, beside what the game shows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.model.faces import NOWHERE, SPOTS
from simworld.model.grain import GrainConfig
from simworld.training.closeups import CloseupsConfig, closeups, seen_close
from simworld.training.loop import LoopConfig
from simworld.training.optimizer import OptimizerConfig
from simworld.training.train_grain import GrainTask, GrainTraining, train


def data(folder: Path, num_pictures: int = 40) -> CloseupsConfig:
    return CloseupsConfig(folder=str(folder), num_pictures=num_pictures, num_eyes=20, num_spots=6, radius=9.0, num_workers=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grain") / "closeups"
    closeups(data(path))
    return path


def test_a_store_is_filled_once_and_equal_numbers_give_equal_pictures(folder: Path) -> None:
    store = closeups(data(folder))
    assert store.frames.shape == store.truth.shape == (40, 96, 160, 3)
    faces = store.spots > NOWHERE
    assert 0.2 < faces.mean() < 0.9 and store.spots.max() < SPOTS and (store.near[faces] > 1 / 16).all()
    apart = np.abs(store.frames.astype(int) - store.truth)[faces].mean()
    assert apart < 40, "they are of the same"
    changed = (folder / "frames.npy").stat().st_mtime
    assert len(closeups(data(folder, 30))) == 30 and (folder / "frames.npy").stat().st_mtime == changed
    with pytest.raises(ValueError, match="holds 40 pictures, not 400"):
        closeups(data(folder, 400))
    first = seen_close(data(folder), 1)[0]
    (row,) = (number for number, truth in enumerate(store.truth) if np.array_equal(truth, first[1]))
    rows = (part[row] for part in (store.frames, store.truth, store.near, store.spots))
    assert all(np.array_equal(*pair) for pair in zip(rows, first, strict=True))


def test_it_learns_what_blocks_look_like(folder: Path, tmp_path: Path) -> None:
    loop = LoopConfig(folder=str(tmp_path), steps=240, ema=0.95, optimizer=OptimizerConfig(learning_rate=2e-2, warmup=10))
    config = GrainTraining(
        model=GrainConfig(kinds=8, width=16, blocks=1, hints=8, hidden=16),
        data=data(folder), loop=loop, batch_size=4, edge_weight=0.5, out=str(tmp_path / "out.safetensors"),
    )  # fmt: skip
    grain, task = train(config), GrainTask(config)
    shots = task.pick(np.arange(8))
    with torch.no_grad():
        faces = (shots.spots >= 0).expand_as(shots.truth)
        errors = [float((each - shots.truth)[faces].abs().mean()) for each in (shots.pictures, shots.grained(grain))]
    assert errors[1] < 0.95 * errors[0], errors
    assert (tmp_path / "out.safetensors").exists() and (tmp_path / "grain.safetensors").exists()
