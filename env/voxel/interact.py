"""Hands: which block the player looks at, how attack breaks it and how use places one beside it.

Knows blocks, a hand and a view ray; no keys, no pictures. A hand is a float64 array that the caller owns (slots below);
`Hit` slots say what the view ray met. All numba, without state of its own.
"""

import math

import numpy as np
from numba import njit

from simworld.env.voxel.physics import EYE, PITCH, PLAYER_HALF_WIDTH, PLAYER_HEIGHT, REACH, YAW, X, Y, Z

# Slots of a hand, float64 [HAND_SIZE]: breaking progress 0..1 and the cell it is spent on, steps to wait before the
# next break or placement, the swing's phase 0..1 (0: at rest).
PROGRESS, CELL_X, CELL_Y, CELL_Z, BREAK_WAIT, USE_WAIT, SWING = range(7)
HAND_SIZE = 7

# Slots of a hit, int64 [HIT_SIZE]: 1 if a block is in reach, its cell, and the face's outward normal.
HIT, HIT_X, HIT_Y, HIT_Z, NORMAL_X, NORMAL_Y, NORMAL_Z = range(7)
HIT_SIZE = 7

BREAK_PAUSE = 3
USE_PAUSE = 4
SWING_STEPS = 6


@njit(cache=True, nogil=True)
def view_direction(yaw: float, pitch: float) -> tuple[float, float, float]:
    """Unit vector of a view in degrees: yaw 0 faces +z, yaw 90 faces -x, pitch 90 looks straight down."""
    yaw, pitch = math.radians(yaw), math.radians(pitch)
    return -math.sin(yaw) * math.cos(pitch), -math.sin(pitch), math.cos(yaw) * math.cos(pitch)


@njit(cache=True, nogil=True)
def _meets_box(x: float, y: float, z: float, direction: tuple[float, float, float], half_width: float, height: float) -> bool:
    """Whether a ray from (x, y, z), relative to a cell's floor centre, meets the small box that stands there."""
    enter, leave = 0.0, 1e30
    for low, high, origin, slope in (
        (-half_width, half_width, x, direction[0]),
        (0.0, height, y, direction[1]),
        (-half_width, half_width, z, direction[2]),
    ):
        if abs(slope) < 1e-9:
            if origin < low or origin > high:
                return False
        else:
            first, last = (low - origin) / slope, (high - origin) / slope
            enter, leave = max(enter, min(first, last)), min(leave, max(first, last))
    return enter <= leave


@njit(cache=True, nogil=True)
def trace(
    blocks: np.ndarray,
    seen: np.ndarray,
    box: np.ndarray,
    origin: tuple[float, float, float],
    direction: tuple[float, float, float],
    reach: float,
    hit: np.ndarray,
) -> float:
    """The first block along a ray whose id is in `seen` (bool by id) and whose drawn `box` (float [n, 2] by id: half
    width, height) the ray meets; fills `hit`, returns the distance to its cell, or `reach`."""
    hit[:] = 0
    x, y, z = origin
    dx, dy, dz = direction
    cell_x, cell_y, cell_z = int(math.floor(x)), int(math.floor(y)), int(math.floor(z))
    step_x, step_y, step_z = (1 if dx > 0 else -1), (1 if dy > 0 else -1), (1 if dz > 0 else -1)
    per_x = abs(1.0 / dx) if dx != 0 else 1e30
    per_y = abs(1.0 / dy) if dy != 0 else 1e30
    per_z = abs(1.0 / dz) if dz != 0 else 1e30
    next_x = ((cell_x + 1 - x) if dx > 0 else (x - cell_x)) * per_x
    next_y = ((cell_y + 1 - y) if dy > 0 else (y - cell_y)) * per_y
    next_z = ((cell_z + 1 - z) if dz > 0 else (z - cell_z)) * per_z
    normal_x, normal_y, normal_z = 0, 0, 0
    distance = 0.0
    while distance <= reach:
        if 0 <= cell_y < blocks.shape[1]:
            block = blocks[cell_x & (blocks.shape[0] - 1), cell_y, cell_z & (blocks.shape[2] - 1)]
            if seen[block]:
                half_width, height = np.float64(box[block, 0]), np.float64(box[block, 1])
                whole = half_width >= 0.5 and height >= 1.0
                if whole or _meets_box(x - cell_x - 0.5, y - cell_y, z - cell_z - 0.5, direction, half_width, height):
                    hit[HIT] = 1
                    hit[HIT_X], hit[HIT_Y], hit[HIT_Z] = cell_x, cell_y, cell_z
                    hit[NORMAL_X], hit[NORMAL_Y], hit[NORMAL_Z] = normal_x, normal_y, normal_z
                    return distance
        normal_x, normal_y, normal_z = 0, 0, 0
        if next_x <= next_y and next_x <= next_z:
            distance, next_x, cell_x, normal_x = next_x, next_x + per_x, cell_x + step_x, -step_x
        elif next_y <= next_z:
            distance, next_y, cell_y, normal_y = next_y, next_y + per_y, cell_y + step_y, -step_y
        else:
            distance, next_z, cell_z, normal_z = next_z, next_z + per_z, cell_z + step_z, -step_z
    return reach


