"""Lattices: what an eye sees of blocks, near and far, whole and narrow, and what bears a body."""

import math

import pytest
import torch

from simworld.model.lattice import WHOLE, Lattice, aimed_at, cast
from simworld.model.projection import NOTHING, axes

SIZE, VIEW = (24, 40), 70.0
CPU = torch.device("cpu")


def room(wide: int = 12, deep: int = 14, tall: int = 6, turn: float = 0.0) -> Lattice:
    """An empty hall with a floor, whose first cell lies 5 blocks to the left, 2 behind and 2 below."""
    high = torch.zeros(wide, deep, tall, dtype=torch.uint8)
    high[:, :, 0] = WHOLE
    return Lattice(turn, torch.tensor([-5.0, -2.0, -2.0]), high, torch.full_like(high, WHOLE))


def seen(lattice: Lattice, place: tuple[float, ...] = (0.0, 0.0, 0.0), view: tuple[float, ...] = (0.0, 0.0)) -> torch.Tensor:
    """How far away what one eye sees of it is: inf where it sees nothing."""
    told = cast([lattice], torch.tensor([[place]]), torch.tensor([[view]]), SIZE, VIEW)
    assert told is not None
    near = told.near[0, 0]
    assert ((near == NOTHING) | (near == told.clear[0, 0])).all()
    return torch.where(near > 0, 1 / near, torch.inf)


def with_block(lattice: Lattice, x: int, y: int, z: int, high: int = WHOLE, broad: int = WHOLE) -> Lattice:
    """The lattice with something in a cell."""
    parts = lattice.high.clone(), lattice.broad.clone()
    parts[0][x, y, z], parts[1][x, y, z] = high, broad
    return Lattice(lattice.turn, lattice.corner, *parts)


