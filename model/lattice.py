"""Lattice: the blocks that a place is made of, all one wide and lying alike, and what of them an eye sees. Closed form; knows
nothing but where they are. `masonry` reads them off pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int32, UInt8
from torch import Tensor

from simworld.model.camera import rays
from simworld.model.projection import LEAST_AHEAD, NOTHING, axes

WIDEST, LEVEL_WIDEST = 8, 16
"""Blocks: the longest leap through the empty, and where all of one height is empty."""
WHOLE = 100
"""Hundredths of a block."""
LEAPS = 5
"""After so many leaps it is seen which rays have ended; until then they stay where they are."""
LET_GO = 100
"""The last of so many rays, which graze what is far, are let go."""
ON = 2e-4
"""A ray goes on so little at least, for all that is rounded."""
BESIDE = 0.01
"""Of their ways rays go on so little to be behind a face, and back to be before it."""
NARROW = 1e-6
"""What is nearly parallel to blocks' sides is taken to be so much aside."""

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
    def roomy(self) -> Float[Tensor, "2 cells"]:
        """For each cell, and those around the lattice, how far away the nearest block or bound is, in cells to each side, and
        of those that are as high: 0 where one is."""
        filled = F.pad((self.high > 0).to(torch.uint8), (1,) * 6, value=1)
        return torch.stack([_room(filled, (0, 1, 2), WIDEST).flatten(), _room(filled, (0, 1), LEVEL_WIDEST).flatten()])

    @cached_property
    def shapes(self) -> UInt8[Tensor, "3 cells"]:
        """How broad, deep and high what is in each cell is."""
        return torch.stack([self.broad.flatten(), self.broad.flatten(), self.high.flatten()])

    @cached_property
    def has_water(self) -> bool:
        """Whether there is any."""
        return bool(self.water.any())

    @cached_property
    def water(self) -> Bool[Tensor, " cells"]:
        """Which cells have water, and those around the lattice, which have none."""
        return F.pad((self.high > 0) & (self.high < WHOLE) & (self.broad == WHOLE), (1,) * 6).flatten()

    @cached_property
    def whole(self) -> Bool[Tensor, " cells"]:
        """Which cells have whole blocks, and those around the lattice, which have none."""
        return F.pad((self.high == WHOLE) & (self.broad == WHOLE), (1,) * 6).flatten()

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

    def is_water(self, cell: Cell) -> bool:
        """Whether what is in a cell is as broad as blocks are, but not as high."""
        return 0 < int(self.high[cell]) < WHOLE and int(self.broad[cell]) == WHOLE

    def is_wet(self, points: Float[Tensor, "n 3"]) -> Bool[Tensor, " n"]:
        """Which points among the cells lie in those of water."""
        return self._lie_in(self.water, points)

    def is_whole(self, points: Float[Tensor, "n 3"]) -> Bool[Tensor, " n"]:
        """Which points among the cells lie in those of whole blocks."""
        return self._lie_in(self.whole, points)

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

    def _lie_in(self, cells: Bool[Tensor, " cells"], points: Float[Tensor, "n 3"]) -> Bool[Tensor, " n"]:
        """Which points lie in some of the cells, told of those around the lattice as well."""
        _, deep, tall = self.high.shape
        bounds = torch.tensor(self.high.shape, device=points.device)[:, None]
        x, y, z = points.T.floor().clamp(min=-1).minimum(bounds) + 1
        return cells.index_select(0, ((x * (deep + 2) + y) * (tall + 2) + z).int())

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


