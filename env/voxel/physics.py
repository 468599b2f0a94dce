"""Bodies in the block world: gravity, walking, jumping, swimming, and boxes that never enter solid blocks.

Knows blocks only as a grid and two lookups (is it solid, is it water), no pictures, no rules of play. Speeds are blocks
per step (20 steps a second) and follow Minecraft's: walk 4.3 blocks/s, sprint 5.6, sneak 1.3, jump 1.25 blocks high.
Everything here is numba and holds no state of its own: a body is a float64 array that the caller owns.
"""

import math

import numpy as np
from numba import njit

PLAYER_HALF_WIDTH = 0.3
PLAYER_HEIGHT = 1.8
EYE_HEIGHT = 1.62
SNEAK_EYE_HEIGHT = 1.54
REACH = 4.5

# Slots of a body, float64 [BODY_SIZE]. The player has them all, an animal the first seven.
X, Y, Z, VX, VY, VZ, GROUND, YAW, PITCH, EYE, IN_WATER, BLOCKED = range(12)
BODY_SIZE = 12

GRAVITY = 0.08
JUMP_SPEED = 0.42
GROUND_DRAG = 0.546
AIR_DRAG = 0.91
WATER_DRAG = 0.8


@njit(cache=True, nogil=True)
def is_solid(blocks: np.ndarray, solid: np.ndarray, x: int, y: int, z: int) -> bool:
    """Whether a body cannot enter cell (x, y, z). Below the world all is solid, above it nothing."""
    if y < 0:
        return True
    if y >= blocks.shape[1]:
        return False
    return bool(solid[blocks[x & (blocks.shape[0] - 1), y, z & (blocks.shape[2] - 1)]])


@njit(cache=True, nogil=True)
def block_at(blocks: np.ndarray, x: float, y: float, z: float) -> int:
    """The block id at a point; 0 (air) above and below the world."""
    cell = int(math.floor(y))
    if cell < 0 or cell >= blocks.shape[1]:
        return 0
    return int(blocks[int(math.floor(x)) & (blocks.shape[0] - 1), cell, int(math.floor(z)) & (blocks.shape[2] - 1)])


@njit(cache=True, nogil=True)
def box_is_free(blocks: np.ndarray, solid: np.ndarray, x: float, y: float, z: float, half_width: float, height: float) -> bool:
    """Whether a box standing with its feet centre at (x, y, z) touches no solid block."""
    edge = 1e-7
    for cell_x in range(int(math.floor(x - half_width + edge)), int(math.floor(x + half_width - edge)) + 1):
        for cell_y in range(int(math.floor(y + edge)), int(math.floor(y + height - edge)) + 1):
            for cell_z in range(int(math.floor(z - half_width + edge)), int(math.floor(z + half_width - edge)) + 1):
                if is_solid(blocks, solid, cell_x, cell_y, cell_z):
                    return False
    return True


@njit(cache=True, nogil=True)
def _slide(
    blocks: np.ndarray, solid: np.ndarray, body: np.ndarray, axis: int, step: float, half_width: float, height: float
) -> bool:
    """Move `body` along one axis (0, 1, 2) by `step`, |step| < 1, up to the first solid face; True when stopped."""
    x, y, z = body[X], body[Y], body[Z]
    moved_x = x + step if axis == 0 else x
    moved_y = y + step if axis == 1 else y
    moved_z = z + step if axis == 2 else z
    if box_is_free(blocks, solid, moved_x, moved_y, moved_z, half_width, height):
        body[axis] += step
        return False
    if not box_is_free(blocks, solid, x, y, z, half_width, height):
        # A block was placed into the body: let it leave sideways and upwards rather than lock it in or drop it out of
        # the world.
        if axis == 1 and step < 0:
            return True
        body[axis] += step
        return False
    if axis == 1:
        face = math.floor(moved_y) + 1.0 if step < 0 else math.floor(moved_y + height - 1e-7) - height
    elif step < 0:
        face = math.floor(body[axis] + step - half_width + 1e-7) + 1.0 + half_width
    else:
        face = math.floor(body[axis] + step + half_width - 1e-7) - half_width
    # Never backwards: rounding may put the face a hair behind the body.
    body[axis] = min(body[axis], face) if step < 0 else max(body[axis], face)
    return True


