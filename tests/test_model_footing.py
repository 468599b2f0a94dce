"""Footing: does what was seen bear who walks there, and stand in the way?"""

import math

import pytest
import torch
from torch import Tensor

from simworld.model.album import Album, built, given_album, unbuilt
from simworld.model.cube import Cube, shell
from simworld.model.footing import EYE, TALL, WIDE, held, points_of

STRIDE = 0.2
NOW = torch.zeros(1, 1, 3)


def plate(low: tuple[float, float, float], high: tuple[float, float, float]) -> Tensor:
    """Points all over a box, a tenth of a block apart: (right, ahead, above the feet)."""
    axes = [torch.arange(a, b + 1e-6, 0.1) for a, b in zip(low, high, strict=True)]
    return torch.cartesian_prod(*axes) - torch.tensor([0.0, 0.0, EYE])


FLOOR = plate((-4, -4, 0), (4, 4, 0))
WALL = plate((-4, 2, 0), (4, 2, 3))
BLOCK = torch.cat([plate((-1, 2, 0), (1, 2, 1)), plate((-1, 2, 1), (1, 3, 1))])


def sorted_points(solid: Tensor | None) -> Tensor | None:
    return None if solid is None else solid[solid[:, 0].argsort()]


def walk(
    solid: Tensor | None, aside: float = 0.0, ahead: float = STRIDE, frames: int = 20, rise: float = 0.0, jumps: bool = False
) -> Tensor:
    """Where the eye is in the end, walked in chunks of one frame."""
    place, moved = torch.zeros(1, 3), NOW
    solid = sorted_points(solid)
    for _ in range(frames):
        moves = torch.tensor([[[aside, ahead, rise]]])
        moved = held([[] if solid is None else [solid]], place, moves, torch.tensor([[jumps]]), moved)
        place = place + moved[:, 0]
    return place[0]


def test_who_walks_on_a_floor_goes_as_told_and_where_nothing_is_known_too() -> None:
    for solid in (FLOOR, None, FLOOR[:0]):
        assert torch.allclose(walk(solid, frames=10), torch.tensor([0.0, 2.0, 0.0]), atol=1e-5)


def test_a_wall_stops_who_walks_into_it_and_lets_slide_who_walks_along() -> None:
    solid = torch.cat([FLOOR, WALL])
    assert 2 - WIDE - STRIDE <= float(walk(solid)[1]) <= 2 - WIDE + 1e-3
    right, ahead, _ = walk(solid, aside=0.1).tolist()
    assert math.isclose(right, 2, abs_tol=0.1) and ahead <= 2 - WIDE + 1e-3
    assert float(walk(solid, ahead=-STRIDE, frames=10)[1]) == pytest.approx(-2), "who turns away is free"


def test_the_ground_bears_and_nothing_else_does() -> None:
    assert float(walk(FLOOR, rise=-0.3)[2]) == pytest.approx(0, abs=1e-3), "nobody sinks into it"
    assert float(walk(FLOOR, rise=0.1)[2]) == pytest.approx(0, abs=1e-3), "nor floats up from it by mistake"
    assert float(walk(FLOOR - torch.tensor([0.0, 0.0, 2.0]), ahead=0.0)[2]) == pytest.approx(-2), "and who is in the air falls"
    jumped = walk(FLOOR, rise=0.4, jumps=True, frames=2)
    assert float(jumped[2]) == pytest.approx(0.8), "but who jumps"
    flower = torch.cat([FLOOR, plate((-0.1, 1, 0), (0.1, 1.1, 0.5))])
    assert float(walk(flower, frames=10)[1]) == pytest.approx(2), "flowers stand in nobody's way"


def test_a_block_is_jumped_onto() -> None:
    solid = torch.cat([FLOOR, BLOCK])
    assert float(walk(solid)[1]) <= 2 - WIDE + 1e-3
    place, moved = torch.tensor([[0.0, 1.5, 0.0]]), NOW
    arc = [0.42, 0.33, 0.25, 0.16, 0.08, 0.0, -0.08, -0.16, -0.2, -0.3, -0.4]
    for number, rise in enumerate(arc):
        moved = held([[sorted_points(solid)]], place, torch.tensor([[[0.0, 0.12, rise]]]), torch.tensor([[number < 8]]), moved)
        place = place + moved[:, 0]
    assert float(place[0, 1]) > 2.2 and float(place[0, 2]) == pytest.approx(1, abs=0.06)


def test_what_is_seen_of_a_place_is_solid_where_it_is() -> None:
    """A wall three blocks off, seen from two spots, to the right of the second."""
    near = torch.full((2, 48, 80), 1 / 3)
    places, views = torch.tensor([[0.0, 0.0, 0.0], [-1.0, 3.0, 0.5]]), torch.tensor([[0.0, 0.0], [0.0, 90.0]])
    points = points_of(near, places, views, 70.0)
    ahead, aside = (points_of(near[[n]], places[[n]], views[[n]], 70.0) for n in range(2))
    assert torch.allclose(ahead[:, 1], torch.tensor(3.0), atol=1e-5) and float(ahead[:, 0].abs().max()) > 2
    assert torch.allclose(aside[:, 0], torch.tensor(2.0), atol=1e-5) and len(points) == len(ahead) + len(aside)
    assert bool((points[1:, 0] >= points[:-1, 0]).all())
    album = given_album(torch.zeros(2, 48, 80, 3, dtype=torch.uint8), near, places, views, 70.0)
    assert album.given is not None and torch.allclose(album.given.solid, points, atol=1e-2)
    assert not len(points_of(near / 5, places, views, 70.0)), "what is far is not known well enough"


def test_what_is_placed_stands_in_the_way_until_it_is_broken() -> None:
    block = Cube(torch.tensor([[0.0, EYE - 0.5, 2.0]]), torch.tensor([20.0]))
    right, down, ahead = shell(block)[0].unbind(1)
    center = torch.tensor([0.0, 2.0, 0.5 - EYE])
    album = built(Album(), center, torch.stack([right, ahead, -down], 1))
    moves, still = torch.tensor([[[0.0, STRIDE, 0.0]]]), torch.tensor([[False]])
    ways = []
    for solid in (album.solid, unbuilt(album, center + 0.1).solid):
        place, moved = torch.zeros(1, 3), NOW
        for _ in range(20):
            moved = held([solid], place, moves, still, moved)
            place = place + moved[:, 0]
        ways.append(float(place[0, 1]))
    assert ways[0] < 1.5 - WIDE + 0.2 and ways[1] == pytest.approx(20 * STRIDE)
    assert unbuilt(album, torch.tensor([0.0, 5.0, 0.0])).built is not None, "what is elsewhere stays"


def test_who_jumps_hits_the_ceiling() -> None:
    roof = plate((-1, -1, 2.2), (1, 1, 2.2))
    for solid, rises in ((torch.cat([FLOOR, roof]), 2.2 - TALL), (FLOOR, 0.8)):
        risen = walk(solid, ahead=0.0, rise=0.4, jumps=True, frames=2)
        assert float(risen[2]) == pytest.approx(rises, abs=1e-3)
