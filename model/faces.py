"""Faces: which spot of which face of a block each pixel shows. Closed form; knows nothing but where blocks lie."""

import math

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
NEAREST, FARTHEST = 0.05, 1 / 16
"""Blocks, and 1 / blocks, of what has spots."""
LEAST_ACROSS = 0.08
"""How far a way goes across a face in its length at least, as far as it counts."""


def spots(
    lattice: Lattice,
    places: Float[Tensor, "r 3"],
    views: Float[Tensor, "r 2"],
    near: Float[Tensor, "r h w"],
    heading: float,
    field_of_view: float,
) -> Int[Tensor, "r h w"]:
    """The spots that eyes see who look from `places` towards `views` at what is so near, `NOWHERE` where no face of a whole
    block is near enough. heading: degrees to the right of sunrise in which a view of yaw 0 looks."""
    r, h, w = near.shape
    ways = ray_array((h, w), field_of_view).reshape(3, -1)
    pixel = half_angles((h, w), field_of_view)[0] * 2 / h
    # The lattice's axes as they lie from sunrise on, a quarter turn after the other.
    quarter = round((90 + heading + lattice.turn) / 90) % 4
    found = np.empty((r, h * w), np.int32)
    for number, close in enumerate(arrays(near.flatten(1))[0]):
        _find(*lattice.cells[:2], *looking(lattice, places[number], views[number]), ways, close, pixel, quarter, found[number])
    return torch.from_numpy(found).to(near.device).view(r, h, w)


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
    faces, spot = np.empty((r, h * w), np.int32), np.empty((r, h * w, 3), np.float32)
    for number, close in enumerate(arrays(near.flatten(1))[0]):
        eye = looking(lattice, places[number], views[number])
        _find_faces(*lattice.cells[:2], *eye, ways, close, pixel, faces[number], spot[number])
    return torch.from_numpy(faces).to(near.device).view(r, h, w), torch.from_numpy(spot).to(near.device).view(r, h, w, 3)


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
    faces: np.ndarray, spot: np.ndarray,
) -> None:  # fmt: skip
    """`seen_faces`, of one eye, as `faces` and `spot`; a pixel is so wide at one block's distance."""
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
        spot[ray, 0], spot[ray, 1] = column - math.floor(column), row - math.floor(row)
        spot[ray, 2] = pixel * away * _slant(way, axis)


@compiled
def _slant(way: np.ndarray, axis: int) -> float:
    """How much wider what a pixel covers is, where its ray meets the plane across an axis, than were it met straight."""
    long = math.sqrt(way[0] ** 2 + way[1] ** 2 + way[2] ** 2)
    return (1 + long / max(abs(way[axis]), LEAST_ACROSS)) / 2


@compiled
def _find(
    high: np.ndarray, broad: np.ndarray, start: np.ndarray, turn: np.ndarray, ways: np.ndarray, near: np.ndarray,
    pixel: float, quarter: int, found: np.ndarray,
) -> None:  # fmt: skip
    """`spots`, in n directions of an eye, `ways`, 3 × n, that looks from `start` among cells, as `found`; `turn` makes its
    directions ways along their axes; a pixel is so wide at one block's distance; the axes from sunrise on are so many quarters
    of a turn to the left of the lattice's."""
    way = np.empty(3, np.float32)
    for ray in range(ways.shape[1]):
        found[ray] = NOWHERE
        if near[ray] <= FARTHEST:
            continue
        _turned(turn, ways, ray, way)
        axis, away = _plane(start, way, near[ray])
        covers = 16 * pixel * away * _slant(way, axis)
        level = 0
        while level < len(COARSE) and covers > COARSE[level]:
            level += 1
        if level == len(COARSE) or away <= NEAREST or _behind(high, broad, start, way, axis, away)[0] < 0:
            continue
        x, y, z = start[0] + away * way[0], start[1] + away * way[1], start[2] + away * way[2]
        turned_x, turned_y, sign_x, sign_y = x, y, 1, 1
        if quarter == 1:
            turned_x, turned_y, sign_x, sign_y = y, -x, 1, -1
        elif quarter == 2:
            turned_x, turned_y, sign_x, sign_y = -x, -y, -1, -1
        elif quarter == 3:
            turned_x, turned_y, sign_x, sign_y = -y, x, -1, 1
        if axis == 2:
            column, row, face = turned_x, turned_y, 4 + (way[2] > 0)
        elif (axis == 0) == (quarter % 2 == 0):
            column, row, face = turned_y, z, int(way[axis] * sign_x > 0)
        else:
            column, row, face = turned_x, z, 2 + (way[axis] * sign_y > 0)
        last = SIDE - 1
        down = min(int((row - math.floor(row)) * SIDE), last)
        found[ray] = ((level * FACES + face) * SIDE + down) * SIDE + min(int((column - math.floor(column)) * SIDE), last)
