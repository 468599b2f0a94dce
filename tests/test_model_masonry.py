"""Masonry: blocks are read off pictures as they lie in the game, and off nothing else."""

import pytest
import torch

from simworld.env.voxel.game import Game
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.env.voxel.scout import look_from, scout
from simworld.model.camera import rays
from simworld.model.footing import EYE
from simworld.model.lattice import WHOLE, Lattice, cast
from simworld.model.masonry import lattice_of, stood
from simworld.model.projection import axes

SEED, SPOTS, RADIUS = 1_000_001, 24, 12.0
NEAR, SAME, RIGHT = 6.0, 0.05, 0.9


@pytest.fixture(scope="module")
def game() -> Game:
    """A place to look about in."""
    game = Game()
    game.reset(SEED)
    return game


def test_blocks_are_read_as_they_lie(game: Game) -> None:
    seen = scout(game, SPOTS, RADIUS)
    lattice = lattice_of(*(torch.from_numpy(part) for part in (seen.near, seen.places, seen.views)), FIELD_OF_VIEW)
    assert lattice is not None
    yaw = float(game.pose[3])
    assert (lattice.turn + yaw + 45) % 90 - 45 == pytest.approx(0, abs=0.2)
    place, view = torch.tensor([0.4, 0.7, 0.0]), torch.tensor([15.0, 60.0])
    told = cast([lattice], place[None, None], view[None, None], (game.height, game.width), FIELD_OF_VIEW)
    assert told is not None
    away = torch.from_numpy(look_from(game, place.numpy(), view.numpy())[1])
    close = away < NEAR
    right = (told.near[0, 0] * away - 1).abs() < SAME
    assert close.any() and float(right[close].float().mean()) > RIGHT


def test_what_is_not_made_of_blocks_has_none() -> None:
    torch.manual_seed(0)
    places, views = torch.zeros(4, 3), torch.tensor([[10.0, 90.0 * number] for number in range(4)])
    rough = torch.rand(4, 24, 40) + 0.1
    assert lattice_of(rough, places, views, FIELD_OF_VIEW) is None
    assert lattice_of(torch.zeros(4, 24, 40), places, views, FIELD_OF_VIEW) is None, "a sky"
    slope = (torch.linspace(0.05, 0.5, 24)[:, None] + torch.linspace(0, 0.1, 40)).expand(4, -1, -1)
    assert lattice_of(slope, places, views, FIELD_OF_VIEW) is None


def test_ground_that_nobody_saw_is_as_high_as_what_is_beside_it() -> None:
    """A courtyard, of whose ground one look all around sees what is not at the feet."""
    rows, columns = 96, 160
    view = torch.tensor([[10.0, 90.0 * number] for number in range(4)])
    ways = torch.einsum("nij,jhw->inhw", axes(view), rays((rows, columns), FIELD_OF_VIEW, view.device))
    right, down, ahead = ways
    near = torch.stack([right.abs() / 5.5, down / 1.62, ahead.abs() / 6.5]).amax(0)
    lattice = lattice_of(near, torch.zeros(4, 3), view, FIELD_OF_VIEW)
    assert lattice is not None
    x, y, z = lattice.within(torch.tensor([0.0, 0.0, -1.62 - 0.5])).floor().long().tolist()
    about = lattice.high[x - 2 : x + 3, y - 2 : y + 3]
    assert (about[:, :, z] == WHOLE).all() and not about[:, :, z + 1 :].any()


def test_who_looked_stood_on_ground_and_in_no_block() -> None:
    high = torch.zeros(6, 6, 5, dtype=torch.uint8)
    high[:, :, 0] = WHOLE
    high[1, 1, 0], high[2, 2, 1:3], high[3, 3, 0] = 0, WHOLE, 88
    lattice = Lattice(0.0, torch.zeros(3), high, torch.full_like(high, WHOLE))
    places = torch.tensor([[1.5, 1.5, 1], [2.5, 2.5, 1], [3.5, 3.5, 1], [4.5, 4.5, 1.4], [9.5, 1.5, 1]])
    told = stood(lattice, places + torch.tensor([0, 0, EYE])).high
    assert told[1, 1, 0] == WHOLE and told[2, 2].tolist() == [WHOLE, 0, 0, 0, 0] and told[3, 3, 0] == 88, "or on water"
    same = told == high
    assert int((~same).sum()) == 3, "who is in the air, or elsewhere, tells nothing"
