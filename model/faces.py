"""Faces: which spot of which face of a block each pixel shows. Closed form; knows nothing but where blocks lie."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from simworld.model.camera import half_angles, ray_array
from simworld.model.compiled import arrays, compiled
from simworld.model.lattice import WHOLE, Lattice, looking

SIDE = 32
"""Spots along each side of a face."""
FACES = 6
"""Two across each axis: towards sunrise, to the left of that, and up."""
COARSE = (0.6, 1.5, 3.0)
"""Up to how many sixteenths of a face a pixel covers in each of the levels of detail."""
SPOTS = len(COARSE) * FACES * SIDE**2
NOWHERE = -1
"""The spot of what is no face, or so far away that nothing is seen on it."""
NEAREST = 0.05
"""Blocks from the eye to what it sees of faces."""
LEAST_ACROSS = 0.08
"""How far a way goes across a face in its length at least, as far as it counts."""


def spots(
    faces: Int[Tensor, "r h w"], on_faces: Float[Tensor, "r h w 3"], turn: float, heading: float
) -> Int[Tensor, "r h w"]:
    """The spots of such pixels of faces, as `seen_faces` tells them of a lattice of such a turn, `NOWHERE` where no face is
    near enough. heading: degrees to the right of sunrise in which a view of yaw 0 looks."""
    found = np.empty(faces.shape, np.int32)
    # The lattice's axes as they lie from sunrise on, a quarter turn after the other.
    _find_spots(*arrays(faces, on_faces), round((90 + heading + turn) / 90) % 4, found)
    return torch.from_numpy(found).to(faces.device)


def seen_faces(
    lattice: Lattice,
    places: Float[Tensor, "r 3"],
    views: Float[Tensor, "r 2"],
    near: Float[Tensor, "r h w"],
    field_of_view: float,
) -> tuple[Int[Tensor, "r h w"], Float[Tensor, "r h w 3"]]:
    """The faces that eyes see who look from `places` towards `views` at what is so near, by number: of the cell, times
    `FACES`, and of the face on it, `NOWHERE` where no face of a whole block is. And where on it each pixel is, column and row
    from 0 to 1, and how much of its width the pixel covers."""
    r, h, w = near.shape
    ways, pixel = ray_array((h, w), field_of_view).reshape(3, -1), half_angles((h, w), field_of_view)[0] * 2 / h
    faces, on_faces = np.empty((r, h * w), np.int32), np.empty((r, h * w, 3), np.float32)
    for number, close in enumerate(arrays(near.flatten(1))[0]):
        eye = looking(lattice, places[number], views[number])
        _find_faces(*lattice.cells[:2], *eye, ways, close, pixel, faces[number], on_faces[number])
    return torch.from_numpy(faces).to(near.device).view(r, h, w), torch.from_numpy(on_faces).to(near.device).view(r, h, w, 3)


def faces_of(
    lattices: Sequence[Lattice | None],
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    near: Float[Tensor, "b r h w"],
    field_of_view: float,
) -> tuple[Int[Tensor, "b r h w"], Float[Tensor, "b r h w 3"]]:
    """`seen_faces` of the lattices of b worlds; `NOWHERE` in those that have none."""
    faces, on_faces = torch.full_like(near, NOWHERE, dtype=torch.int32), near.new_zeros(*near.shape, 3)
    for world, lattice in enumerate(lattices):
        if lattice is not None:
            faces[world], on_faces[world] = seen_faces(lattice, places[world], views[world], near[world], field_of_view)
    return faces, on_faces


@compiled
def _turned(turn: np.ndarray, ways: np.ndarray, ray: int, way: np.ndarray) -> None:
    """The way of a ray along the lattice's axes, into `way`."""
    for each in range(3):
        way[each] = turn[each, 0] * ways[0, ray] + turn[each, 1] * ways[1, ray] + turn[each, 2] * ways[2, ray]


@compiled
def _plane(start: np.ndarray, way: np.ndarray, near: float) -> tuple[int, float]:
    """Across which axis the face of what is so near lies, and how many times its way a ray goes until it is met: of the planes
    between cells that which is met soonest before or after."""
    axis, off, away = 0, math.inf, 0.0
    for each in (1, 0, 2):
        point = start[each] + way[each] / near
        beside = abs((point - round(point)) / way[each])
        if beside < off:
            axis, off, away = each, beside, (round(point) - start[each]) / way[each]
    return axis, away