def _room(filled: UInt8[Tensor, "*n"], axes: tuple[int, ...], most: int) -> Float[Tensor, "*n"]:
    """How far away, up to `most`, along some axes the nearest cell is that is filled."""
    room = torch.zeros_like(filled)
    for _ in range(most):
        room += filled == 0
        for axis in axes:
            size = filled.shape[axis] - 1
            both = torch.maximum(filled.narrow(axis, 0, size), filled.narrow(axis, 1, size))
            inner = torch.maximum(both.narrow(axis, 0, size - 1), both.narrow(axis, 1, size - 1))
            filled = torch.cat([both.narrow(axis, 0, 1), inner, both.narrow(axis, size - 1, 1)], axis)
    return room.float()


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
    ways, shape = rays(size, field_of_view, places.device).flatten(1), (*places.shape[:2], *size)
    near, clear = torch.full(shape, NOTHING, device=places.device), torch.full(shape, 1 / LEAST_AHEAD, device=places.device)
    since = wet = None
    for world, lattice in enumerate(lattices):
        if lattice is None:
            continue
        # Of all its eyes at once: as many rays as there are, a leap costs much for each call and little for each ray.
        eyes = zip(places[world], views[world], strict=True)
        starts, sides = zip(*(sent(lattice, place, view, ways) for place, view in eyes), strict=True)
        send = torch.cat([start.expand(-1, ways.shape[1]) for start in starts], 1), torch.cat(sides, 1)
        met, far = _met(lattice, *send)
        clear[world] = (1 / far.clamp(min=LEAST_AHEAD)).view(shape[1:])
        near[world] = torch.where(met.view(shape[1:]), clear[world], NOTHING)
        if lattice.since is not None:
            since = torch.zeros(shape, dtype=torch.int32, device=places.device) if since is None else since
            since[world] = torch.where(met, _since(lattice.since, *send, far), 0).view(shape[1:])
        if lattice.has_water:
            wet = torch.zeros(shape, dtype=torch.bool, device=places.device) if wet is None else wet
            wet[world] = _wet(lattice, *send, met, far).view(shape[1:])
    return Cast(near, clear, since, wet)


def _wet(
    lattice: Lattice, start: Float[Tensor, "3 n"], ways: Float[Tensor, "3 n"], met: Bool[Tensor, " n"], far: Float[Tensor, " n"]
) -> Bool[Tensor, " n"]:
    """Where rays meet water from above."""
    up = start[2] + far * ways[2]
    found = met & (ways[2] < 0) & ((up - up.round()).abs() > BESIDE)  # blocks' upper faces are as high as cells
    some = found.nonzero()[:, 0]
    found[some] = lattice.is_wet((start[:, some] + (far[some] + BESIDE) * ways[:, some]).T)
    return found


def _since(
    since: Int32[Tensor, "wide deep tall"], start: Float[Tensor, "3 n"], ways: Float[Tensor, "3 n"], far: Float[Tensor, " n"]
) -> Int32[Tensor, " n"]:
    """Since when is there what rays meet, or what is before it is not."""
    most = torch.tensor(since.shape, device=since.device)[:, None] - 1
    about = ((start + (far + aside) * ways).floor().long().clamp(min=0).minimum(most) for aside in (-BESIDE, BESIDE))
    before, behind = (since[tuple(cells)] for cells in about)
    return torch.maximum(before, behind)


def aimed_at(lattice: Lattice, place: Float[Tensor, "3"], view: Float[Tensor, "2"], reach: float) -> Cell | None:
    """The cell of what an eye looks straight at within so many blocks, through water; None where nothing is. From cell to cell
    (Amanatides and Woo), which for a single ray is many times quicker than what `cast` does."""
    ahead = torch.tensor([[0.0], [0.0], [1.0]], device=place.device)
    start, way = sent(lattice, place, view, ahead)
    begins, goes, cell = start[:, 0].tolist(), way[:, 0].tolist(), start[:, 0].floor().long().tolist()
    along = 0.0
    while along <= reach and all(0 <= each < bound for each, bound in zip(cell, lattice.high.shape, strict=True)):
        x, y, z = cell
        high, broad = int(lattice.high[x, y, z]), int(lattice.broad[x, y, z])
        if high > 0 and not lattice.is_water((x, y, z)):
            shape = start.new_tensor([[broad], [broad], [high]]) / WHOLE
            if bool(_upon(shape, start, 1 / way, start.new_tensor(cell)[:, None])[0]):
                return x, y, z
        along, axis = min(((cell[axis] + (goes[axis] > 0) - begins[axis]) / goes[axis], axis) for axis in range(3))
        cell[axis] += 1 if goes[axis] > 0 else -1
    return None


