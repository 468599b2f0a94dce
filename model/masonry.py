"""Masonry: how the blocks of a place lie, read off pictures of it whose nearness and places are known. Closed form: flat spots
tell how the sides of blocks are turned and where their faces are, each then votes for the block behind it, and every line of
sight against those that it went through."""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import rays
from simworld.model.footing import EYE
from simworld.model.lattice import WHOLE, Lattice
from simworld.model.projection import axes

EVERY, SIGHT = 2, 4
"""Every so many pixels each way tell of faces, and of what lines of sight go through."""
FARTHEST = 24.0
"""Blocks: what was seen from farther away tells nothing."""
BENT = 0.04
"""A spot is flat where nearness bends less than so, as a share of itself."""
UPRIGHT, LEVEL, SQUARE = 0.2, 0.9, 0.8
"""How much of a normal points up at sides, at the tops of blocks, and along one axis of the lattice at all faces."""
TURNS, FINE_TURNS = (8.0, 161), (0.1, 21)
"""Degrees to either side, and their number, that are tried around what normals tell, and around the best of these."""
SOME = 50_000
"""So many spots tell how blocks lie."""
REGULAR, REGULAR_TOPS = 0.75, 0.1
"""What is not so regular, from 0 to 1, is not made of blocks; nor is what so little of is level with where one stands."""
LOWER = 0.06
"""Blocks: what is lower than so is another height."""
OFF = 0.25
"""Blocks that a spot may be off the face it is of."""
NUMBER, AGAINST = 2, 2.0
"""Spots that make a block, and how many of them one line of sight through it outweighs."""
PACE, SHORT, SHORTER = 0.5, 0.35, 0.03
"""Blocks from point to point of a line of sight; the blocks and the share of its length before its end at which it ends."""
CORNER = 0.12
"""Blocks: who goes through a cell so close to its sides may have missed it."""
CLOSE, GROWN = 6.0, 8
"""Blocks from which what grows is seen, and spots that make it."""
NARROWEST, CLEAR_OF, MOSTLY = (0.1, 0.4), 0.12, 0.85
"""Blocks to each side that what grows takes up, at least and at most; above its ground; and the share of its spots within."""
FAINT = 1e-3
ROOM = 2
"""Cells around all that are filled."""
MOST = (256, 256, 64)
"""Cells of the largest lattice."""
LEVEL_FEET = 0.1
"""Blocks: whose feet are so close to the top of one stands on it."""
GROUNDED, LEAST_BESIDE = 2, 4
"""So many times ground is laid in columns of which nothing is known, but for so many of the eight about them."""


