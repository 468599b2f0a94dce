"""Two fields that follow from the blocks: `light`, how bright each cell is, and `skip`, how far a ray may jump from it.

Knows blocks only as ids; `terrain.py` owns the arrays and calls `fill_light`, `fill_skip` once and `relight`, `unskip`
after each change. All arrays are uint8 [256, height, 256], a torus in x and z.

`light`: 255 in opaque cells, else 16 * daylight + glow with daylight 0 to 14 (14 under open sky, 2 less each step
sideways) and glow 0 to 14 (1 less each step from a lantern).
`skip`: 0 where a block or water is; elsewhere 16 * flat + cube, each 1 to 15: all cells nearer than `cube` in every axis
are empty, and so are all cells of the same layer nearer than `flat` in x and z. Rays take the longer jump of the two.
Breaking a block leaves both smaller than they could be, which costs time, never truth.
"""

import numpy as np
from numba import njit

from simworld.env.voxel.blocks import GLOW, OPAQUE

OPEN_SKY = 14
SHADE_STEP = 2
WALL = 255
MAX_SKIP = 15
_REACH = 14


@njit(cache=True, nogil=True)
def _spread(blocks: np.ndarray, light: np.ndarray, queue: np.ndarray, count: int, tail: int) -> None:
    """Flood daylight and glow from the `count` queued cells (flat indices) on; `tail` is where the queue goes on."""
    height = blocks.shape[1]
    capacity = queue.shape[0]
    head = 0
    while count > 0:
        index = queue[head]
        head = (head + 1) % capacity
        count -= 1
        x, y, z = index // (height * 256), (index // 256) % height, index % 256
        value = int(np.int64(light[x, y, z]))
        day, glow = value >> 4, value & 15
        next_day = day - SHADE_STEP if day > SHADE_STEP else 0
        next_glow = glow - 1 if glow > 1 else 0
        if next_day == 0 and next_glow == 0:
            continue
        for side in range(6):
            nx, ny, nz = x, y, z
            if side == 0:
                nx = (x + 1) & 255
            elif side == 1:
                nx = (x - 1) & 255
            elif side == 2:
                nz = (z + 1) & 255
            elif side == 3:
                nz = (z - 1) & 255
            elif side == 4:
                ny = y + 1
            else:
                ny = y - 1
            if ny < 0 or ny >= height:
                continue
            old = int(np.int64(light[nx, ny, nz]))
            if old == WALL:
                continue
            new_day, new_glow = max(old >> 4, next_day), max(old & 15, next_glow)
            if new_day != old >> 4 or new_glow != old & 15:
                light[nx, ny, nz] = new_day << 4 | new_glow
                if count < capacity:
                    queue[tail] = (nx * height + ny) * 256 + nz
                    tail = (tail + 1) % capacity
                    count += 1


@njit(cache=True, nogil=True)
def _light_columns(blocks: np.ndarray, light: np.ndarray, x0: int, z0: int, width: int, depth: int) -> None:
    """Set each cell of the columns to what it has of itself: wall, open sky, or its own glow."""
    height = blocks.shape[1]
    for dx in range(width):
        for dz in range(depth):
            x, z = (x0 + dx) & 255, (z0 + dz) & 255
            day = OPEN_SKY
            for y in range(height - 1, -1, -1):
                block = blocks[x, y, z]
                if OPAQUE[block]:
                    light[x, y, z] = WALL
                    day = 0
                else:
                    light[x, y, z] = day << 4 | GLOW[block]


@njit(cache=True, nogil=True)
def _queue_sources(light: np.ndarray, queue: np.ndarray, x0: int, z0: int, width: int, depth: int) -> int:
    """Queue the cells of the columns that can brighten a neighbour; returns how many."""
    height = light.shape[1]
    count = 0
    for dx in range(width):
        for dz in range(depth):
            x, z = (x0 + dx) & 255, (z0 + dz) & 255
            for y in range(height):
                value = int(np.int64(light[x, y, z]))
                if value == WALL or value == 0:
                    continue
                useful = bool(value & 15 > 1)
                if not useful and value >> 4 > SHADE_STEP:
                    day = value >> 4
                    for nx, nz in (((x + 1) & 255, z), ((x - 1) & 255, z), (x, (z + 1) & 255), (x, (z - 1) & 255)):
                        other = int(np.int64(light[nx, y, nz]))
                        if other != WALL and other >> 4 < day - SHADE_STEP:
                            useful = True
                    if y > 0 and light[x, y - 1, z] != WALL and light[x, y - 1, z] >> 4 < day - SHADE_STEP:
                        useful = True
                if useful and count < queue.shape[0]:
                    queue[count] = (x * height + y) * 256 + z
                    count += 1
    return count


