"""Animals: a herd of boxes with minds of two thoughts, grazing and wandering, kept alive around the player.

Knows blocks as a grid and the player's place; no pictures. One float64 array [NUM_ANIMALS, ANIMAL_SIZE] holds them all
(its first slots are a physics body), a uint64 array [1] their dice. `Game` calls `populate` once and `step` every step.
"""

import math

import numpy as np
from numba import njit

from simworld.env.voxel.physics import (
    AIR_DRAG,
    BODY_SIZE,
    GRAVITY,
    GROUND,
    GROUND_DRAG,
    VX,
    VY,
    VZ,
    YAW,
    X,
    Y,
    Z,
    block_at,
    box_is_free,
    is_solid,
    move,
)

NUM_ANIMALS = 32

# Slots after the body: kind (-1: nobody), where it wants to face, steps left of this thought, walking speed, steps of
# fright left, leg phase in radians, scale, tint.
KIND, WANT_YAW, TIMER, SPEED, FRIGHT, PHASE, SCALE, TINT = range(BODY_SIZE, BODY_SIZE + 8)
ANIMAL_SIZE = BODY_SIZE + 8

# By kind: pig, sheep, cow, chicken.
HALF_WIDTH = np.array([0.4, 0.42, 0.45, 0.25])
HEIGHT = np.array([0.9, 1.2, 1.35, 0.75])
WALK_SPEED = np.array([0.065, 0.055, 0.055, 0.06])

NEAR, FAR = 7.0, 44.0
GONE = 58.0


