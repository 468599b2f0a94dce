"""The heavens: sun, moon and stars stand where the game has them, at any hour, and are not where they were."""

import numpy as np
import pytest
import torch

from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import PITCH, YAW
from simworld.env.voxel.scout import at_hours, daylight
from simworld.env.voxel.sky import SUN, sky_state
from simworld.model.camera import directed
from simworld.model.checkpoint import load_network
from simworld.model.heavens import COLUMNS, ROWS, hung, turned
from simworld.model.pixels import to_float
from simworld.model.relighter import Relighter
from simworld.model.shipped import find_world

SIZE, VIEW = (96, 160), 70.0
HOURS = torch.tensor([0.02, 0.13, 0.25, 0.4, 0.49, 0.55, 0.7, 0.83, 0.97])


def suns() -> torch.Tensor:
    """The game's, towards sunrise, to the right of it, and up."""
    east, above, right = np.stack([sky_state(hour, "clear", 0.0, 0)[SUN : SUN + 3] for hour in HOURS.tolist()], 1)
    return torch.from_numpy(np.stack([east, right, above], 1))[:, :, None, None]


def test_all_turns_with_the_sun() -> None:
    found = turned(suns(), HOURS)
    assert torch.allclose(found, torch.tensor([1.0, 0, 0])[:, None, None].expand_as(found), atol=1e-5)
    others = torch.randn(len(HOURS), 3, 4, 5)
    assert torch.allclose(turned(others, HOURS).norm(dim=1), others.norm(dim=1), atol=1e-5), "nothing is bent"
    assert torch.allclose(turned(others, HOURS + 1), turned(others, HOURS), atol=1e-4), "days are alike"


def test_what_hangs_there_is_found_at_every_hour_and_the_map_has_no_edge() -> None:
    heavens = torch.zeros(1, ROWS, COLUMNS)
    heavens[:, ROWS // 2 - 4 : ROWS // 2 + 4, COLUMNS * 3 // 4 - 4 : COLUMNS * 3 // 4 + 4] = 1
    seen, away = hung(heavens, suns(), HOURS), hung(heavens, -suns(), HOURS)
    assert torch.allclose(seen, torch.ones_like(seen)) and not away.any()
    ramp = torch.linspace(-1, 1, COLUMNS // 2)
    around = torch.cat([ramp, ramp.flip(0)])[None, None].expand(1, ROWS, COLUMNS)
    directions = directed(torch.tensor([[0.0, 0.0]]), SIZE, VIEW)
    for hour in (0.2, 0.45, 0.7):
        seen = hung(around, directions, torch.tensor([hour]))
        assert (seen.diff(dim=-1).abs() < 0.05).all() and (seen.diff(dim=-2).abs() < 0.05).all()


@pytest.mark.parametrize(
    ("hour", "pitch", "by"), [(0.12, -35.0, 0.0), (0.4, -30.0, 180.0), (0.68, -50.0, 0.0), (0.8, -50.0, 180.0)]
)
def test_the_shipped_world_has_the_games_heavens(hour: float, pitch: float, by: float) -> None:
    """Seen at another hour a clear sky has the game's sun, moon and stars, and none of those that were there."""
    game = Game(*SIZE)
    game.reset(5, biome="desert", time_of_day=0.25, weather="clear")
    game.body[YAW] += by - daylight(game)[1]
    game.body[PITCH] = pitch
    (before, truth), depth = at_hours(game, [0.3, hour], nobody=True)
    _, heading, *falls = daylight(game)
    near = torch.from_numpy(np.where(depth < 1e8, 1 / depth, 0).astype(np.float32))[None, None]
    relighter = load_network(Relighter, find_world("small") / "relighter.safetensors")
    given = (to_float(torch.from_numpy(part)).movedim(-1, 0)[None] for part in (before, truth))
    picture, wanted = given
    directions = directed(torch.tensor([[pitch, heading]]), SIZE, VIEW)
    with torch.no_grad():
        found = relighter(picture, near, directions, torch.tensor([[0.3, hour]]), torch.tensor(falls)[None])
    sky = (near == 0)[0, 0]
    assert sky.float().mean() > 0.5
    own, real = (part[0].mean(0)[sky] for part in (found, wanted))
    bright = real > real.median() + 0.25
    assert bright.sum() > 20, "something shines there"
    likeness = np.corrcoef(own.numpy(), real.numpy())[0, 1]
    assert likeness > 0.8, likeness