@njit(cache=True, nogil=True)
def move(blocks: np.ndarray, solid: np.ndarray, body: np.ndarray, half_width: float, height: float) -> bool:
    """Move `body` by its velocity with collisions, zero what was stopped, set GROUND; True if a wall stopped it."""
    pieces = 1 + int(max(abs(body[VX]), abs(body[VY]), abs(body[VZ])) / 0.9)
    walled = False
    landed = False
    for _ in range(pieces):
        falling = body[VY] < 0
        if _slide(blocks, solid, body, 1, body[VY] / pieces, half_width, height):
            body[VY] = 0.0
            landed = landed or falling
        # The longer axis first, so that a body slips round corners the way it is heading.
        first = 0 if abs(body[VX]) >= abs(body[VZ]) else 2
        for axis in (first, 2 - first):
            if _slide(blocks, solid, body, axis, body[VX + axis] / pieces, half_width, height):
                body[VX + axis] = 0.0
                walled = True
    body[GROUND] = 1.0 if landed else 0.0
    return walled


@njit(cache=True, nogil=True)
def _stay_on_edge(blocks: np.ndarray, solid: np.ndarray, body: np.ndarray) -> None:
    """Shorten the horizontal velocity until there is still ground under the player: sneaking never falls off."""
    for axis in (0, 2):
        for _ in range(8):
            x = body[X] + body[VX]
            z = body[Z] + (body[VZ] if axis == 2 else 0.0)
            if not box_is_free(blocks, solid, x, body[Y] - 0.1, z, PLAYER_HALF_WIDTH, 0.1):
                break
            body[VX + axis] *= 0.5
        else:
            body[VX + axis] = 0.0


@njit(cache=True, nogil=True)
def step_player(
    blocks: np.ndarray, solid: np.ndarray, water: int, body: np.ndarray, action: np.ndarray, keys: np.ndarray
) -> None:
    """One step of the player `body` under `action` float32 [25]; `keys` int64 [7] are the slots of forward, back, left,
    right, jump, sneak, sprint in it. The camera (the action's last two numbers) turns first, and at once."""
    body[PITCH] = min(90.0, max(-90.0, body[PITCH] + action[-2]))
    body[YAW] = (body[YAW] + action[-1] + 180.0) % 360.0 - 180.0
    ahead = float(action[keys[0]]) - float(action[keys[1]])
    aside = float(action[keys[3]]) - float(action[keys[2]])
    jump, sneak = action[keys[4]] > 0, action[keys[5]] > 0
    sprint = action[keys[6]] > 0 and ahead > 0 and not sneak
    in_water = block_at(blocks, body[X], body[Y] + 0.4, body[Z]) == water
    body[IN_WATER] = 1.0 if in_water else 0.0

    length = math.sqrt(ahead * ahead + aside * aside)
    scale = 0.98 / max(1.0, length) * (0.3 if sneak and not in_water else 1.0)
    yaw = math.radians(body[YAW])
    sin, cos = math.sin(yaw), math.cos(yaw)
    # Yaw 0 faces +z and grows clockwise seen from above, so the right hand points to -x.
    wish_x = (-sin * ahead - cos * aside) * scale
    wish_z = (cos * ahead - sin * aside) * scale
    on_ground = body[GROUND] > 0
    if in_water:
        push = 0.03 if sprint else 0.02
        if jump:
            body[VY] += 0.04
        elif sneak:
            body[VY] -= 0.04
    else:
        if on_ground:
            push = 0.13 if sprint else 0.1
        else:
            push = 0.026 if sprint else 0.02
        if jump and on_ground:
            body[VY] = JUMP_SPEED
            if sprint:
                body[VX] -= sin * 0.2
                body[VZ] += cos * 0.2
    body[VX] += wish_x * push
    body[VZ] += wish_z * push
    if sneak and on_ground and not in_water and body[VY] <= 0:
        _stay_on_edge(blocks, solid, body)
    walled = move(blocks, solid, body, PLAYER_HALF_WIDTH, PLAYER_HEIGHT)
    body[BLOCKED] = 1.0 if walled else 0.0
    if in_water:
        body[VX] *= WATER_DRAG
        body[VZ] *= WATER_DRAG
        body[VY] = body[VY] * WATER_DRAG - 0.02
        # Pressed against a bank, a swimmer climbs out, as in Minecraft.
        if walled and box_is_free(blocks, solid, body[X] + wish_x, body[Y] + 0.6, body[Z] + wish_z, 0.3, PLAYER_HEIGHT):
            body[VY] = 0.3
    else:
        drag = GROUND_DRAG if on_ground else AIR_DRAG
        body[VX] *= drag
        body[VZ] *= drag
        body[VY] = (body[VY] - GRAVITY) * 0.98
    target = SNEAK_EYE_HEIGHT if sneak else EYE_HEIGHT
    body[EYE] += (target - body[EYE]) * 0.5