def lattice_of(
    near: Float[Tensor, "n h w"], places: Float[Tensor, "n 3"], views: Float[Tensor, "n 2"], field_of_view: float
) -> Lattice | None:
    """The blocks that such pictures show: `near`, `places` and `views` as in `Scenery`. None where they are not made of
    blocks."""
    size = (near.shape[-2], near.shape[-1])
    some = near[:, ::EVERY, ::EVERY].float()
    ways = _ways(views, size, field_of_view, EVERY)
    spots = ways / some[:, None].clamp(min=1 / (4 * FARTHEST))
    normals, flat = _flat(spots, some)
    number, row, column = flat.nonzero().T
    spots, normals = spots[number, :, row + 1, column + 1], normals[number, :, row, column]
    chosen = slice(None, None, max(1, len(spots) // SOME))
    close = some[number, row + 1, column + 1][chosen]
    # What is told in steps looks as if it faced the eye.
    turned = (some[number, row + 1, column] != some[number, row + 1, column + 2])[chosen]
    lie = _lie((spots + places[number])[chosen], normals[chosen], close, turned, places[:, 2] - EYE)
    if lie is None:
        return None
    turn, corner = lie
    empty = _empty(turn, corner)
    cells, tops = _behind(empty.within(spots + places[number]), spots @ empty.turned.T, normals @ empty.turned.T)
    if not len(cells):
        return None
    first = cells.amin(0) - ROOM
    bounds = torch.minimum(cells.amax(0) + ROOM + 1 - first, torch.tensor(MOST, device=cells.device))
    votes = _counted(cells - first, bounds)
    through = _counted(_crossed(empty, near, places, views, field_of_view) - first, bounds)
    solid = (votes >= NUMBER) & (votes > AGAINST * through)
    told = _counted(cells - first, bounds, tops >= 0)
    high = _counted(cells - first, bounds, tops.clamp(min=0)) / told.clamp(min=1)
    low = solid & (told >= NUMBER) & (high < 1 - LOWER)
    # What is lower than blocks are is all of one height: water.
    high = torch.where(solid, torch.where(low, round(WHOLE * float(high[low].median())) if bool(low.any()) else 0, WHOLE), 0)
    # What nobody ever looked through, and lies below a block, is ground.
    under = high.flip(2).cummax(2).values.flip(2) > 0
    high = torch.where(under & (votes == 0) & (through == 0), WHOLE, high)
    high = _grounded(high, through > 0).to(torch.uint8)
    lattice = stood(Lattice(turn, corner + first, high, torch.full_like(high, WHOLE)), places)
    return _with_growth(lattice, ways.movedim(1, -1) / some[..., None].clamp(min=FAINT) + places[:, None, None], some)


def stood(lattice: Lattice, places: Float[Tensor, "n 3"]) -> Lattice:
    """The lattice in which there is ground, or water, below those who looked from places, and no block where their bodies
    were."""
    x, y, feet = (lattice.within(places) - places.new_tensor([0.0, 0.0, EYE])).T
    bounds = torch.tensor(lattice.high.shape, device=places.device)
    level = (feet - feet.round()).abs() < LEVEL_FEET
    cells = torch.stack([x.floor(), y.floor(), feet.round()], 1)[level].long().unique(dim=0)
    within = (cells >= cells.new_tensor([0, 0, 1])) & (cells < bounds - bounds.new_tensor([0, 0, 1]))
    cells = cells[within.all(1)]
    high = lattice.high.clone()
    for above in (0, 1):
        place = (cells[:, 0], cells[:, 1], cells[:, 2] + above)
        high[place] = torch.where(high[place] == WHOLE, 0, high[place])
    below = (cells[:, 0], cells[:, 1], cells[:, 2] - 1)
    high[below] = torch.where(high[below] == 0, WHOLE, high[below])
    return replace(lattice, high=high)


def _grounded(
    high: Int[Tensor, "wide deep tall"], crossed: Bool[Tensor, "wide deep tall"]
) -> Int[Tensor, "wide deep tall"]:
    """With ground in columns in which nothing was seen, as before one's feet, up to what lines of sight have crossed, and no
    higher than any that is beside them."""
    tall = high.shape[2]
    levels = torch.arange(1, tall + 1, device=high.device)
    for _ in range(GROUNDED):
        tops = torch.where(high > 0, levels, 0).amax(2)
        beside = F.pad(tops, (1, 1, 1, 1)).unfold(0, 3, 1).unfold(1, 3, 1).flatten(2)
        most = torch.where((beside > 0).sum(2) >= LEAST_BESIDE, beside.amax(2), 0)
        lowest = torch.where(crossed, levels - 1, tall).amin(2)
        ground = levels <= torch.minimum(most, lowest)[..., None]
        high = torch.where((tops == 0)[..., None] & ground, WHOLE, high)
    return high


def _empty(turn: float, corner: Float[Tensor, "3"]) -> Lattice:
    nothing = torch.zeros(1, 1, 1, dtype=torch.uint8, device=corner.device)
    return Lattice(turn, corner, nothing, nothing)


def _with_growth(lattice: Lattice, spots: Float[Tensor, "n rows columns 3"], near: Float[Tensor, "n rows columns"]) -> Lattice:
    """The lattice with what stands on blocks and is narrower: flowers, shrubs, lanterns."""
    inside = lattice.within(spots[near > 1 / CLOSE])
    cells, bounds = inside.floor(), torch.tensor(lattice.high.shape, device=near.device)
    place = inside - cells
    aside = (place[:, :2] - 0.5).abs().amax(1)
    good = (aside < NARROWEST[1]) & (place[:, 2] > CLEAR_OF) & ((cells >= 1) & (cells < bounds)).all(1)
    cells, aside, above = cells[good].long(), aside[good], place[good, 2]
    empty, below = (lattice.high[cells[:, 0], cells[:, 1], cells[:, 2] - down] for down in (0, 1))
    grows = (empty == 0) & (below == WHOLE)
    named, number, counts = cells[grows].unique(dim=0, return_inverse=True, return_counts=True)
    high, broad = lattice.high.clone(), lattice.broad.clone()
    for which in (counts >= GROWN).nonzero()[:, 0].tolist():
        chosen = number == which
        side, top = (part[grows][chosen].quantile(MOSTLY) for part in (aside, above))
        if float(side) > NARROWEST[0]:
            cell = tuple(named[which].tolist())
            high[cell], broad[cell] = round(WHOLE * float(top)), round(2 * WHOLE * float(side))
    return replace(lattice, high=high, broad=broad)


def _ways(
    views: Float[Tensor, "n 2"], size: tuple[int, int], field_of_view: float, every: int
) -> Float[Tensor, "n 3 rows columns"]:
    """Directions of pixels, (right, ahead, above), one ahead."""
    ways = rays(size, field_of_view, views.device)[:, ::every, ::every]
    right, down, ahead = torch.einsum("nij,jhw->inhw", axes(views), ways)
    return torch.stack([right, ahead, -down], 1)


def _flat(
    spots: Float[Tensor, "n 3 rows columns"], near: Float[Tensor, "n rows columns"]
) -> tuple[Float[Tensor, "n 3 inner_rows inner_columns"], Bool[Tensor, "n inner_rows inner_columns"]]:
    """Normals of all spots but those at the borders, and which of them are flat."""
    across = spots[..., 1:-1, 2:] - spots[..., 1:-1, :-2]
    down = spots[..., 2:, 1:-1] - spots[..., :-2, 1:-1]
    middle = near[:, 1:-1, 1:-1]
    bends = (near[:, 1:-1, 2:] + near[:, 1:-1, :-2], near[:, 2:, 1:-1] + near[:, :-2, 1:-1])
    flat = middle > 1 / FARTHEST
    for both in bends:
        flat &= (both - 2 * middle).abs() < BENT * middle
    return F.normalize(torch.linalg.cross(across, down, dim=1), dim=1), flat


def _lie(
    spots: Float[Tensor, "m 3"],
    normals: Float[Tensor, "m 3"],
    near: Float[Tensor, " m"],
    turned: Bool[Tensor, " m"],
    feet: Float[Tensor, " n"],
) -> tuple[float, Float[Tensor, "3"]] | None:
    """By how many degrees blocks are turned, and one of their corners; None where there are none. What is near counts more.
    turned: which spots tell how they are turned. feet: how high those stand that look, for they stand on blocks."""
    weights = near.square()
    top, side = normals[:, 2].abs() > LEVEL, turned & (normals[:, 2].abs() < UPRIGHT)
    if not bool(top.any() and side.any()):
        return None
    angles = 4 * torch.atan2(normals[side, 0], normals[side, 1])
    turn = float(torch.rad2deg(_phase(angles, weights[side])[0])) / 4
    found: tuple[float, float, list[Tensor]] = (0.0, turn, [])
    for reach, number in (TURNS, FINE_TURNS):
        middle = found[1]
        for more in torch.linspace(-reach, reach, number).tolist():
            level = _empty(middle + more, torch.zeros_like(spots[0]))
            along = (normals[side] @ level.turned.T)[:, :2].abs().argmax(1)
            lies = level.within(spots[side])
            phases = [_phase(2 * math.pi * lies[along == axis, axis], weights[side][along == axis]) for axis in (0, 1)]
            regular = float(min(phases, key=lambda each: float(each[1]))[1])
            if regular > found[0]:
                found = (regular, middle + more, [angle / (2 * math.pi) for angle, _ in phases])
    regular, turn, level_corner = found
    # Water is lower than blocks are, and may be most of what is seen: what is level with where one stands is no water.
    heights, stands = spots[top, 2], _phase(2 * math.pi * feet, torch.ones_like(feet))[0] / (2 * math.pi)
    off = (heights - stands + 0.5) % 1 - 0.5
    even = off.abs() < LOWER
    if regular < REGULAR or float((weights[top] * even).sum()) < REGULAR_TOPS * float(weights[top].sum()):
        return None
    height = stands + (weights[top] * off)[even].sum() / weights[top][even].sum()
    return turn, torch.stack([*level_corner, height])


def _phase(angles: Float[Tensor, " m"], weights: Float[Tensor, " m"]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """The mean of angles, and how much they agree, from 0 to 1."""
    cos, sin = (weights * angles.cos()).sum(), (weights * angles.sin()).sum()
    return torch.atan2(sin, cos), torch.hypot(sin, cos) / weights.sum().clamp(min=1e-9)


def _behind(
    spots: Float[Tensor, "m 3"], ways: Float[Tensor, "m 3"], normals: Float[Tensor, "m 3"]
) -> tuple[Int[Tensor, "k 3"], Float[Tensor, " k"]]:
    """The cells that have spots on the faces towards the eye, of those spots that can be told, and how high their tops are
    where they are of tops, else -1."""
    most, axis = normals.abs().max(1)
    across = F.one_hot(axis, 3).bool()
    plane = spots.round()
    cells = torch.where(across, torch.where(ways > 0, plane, plane - 1), spots.floor())
    tops = torch.where((axis == 2) & (ways[:, 2] < 0), (spots - cells)[:, 2], -1)
    good = (most > SQUARE) & ((spots - plane)[across].abs() < OFF)
    return cells[good].long(), tops[good]


def _crossed(
    lattice: Lattice,
    near: Float[Tensor, "n h w"],
    places: Float[Tensor, "n 3"],
    views: Float[Tensor, "n 2"],
    field_of_view: float,
) -> Int[Tensor, "m 3"]:
    """The cells that lines of sight go through."""
    size = (near.shape[-2], near.shape[-1])
    ways = _ways(views, size, field_of_view, SIGHT).movedim(1, -1).flatten(1, 2) @ lattice.turned.T
    away = 1 / near[:, ::SIGHT, ::SIGHT].flatten(1).float().clamp(min=1 / FARTHEST)
    ends = (away * (1 - SHORTER) - SHORT) * (near[:, ::SIGHT, ::SIGHT].flatten(1) >= 0)
    starts = lattice.within(places)[:, None]
    crossed = []
    for step in range(1, int(FARTHEST / PACE)):
        number, pixel = (ends > step * PACE).nonzero().T
        points = starts[number, 0] + step * PACE * ways[number, pixel]
        cells = points.floor()
        inside = ((points - cells - 0.5).abs() < 0.5 - CORNER).all(1)
        crossed.append(cells[inside].long())
    return torch.cat(crossed)


def _counted(
    cells: Int[Tensor, "m 3"], bounds: Int[Tensor, "3"], weights: Tensor | None = None
) -> Float[Tensor, "wide deep tall"]:
    """How often each cell within bounds is named, or the sum of the weights with which it is."""
    inside = ((cells >= 0) & (cells < bounds)).all(1)
    x, y, z = cells[inside].T
    wide, deep, tall = bounds.tolist()
    number, weights = (x * deep + y) * tall + z, None if weights is None else weights[inside].float()
    return torch.bincount(number, weights, minlength=wide * deep * tall).view(wide, deep, tall).float()
