"""Faces: which spot of which face of a block is seen."""

import math
from dataclasses import replace

import pytest
import torch

from simworld.model.faces import COARSE, FACES, NOWHERE, SIDE, seen_faces, spots
from simworld.model.lattice import WHOLE, Lattice, cast

SIZE, VIEW = (32, 48), 70.0
EAST, LEFT_OF_EAST, UP = 0, 1, 2


def hall(turn: float = 0.0) -> Lattice:
    """A floor two blocks below the eye, and a wall whose face is three blocks ahead of it, where nothing is turned."""
    high = torch.zeros(16, 16, 8, dtype=torch.uint8)
    high[:, :, 0] = WHOLE
    high[:, 11, :] = WHOLE
    return Lattice(turn, torch.tensor([-8.0, -8.0, -3.0]), high, torch.full_like(high, WHOLE))


def seen(lattice: Lattice, place: tuple[float, ...], view: tuple[float, ...], heading: float = -90.0) -> torch.Tensor:
    """The spots that one eye sees, yaw 0 looking to the left of sunrise where nothing else is said."""
    places, views = torch.tensor([place]), torch.tensor([view])
    told = cast([lattice], places[None], views[None], SIZE, VIEW)
    assert told is not None
    return spots(*seen_faces(lattice, places, views, told.near[0], VIEW), lattice.turn, heading)[0]


def parts(spot: int) -> tuple[int, int, int, int]:
    """Level, axis, and column and row of a spot."""
    level, face = divmod(spot // SIDE**2, FACES)
    return level, face // 2, spot % SIDE, spot // SIDE % SIDE


def test_a_spot_lies_where_the_ray_meets_the_face() -> None:
    """The eye faces the wall straight; its axes are those of the sun where yaw 0 looks to the left of sunrise."""
    found = seen(hall(), (0.25, 0.0, 0.4), (0.0, 0.0))
    level, axis, column, row = parts(int(found[16, 24]))
    lean = math.tan(math.radians(VIEW / 2)) / SIZE[0] * 3
    assert axis == LEFT_OF_EAST
    assert column == int((0.25 + lean) * SIDE) and row == int((0.4 - lean) * SIDE)
    assert COARSE[level - 1] < 16 * 3 / 22.85 <= COARSE[level], "a pixel is 3 / 22.85 of a block there"
    down = seen(hall(), (0.25, 0.0, 0.4), (90.0, 0.0))
    assert parts(int(down[16, 24]))[1] == UP
    right = seen(hall(), (0.25, 0.0, 0.4), (90.0, 90.0))
    assert parts(int(down[16, 24]))[2:] == parts(int(right[15, 24]))[2:], "the same floor, for who has turned"


@pytest.mark.parametrize("turn", [7.0, 90.0, 145.0, -100.0])
def test_spots_are_of_the_world_and_not_of_who_looks(turn: float) -> None:
    """All is counted from another yaw 0, and only the sun tells."""
    first = seen(hall(), (0.3, 0.7, 0.2), (35.0, 20.0))
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    place = 0.3 * c - 0.7 * s, 0.3 * s + 0.7 * c, 0.2
    second = seen(hall(-turn), place, (35.0, 20.0 - turn), -90.0 + turn)
    assert (first >= 0).float().mean() > 0.8
    assert (first == second).float().mean() > 0.97


def test_what_is_far_or_no_whole_block_has_no_spots() -> None:
    lattice = hall()
    water = replace(lattice, high=torch.where(lattice.high > 0, 88, 0).to(torch.uint8))
    narrow = replace(lattice, broad=torch.full_like(lattice.broad, 50))
    for other in (water, narrow):
        assert (seen(other, (0.3, 0.7, 0.2), (35.0, 20.0)) == NOWHERE).all()
    near = torch.full((1, *SIZE), 1 / 40)
    far = seen_faces(lattice, torch.zeros(1, 3), torch.zeros(1, 2), near, VIEW)
    assert (spots(*far, lattice.turn, 0.0) == NOWHERE).all()
