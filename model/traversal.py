"""Traversal: from cell to cell along rays, until they meet something (Amanatides and Woo, "A Fast Voxel Traversal Algorithm for
Ray Tracing", 1987). Compiled, for a ray is a loop of its own length, of which a tensor library makes many passes over all."""

import math

import numpy as np

from simworld.model.compiled import compiled
from simworld.model.projection import LEAST_AHEAD, NOTHING

WHOLE = 100
"""Hundredths of a block."""
NARROW = 1e-6
"""What is nearly parallel to cells' sides is taken to be so much aside."""
BESIDE = 0.01
"""Of their ways rays go on so little to be behind a face, and back to be before it."""
NOWHERE = -1, -1, -1


@compiled
def _aside(way: float) -> float:
    """What may be divided by."""
    return NARROW if abs(way) < NARROW else way


@compiled
def met(
    high: np.ndarray, broad: np.ndarray,
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, reach: float, through_water: bool,
) -> tuple[float, tuple[int, int, int]]:  # fmt: skip
    """How many times its way, (dx, dy, dz), a ray goes from (ox, oy, oz) among cells until it meets something, up to `reach`,
    or leaves them, and the cell of what it meets, or `NOWHERE`. Who is in a block sees what is beyond it; above all cells there
    is nothing, and from elsewhere outside nothing is met."""
    wide, deep, tall = high.shape
    if not (0 < ox < wide and 0 < oy < deep and oz > 0):
        return 0.0, NOWHERE
    dx, dy, dz = _aside(dx), _aside(dy), _aside(dz)
    slow_x, slow_y, slow_z = 1 / dx, 1 / dy, 1 / dz
    x, y, z, along = int(ox), int(oy), int(oz), 0.0
    if z >= tall:
        leaves = min(((wide if dx > 0 else 0) - ox) * slow_x, ((deep if dy > 0 else 0) - oy) * slow_y)
        along = (tall - oz) * slow_z if dz < 0 else np.inf
        if along >= min(leaves, reach):
            return min(leaves, reach), NOWHERE
        x, y, z = int(ox + along * dx), int(oy + along * dy), tall - 1
    next_x, next_y = (x + (dx > 0) - ox) * slow_x, (y + (dy > 0) - oy) * slow_y
    next_z = (z + (dz > 0) - oz) * slow_z
    step_x, step_y, step_z = 1 if dx > 0 else -1, 1 if dy > 0 else -1, 1 if dz > 0 else -1
    while 0 <= x < wide and 0 <= y < deep and 0 <= z < tall and along <= reach:
        if high[x, y, z] == WHOLE and broad[x, y, z] == WHOLE:
            if along > 0:
                return along, (x, y, z)
        elif high[x, y, z] > 0 and not (through_water and broad[x, y, z] == WHOLE):
            half, top = broad[x, y, z] / (2 * WHOLE), high[x, y, z] / WHOLE
            x_0, x_1 = (x + 0.5 - half - ox) * slow_x, (x + 0.5 + half - ox) * slow_x
            y_0, y_1 = (y + 0.5 - half - oy) * slow_y, (y + 0.5 + half - oy) * slow_y
            z_0, z_1 = (z - oz) * slow_z, (z + top - oz) * slow_z
            enters = max(min(x_0, x_1), min(y_0, y_1), min(z_0, z_1))
            if 0 < enters < min(max(x_0, x_1), max(y_0, y_1), max(z_0, z_1)):
                return enters, (x, y, z)
        if next_x < next_y and next_x < next_z:
            along, x, next_x = next_x, x + step_x, next_x + step_x * slow_x
        elif next_y < next_z:
            along, y, next_y = next_y, y + step_y, next_y + step_y * slow_y
        else:
            along, z, next_z = next_z, z + step_z, next_z + step_z * slow_z
    return along, NOWHERE


@compiled
def _cell(number: float, size: int) -> int:
    return min(max(int(math.floor(number)), 0), size - 1)


@compiled
def see(
    high: np.ndarray, broad: np.ndarray, since: np.ndarray, start: np.ndarray, turn: np.ndarray, ways: np.ndarray,
    near: np.ndarray, clear: np.ndarray, later: np.ndarray, wet: np.ndarray,
) -> None:  # fmt: skip
    """What an eye sees in n directions, `ways`, 3 × n, that looks from `start` among the cells of a `Lattice`, whose `since` is
    empty where hands have changed nothing; `turn` makes its directions ways along their axes. Into flat arrays: near, clear,
    since (`later`) and wet, as a `Cast` has them."""
    wide, deep, tall = high.shape
    ox, oy, oz = np.float64(start[0]), np.float64(start[1]), np.float64(start[2])
    for ray in range(ways.shape[1]):
        right, down, ahead = np.float64(ways[0, ray]), np.float64(ways[1, ray]), np.float64(ways[2, ray])
        dx = turn[0, 0] * right + turn[0, 1] * down + turn[0, 2] * ahead
        dy = turn[1, 0] * right + turn[1, 1] * down + turn[1, 2] * ahead
        dz = turn[2, 0] * right + turn[2, 1] * down + turn[2, 2] * ahead
        far, (x, y, z) = met(high, broad, ox, oy, oz, dx, dy, dz, np.inf, False)
        clear[ray] = 1 / max(far, LEAST_AHEAD)
        near[ray] = clear[ray] if x >= 0 else NOTHING
        later[ray], wet[ray] = 0, False
        if x < 0:
            continue
        if since.size:
            for at in (far - BESIDE, far + BESIDE):
                i, j, k = _cell(ox + at * dx, wide), _cell(oy + at * dy, deep), _cell(oz + at * dz, tall)
                later[ray] = max(later[ray], since[i, j, k])
        if dz < 0 and high[x, y, z] < WHOLE and broad[x, y, z] == WHOLE:
            up = oz + far * dz
            wet[ray] = abs(up - round(up)) > BESIDE  # blocks' upper faces are as high as cells