@njit(cache=True, nogil=True)
def roll(dice: np.ndarray) -> float:
    """The next number in [0, 1) of the generator whose state is `dice` uint64 [1] (splitmix64)."""
    dice[0] += np.uint64(0x9E3779B97F4A7C15)
    z = dice[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
def _settle(
    blocks: np.ndarray, solid: np.ndarray, floor: np.ndarray, animal: np.ndarray, x: float, z: float, near_y: float
) -> bool:
    """Stand `animal` on the ground of column (x, z) within 12 blocks of `near_y`; False if it cannot live there."""
    cell_x, cell_z = int(math.floor(x)), int(math.floor(z))
    for y in range(int(near_y) + 12, max(0, int(near_y) - 12), -1):
        if is_solid(blocks, solid, cell_x, y, cell_z):
            kind = int(animal[KIND])
            block = blocks[cell_x & (blocks.shape[0] - 1), y, cell_z & (blocks.shape[2] - 1)]
            if not floor[block]:
                return False
            centre_x, centre_z = cell_x + 0.5, cell_z + 0.5
            if not box_is_free(blocks, solid, centre_x, y + 1.0, centre_z, HALF_WIDTH[kind], HEIGHT[kind]):
                return False
            if block_at(blocks, centre_x, y + 1.5, centre_z) != 0:
                return False
            animal[X], animal[Y], animal[Z] = centre_x, y + 1.0, centre_z
            return True
    return False


@njit(cache=True, nogil=True)
def _born(animal: np.ndarray, kind: int, dice: np.ndarray) -> None:
    animal[:] = 0.0
    animal[KIND] = kind
    animal[YAW] = roll(dice) * 360.0 - 180.0
    animal[WANT_YAW] = animal[YAW]
    animal[TIMER] = math.floor(roll(dice) * 80)
    animal[SCALE] = 0.6 if roll(dice) < 0.15 else 0.95 + 0.1 * roll(dice)
    animal[TINT] = roll(dice)


@njit(cache=True, nogil=True)
def populate(
    blocks: np.ndarray, solid: np.ndarray, floor: np.ndarray, herd: np.ndarray, body: np.ndarray, dice: np.ndarray
) -> None:
    """Fill `herd` with small groups of one kind each, 7 to 44 blocks around the player.

    `floor`: bool by block id, fit to live on.
    """
    herd[:] = 0.0
    herd[:, KIND] = -1
    index = 0
    for _ in range(60):
        kind = int(roll(dice) * 4)
        angle, radius = roll(dice) * 2 * math.pi, NEAR + (FAR - NEAR) * roll(dice)
        for _ in range(2 + int(roll(dice) * 4)):
            if index == herd.shape[0]:
                return
            x = body[X] + math.cos(angle) * radius + roll(dice) * 7 - 3.5
            z = body[Z] + math.sin(angle) * radius + roll(dice) * 7 - 3.5
            _born(herd[index], kind, dice)
            if _settle(blocks, solid, floor, herd[index], x, z, body[Y]):
                index += 1
            else:
                herd[index, KIND] = -1


@njit(cache=True, nogil=True)
def _replace(
    blocks: np.ndarray, solid: np.ndarray, floor: np.ndarray, animal: np.ndarray, body: np.ndarray, dice: np.ndarray
) -> None:
    """Try once to let a new animal appear far from the player, and not before the eyes."""
    angle, radius = roll(dice) * 2 * math.pi, FAR - 10.0 * roll(dice)
    yaw = math.radians(body[YAW])
    if -math.sin(yaw) * math.cos(angle) + math.cos(yaw) * math.sin(angle) > 0.3:
        return
    _born(animal, int(roll(dice) * 4), dice)
    x, z = body[X] + math.cos(angle) * radius, body[Z] + math.sin(angle) * radius
    if not _settle(blocks, solid, floor, animal, x, z, body[Y]):
        animal[KIND] = -1


@njit(cache=True, nogil=True)
def _think(animal: np.ndarray, dice: np.ndarray) -> None:
    """Choose the next thought: stand and graze, look elsewhere, or wander off."""
    choice = roll(dice)
    if choice < 0.45:
        animal[SPEED] = 0.0
        animal[TIMER] = 30 + math.floor(roll(dice) * 120)
        if roll(dice) < 0.4:
            animal[WANT_YAW] = animal[YAW] + roll(dice) * 120 - 60
    else:
        animal[SPEED] = WALK_SPEED[int(animal[KIND])] * (0.8 + 0.4 * roll(dice))
        animal[TIMER] = 40 + math.floor(roll(dice) * 100)
        animal[WANT_YAW] = animal[YAW] + roll(dice) * 180 - 90


@njit(cache=True, nogil=True)
def _walk(blocks: np.ndarray, solid: np.ndarray, water: int, animal: np.ndarray, dice: np.ndarray) -> None:
    kind = int(animal[KIND])
    if animal[FRIGHT] > 0:
        animal[FRIGHT] -= 1
        animal[SPEED] = 0.15
    elif animal[TIMER] <= 0:
        _think(animal, dice)
    animal[TIMER] -= 1
    turn = (animal[WANT_YAW] - animal[YAW] + 180.0) % 360.0 - 180.0
    animal[YAW] += min(9.0, max(-9.0, turn * 0.15))
    yaw = math.radians(animal[YAW])
    ahead_x, ahead_z = -math.sin(yaw), math.cos(yaw)
    speed = animal[SPEED]
    swims = block_at(blocks, animal[X], animal[Y] + 0.3, animal[Z]) == water
    if speed > 0 and not swims and animal[GROUND] > 0:
        front_x, front_z = animal[X] + ahead_x * 0.8, animal[Z] + ahead_z * 0.8
        drop = 0
        while drop < 3 and block_at(blocks, front_x, animal[Y] - 0.5 - drop, front_z) == 0:
            drop += 1
        if drop == 3 or block_at(blocks, front_x, animal[Y] - 0.5 - drop, front_z) == water:
            # A cliff or a shore: stop and turn away.
            animal[SPEED], speed = 0.0, 0.0
            animal[WANT_YAW] = animal[YAW] + 120.0 + roll(dice) * 120.0
            animal[TIMER] = 20
    drag = GROUND_DRAG if animal[GROUND] > 0 else AIR_DRAG
    push = speed * (1 - drag)
    if swims:
        animal[VY] = min(0.1, animal[VY] + 0.05)
        push = 0.02
    animal[VX] += ahead_x * push
    animal[VZ] += ahead_z * push
    grounded = animal[GROUND] > 0
    before_x, before_z = animal[X], animal[Z]
    walled = move(blocks, solid, animal, HALF_WIDTH[kind], HEIGHT[kind])
    animal[PHASE] = (animal[PHASE] + 5.0 * math.hypot(animal[X] - before_x, animal[Z] - before_z)) % (2 * math.pi)
    animal[VX] *= drag
    animal[VZ] *= drag
    animal[VY] = (animal[VY] - GRAVITY) * 0.98 if not swims else animal[VY] * 0.8
    if kind == 3:
        animal[VY] = max(animal[VY], -0.12)
    if walled and (grounded or swims) and (speed > 0 or swims):
        x, z = animal[X] + ahead_x * 0.5, animal[Z] + ahead_z * 0.5
        if box_is_free(blocks, solid, x, animal[Y] + 1.05, z, HALF_WIDTH[kind], HEIGHT[kind]):
            animal[VY] = 0.42
        else:
            animal[WANT_YAW] = animal[YAW] + 90.0 + roll(dice) * 180.0


@njit(cache=True, nogil=True)
def step(
    blocks: np.ndarray,
    solid: np.ndarray,
    floor: np.ndarray,
    water: int,
    herd: np.ndarray,
    body: np.ndarray,
    dice: np.ndarray,
) -> None:
    """One step of the whole herd around the player's `body`; who is left too far behind is replaced by a newcomer."""
    for index in range(herd.shape[0]):
        animal = herd[index]
        if animal[KIND] < 0:
            _replace(blocks, solid, floor, animal, body, dice)
            continue
        away_x, away_z = animal[X] - body[X], animal[Z] - body[Z]
        if away_x * away_x + away_z * away_z > GONE * GONE:
            animal[KIND] = -1
            continue
        _walk(blocks, solid, water, animal, dice)
        kind = int(animal[KIND])
        # Bodies push each other apart gently, so that nobody stands inside the player.
        distance = math.hypot(away_x, away_z)
        gap = HALF_WIDTH[kind] + 0.35
        if 1e-6 < distance < gap and abs(animal[Y] - body[Y]) < 1.8:
            animal[VX] += away_x / distance * 0.05
            animal[VZ] += away_z / distance * 0.05


@njit(cache=True, nogil=True)
def struck(herd: np.ndarray, x: float, y: float, z: float, direction: tuple[float, float, float], reach: float) -> int:
    """Index of the first animal that the ray meets within `reach`, or -1."""
    best, found = reach, -1
    dx, dy, dz = direction
    for index in range(herd.shape[0]):
        animal = herd[index]
        if animal[KIND] < 0:
            continue
        kind = int(animal[KIND])
        half, height = HALF_WIDTH[kind] * animal[SCALE], HEIGHT[kind] * animal[SCALE]
        enter, leave = 0.0, best
        for low, high, origin, slope in (
            (animal[X] - half, animal[X] + half, x, dx),
            (animal[Y], animal[Y] + height, y, dy),
            (animal[Z] - half, animal[Z] + half, z, dz),
        ):
            if abs(slope) < 1e-9:
                if origin < low or origin > high:
                    leave = -1.0
            else:
                first, last = (low - origin) / slope, (high - origin) / slope
                enter, leave = max(enter, min(first, last)), min(leave, max(first, last))
        if enter <= leave and enter < best:
            best, found = enter, index
    return found


@njit(cache=True, nogil=True)
def strike(animal: np.ndarray, from_x: float, from_z: float) -> None:
    """Push `animal` away from (from_x, from_z); it jumps and flees for three seconds."""
    away_x, away_z = animal[X] - from_x, animal[Z] - from_z
    distance = max(0.1, math.hypot(away_x, away_z))
    animal[VX] += 0.4 * away_x / distance
    animal[VZ] += 0.4 * away_z / distance
    animal[VY] = 0.34
    animal[FRIGHT] = 60
    animal[WANT_YAW] = math.degrees(math.atan2(-away_x, away_z))
