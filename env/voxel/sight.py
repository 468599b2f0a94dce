"""What can be seen and where one can walk from a pose: the senses of the bot and of the captions.

Knows blocks as a grid with lookups, no pictures and no rules of play. Free numba functions.
"""

import math

import numpy as np
from numba import njit

from simworld.env.voxel.interact import HIT, HIT_SIZE, HIT_X, HIT_Y, HIT_Z, trace, view_direction
from simworld.env.voxel.physics import block_at, is_solid

SKY = 255
"""Stands for "no block" in what `survey` sees."""
SURVEY_ROWS, SURVEY_COLUMNS = 10, 18


@njit(cache=True, nogil=True)
def walkable(
    blocks: np.ndarray,
    solid: np.ndarray,
    water: int,
    feet: tuple[float, float, float],
    yaw: float,
    distance: float,
) -> tuple[float, float, bool]:
    """How far one can go from `feet` towards `yaw` (degrees) with steps of one block up and two down.

    Returns the distance in blocks (at most `distance`), the height of the ground there, and whether a shore ended the
    way: for a walker the water's edge, for a swimmer a bank low enough to climb.
    """
    x, y, z = feet
    ahead_x, ahead_z = -math.sin(math.radians(yaw)), math.cos(math.radians(yaw))
    ground = int(math.floor(y + 0.01))
    if block_at(blocks, x, y + 0.4, z) == water:
        return _swimmable(blocks, solid, water, feet, ahead_x, ahead_z, distance)
    gone = 0.0
    while gone < distance:
        gone += 0.5
        at_x, at_z = x + ahead_x * gone, z + ahead_z * gone
        cell_x, cell_z = int(math.floor(at_x)), int(math.floor(at_z))
        if is_solid(blocks, solid, cell_x, ground, cell_z):
            ground += 1
            if is_solid(blocks, solid, cell_x, ground, cell_z) or is_solid(blocks, solid, cell_x, ground + 1, cell_z):
                return gone - 0.5, ground - 1.0, False
        elif is_solid(blocks, solid, cell_x, ground + 1, cell_z):
            return gone - 0.5, float(ground), False
        drop = 0
        while drop < 3 and not is_solid(blocks, solid, cell_x, ground - 1 - drop, cell_z):
            if block_at(blocks, at_x, ground - 1.0 - drop, at_z) == water:
                return gone, float(ground), True
            drop += 1
        if drop == 3:
            return gone - 0.5, float(ground), False
        ground -= drop
    return gone, float(ground), False


@njit(cache=True, nogil=True)
def _swimmable(
    blocks: np.ndarray,
    solid: np.ndarray,
    water: int,
    feet: tuple[float, float, float],
    ahead_x: float,
    ahead_z: float,
    distance: float,
) -> tuple[float, float, bool]:
    """`walkable` for one who swims: along the surface above `feet`, up to a bank level with it."""
    x, y, z = feet
    surface = int(math.floor(y + 0.4))
    while block_at(blocks, x, surface + 0.5, z) == water:
        surface += 1
    gone = 0.0
    while gone < distance:
        gone += 0.5
        at_x, at_z = x + ahead_x * gone, z + ahead_z * gone
        cell_x, cell_z = int(math.floor(at_x)), int(math.floor(at_z))
        if is_solid(blocks, solid, cell_x, surface, cell_z) or is_solid(blocks, solid, cell_x, surface + 1, cell_z):
            return gone - 0.5, float(surface), False
        if block_at(blocks, at_x, surface - 0.5, at_z) != water:
            return gone, float(surface), True
    return gone, float(surface), False


@njit(cache=True, nogil=True)
def survey(
    blocks: np.ndarray,
    seen: np.ndarray,
    box: np.ndarray,
    eye: tuple[float, float, float],
    yaw: float,
    pitch: float,
    reach: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Block ids uint8 [10, 18] (255: sky) and distances float32 [10, 18] on a coarse grid over 60 x 95 degrees."""
    ids = np.full((SURVEY_ROWS, SURVEY_COLUMNS), SKY, np.uint8)
    distances = np.full((SURVEY_ROWS, SURVEY_COLUMNS), reach, np.float32)
    hit = np.zeros(HIT_SIZE, np.int64)
    for row in range(SURVEY_ROWS):
        for column in range(SURVEY_COLUMNS):
            down = pitch + ((row + 0.5) / SURVEY_ROWS - 0.5) * 60.0
            aside = yaw + ((column + 0.5) / SURVEY_COLUMNS - 0.5) * 95.0
            distance = trace(blocks, seen, box, eye, view_direction(aside, down), reach, hit)
            if hit[HIT]:
                cell_x, cell_z = hit[HIT_X] & (blocks.shape[0] - 1), hit[HIT_Z] & (blocks.shape[2] - 1)
                ids[row, column] = blocks[cell_x, hit[HIT_Y], cell_z]
                distances[row, column] = distance
    return ids, distances