@njit(cache=True, nogil=True)
def look(blocks: np.ndarray, aimable: np.ndarray, box: np.ndarray, body: np.ndarray, hit: np.ndarray) -> float:
    """What the player's crosshair is on, within reach: fills `hit`, returns the distance or REACH."""
    eye = (body[X], body[Y] + body[EYE], body[Z])
    return trace(blocks, aimable, box, eye, view_direction(body[YAW], body[PITCH]), REACH, hit)


@njit(cache=True, nogil=True)
def swing(hand: np.ndarray, start: bool) -> None:
    """Advance the hand's swing by one step, starting a new one if `start` and none is under way."""
    if hand[SWING] > 0:
        hand[SWING] += 1.0 / SWING_STEPS
        if hand[SWING] >= 1.0 - 1e-9:
            hand[SWING] = 0.0
    if hand[SWING] == 0.0 and start:
        hand[SWING] = 1.0 / SWING_STEPS


@njit(cache=True, nogil=True)
def work(blocks: np.ndarray, hardness: np.ndarray, hand: np.ndarray, hit: np.ndarray, attack: bool) -> bool:
    """One step of attacking (or not): True when the block of `hit` breaks now. The caller takes it out of the world.

    Progress belongs to one cell and is lost by looking elsewhere or letting go. The lowest layer never breaks.
    """
    if hand[BREAK_WAIT] > 0:
        hand[BREAK_WAIT] -= 1
        hand[PROGRESS] = 0.0
        return False
    if not attack or hit[HIT] == 0 or hit[HIT_Y] <= 0:
        hand[PROGRESS] = 0.0
        return False
    if hand[CELL_X] != hit[HIT_X] or hand[CELL_Y] != hit[HIT_Y] or hand[CELL_Z] != hit[HIT_Z]:
        hand[CELL_X], hand[CELL_Y], hand[CELL_Z] = hit[HIT_X], hit[HIT_Y], hit[HIT_Z]
        hand[PROGRESS] = 0.0
    cell_x, cell_z = hit[HIT_X] & (blocks.shape[0] - 1), hit[HIT_Z] & (blocks.shape[2] - 1)
    hand[PROGRESS] += 1.0 / max(1.0, float(hardness[blocks[cell_x, hit[HIT_Y], cell_z]]))
    if hand[PROGRESS] < 1.0 - 1e-9:
        return False
    hand[PROGRESS] = 0.0
    hand[BREAK_WAIT] = BREAK_PAUSE
    return True


@njit(cache=True, nogil=True)
def place_cell(blocks: np.ndarray, replaceable: np.ndarray, body: np.ndarray, hit: np.ndarray) -> tuple[bool, int, int, int]:
    """Where use would put a block: before the face of `hit`, or into its cell if that holds a plant.

    First of the four is whether it may: the cell holds air, water or a plant (`replaceable`, bool by id), lies in the
    world, and does not touch the player.
    """
    x, y, z = hit[HIT_X], hit[HIT_Y], hit[HIT_Z]
    if hit[HIT] == 0:
        return False, x, y, z
    wrap_x, wrap_z = blocks.shape[0] - 1, blocks.shape[2] - 1
    if not replaceable[blocks[x & wrap_x, y, z & wrap_z]]:
        x, y, z = x + hit[NORMAL_X], y + hit[NORMAL_Y], z + hit[NORMAL_Z]
        if not 0 < y < blocks.shape[1] or not replaceable[blocks[x & wrap_x, y, z & wrap_z]]:
            return False, x, y, z
    apart_x = x + 1 <= body[X] - PLAYER_HALF_WIDTH or x >= body[X] + PLAYER_HALF_WIDTH
    apart_y = y + 1 <= body[Y] or y >= body[Y] + PLAYER_HEIGHT
    apart_z = z + 1 <= body[Z] - PLAYER_HALF_WIDTH or z >= body[Z] + PLAYER_HALF_WIDTH
    return apart_x or apart_y or apart_z, x, y, z


@njit(cache=True, nogil=True)
def place(hand: np.ndarray, use: bool, possible: bool) -> bool:
    """One step of using (or not): True when a block is placed now; held down, it repeats every USE_PAUSE steps."""
    if hand[USE_WAIT] > 0:
        hand[USE_WAIT] -= 1
    if not use:
        hand[USE_WAIT] = 0.0
        return False
    if hand[USE_WAIT] > 0 or not possible:
        return False
    hand[USE_WAIT] = USE_PAUSE
    return True
