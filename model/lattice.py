"""Lattice: the blocks that a place is made of, all one wide and lying alike, and what of them an eye sees. Closed form; knows
nothing but where they are. `masonry` reads them off pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from simworld.model.camera import rays
from simworld.model.projection import LEAST_AHEAD, NOTHING, axes

WIDEST = 8
"""Blocks: the longest leap through the empty."""
WHOLE = 100
"""Hundredths of a block."""
NARROW = 1e-6
"""What is nearly parallel to blocks' sides is taken to be so much aside."""


@dataclass(frozen=True)
class Lattice:
    """turn: of its first axis, from right towards behind, in degrees. corner: of its first cell, along its axes, in blocks.
    high: how high the block in each cell is, in hundredths, upright cells last; 0 where none is. Its
    tensors are never written to."""

    turn: float
    corner: Float[Tensor, "3"]
    high: UInt8[Tensor, "wide deep tall"]

    @cached_property
    def turned(self) -> Float[Tensor, "3 3"]:
        """What turns (right, ahead, above) into the lattice's axes."""
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        return torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], device=self.corner.device)

    @cached_property
    def roomy(self) -> UInt8[Tensor, "cells"]:
        """For each cell how far away, in cells to each side, the nearest block is: 0 where one is."""
        roomy = torch.zeros_like(self.high)
        filled = (self.high > 0).float()
        for _ in range(WIDEST):
            roomy += (filled == 0).to(torch.uint8)
            filled = F.max_pool3d(filled[None, None], 3, 1, 1)[0, 0]
        return roomy.flatten()

    def within(self, points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Points, (right, ahead, above) in blocks, as they lie among the cells."""
        return points @ self.turned.T - self.corner

    def around(self, points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Where points are that lie so among the cells."""
        return (points + self.corner) @ self.turned

    def changed(self, point: Float[Tensor, "3"], solid: bool) -> "Lattice":
        """The lattice with a block, or none, where a point is; as it is beyond its bounds."""
        cell = self.within(point).floor().long()
        bounds = torch.tensor(self.high.shape, device=cell.device)
        if bool(((cell < 0) | (cell >= bounds)).any()):
            return self
        high = self.high.clone()
        high[tuple(cell.tolist())] = WHOLE if solid else 0
        return replace(self, high=high)


@dataclass
class Cast:
    """What eyes see of lattices, pixel by pixel. near: 1 / blocks along the view's axis, `NOTHING` where no block is met.
    clear: the same of up to where nothing is in the way: of the block, or of the lattice's bounds."""

    near: Float[Tensor, "b r h w"]
    clear: Float[Tensor, "b r h w"]


def cast(
    lattices: Sequence[Lattice | None],
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    size: tuple[int, int],
    field_of_view: float,
    every: int = 1,
) -> Cast | None:
    """What is seen from `places` towards `views` in every `every`-th pixel each way of pictures of height × width `size`, of
    lattices where there are any; None where there is none at all."""
    if not any(lattices):
        return None
    ways = some_rays(size, field_of_view, every, places.device)
    b, r, (rows, columns) = *places.shape[:2], ways.shape[1:]
    near, clear = torch.full((2, b, r, rows, columns), NOTHING, device=places.device)
    clear.fill_(1 / LEAST_AHEAD)
    for world, lattice in enumerate(lattices):
        if lattice is not None:
            met, far = _met(lattice, *_sent(lattice, places[world], views[world], ways.flatten(1)))
            clear[world] = (1 / far.clamp(min=LEAST_AHEAD)).view(r, rows, columns)
            near[world] = torch.where(met.view(r, rows, columns), clear[world], NOTHING)
    return Cast(near, clear)


def some_rays(
    size: tuple[int, int], field_of_view: float, every: int, device: torch.device
) -> Float[Tensor, "3 rows columns"]:
    """The directions, (right, down, 1 ahead), of every `every`-th pixel each way of pictures of height × width `size`."""
    return rays(size, field_of_view, device)[:, every // 2 :: every, every // 2 :: every]


def _sent(
    lattice: Lattice, places: Float[Tensor, "r 3"], views: Float[Tensor, "r 2"], ways: Float[Tensor, "3 n"]
) -> tuple[Float[Tensor, "3 rn"], Float[Tensor, "3 rn"]]:
    """Where rays of eyes begin among the cells, and the ways that they go."""
    right, down, ahead = (axes(views) @ ways).unbind(1)
    found = torch.einsum("ij,jrn->irn", lattice.turned, torch.stack([right, ahead, -down])).flatten(1)
    starts = lattice.within(places).T[:, :, None].expand(-1, -1, ways.shape[1]).flatten(1)
    return starts, torch.where(found.abs() < NARROW, NARROW, found)


def _met(
    lattice: Lattice, starts: Float[Tensor, "3 n"], ways: Float[Tensor, "3 n"]
) -> tuple[Bool[Tensor, " n"], Float[Tensor, " n"]]:
    """Whether rays meet a block, and how many times their ways they go before they do, or leave. From cell to cell, as far at
    once as all is empty about (Amanatides and Woo's walk, in leaps)."""
    num, device = starts.shape[1], starts.device
    wide, deep, tall = lattice.high.shape
    far, met = torch.zeros(num, device=device), torch.zeros(num, dtype=torch.bool, device=device)
    which, along = torch.arange(num, device=device), torch.zeros(num, device=device)
    sides, slow, cells = ways.sign(), 1 / ways, starts.floor()
    while len(which):
        x, y, z = cells
        inside = (cells >= 0).all(0) & (x < wide) & (y < deep) & (z < tall)
        number = ((x * deep + y) * tall + z).clamp(0, lattice.roomy.numel() - 1).int()
        room = lattice.roomy.index_select(0, number).float()
        hit = inside & (room == 0)
        if bool(hit.any()):
            hits = hit.nonzero()[:, 0]
            high = lattice.high.flatten().index_select(0, number[hits]) / WHOLE
            there, at = _upon(high, along[hits], starts[:, hits], ways[:, hits], cells[:, hits])
            hit[hits], along[hits] = there, at
        going = inside & ~hit
        if not bool(going.all()):
            far[which], met[which] = along, hit
            kept = going.nonzero()[:, 0]
            which, room, along = which[kept], room[kept], along[kept]
            cells, starts, ways, slow, sides = (part.index_select(1, kept) for part in (cells, starts, ways, slow, sides))
        # The face of the empty cube by which the ray leaves it.
        reach = sides * room.clamp(min=1)
        ends = (cells + reach + (sides < 0) - starts) * slow
        along = torch.minimum(torch.minimum(ends[0], ends[1]), ends[2])
        onward = (((starts + along * ways).floor() - cells) * sides).clamp(min=0)  # never back, for all that is rounded
        cells = torch.where(ends == along, cells + reach, cells + onward * sides)
    return met, far


def _upon(
    high: Float[Tensor, " m"],
    along: Float[Tensor, " m"],
    starts: Float[Tensor, "3 m"],
    ways: Float[Tensor, "3 m"],
    cells: Float[Tensor, "3 m"],
) -> tuple[Bool[Tensor, " m"], Float[Tensor, " m"]]:
    """Whether rays that come into cells with a block so `high`, or begin there, meet it, and where."""
    beside = starts[2] + along * ways[2] <= cells[2] + high
    down = (cells[2] + high - starts[2]) / ways[2]
    within = ((starts + down * ways - cells)[:2] - 0.5).abs().amax(0) <= 0.5
    above = ~beside & (ways[2] < 0) & within
    # Who is in a block sees what is beyond it.
    return (beside & (along > 0)) | above, torch.where(above, down, along)
