"""Lattice: the blocks that a place is made of, all one wide and lying alike, and what of them an eye sees. Closed form; knows
nothing but where they are. `masonry` reads them off pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int32, UInt8
from torch import Tensor

from simworld.model.camera import ray_array
from simworld.model.compiled import arrays
from simworld.model.projection import LEAST_AHEAD, NOTHING, axes
from simworld.model.traversal import NOWHERE, WHOLE, met, see

Cell = tuple[int, int, int]
"""Of a lattice, by number along each axis."""


@dataclass(frozen=True)
class Lattice:
    """turn: of its first axis, from right towards behind, in degrees. corner: of its first cell, along its axes, in blocks.
    high: how high what is in each cell is, in hundredths of a block, upright cells last; 0 where nothing is. broad: how broad,
    `WHOLE` for blocks, less for what stands in their middle. since: the number of the picture after which hands changed what is
    in each cell, 0 where they never did; None where they never did anywhere. Its tensors are never written to."""

    turn: float
    corner: Float[Tensor, "3"]
    high: UInt8[Tensor, "wide deep tall"]
    broad: UInt8[Tensor, "wide deep tall"]
    since: Int32[Tensor, "wide deep tall"] | None = None

    @cached_property
    def turned(self) -> Float[Tensor, "3 3"]:
        """What turns (right, ahead, above) into the lattice's axes."""
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        return torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], device=self.corner.device)

    @cached_property
    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """high, broad and since as arrays of the processor, the last empty where there is none."""
        nothing = torch.zeros(0, 0, 0, dtype=torch.int32)
        high, broad, since = arrays(self.high, self.broad, nothing if self.since is None else self.since)
        return high, broad, since

    @cached_property
    def has_water(self) -> bool:
        """Whether there is any."""
        return bool(self.water.any())

    @cached_property
    def water(self) -> Bool[Tensor, " cells"]:
        """Which cells have water, and those around the lattice, which have none."""
        return F.pad((self.high > 0) & (self.high < WHOLE) & (self.broad == WHOLE), (1,) * 6).flatten()

    def to(self, device: torch.device) -> "Lattice":
        """The lattice on a device."""
        since = None if self.since is None else self.since.to(device)
        return Lattice(self.turn, self.corner.to(device), self.high.to(device), self.broad.to(device), since)

    def within(self, points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Points, (right, ahead, above) in blocks, as they lie among the cells."""
        return points @ self.turned.T - self.corner

    def around(self, points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Where points are that lie so among the cells."""
        return (points + self.corner) @ self.turned

    def middle(self, cell: Cell) -> Float[Tensor, "3"]:
        """Where the middle of a cell lies."""
        return self.around(self.corner.new_tensor(cell) + 0.5)

    def box(self, cell: Cell) -> Float[Tensor, "2"]:
        """Half the width and the height of what is in a cell, in blocks."""
        return torch.stack([self.broad[cell] / (2 * WHOLE), self.high[cell] / WHOLE])

    def is_wet(self, points: Float[Tensor, "n 3"]) -> Bool[Tensor, " n"]:
        """Which points among the cells lie in those of water."""
        _, deep, tall = self.high.shape
        bounds = torch.tensor(self.high.shape, device=points.device)[:, None]
        x, y, z = points.T.floor().clamp(min=-1).minimum(bounds) + 1
        return self.water.index_select(0, ((x * (deep + 2) + y) * (tall + 2) + z).int())

    @cached_property
    def tops(self) -> Float[Tensor, "wide deep"]:
        """How high up in each column the uppermost cell ends that is filled, counted from the lowest; 0 where none is."""
        number = torch.arange(1, self.high.shape[2] + 1, device=self.high.device)
        return ((self.high > 0) * number).amax(2).float()

    def is_open(self, points: Float[Tensor, "*n 3"]) -> Bool[Tensor, "*n"]:
        """Which points among the cells have nothing above or about them; nobody knows what is beyond."""
        x, y, z = points.unbind(-1)
        wide, deep = self.tops.shape
        column, row = x.floor().long(), y.floor().long()
        beyond = (column < 0) | (row < 0) | (column >= wide) | (row >= deep)
        return beyond | (z >= self.tops[column.clamp(0, wide - 1), row.clamp(0, deep - 1)])

    def changed(self, point: Float[Tensor, "3"], number: int, high: float, broad: float = 1.0) -> "Lattice":
        """The lattice after the picture of such a number, when what is in the cell of a point has become so high and broad, in
        blocks; as it was beyond its bounds."""
        cell = self.within(point).floor().long()
        bounds = torch.tensor(self.high.shape, device=cell.device)
        if bool(((cell < 0) | (cell >= bounds)).any()):
            return self
        highs, broads = self.high.clone(), self.broad.clone()
        since = torch.zeros_like(highs, dtype=torch.int32) if self.since is None else self.since.clone()
        place = tuple(cell.tolist())
        highs[place], broads[place], since[place] = round(WHOLE * high), round(WHOLE * broad), number
        return replace(self, high=highs, broad=broads, since=since)


@dataclass
class Cast:
    """What eyes see of lattices, pixel by pixel. near: 1 / blocks along the view's axis, `NOTHING` where no block is met.
    clear: the same of up to where nothing is in the way: of the block, or of the lattice's bounds. since: as in `Lattice`, of
    what is met and what lies before it, whichever is later; None where hands have changed nothing. wet: where it is water, seen
    from above; None where there is none."""

    near: Float[Tensor, "b r h w"]
    clear: Float[Tensor, "b r h w"]
    since: Int32[Tensor, "b r h w"] | None = None
    wet: Bool[Tensor, "b r h w"] | None = None

    def last(self, world: int) -> "Cast":
        """What the last eye of one world sees."""
        here = slice(world, world + 1), slice(-1, None)
        since, wet = (None if part is None else part[here] for part in (self.since, self.wet))
        return Cast(self.near[here], self.clear[here], since, wet)


def cast(
    lattices: Sequence[Lattice | None],
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    size: tuple[int, int],
    field_of_view: float,
) -> Cast | None:
    """What is seen from `places` towards `views` in pictures of height × width `size`, of lattices where there are any; None
    where there is none at all."""
    if not any(lattices):
        return None
    device, (b, r, _) = places.device, places.shape
    ways = ray_array(size, field_of_view).reshape(3, -1)
    near, clear = np.full((b, r, *size), NOTHING, np.float32), np.full((b, r, *size), 1 / LEAST_AHEAD, np.float32)
    since, wet = np.zeros((b, r, *size), np.int32), np.zeros((b, r, *size), np.bool_)
    for world, lattice in enumerate(lattices):
        if lattice is None:
            continue
        for eye in range(r):
            found = (part[world, eye].reshape(-1) for part in (near, clear, since, wet))
            see(*lattice.cells, *looking(lattice, places[world, eye], views[world, eye]), ways, *found)
    changed = any(lattice is not None and lattice.since is not None for lattice in lattices)
    has_water = any(lattice is not None and lattice.has_water for lattice in lattices)
    told = [torch.from_numpy(part).to(device) for part in (near, clear, since, wet)]
    return Cast(told[0], told[1], told[2] if changed else None, told[3] if has_water else None)


def aimed_at(lattice: Lattice, place: Float[Tensor, "3"], view: Float[Tensor, "2"], reach: float) -> Cell | None:
    """The cell of what an eye looks straight at within so many blocks, through water; None where nothing is."""
    start, turn = looking(lattice, place, view)
    high, broad, _ = lattice.cells
    far, cell = met(high, broad, *start.tolist(), *turn[:, 2].tolist(), reach, True)
    return None if cell == NOWHERE or far > reach else cell


def looking(lattice: Lattice, place: Float[Tensor, "3"], view: Float[Tensor, "2"]) -> tuple[np.ndarray, np.ndarray]:
    """Where an eye is among the cells, and what makes its directions, (right, down, ahead), ways along their axes."""
    right, down, ahead = axes(view)
    start, turn = arrays(lattice.within(place), lattice.turned @ torch.stack([right, ahead, -down]))
    return start, turn
