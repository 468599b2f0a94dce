"""Water: what the water of a place looks like, read off all its pictures at once, and shown to eyes anywhere in the place.
Closed form.

Its surface mirrors the sky, and so looks alike in one direction wherever it is seen; what lies on its floor stays where it is,
and the steeper one looks the more is seen of it. Put together picture by picture, the two tear each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from simworld.model.camera import beside, rays, sample
from simworld.model.lattice import Cast, Lattice
from simworld.model.pixels import to_float
from simworld.model.projection import axes, pixel_ways
from simworld.model.registration import told_of_cells
from simworld.model.scenery import Shown

DEEP, MURK = 0.9, 0.28
"""Blocks below the surface where its floor is taken to lie, and how quickly less is seen of it, by the blocks of water before
it."""
CELL, CELLS = 0.25, 480
"""Blocks that a cell of the floor is wide, and cells on each side."""
ABOUT, FAR_ABOUT = 3, 15
"""A cell is the mean of so many each way; where little tells of these, of so many."""
FAINT = 0.02
"""Where so much tells of a cell, it is half of what is about it, and that is half of nothing beside the plain surface."""
EVERY = 2
"""Every so many pixels each way of pictures tell of the water."""
ON = 1.02
"""Points on water are sought so many times as far away, to be in it."""
FIRM, ROBUST, ROUNDS = 0.0003, 0.1, 4
"""How firmly a plain surface is plain; differences in colour from which on they count less; and rounds in which that is
told."""
LEAST_SEEN = 400
"""Pixels of water that must be seen."""
LEVEL = 0.02
"""Sine of how steeply who looks level still looks."""


@dataclass(frozen=True)
class Water:
    """Colours in [-1, 1]. plain: of what a plain surface's colour is the sum (`_plain`). floor: what is seen of the floor
    beside it, by cells ahead and to the right. Never written to."""

    plain: Float[Tensor, "terms 3"]
    floor: Float[Tensor, "3 cells cells"]

    def seen(self, ways: Float[Tensor, "3 n"], eye: Float[Tensor, "3"], away: Float[Tensor, " n"]) -> Float[Tensor, "3 n"]:
        """What an eye sees in directions, as `directed` tells them, where the water's surface is so many blocks away."""
        right, ahead = _floor(eye[:, None], ways, away) * (2 / (CELL * CELLS))
        floor = sample(self.floor[None], beside(right, ahead).view(1, 1, -1, 2))[0, :, 0]
        return (self.plain.T @ _plain(ways) + floor * _clear(ways)).clamp(-1, 1)


def water_of(
    pictures: UInt8[Tensor, "n h w 3"],
    near: Float[Tensor, "n h w"],
    places: Float[Tensor, "n 3"],
    views: Float[Tensor, "n 2"],
    field_of_view: float,
    lattice: Lattice,
) -> Water | None:
    """The water of a place, off pictures of it, as in `Scenery`; None where hardly any is seen."""
    if not lattice.has_water:
        return None
    size = (near.shape[1], near.shape[2])
    some = near[:, ::EVERY, ::EVERY]
    number, row, column = (some > 0).nonzero(as_tuple=True)
    near_of = some[number, row, column]
    row, column = row * EVERY, column * EVERY
    ahead, right, above = away = pixel_ways(views, number, row, column, size, field_of_view) / near_of
    points = places[number] + ON * torch.stack([right, ahead, above], 1)
    wet = ((above < 0) & lattice.is_wet(lattice.within(points))).nonzero()[:, 0]
    if len(wet) < LEAST_SEEN:
        return None
    number, row, column, eyes = number[wet], row[wet], column[wet], places[number[wet]].T
    away = away[:, wet]
    length = away.norm(dim=0)
    return _fitted(away / length, to_float(pictures[number, row, column]).T, eyes, length)


