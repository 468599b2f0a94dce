"""The hour that pictures tell: how several tell it together, what the shipped sundial reads, and what dreams make of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import HEIGHT, WIDTH, shaken, tiny_world

from simworld.actions import ACTION_SIZE, CAMERA
from simworld.env.voxel.game import Game
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.model import sampler
from simworld.model.camera import turn
from simworld.model.checkpoint import load_network, save_network
from simworld.model.daylight import lit
from simworld.model.pixels import to_float
from simworld.model.relighter import Relighter, RelighterConfig
from simworld.model.shipped import find_world
from simworld.model.sundial import Sundial, SundialConfig, brightened, rolled, spread
from simworld.training.truth import FIRST_SEED

SMALL = SundialConfig(widths=[16, 32], told=8, hidden=32)
HOUR, HEADING = 0.44, 70.0


def test_what_lies_between_two_cells_falls_to_both() -> None:
    found = spread(torch.tensor([0.25, 0.3125, 0.97]), 8)
    assert torch.allclose(found.sum(1), torch.ones(3)) and found[0, 2] == 1
    assert torch.allclose(found[1, 2:4], torch.tensor([0.5, 0.5])) and found[2, 0] == pytest.approx(0.76, abs=1e-4)


def test_dials_turn_by_parts_of_cells() -> None:
    dial = torch.rand(2, 3, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(rolled(dial, torch.tensor([3.0, -5.0])), torch.stack([dial[0].roll(3, 1), dial[1].roll(-5, 1)]))
    assert torch.allclose(rolled(dial, torch.tensor([0.5, 0.5])), (dial + dial.roll(1, 2)) / 2)


class _Told(Sundial):
    """Reads hour and heading off a picture's first pixel, the hour twelve hours late where the second is not black: so often it
    is wrong."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hour, heading, wrong = ((frames[:, channel, 0, 0] + 1) / 2 for channel in range(3))
        shares = spread((hour + 0.5 * (wrong > 0.5)).remainder(1), 32), spread(heading, 16)
        dial = torch.einsum("nt,nh->nth", *shares)
        return (dial + 1e-3).log(), torch.tensor([[-9.0, 9.0, 0.0]]).expand(len(frames), 3)


