"""Learning what places look like at other hours: from what the game shows at several, from the same eye."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import PITCH, YAW
from simworld.env.voxel.scout import at_hours, daylight
from simworld.model.relighter import RelighterConfig
from simworld.training.hours import HoursConfig, hours, scenes_of
from simworld.training.loop import LoopConfig
from simworld.training.optimizer import OptimizerConfig
from simworld.training.train_relighter import RelighterTask, RelighterTraining, train


def data(folder: Path, num_scenes: int = 100) -> HoursConfig:
    return HoursConfig(folder=str(folder), num_scenes=num_scenes, num_hours=3, height=32, width=48, num_workers=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relighter") / "hours"
    hours(data(path))
    return path


def test_the_game_is_seen_at_other_hours_and_goes_on_as_it_was() -> None:
    game = Game(32, 48)
    game.reset(5, biome="plains", time_of_day=0.25, weather="clear")
    before = game.render()
    (noon, night, again), depth = at_hours(game, [0.25, 0.75, 0.25], nobody=False)
    assert np.array_equal(noon, before) and np.array_equal(again, before) and np.array_equal(game.render(), before)
    assert night.mean() < 0.5 * noon.mean() and depth.shape == (32, 48)


def test_the_light_tells_where_the_sun_rises() -> None:
    """Who turns there sees more of a low sun's glow than who turns away from it."""
    game = Game(32, 48)
    game.reset(5, biome="desert", time_of_day=0.02, weather="storm")
    hour, heading, rain, snow, storm = daylight(game)
    assert hour == pytest.approx(0.02) and (rain, snow) == (0, 0) and storm > 0.7
    game.set_conditions(weather="clear")
    game.body[YAW] -= heading
    game.body[PITCH] = -35
    assert np.cos(np.deg2rad(daylight(game)[1])) == pytest.approx(1, abs=1e-4)
    warmth = []
    for turn in (0, 180):
        game.body[YAW] += turn
        red, _, blue = game.look(nobody=True)[0].mean((0, 1))
        warmth.append(red / blue)
    assert warmth[0] > 1.2 * warmth[1]


def test_a_store_is_filled_once_and_equal_numbers_give_equal_scenes(folder: Path) -> None:
    store = hours(data(folder))
    assert store.frames.shape == (100, 3, 32, 48, 3) and store.conditions.shape == (100, 8)
    assert ((store.conditions[:, 5:] >= 0) & (store.conditions[:, 5:] < 1)).all() and (store.near >= 0).all()
    changed = (folder / "frames.npy").stat().st_mtime
    assert len(hours(data(folder, 60))) == 60 and (folder / "frames.npy").stat().st_mtime == changed
    with pytest.raises(ValueError, match="holds 100 scenes, not 400"):
        hours(data(folder, 400))
    first, second = (scenes_of(data(folder), 1) for _ in range(2))
    assert all(np.array_equal(*parts) for pair in zip(first, second, strict=True) for parts in zip(*pair, strict=True))


def test_it_learns_what_other_hours_look_like(folder: Path, tmp_path: Path) -> None:
    loop = LoopConfig(folder=str(tmp_path), steps=200, ema=0.95, optimizer=OptimizerConfig(learning_rate=4e-3, warmup=10))
    config = RelighterTraining(
        model=RelighterConfig(hidden=16, width=16, blocks=1, told=32),
        data=data(folder), loop=loop, batch_size=8, out=str(tmp_path / "out.safetensors"),
    )  # fmt: skip
    relighter, task = train(config), RelighterTask(config)
    pairs = task.pick(np.arange(98, 100).repeat(2), np.array([[0, 1], [0, 2]] * 2))
    with torch.no_grad():
        errors = [float((each - pairs.truth).abs().mean()) for each in (pairs.pictures, pairs.relit(relighter))]
    assert errors[1] < 0.8 * errors[0], errors
    assert (tmp_path / "out.safetensors").exists() and (tmp_path / "relighter.safetensors").exists()