def with_water(
    shown: Shown,
    waters: Sequence[Water | None],
    told: Cast | None,
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    share: Float[Tensor, "b r"],
    field_of_view: float,
) -> Shown:
    """What is shown, with the water of each world where lattices tell that it is seen: by a share, and wholly where nothing
    else is known of it."""
    if told is None or told.wet is None or not any(waters):
        return shown
    (h, w), device = shown.colors.shape[-2:], shown.colors.device
    wet = told.wet & torch.tensor([water is not None for water in waters], device=device)[:, None, None, None]
    colors, pixels = shown.colors.clone(), rays((h, w), field_of_view, device).flatten(1)
    for world, one in wet.flatten(2).any(2).nonzero().tolist():
        water, here = waters[world], wet[world, one].flatten().nonzero()[:, 0]
        assert water is not None, "there is some"
        right, down, ahead = axes(views[world, one]) @ pixels[:, here] / told.near[world, one].flatten()[here]
        away = torch.stack([ahead, right, -down])
        length = away.norm(dim=0)
        seen = water.seen(away / length, places[world, one], length)
        much = torch.where(shown.known[world, one].flatten()[here], share[world, one], 1)
        picture = colors[world, one].flatten(1)
        picture[:, here] = torch.lerp(picture[:, here], seen.to(picture), much)
    wet = wet[:, :, None]
    near = torch.where(wet, told.near[:, :, None], shown.near)
    return replace(shown, colors=colors, near=near, known=shown.known | wet, kept=shown.kept | wet, real=shown.real | wet)


def _fitted(
    ways: Float[Tensor, "3 n"], colors: Float[Tensor, "3 n"], eyes: Float[Tensor, "3 n"], away: Float[Tensor, " n"]
) -> Water:
    """The water of which eyes have seen so much in directions, so far away: a plain surface, and what is seen of its floor."""
    terms, clear = _plain(ways), _clear(ways)
    firm = FIRM * terms.shape[1] * torch.eye(len(terms), device=terms.device)
    firm[0, 0] = 0
    weighed = terms
    for _ in range(ROUNDS):
        plain = torch.linalg.solve(weighed @ terms.T + firm, weighed @ colors.T)
        rest = colors - plain.T @ terms
        weighed = terms * (ROBUST / rest.square().mean(0).sqrt().clamp(min=ROBUST))
    right, ahead = (_floor(eyes, ways, away) / CELL + CELLS / 2).clamp(0, CELLS - 1).long()
    cell = ahead * CELLS + right
    floor = told_of_cells(cell, rest * clear, clear.square(), (CELLS, CELLS), (ABOUT, FAR_ABOUT), (FAINT, FAINT))
    return Water(plain, floor)


def _plain(ways: Float[Tensor, "3 n"]) -> Float[Tensor, "9 n"]:
    """What the colour of a plain surface is a sum of: of how steeply it is seen, and, where it mirrors most, of the heading."""
    ahead, right, above = ways
    long = (right.square() + ahead.square()).sqrt().clamp(min=1e-3)
    x, y, level = ahead / long, right / long, (1 + above).square()
    mirror = level.square()
    alike = torch.ones_like(above), above, level, mirror, _clear(ways)
    return torch.stack([*alike, mirror * x, mirror * y, mirror * (x * x - y * y), mirror * x * y])


def _clear(ways: Float[Tensor, "3 n"]) -> Float[Tensor, " n"]:
    """How much is seen of the floor."""
    return torch.exp(-MURK * DEEP / (-ways[2]).clamp(min=LEVEL))


def _floor(eyes: Float[Tensor, "3 #n"], ways: Float[Tensor, "3 n"], away: Float[Tensor, " n"]) -> Float[Tensor, "2 n"]:
    """Where the floor lies that eyes see in directions through a surface so far away, to the right and ahead."""
    return eyes[:2] + ways[:2].flip(0) * (away + DEEP / (-ways[2]).clamp(min=LEVEL))