def sent(
    lattice: Lattice, place: Float[Tensor, "3"], view: Float[Tensor, "2"], ways: Float[Tensor, "3 n"]
) -> tuple[Float[Tensor, "3 1"], Float[Tensor, "3 n"]]:
    """Where an eye's rays begin among the cells, and the ways that they go."""
    right, down, ahead = axes(view) @ ways
    found = lattice.turned @ torch.stack([right, ahead, -down])
    return lattice.within(place)[:, None], torch.where(found.abs() < NARROW, NARROW, found)


def _met(
    lattice: Lattice, start: Float[Tensor, "3 n"], ways: Float[Tensor, "3 n"]
) -> tuple[Bool[Tensor, " n"], Float[Tensor, " n"]]:
    """Whether rays meet a block, and how many times their ways they go before they do, or leave. From cell to cell, as far at
    once as all is empty about (Amanatides and Woo's walk, in leaps)."""
    num, device = ways.shape[1], ways.device
    wide, deep, tall = lattice.high.shape
    far, met = torch.zeros(num, device=device), torch.zeros(num, dtype=torch.bool, device=device)
    slow = 1 / ways
    rays = torch.cat([start, ways, slow, slow.abs(), ((ways < 0).float() - start) * slow])
    bounds = torch.tensor(lattice.high.shape, device=device)[:, None]
    which = ((start > 0) & (start < bounds)).all(0).nonzero()[:, 0]
    if len(which) < num:
        rays = rays.index_select(1, which)
    along = far[which]
    strides = torch.tensor([(deep + 2.0) * (tall + 2), tall + 2.0, 1.0], device=device)
    first = int(strides.sum())
    for leap in count():
        start, ways, slow, wide_of, back = rays.split(3)
        cells = torch.addcmul(start, along, ways).floor()
        room, level = lattice.roomy.index_select(1, (strides @ cells).int() + first)
        if leap % LEAPS == LEAPS - 1:
            ended = room == 0
            ends = ended.nonzero()[:, 0]
            x, y, z = cells[:, ends]
            hit = (x >= 0) & (x < wide) & (y >= 0) & (y < deep) & (z >= 0) & (z < tall)
            shape = lattice.shapes.index_select(1, torch.where(hit, (x * deep + y) * tall + z, 0).int()) / WHOLE
            upon, at = _upon(shape, start[:, ends], slow[:, ends], cells[:, ends])
            final = upon | ~hit
            far[which[ends[final]]], met[which[ends[final]]] = torch.where(hit, at, along[ends])[final], hit[final]
            ended[ends[~final]] = False
            kept = (~ended).nonzero()[:, 0]
            if len(kept) <= num // LET_GO:
                far[which[kept]] = along[kept]
                return met, far
            which, rays, along = which[kept], rays.index_select(1, kept), along[kept]
            cells, room, level = cells.index_select(1, kept), room[kept].clamp(min=1), level[kept].clamp(min=1)
            _, _, slow, wide_of, back = rays.split(3)
        # The face of the empty cube, or of what is empty and as high, by which the ray leaves it, and a little on.
        near_side = torch.addcmul(back, cells, slow)
        cube = torch.addcmul(near_side, wide_of, room).amin(0)
        layer = torch.minimum(torch.addcmul(near_side[:2], wide_of[:2], level).amin(0), near_side[2] + wide_of[2])
        along = torch.maximum(torch.maximum(cube, layer), along) + ON
    raise AssertionError("every ray ends")


def _upon(
    shape: Float[Tensor, "3 m"], start: Float[Tensor, "3 #m"], slow: Float[Tensor, "3 m"], cells: Float[Tensor, "3 m"]
) -> tuple[Bool[Tensor, " m"], Float[Tensor, " m"]]:
    """Whether rays, which go one block along each axis in `slow`, meet what is in cells, so broad and high, and where."""
    low = cells + (1 - shape) / 2
    low[2] = cells[2]
    first, second = (low - start) * slow, (low + shape - start) * slow
    enters, leaves = torch.minimum(first, second).amax(0), torch.maximum(first, second).amin(0)
    # Who is in a block sees what is beyond it.
    return (enters > 0) & (leaves > enters), enters