class _Unsure(_Told):
    """Takes each for the hour at which the sun stands as high, too."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        dial, weather = super().forward(frames)
        # Of the hours 0 to 31, the nth is as high as the one that lies as far from noon, the eighth, on its other side.
        return torch.logaddexp(dial, dial[:, (16 - torch.arange(32)) % 32]), weather


def pictures(headings: list[float], wrong: tuple[int, ...] = ()) -> torch.Tensor:
    """Of one place, as `_Told` reads them, at `HOUR`, by eyes of such headings in degrees."""
    frames = torch.zeros(1, len(headings), 3, HEIGHT, WIDTH)
    for number, heading in enumerate(headings):
        frames[0, number, :, 0, 0] = torch.tensor([HOUR, heading % 360 / 360, float(number in wrong)])
    return 2 * frames - 1


def test_pictures_of_one_place_tell_together() -> None:
    yaws = [0.0, 50.0, -100.0, 395.0]
    seen = pictures([HEADING + yaw for yaw in yaws], wrong=(1,))
    turns = torch.tensor([[[0.0, yaw] for yaw in yaws]])
    hour, heading, *weather = _Told(SMALL).read(seen, turns, 0)[0].tolist()
    assert hour == pytest.approx(HOUR, abs=0.01) and heading == pytest.approx(HEADING, abs=3)
    assert weather == pytest.approx([0, 1, 0.5], abs=1e-3)


def test_a_file_holds_it_and_says_what_is_wrong(tmp_path: Path) -> None:
    sundial, path = shaken(Sundial(SMALL)), tmp_path / "sundial.safetensors"
    assert isinstance(sundial, Sundial)
    save_network(path, sundial, {}, torch.float32)
    seen = torch.rand(2, 3, 40, 52) * 2 - 1
    assert all(map(torch.equal, load_network(Sundial, path)(seen), sundial(seen)))
    with pytest.raises(ValueError, match=r"relighter\.safetensors"):
        load_network(Sundial, find_world("small") / "relighter.safetensors")


def test_dreams_begin_in_the_light_that_their_pictures_show() -> None:
    """And it is theirs until they are told of another."""
    world = tiny_world()
    world.sundial, world.relighter = _Told(SMALL), Relighter(RelighterConfig(hidden=8, width=8, blocks=1, told=16, day=100))
    context = sampler.start(world, [""], [0])
    aside = 40.0
    frames = ((pictures([HEADING, HEADING, HEADING + aside]) + 1) * 127.5).round().to(torch.uint8).movedim(2, -1)
    actions = torch.zeros(1, 2, world.config.denoiser.action_size)
    actions[:, 1, CAMERA] = torch.tensor([0.0, aside])
    sampler.append_frames(world, context, frames, actions)
    assert float(context.daylight.seen) == float(context.daylight.hour) == pytest.approx(HOUR, abs=0.01)
    assert float(context.daylight.heading) == pytest.approx(HEADING, abs=3)
    assert float(context.daylight.pace) == pytest.approx(0.01)
    sampler.extend(world, context, actions * 0)
    assert float(context.daylight.hour) == pytest.approx(HOUR + 0.02, abs=0.01)
    later = float(context.daylight.hour)
    sampler.append_frames(world, context, frames[:, :2] * 0, actions * 0)
    assert float(context.daylight.hour) == later, "who goes on knows how late it is"
    sampler.surround(world, context, None)
    assert float(context.daylight.hour) == later
    assert float(context.daylight.heading) == pytest.approx(HEADING + aside, abs=3), "which is now straight ahead"
    sampler.surround(world, context, None, daylight=lit(torch.tensor([[0.1, 0, 0, 0, 0]]), 100))
    assert float(context.daylight.hour) == pytest.approx(0.1)


def test_a_sun_that_sinks_makes_all_darker() -> None:
    """Between two pictures of a wall the eye has turned, and something has come into view."""
    wall = torch.rand(1, 3, 48, 80, generator=torch.Generator().manual_seed(2)) - 0.7
    camera, field_of_view = torch.tensor([[2.0, -7.0]]), 70.0
    last = turn(wall, camera, field_of_view) - 0.01
    last[..., :10, 60:] = 0.9
    assert float(brightened(wall, last, camera, field_of_view)) == pytest.approx(-0.01, abs=1e-3)
    assert float(brightened(wall, wall, camera * 0, field_of_view)) == pytest.approx(0, abs=1e-6)
    assert float(brightened(wall, wall + 1, camera * 0, field_of_view)) == 0, "nothing looks alike"


def test_who_rises_makes_all_brighter() -> None:
    """Which hour it is, before noon or after it, where a picture alone tells either."""
    dial, yaws = _Unsure(SMALL), torch.zeros(1, 2, 2)
    for more, hour in ((0.02, 0.5 - HOUR), (-0.02, HOUR)):
        seen = pictures([HEADING, HEADING])
        seen[:, 1, :, 1:] += more
        assert float(dial.read(seen, yaws, 70.0)[0, 0]) == pytest.approx(hour, abs=0.01)


def test_the_shipped_one_reads_the_hour_of_worlds_it_never_saw() -> None:
    """Of a clip of standing still, in clear weather, where light changes; where one looks does not matter."""
    sundial, game, apart = load_network(Sundial, find_world("small") / "sundial.safetensors"), Game(), []
    for number, hour in enumerate((0.05, 0.09, 0.42, 0.45, 0.48, 0.51, 0.98, 0.02)):
        game.reset(FIRST_SEED + number, time_of_day=hour, weather="clear")
        seen = []
        for _ in range(15):
            seen.append(game.render())
            game.step(np.zeros(ACTION_SIZE, np.float32))
        frames = to_float(torch.from_numpy(np.stack(seen))).movedim(-1, 1)
        found = sundial.read(frames[None], torch.zeros(1, 15, 2), FIELD_OF_VIEW)[0]
        apart.append(abs((float(found[0]) - hour + 0.5) % 1 - 0.5))
    assert (np.array(apart) < 0.06).sum() >= 6, apart