@njit(cache=True, nogil=True)
def fill_light(blocks: np.ndarray, light: np.ndarray) -> None:
    """Compute `light` for the whole world."""
    _light_columns(blocks, light, 0, 0, 256, 256)
    queue = np.empty(1 << 20, np.int32)
    count = _queue_sources(light, queue, 0, 0, 256, 256)
    _spread(blocks, light, queue, count, count % queue.shape[0])


@njit(cache=True, nogil=True)
def relight(blocks: np.ndarray, light: np.ndarray, x: int, z: int) -> None:
    """Make `light` true again after a change in column (x, z): nothing farther than a glow's reach can differ."""
    width = 2 * _REACH + 1
    _light_columns(blocks, light, x - _REACH, z - _REACH, width, width)
    queue = np.empty(1 << 16, np.int32)
    # One column more on each side: what shines in from outside is unchanged and is the border condition.
    count = _queue_sources(light, queue, x - _REACH - 1, z - _REACH - 1, width + 2, width + 2)
    _spread(blocks, light, queue, count, count)


@njit(cache=True, nogil=True)
def _widen(filled: np.ndarray, spare: np.ndarray, upwards: bool) -> None:
    """Grow the set bits by one cell on all sides; up and down only if `upwards`. uint64 [256, height, 4], 64 cells in z
    to the word; `spare` is as large."""
    height = filled.shape[1]
    one, last = np.uint64(1), np.uint64(63)
    for x in range(256):
        for y in range(height):
            for word in range(4):
                bits = filled[x, y, word]
                low, high = filled[x, y, (word + 3) & 3] >> last, filled[x, y, (word + 1) & 3] << last
                spare[x, y, word] = bits | bits << one | low | bits >> one | high
    for x in range(256):
        for y in range(height):
            for word in range(4):
                filled[x, y, word] = spare[x, y, word] | spare[(x + 1) & 255, y, word] | spare[(x - 1) & 255, y, word]
    if not upwards:
        return
    for x in range(256):
        for word in range(4):
            below = np.uint64(0)
            for y in range(height):
                here = filled[x, y, word]
                above = filled[x, y + 1, word] if y + 1 < height else np.uint64(0)
                filled[x, y, word] = here | below | above
                below = here


@njit(cache=True, nogil=True)
def fill_skip(blocks: np.ndarray, skip: np.ndarray) -> None:
    """Compute `skip` for the whole world, by growing the filled cells one step at a time."""
    height = blocks.shape[1]
    one = np.uint64(1)
    start = np.zeros((256, height, 4), np.uint64)
    for x in range(256):
        for y in range(height):
            for z in range(256):
                if blocks[x, y, z] != 0:
                    start[x, y, z >> 6] |= one << np.uint64(z & 63)
    skip[:] = 0
    spare = np.empty_like(start)
    for flat in range(2):
        filled = start.copy()
        unit = np.uint8(16 if flat else 1)
        for far in range(MAX_SKIP):
            if far > 0:
                _widen(filled, spare, flat == 0)
            for x in range(256):
                for y in range(height):
                    for word in range(4):
                        empty = ~filled[x, y, word]
                        if empty == 0:
                            continue
                        base = word << 6
                        for bit in range(64):
                            skip[x, y, base + bit] += unit * np.uint8(empty >> np.uint64(bit) & one)


@njit(cache=True, nogil=True)
def unskip(blocks: np.ndarray, skip: np.ndarray, x: int, y: int, z: int) -> None:
    """Keep the promise of `skip` after cell (x, y, z) changed."""
    if blocks[x, y, z] == 0:
        skip[x, y, z] = 17
        return
    height = blocks.shape[1]
    reach = MAX_SKIP - 1
    for dx in range(-reach, reach + 1):
        for dy in range(max(-reach, -y), min(reach, height - 1 - y) + 1):
            for dz in range(-reach, reach + 1):
                aside = max(abs(dx), abs(dz))
                nx, ny, nz = (x + dx) & 255, y + dy, (z + dz) & 255
                cube, flat = int(np.int64(skip[nx, ny, nz])) & 15, int(np.int64(skip[nx, ny, nz])) >> 4
                if dy == 0:
                    flat = min(flat, aside)
                skip[nx, ny, nz] = flat << 4 | min(cube, max(aside, abs(dy)))
