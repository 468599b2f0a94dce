"""Cubes: do they lie in the picture where they lie in space?"""

import math
from dataclasses import replace

import pytest
import torch

from simworld.model.cube import (
    BOTTOM,
    SIDE,
    TOP,
    Cube,
    about_body,
    before_crosshair,
    beside,
    crossed,
    levelled,
    meet,
    pit,
    shell,
    stood_on,
)

SIZE, VIEW = (96, 160), 70.0
LEVEL = torch.zeros(1)


def cube(right: float, down: float, ahead: float, turn: float = 0.0) -> Cube:
    return Cube(torch.tensor([[float(right), down, ahead]]), torch.tensor([turn]))


def test_a_cube_ahead_shows_its_side() -> None:
    met = meet(cube(0, 0, 3), LEVEL, SIZE, VIEW)
    half = 0.5 / 2.5 / math.tan(math.radians(VIEW / 2)) * SIZE[0] / 2
    assert abs(float(met.met.float().sum()) - (2 * half) ** 2) < 6 * half, "a square as large as it is seen from there"
    assert bool(met.met[0, 48, 80]) and bool((met.kind[met.met] == SIDE).all())
    assert torch.allclose(met.away[met.met], torch.tensor(2.5), atol=1e-4)
    assert float(met.v[0, 40, 80]) < 0.5 < float(met.v[0, 56, 80]), "v goes down"
    left = meet(cube(0, 0, 3), LEVEL, SIZE, VIEW, leaving=True)
    assert torch.equal(left.met, met.met) and torch.allclose(left.away[0, 48, 80], torch.tensor(3.5), atol=1e-4)
    assert not meet(cube(0, 0, -3), LEVEL, SIZE, VIEW).met.any(), "nobody sees what is behind"


def test_who_looks_down_sees_the_top_and_inside_it_the_floor() -> None:
    below, down = cube(0, 2.12, 0.1), torch.tensor([85.0])
    assert int(meet(below, down, SIZE, VIEW).kind[0, 48, 80]) == TOP
    assert int(meet(below, down, SIZE, VIEW, leaving=True).kind[0, 48, 80]) == BOTTOM


def test_what_stands_in_the_middle_of_a_block_is_smaller() -> None:
    whole, box = cube(0, 0, 3), torch.tensor([[0.3, 0.72]])
    small = replace(whole, box=box)
    met = meet(small, LEVEL, SIZE, VIEW)
    scale = SIZE[0] / 2 / math.tan(math.radians(VIEW / 2)) / 2.7  # pixels of a block, where its side is
    rows, columns = met.met[0].nonzero().unbind(1)
    assert abs(int(columns.max() - columns.min() + 1) - 0.6 * scale) < 2
    assert abs(int(rows.max()) + 1 - SIZE[0] / 2 - 0.5 * scale) < 2, "it stands on the floor"
    assert abs(int(rows.min()) - SIZE[0] / 2 + 0.22 * scale) < 2
    assert float(met.u[met.met].min()) < 0.05 and float(met.u[met.met].max()) > 0.95, "its faces are its own"
    points = shell(small)[0] - whole.center
    assert torch.allclose(points.amin(0), torch.tensor([-0.3, -0.22, -0.3])), points.amin(0)
    assert torch.allclose(points.amax(0), torch.tensor([0.3, 0.5, 0.3])), points.amax(0)


@pytest.mark.parametrize("turn", [0.0, 30.0, -75.0])
def test_what_is_beside_touches_it(turn: float) -> None:
    here, pitch = cube(0.2, 1.9, 2.2, turn), torch.tensor([40.0])
    met = meet(here, pitch, SIZE, VIEW)
    next_to = beside(here, pitch)
    assert abs(float((next_to.center - here.center).norm()) - 1) < 1e-5
    new = meet(next_to, pitch, SIZE, VIEW)
    assert bool(new.met[0, 48, 80]) and float(new.away[0, 48, 80]) < float(met.away[0, 48, 80])
    # The face between the two is seen where the nearer one is left.
    assert abs(float(meet(next_to, pitch, SIZE, VIEW, leaving=True).away[0, 48, 80] - met.away[0, 48, 80])) < 1e-4


def test_a_quarter_turn_changes_nothing() -> None:
    one, other = (meet(cube(0.3, 0.8, 2.5, turn), torch.tensor([20.0]), SIZE, VIEW) for turn in (20.0, 110.0))
    assert torch.equal(one.met, other.met) and torch.allclose(one.away[one.met], other.away[one.met], atol=1e-4)


def test_the_crosshair_is_on_what_is_near() -> None:
    near = torch.full((1, 1, *SIZE), 0.5)
    assert torch.allclose(before_crosshair(near, torch.tensor([90.0])), torch.tensor([[0.0, 2.0, 0.0]]), atol=1e-5)
    assert torch.allclose(before_crosshair(near, LEVEL), torch.tensor([[0.0, 0.0, 2.0]]), atol=1e-5)


def test_who_is_wrong_about_the_pitch_still_sees_it_where_it_is() -> None:
    true, held = torch.tensor([30.0]), torch.tensor([42.0])
    here = cube(0.2, 1.8, 2.5)
    moved = Cube(levelled(here.center, true, held), here.turn)
    one, other = (meet(block, pitch, SIZE, VIEW).met.float() for block, pitch in ((here, true), (moved, held)))
    rows = torch.arange(SIZE[0], dtype=torch.float32)[:, None]
    middles = [float((block[0] * rows).sum() / block.sum()) for block in (one, other)]
    assert abs(middles[0] - middles[1]) < 2


def test_who_stands_in_a_block_is_in_it_and_who_stands_on_it_or_beside_is_not() -> None:
    for center in ((0, 1.12, 0), (0.7, 0.2, 0.3)):
        assert bool(about_body(cube(*center, turn=8.0))), center
    for center in ((0, 2.12, 0), (0.1, 1.12, 0.9), (0, -0.7, 0)):
        assert not bool(about_body(cube(*center))), center


def test_the_crosshair_enters_a_cube_where_its_pixels_do() -> None:
    here, pitch = cube(0.2, 1.9, 2.2, 25.0), torch.tensor([40.0])
    met = meet(here, pitch, (97, 161), VIEW)  # whose middle pixel is the crosshair
    away, axis, beyond = crossed(here, pitch)
    assert abs(float(away - met.away[0, 48, 80])) < 1e-4
    assert (int(axis), bool(beyond)) == (int(met.axis[0, 48, 80]), bool(met.beyond[0, 48, 80]))
    assert math.isinf(float(crossed(cube(2.0, 1.9, 2.2), pitch)[0])) and math.isinf(float(crossed(cube(0, 0, -3), LEVEL)[0]))


def test_who_digs_away_what_they_stand_on_has_a_pit_below() -> None:
    below = cube(0.1, 2.12, -0.2, 20.0)
    assert bool(stood_on(below))
    assert not any(bool(stood_on(cube(*center))) for center in ((0, 1.12, 1), (0, 3.12, 0), (1.2, 2.12, 0)))
    walls = pit(below)[0] - below.center
    assert float(walls[:, 1].max()) == pytest.approx(1.5, abs=1e-5), "its floor is a block, too"
    inside = (walls[:, [0, 2]].abs() < 0.3).all(1)
    assert float(walls[inside][:, 1].min()) == pytest.approx(0.5, abs=1e-5), "and nothing is in it"