@compiled
def _behind(
    high: np.ndarray, broad: np.ndarray, start: np.ndarray, way: np.ndarray, axis: int, away: float
) -> tuple[int, int, int]:
    """The cell of the whole block behind a face that is met so far away, (-1, -1, -1) where there is none."""
    i, j = int(math.floor(start[0] + away * way[0])), int(math.floor(start[1] + away * way[1]))
    k = int(math.floor(start[2] + away * way[2]))
    beyond = int(round(start[axis] + away * way[axis])) - (way[axis] < 0)
    i, j, k = beyond if axis == 0 else i, beyond if axis == 1 else j, beyond if axis == 2 else k
    inside = 0 <= i < high.shape[0] and 0 <= j < high.shape[1] and 0 <= k < high.shape[2]
    if not inside or high[i, j, k] != WHOLE or broad[i, j, k] != WHOLE:
        return -1, -1, -1
    return i, j, k


@compiled
def _find_faces(
    high: np.ndarray, broad: np.ndarray, start: np.ndarray, turn: np.ndarray, ways: np.ndarray, near: np.ndarray, pixel: float,
    faces: np.ndarray, on_faces: np.ndarray,
) -> None:  # fmt: skip
    """`seen_faces`, of one eye, as `faces` and `on_faces`; a pixel is so wide at one block's distance."""
    way = np.empty(3, np.float32)
    for ray in range(ways.shape[1]):
        faces[ray] = NOWHERE
        if near[ray] <= 0:
            continue
        _turned(turn, ways, ray, way)
        axis, away = _plane(start, way, near[ray])
        i, j, k = _behind(high, broad, start, way, axis, away)
        if away <= NEAREST or i < 0:
            continue
        faces[ray] = ((i * high.shape[1] + j) * high.shape[2] + k) * FACES + 2 * axis + (way[axis] > 0)
        across, up = 1 if axis == 0 else 0, 1 if axis == 2 else 2
        column, row = start[across] + away * way[across], start[up] + away * way[up]
        on_faces[ray, 0], on_faces[ray, 1] = column - math.floor(column), row - math.floor(row)
        on_faces[ray, 2] = pixel * away * _slant(way, axis)


@compiled
def _slant(way: np.ndarray, axis: int) -> float:
    """How much wider what a pixel covers is, where its ray meets the plane across an axis, than were it met straight."""
    long = math.sqrt(way[0] ** 2 + way[1] ** 2 + way[2] ** 2)
    return (1 + long / max(abs(way[axis]), LEAST_ACROSS)) / 2


@compiled
def _find_spots(faces: np.ndarray, on_faces: np.ndarray, quarter: int, found: np.ndarray) -> None:
    """`spots`, as `found`; the axes from sunrise on are so many quarters of a turn to the left of the lattice's."""
    last = SIDE - 1
    for one, i, j in np.ndindex(faces.shape):
        found[one, i, j] = NOWHERE
        if faces[one, i, j] < 0:
            continue
        first, second, covers = on_faces[one, i, j, 0], on_faces[one, i, j, 1], 16 * on_faces[one, i, j, 2]
        level = 0
        while level < len(COARSE) and covers > COARSE[level]:
            level += 1
        if level == len(COARSE):
            continue
        axis, onward = faces[one, i, j] % FACES // 2, faces[one, i, j] % 2 == 1
        if axis == 2:
            column, row, face = first, second, 4 + onward
            if quarter == 1:
                column, row = second, 1 - first
            elif quarter == 2:
                column, row = 1 - first, 1 - second
            elif quarter == 3:
                column, row = 1 - second, first
        else:
            # Turned, an axis is another one of the lattice's, or the same, or one of these the other way round.
            along_first = (axis == 0) == (quarter % 2 == 0)
            face = int(onward != (quarter >= 2)) if along_first else 2 + int(onward != (quarter in (1, 2)))
            back = quarter in (1, 2) if along_first else quarter >= 2
            column, row = 1 - first if back else first, second
        down, across = min(int(row * SIDE), last), min(int(column * SIDE), last)
        found[one, i, j] = ((level * FACES + face) * SIDE + down) * SIDE + across
