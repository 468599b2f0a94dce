"""Work: do hands break when they have dug long enough, place when told to, and rest else?"""

import math

import pytest
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model.work import (
    CRACKED,
    PAUSE,
    Work,
    built_on,
    due,
    elsewhere,
    founded,
    gone_on,
    in_rank,
    nothing_done,
    turned_alike,
)

SOFT = torch.tensor([[5.0, 5.0, 2.2]])
"""What is read of a block that withstands for exp(2.2) = 9 frames, so that it breaks after 7.2, and may have one beside it."""
NOTHING = torch.tensor([[-5.0, -5.0, 2.0]])


def chunk(*keys: str, r: int = 2, turn: float = 0.0) -> Tensor:
    actions = torch.zeros(1, r, ACTION_SIZE)
    actions[:, :, [SLOT[key] for key in keys]] = 1
    actions[..., CAMERA.stop - 1] = turn
    return actions


def after(work: Work, *chunks: Tensor, read: Tensor = SOFT) -> tuple[Work, list[str]]:
    """The work after some chunks, and in which of them a block breaks or is placed."""
    told = []
    for actions in chunks:
        work, breaks, places = due(gone_on(work, actions), actions, read)
        told.append("break" if breaks.item() else "place" if places.item() else "")
    return work, told


def rest() -> Work:
    return nothing_done(1, torch.device("cpu"))


def test_a_block_breaks_after_its_time_and_the_next_later() -> None:
    _, told = after(rest(), *[chunk("attack")] * 12)
    assert told[:4] == ["", "", "", "break"] and told[4:].count("break") == 1
    assert told.index("break", 4) >= 3 + PAUSE // 2 + 3
    assert not any(after(rest(), *[chunk("attack")] * 12, read=NOTHING)[1])


def test_letting_go_or_turning_elsewhere_begins_anew() -> None:
    dig = chunk("attack")
    assert after(rest(), dig, dig, dig, chunk(), dig, dig, dig)[1] == [""] * 7
    assert after(rest(), dig, dig, dig, chunk("attack", turn=8.0), dig, dig, dig)[1] == [""] * 7
    assert "break" in after(rest(), dig, dig, dig, chunk("attack", turn=0.5))[1], "a hand trembles"


def test_who_lets_go_as_it_breaks_has_broken_it() -> None:
    dig, last = chunk("attack"), chunk("attack")
    last[:, 1] = 0
    read = torch.tensor([[5.0, 5.0, math.log(8.5)]])  # which takes 6.8 frames
    assert after(rest(), dig, dig, dig, last, read=read)[1][-1] == "break"
    assert not any(after(rest(), dig, dig, last, dig, dig, dig, read=read)[1]), "letting go in between begins anew"


def test_where_it_is_known_what_is_aimed_at_another_block_begins_anew() -> None:
    one, other = torch.tensor([[0.5, 2.5, -0.5]]), torch.tensor([[1.5, 2.5, -0.5]])
    for cells, breaks in (((one, one), True), ((one, other), False)):
        work, broke = rest(), False
        for number in range(5):
            actions = chunk("attack", turn=4.0 * (number < 4))
            work, broken, _ = due(gone_on(work, actions, cells[number // 3]), actions, SOFT)
            broke |= bool(broken)
        assert broke == breaks


def test_what_is_dug_at_is_cracked_more_and_more() -> None:
    work, shown = rest(), []
    for _ in range(3):
        work, _ = after(work, chunk("attack"))
        shown.append(float(work.progress))
    assert 0 < shown[0] < shown[1] < shown[2] <= CRACKED
    assert float(rest().progress) == 0


def test_use_places_one_block_at_a_time() -> None:
    use = chunk("use")
    assert after(rest(), use, use, use, use)[1] == ["place", "", "place", ""]
    assert after(rest(), use, chunk(), use)[1] == ["place", "", "place"], "who lets go need not wait"
    assert not any(after(rest(), use, use, read=NOTHING)[1])


def test_who_has_just_changed_the_world_is_told_so() -> None:
    work, _ = after(rest(), chunk("use"))
    assert work.changing.all() and not rest().changing.any()
    assert not after(work, *[chunk()] * 5)[0].changing.any()


def test_a_compass_becomes_sure_and_turns_with_the_player() -> None:
    work, generator = rest(), torch.Generator().manual_seed(0)
    for number in range(60):
        yaw = torch.tensor([3.0 * number])
        read = 20 - yaw + 8 * torch.randn(1, generator=generator) + 90 * (number % 3)
        work, turn = turned_alike(work, read, yaw)
    apart = (float(turn) - (20 - 3.0 * 59) + 45) % 90 - 45
    assert abs(apart) < 4


def test_blocks_lie_whole_blocks_from_the_cornerstone() -> None:
    eye, ahead, about = torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.4, 3.3, 0.2]])
    assert torch.equal(in_rank(rest(), about, ahead, eye), about), "nothing is known"
    turn = math.radians(30)
    along, across = torch.tensor([math.cos(turn), -math.sin(turn), 0]), torch.tensor([math.sin(turn), math.cos(turn), 0])
    stone = torch.tensor([0.1, -2.0, 0.1])
    work = founded(rest(), 0, stone, torch.tensor(30.0))
    assert float(work.turn) == pytest.approx(30, abs=1e-3) and bool(work.stands)
    found = in_rank(work, about, ahead, eye)[0]
    ways = torch.stack([(found - stone) @ along, (found - stone) @ across, found[2] - stone[2]])
    assert torch.allclose(ways, ways.round(), atol=1e-4) and float((found - about).norm()) < 1
    assert float(found[:2].norm()) < 6 and abs(float(found[0])) < 0.71, "the crosshair is on it"
    read = turned_alike(work, torch.tensor([12.0]), torch.tensor([0.0]))[1]
    assert float(read) == pytest.approx(30, abs=1e-3), "who knows how blocks lie believes no glance"


def test_what_is_built_is_the_next_cornerstone_and_what_breaks_stands_no_more() -> None:
    stone, new = torch.tensor([[0.0, 2.0, 0.0]]), torch.tensor([[0.0, 2.0, 1.0]])
    yes, no = torch.tensor([True]), torch.tensor([False])
    assert not bool(built_on(rest(), no, stone, yes, new).stands), "where none is known none becomes known"
    work = founded(rest(), 0, stone[0], torch.tensor(0.0))
    built = built_on(work, no, stone, yes, new)
    assert torch.equal(built.cornerstone, new) and bool(built.stands)
    assert bool(built_on(built, yes, stone, no, new).stands), "another one broke"
    broken = built_on(built, yes, new, no, new)
    assert torch.equal(broken.cornerstone, new) and not bool(broken.stands)
    assert not bool(elsewhere(built, yes).cornerstone.isfinite().any()) and not bool(elsewhere(built, yes).stands)
    assert torch.equal(elsewhere(built, no).cornerstone, new) and bool(elsewhere(built, no).stands)
