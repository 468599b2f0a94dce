"""The hour that pictures tell: how several tell it together, what the shipped sundial reads, and what dreams make of it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import HEIGHT, WIDTH, shaken, tiny_world

from simworld.actions import CAMERA
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import YAW
from simworld.env.voxel.scout import at_hours, daylight
from simworld.model import sampler
from simworld.model.checkpoint import load_network, save_network
from simworld.model.daylight import lit
from simworld.model.pixels import to_float
from simworld.model.relighter import Relighter, RelighterConfig
from simworld.model.shipped import find_world
from simworld.model.sundial import Sundial, SundialConfig, rolled, spread
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


def pictures(headings: list[float], wrong: tuple[int, ...] = ()) -> torch.Tensor:
    """Of one place, as `_Told` reads them, at `HOUR`, by eyes of such headings in degrees."""
    frames = torch.zeros(1, len(headings), 3, HEIGHT, WIDTH)
    for number, heading in enumerate(headings):
        frames[0, number, :, 0, 0] = torch.tensor([HOUR, heading % 360 / 360, float(number in wrong)])
    return 2 * frames - 1


def test_pictures_of_one_place_tell_together() -> None:
    yaws = [0.0, 50.0, -100.0, 395.0]
    seen = pictures([HEADING + yaw for yaw in yaws], wrong=(1,))
    hour, heading, *weather = _Told(SMALL).read(seen, torch.tensor([yaws]))[0].tolist()
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
    turn = 40.0
    frames = ((pictures([HEADING, HEADING, HEADING + turn]) + 1) * 127.5).round().to(torch.uint8).movedim(2, -1)
    actions = torch.zeros(1, 2, world.config.denoiser.action_size)
    actions[:, 1, CAMERA] = torch.tensor([0.0, turn])
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
    assert float(context.daylight.heading) == pytest.approx(HEADING + turn, abs=3), "which is now straight ahead"
    sampler.surround(world, context, None, daylight=lit(torch.tensor([[0.1, 0, 0, 0, 0]]), 100))
    assert float(context.daylight.hour) == pytest.approx(0.1)


def test_the_shipped_one_reads_the_hour_of_worlds_it_never_saw() -> None:
    """Of four looks around, in clear weather; by night there is little to tell hours by."""
    sundial, game = load_network(Sundial, find_world("small") / "sundial.safetensors"), Game()
    yaws, apart = [0.0, 90.0, 180.0, 270.0], []
    for number, hour in enumerate((0.1, 0.25, 0.4, 0.48, 0.07, 0.3, 0.75, 0.2)):
        game.reset(FIRST_SEED + number, time_of_day=hour, weather="clear")
        heading, seen = daylight(game)[1], []
        for yaw in yaws:
            game.body[YAW] += yaw
            seen.append(at_hours(game, [hour], nobody=False)[0][0])
            game.body[YAW] -= yaw
        frames = to_float(torch.from_numpy(np.stack(seen))).movedim(-1, 1)
        found = sundial.read(frames[None], torch.tensor([yaws]))[0]
        late = abs((float(found[0]) - hour + 0.5) % 1 - 0.5)
        apart.append((late, abs((float(found[1]) - heading + 180) % 360 - 180)))
    late, aside = np.array(apart).T
    assert (late < 0.06).sum() >= 6 and (aside < 60).sum() >= 6, apart
