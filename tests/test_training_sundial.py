"""Learning at which hour pictures were taken, from what the game shows at several."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.env.voxel.sky import SUN, sky_state
from simworld.model.sundial import SundialConfig
from simworld.training.hours import HoursConfig
from simworld.training.loop import LoopConfig
from simworld.training.optimizer import OptimizerConfig
from simworld.training.train_sundial import SundialTask, SundialTraining, Taken, mirrored, train


def sun(hour: float, heading: float) -> tuple[float, float]:
    """How many degrees to the right of where somebody looks, and how high, the game's sun stands; the south is to the right of
    sunrise."""
    east, up, south = sky_state(hour, "clear", 0.0, 0)[SUN : SUN + 3]
    return (math.degrees(math.atan2(south, east)) - heading + 180) % 360 - 180, float(up)


def test_in_a_mirror_the_sun_stands_on_the_other_side() -> None:
    hours, headings = torch.tensor([0.1, 0.33, 0.48, 0.9]), torch.tensor([20.0, 200.0, 90.0, 330.0])
    taken = Taken(torch.rand(4, 3, 8, 12), hours, headings, torch.zeros(4, 3))
    seen = mirrored(taken, torch.tensor([True, True, True, False]))
    assert torch.equal(seen.frames[:3], taken.frames[:3].flip(3)) and torch.equal(seen.frames[3], taken.frames[3])
    for number in range(4):
        aside, up = sun(float(hours[number]), float(headings[number]))
        other_aside, other_up = sun(float(seen.hour[number]), float(seen.heading[number]))
        assert other_up == pytest.approx(up, abs=1e-4)
        assert other_aside == pytest.approx(-aside if number < 3 else aside, abs=0.01)


def test_it_learns_to_tell_hours(tmp_path: Path) -> None:
    data = HoursConfig(folder=str(tmp_path / "hours"), num_scenes=60, num_hours=3, height=32, width=48, num_workers=1)
    loop = LoopConfig(folder=str(tmp_path), steps=250, ema=0.95, optimizer=OptimizerConfig(learning_rate=3e-3, warmup=10))
    config = SundialTraining(
        model=SundialConfig(widths=[16, 32], told=8, hidden=48, hours=12, headings=8),
        data=data, loop=loop, batch_size=16, out=str(tmp_path / "out.safetensors"),
    )  # fmt: skip
    sundial, task = train(config), SundialTask(config)
    taken = task.pick(np.arange(40), np.zeros(40, np.int64))
    with torch.no_grad():
        found = sundial.read(taken.frames[:, None], torch.zeros(40, 1, 2), 0)
    # Morning and afternoon are hardly told apart so soon, but how high the sun stands is.
    heights = [torch.sin(2 * math.pi * each) for each in (found[:, 0], taken.hour)]
    assert (heights[0] - heights[1]).abs().mean() < 0.45, "by chance it is 0.8"
    assert found[:, 2:].max() <= 1
    assert (tmp_path / "out.safetensors").exists() and (tmp_path / "sundial.safetensors").exists()
