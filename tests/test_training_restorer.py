"""Learning to restore what scenery shows: from dreams of places, beside what the game shows there."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.env.panoramas import panorama
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import PITCH
from simworld.env.voxel.scout import bare, look_from, scout
from simworld.training.loop import LoopConfig
from simworld.training.optimizer import OptimizerConfig
from simworld.training.places import PlacesConfig, dreams_of, moments
from simworld.training.train_restorer import RestorerConfig, RestorerTask, RestorerTraining, train


def data(folder: Path, num_moments: int = 16) -> PlacesConfig:
    return PlacesConfig(
        folder=str(folder), num_moments=num_moments, num_spots=3, radius=8.0, num_dreams=2, num_chunks=8, strange_every=2,
        num_workers=1,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("restorer") / "places"
    moments(data(path))
    return path


def game() -> Game:
    made = Game(48, 80)
    made.reset(5, biome="plains", time_of_day=0.25, weather="clear")
    return made


def test_the_game_is_looked_at_from_where_scouts_stood() -> None:
    played = game()
    before, seen = played.body.copy(), scout(played, 3, 8.0)
    for number in range(len(seen)):
        frame, depth = look_from(played, seen.places[number], seen.views[number])
        assert np.abs(frame.astype(int) - seen.frames[number]).mean() < 0.5, "but for rounding the very same"
        assert np.abs(np.where(depth < 1e8, 1 / depth, 0) - seen.near[number]).mean() < 1e-3
    assert np.array_equal(played.body, before)


def test_a_panorama_shows_in_its_middle_what_is_ahead() -> None:
    played = game()
    played.body[PITCH] = 0.0
    around, ahead = panorama(played), played.look(nobody=True)[0]
    h, w = around.shape[:2]
    middle = around[h // 2 - 8 : h // 2 + 8, w // 2 - 8 : w // 2 + 8].mean((0, 1))
    behind = np.roll(around, w // 2, 1)[h // 2 - 8 : h // 2 + 8, w // 2 - 8 : w // 2 + 8].mean((0, 1))
    seen = ahead[20:28, 36:44].mean((0, 1))
    assert np.abs(middle - seen).mean() < np.abs(behind - seen).mean()
    assert bare(played).shape == ahead.shape


def test_moments_lie_as_the_game_does_from_the_same_eye(folder: Path) -> None:
    """What scenery shows of real pictures is nearly what the game shows there; and a store is dreamt once."""
    store = moments(data(folder))
    _, shown, truth, free = store.pick(np.arange(16))
    real = (shown.known & shown.real).movedim(2, -1) & (free > 0)
    assert float(real.float().mean()) > 0.2
    apart = ((shown.colors.movedim(2, -1) - truth).abs() * real).sum() / real.sum() / 3
    other = ((shown.colors.movedim(2, -1) - truth.flip(0)).abs() * real).sum() / real.sum() / 3
    assert float(apart) < 0.15 and float(apart) < 0.7 * float(other)
    assert not (shown.known.movedim(2, -1) & (free == 0)).any(), "nothing is known where the hand is"
    changed = (folder / "truth.npy").stat().st_mtime
    assert len(moments(data(folder, 12))) == 12 and (folder / "truth.npy").stat().st_mtime == changed
    with pytest.raises(ValueError, match="holds 16 moments, not 40"):
        moments(data(folder, 40))


def test_equal_numbers_give_equal_places(folder: Path) -> None:
    first, second = (dreams_of(data(folder), 1) for _ in range(2))
    assert len(first) == len(second) > 0
    assert all(np.array_equal(*parts) for pair in zip(first, second, strict=True) for parts in zip(*pair, strict=True))


def test_it_learns_what_the_game_shows(folder: Path, tmp_path: Path) -> None:
    loop = LoopConfig(folder=str(tmp_path), steps=120, ema=0.95, optimizer=OptimizerConfig(learning_rate=3e-3, warmup=5))
    config = RestorerTraining(
        model=RestorerConfig(widths=[16, 32], blocks=[1, 1]),
        data=data(folder), loop=loop, batch_size=8, out=str(tmp_path / "out.safetensors"),
    )  # fmt: skip
    restorer = train(config)
    frames, shown, truth, free = RestorerTask(config).moments.pick(np.arange(15))
    with torch.no_grad():
        errors = [float(((each - truth).abs() * free).mean()) for each in (frames, restorer(frames, shown))]
    assert errors[1] < 0.97 * errors[0], errors
    assert (tmp_path / "out.safetensors").exists() and (tmp_path / "restorer.safetensors").exists()