def test_a_block_is_as_far_away_as_it_lies() -> None:
    away = seen(with_block(room(), 5, 7, 2))  # 0 to 1 to the right, 5 to 6 ahead, 0 to 1 above
    h, w = SIZE
    assert away[h // 2 - 1, w // 2] == pytest.approx(5.0, abs=1e-3)
    assert away[h // 2 - 1, w // 2 - 1].isinf(), "the block begins right of the middle"
    floor = 1 / math.tan(math.radians(VIEW / 2)) * h / (h - 1)
    assert away[-1, w // 2] == pytest.approx(floor, rel=1e-3), "a block below"


def test_leaps_find_what_single_steps_find() -> None:
    torch.manual_seed(0)
    high = (torch.rand(20, 20, 12) < 0.05).to(torch.uint8) * WHOLE
    lattice = Lattice(23.0, torch.tensor([-10.0, -10.0, -6.0]), high, torch.full_like(high, WHOLE))
    away = seen(lattice, (0.3, 0.2, 0.1), (12.0, 31.0))
    lean = math.tan(math.radians(VIEW / 2))
    for row, column in ((0, 0), (3, 37), (11, 20), (16, 5), (23, 39)):
        right, down = ((2 * column + 1) / SIZE[1] - 1) * lean * SIZE[1] / SIZE[0], ((2 * row + 1) / SIZE[0] - 1) * lean
        pitch, yaw, turn = (math.radians(angle) for angle in (12.0, 31.0, 23.0))
        ahead, below = math.cos(pitch) - down * math.sin(pitch), down * math.cos(pitch) + math.sin(pitch)
        aside, onward = right * math.cos(yaw) + ahead * math.sin(yaw), ahead * math.cos(yaw) - right * math.sin(yaw)
        found = math.inf
        for step in range(1, 40_000):
            t = step / 1000
            x, y, z = 0.3 + t * aside, 0.2 + t * onward, 0.1 - t * below
            cell = (
                x * math.cos(turn) - y * math.sin(turn) + 10, x * math.sin(turn) + y * math.cos(turn) + 10, z + 6
            )  # fmt: skip
            if not all(0 <= part < most for part, most in zip(cell, high.shape, strict=True)):
                break
            if high[tuple(int(part) for part in cell)]:
                found = t
                break
        assert float(away[row, column]) == pytest.approx(found, abs=3e-3)


def test_what_is_lower_and_narrower_is_looked_over_and_past() -> None:
    whole, low, thin = (seen(with_block(room(), 5, 7, 1, *how), (0.4, 0.0, 0.0)) for how in ((), (30,), (WHOLE, 20)))
    assert ((whole < 6.5).sum() > (low < 6.5).sum()) and ((whole < 6.5).sum() > (thin < 6.5).sum())
    middle = SIZE[0] // 2 + 1, SIZE[1] // 2
    assert float(thin[middle]) == pytest.approx(5.4, abs=1e-2), "it stands in the middle of its cell"


def test_who_stands_in_a_block_sees_what_is_beyond_it() -> None:
    assert torch.equal(seen(with_block(room(), 5, 2, 2), (0.5, 0.5, 0.5)), seen(room(), (0.5, 0.5, 0.5)))


def test_from_outside_nothing_is_told() -> None:
    assert seen(room(), (0.0, 40.0, 0.0), (0.0, 180.0)).isinf().all()
    assert cast([None], torch.zeros(1, 1, 3), torch.zeros(1, 1, 2), SIZE, VIEW) is None
    told = cast([None, room()], torch.zeros(2, 1, 3), torch.zeros(2, 1, 2), SIZE, VIEW)
    assert told is not None and (told.near[0] == NOTHING).all() and (told.near[1] > 0).any()


def test_from_above_all_is_seen_and_nothing_is_in_the_way_up_there() -> None:
    """As by who stands on a tower: the hall's cells end 4 blocks up, its floor 1 block below 0."""
    place = torch.tensor([[[0.5, 5.0, 10.0]]])
    down, up = (cast([room(turn=20.0)], place, torch.tensor([[[pitch, 0.0]]]), SIZE, VIEW) for pitch in (90.0, -60.0))
    assert down is not None and up is not None
    middle = down.near[0, 0, SIZE[0] // 2, SIZE[1] // 2]
    assert 1 / float(middle) == pytest.approx(11, abs=0.01), "the floor, whose top lies there"
    assert (up.near == NOTHING).all() and (up.clear < 1 / 2).all()
    inside = cast([room(turn=20.0)], torch.tensor([[[0.5, 5.0, 3.9]]]), torch.tensor([[[90.0, 0.0]]]), SIZE, VIEW)
    assert inside is not None and 1 / float(inside.near[0, 0, SIZE[0] // 2, SIZE[1] // 2]) == pytest.approx(4.9, abs=0.01)


def test_blocks_come_and_go() -> None:
    lattice, point = room(turn=31.0), torch.tensor([1.2, 3.4, 0.5])
    more = lattice.changed(point, 1, 1)
    x, y, z = lattice.within(point).floor().long().tolist()
    middle = more.middle((x, y, z))
    assert (lattice.within(middle) - lattice.within(point)).abs().max() <= 0.5
    assert int((more.high > 0).sum()) == int((lattice.high > 0).sum()) + 1
    assert torch.equal(more.changed(middle, 1, 0).high, lattice.high)
    assert lattice.changed(torch.tensor([100.0, 0.0, 0.0]), 1, 1) is lattice


def test_water_is_lower_than_blocks_and_as_broad() -> None:
    for water, how in ((True, (88,)), (False, ()), (False, (50, 40)), (False, (0,))):
        assert bool(with_block(room(), 5, 7, 1, *how).is_wet(torch.tensor([[5.5, 7.5, 1.5]]))) == water


def test_one_looks_straight_at_what_is_seen_in_the_middle() -> None:
    """Single steps and leaps tell the same, from many eyes in a hall full of things of all shapes."""
    generator = torch.Generator().manual_seed(1)
    hall = room(turn=31.0)
    for _ in range(60):
        x, y, z = (int(torch.randint(1, size, (1,), generator=generator)) for size in hall.high.shape)
        high, broad = ((WHOLE, WHOLE), (50, 40))[int(torch.randint(2, (1,), generator=generator))]
        hall = with_block(hall, x, y, z, high, broad)
    found = 0
    for _ in range(300):
        place = hall.around(torch.rand(3, generator=generator) * torch.tensor([12.0, 14.0, 6.0]))
        view = (torch.rand(2, generator=generator) - 0.5) * torch.tensor([150, 360])
        cell = aimed_at(hall, place, view, 4.5)
        # A picture of one pixel shows what lies straight ahead.
        told = cast([hall], place[None, None], view[None, None], (1, 1), VIEW)
        assert told is not None
        near = float(told.near)
        assert (cell is not None) == (near > 1 / 4.5)
        if cell is not None:
            right, down, ahead = (axes(view)[:, 2] * (1 / near + 0.001)).tolist()
            point = hall.within(place + torch.tensor([right, ahead, -down]))
            assert (point - torch.tensor(cell) - 0.5).abs().max() < 0.502
            found += 1
    assert found > 100
    pond, down = with_block(room(), 5, 2, 1, 88), torch.tensor([90.0, 0.0])
    assert aimed_at(pond, torch.tensor([0.5, 0.5, 1.0]), down, 4.5) == (5, 2, 0), "through water"
    assert aimed_at(pond, torch.tensor([0.5, 0.5, 3.6]), down, 4.5) is None, "too far"
