"""Trees and buildings: how each is put together from blocks.

Knows no biome and no noise: `terrain.py` chooses where. Every builder writes into blocks uint8 [256, 64, 256], a torus
in x and z; what would stick out of the top or bottom of the world is left away.
"""

import numpy as np
from numba import njit

from simworld.env.voxel.blocks import (
    ACACIA_LEAVES,
    AIR,
    BIRCH_LEAVES,
    BIRCH_LOG,
    BRICK,
    CACTUS,
    COBBLESTONE,
    GLASS,
    LANTERN,
    LEAVES,
    LOG,
    MOSSY_STONE,
    PATH,
    PLANKS,
    SANDSTONE,
    SNOW,
    SNOWY_LEAVES,
    SPRUCE_LEAVES,
    STONE,
    TILES,
    WATER,
    WOOL,
)  # fmt: skip
from simworld.env.voxel.noise import scatter

(OAK, BIG_OAK, BIRCH, SPRUCE, SNOWY_SPRUCE, ACACIA, SWAMP_OAK, PALM, CACTUS_PLANT, BOULDER) = range(10)


@njit(cache=True, nogil=True)
def put(blocks: np.ndarray, x: int, y: int, z: int, block: int) -> None:
    """Set one cell, wrapped sideways, ignored above and below the world."""
    if 0 < y < blocks.shape[1]:
        blocks[x & 255, y, z & 255] = block


@njit(cache=True, nogil=True)
def grow(blocks: np.ndarray, x: int, y: int, z: int, block: int) -> None:
    """Set one cell if it is empty: leaves do not eat into houses or trunks."""
    if 0 < y < blocks.shape[1] and blocks[x & 255, y, z & 255] == AIR:
        blocks[x & 255, y, z & 255] = block


@njit(cache=True, nogil=True)
def fill(blocks: np.ndarray, x0: int, y0: int, z0: int, x1: int, y1: int, z1: int, block: int) -> None:
    """Set all cells of the box, both corners included."""
    for x in range(x0, x1 + 1):
        for y in range(y0, y1 + 1):
            for z in range(z0, z1 + 1):
                put(blocks, x, y, z, block)


@njit(cache=True, nogil=True)
def _blob(blocks: np.ndarray, x: int, y: int, z: int, radius: float, squash: float, leaf: int) -> None:
    """A ball of leaves of the given radius, flattened by `squash`."""
    reach = int(radius + 1)
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            for dz in range(-reach, reach + 1):
                if dx * dx + dz * dz + (dy * squash) ** 2 <= radius * radius:
                    grow(blocks, x + dx, y + dy, z + dz, leaf)


@njit(cache=True, nogil=True)
def plant(blocks: np.ndarray, kind: int, x: int, y: int, z: int, chance: float) -> None:
    """Grow a tree (`OAK`, ...), cactus or boulder whose lowest block is at (x, y, z); `chance` in [0, 1) varies its size."""
    if kind == BOULDER:
        stone = MOSSY_STONE if chance < 0.5 else STONE
        for dx in range(-1, 2):
            for dz in range(-1, 2):
                if abs(dx) + abs(dz) < 2 or scatter(int(chance * 1e6), dx + 2, dz + 2) < 0.4:
                    put(blocks, x + dx, y, z + dz, stone)
        put(blocks, x, y + 1, z, stone)
        return
    if kind == CACTUS_PLANT:
        for dy in range(2 + int(chance * 3)):
            put(blocks, x, y + dy, z, CACTUS)
        return
    trunk = BIRCH_LOG if kind == BIRCH else LOG
    tall = 4 + int(chance * 3)
    if kind == BIG_OAK:
        tall += 3
    elif kind == SPRUCE or kind == SNOWY_SPRUCE or kind == PALM:
        tall += 2
    if kind == OAK:
        _blob(blocks, x, y + tall, z, 2.4, 1.1, LEAVES)
    elif kind == BIG_OAK:
        _blob(blocks, x, y + tall, z, 3.4, 1.2, LEAVES)
        _blob(blocks, x + 2, y + tall - 2, z - 1, 2.2, 1.2, LEAVES)
        _blob(blocks, x - 1, y + tall - 2, z + 2, 2.2, 1.2, LEAVES)
    elif kind == BIRCH:
        _blob(blocks, x, y + tall, z, 2.3, 0.8, BIRCH_LEAVES)
    elif kind == SPRUCE or kind == SNOWY_SPRUCE:
        leaf = SPRUCE_LEAVES if kind == SPRUCE else SNOWY_LEAVES
        for dy in range(2, tall + 2):
            left = tall + 1 - dy
            radius = 0.6 + 0.33 * left + (0.9 if left % 2 == 1 else 0.0)
            for dx in range(-3, 4):
                for dz in range(-3, 4):
                    if dx * dx + dz * dz <= radius * radius:
                        grow(blocks, x + dx, y + dy, z + dz, leaf)
    elif kind == ACACIA:
        for dx in range(-3, 4):
            for dz in range(-3, 4):
                if abs(dx) + abs(dz) < 5:
                    grow(blocks, x + dx, y + tall, z + dz, ACACIA_LEAVES)
                if abs(dx) + abs(dz) < 3:
                    grow(blocks, x + dx, y + tall + 1, z + dz, ACACIA_LEAVES)
    elif kind == SWAMP_OAK:
        _blob(blocks, x, y + tall, z, 3.3, 1.8, LEAVES)
        for side in range(4):
            dx, dz = (3, 0) if side == 0 else (-3, 0) if side == 1 else (0, 3) if side == 2 else (0, -3)
            for dy in range(1 + int(scatter(side, x, z) * 3)):
                grow(blocks, x + dx, y + tall - 1 - dy, z + dz, LEAVES)
    elif kind == PALM:
        for step in range(1, 4):
            for side in range(4):
                dx, dz = (step, 0) if side == 0 else (-step, 0) if side == 1 else (0, step) if side == 2 else (0, -step)
                grow(blocks, x + dx, y + tall - (1 if step == 3 else 0), z + dz, LEAVES)
        for dx in range(-1, 2):
            for dz in range(-1, 2):
                grow(blocks, x + dx, y + tall, z + dz, LEAVES)
    for dy in range(tall):
        put(blocks, x, y + dy, z, trunk)


def _room(blocks: np.ndarray, x: int, y: int, z: int, w: int, h: int, d: int, wall: int, corner: int, floor: int) -> None:
    """Floor on its foundation, four walls with corner posts, and air within; (x, y, z) is the corner of the floor."""
    fill(blocks, x, y - 5, z, x + w - 1, y - 1, z + d - 1, COBBLESTONE)
    fill(blocks, x - 1, y + 1, z - 1, x + w, y + h + 4, z + d, AIR)
    fill(blocks, x, y, z, x + w - 1, y, z + d - 1, floor)
    fill(blocks, x, y + 1, z, x + w - 1, y + h, z + d - 1, wall)
    fill(blocks, x + 1, y + 1, z + 1, x + w - 2, y + h, z + d - 2, AIR)
    for cx in (x, x + w - 1):
        for cz in (z, z + d - 1):
            fill(blocks, cx, y, cz, cx, y + h, cz, corner)


def build_house(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """A village house, 7 by 7: planks or bricks, windows, gabled tile roof, lanterns inside and beside the door."""
    wall, roof = (PLANKS, TILES) if chance < 0.6 else (BRICK, PLANKS) if chance < 0.8 else (WOOL, TILES)
    _room(blocks, x, y, z, 7, 3, 7, wall, LOG, PLANKS)
    for row in range(4):
        fill(blocks, x - 1 + row, y + 4 + row, z - 1, x - 1 + row, y + 4 + row, z + 7, roof)
        fill(blocks, x + 7 - row, y + 4 + row, z - 1, x + 7 - row, y + 4 + row, z + 7, roof)
        if row:
            for wz in (z, z + 6):
                fill(blocks, x + row, y + 3 + row, wz, x + 6 - row, y + 3 + row, wz, wall)
    fill(blocks, x + 3, y + 7, z - 1, x + 3, y + 7, z + 7, roof)
    for wz in (z + 2, z + 4):
        put(blocks, x, y + 2, wz, GLASS)
        put(blocks, x + 6, y + 2, wz, GLASS)
    put(blocks, x + 1, y + 2, z, GLASS)
    put(blocks, x + 5, y + 2, z, GLASS)
    fill(blocks, x + 3, y + 1, z, x + 3, y + 2, z, AIR)
    put(blocks, x + 2, y + 3, z - 1, LANTERN)
    put(blocks, x + 4, y + 3, z - 1, LANTERN)
    put(blocks, x + 5, y + 1, z + 5, LANTERN)


def build_hut(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """A log cabin, 5 by 5, with a flat stepped roof; snowed in when `chance` is above a half."""
    _room(blocks, x, y, z, 5, 3, 5, LOG, LOG, PLANKS)
    top = SNOW if chance > 0.5 else PLANKS
    fill(blocks, x - 1, y + 4, z - 1, x + 5, y + 4, z + 5, top)
    fill(blocks, x + 1, y + 5, z + 1, x + 3, y + 5, z + 3, top)
    fill(blocks, x + 2, y + 1, z, x + 2, y + 2, z, AIR)
    put(blocks, x, y + 2, z + 2, GLASS)
    put(blocks, x + 4, y + 2, z + 2, GLASS)
    put(blocks, x + 3, y + 1, z + 3, LANTERN)
    put(blocks, x + 3, y + 3, z - 1, LANTERN)


def build_well(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """A roofed well, 5 by 5."""
    fill(blocks, x, y - 4, z, x + 4, y + 1, z + 4, COBBLESTONE if chance < 0.7 else MOSSY_STONE)
    fill(blocks, x + 1, y - 3, z + 1, x + 3, y, z + 3, WATER)
    fill(blocks, x + 1, y + 1, z + 1, x + 3, y + 1, z + 3, AIR)
    for cx in (x, x + 4):
        for cz in (z, z + 4):
            fill(blocks, cx, y + 2, cz, cx, y + 3, cz, LOG)
    fill(blocks, x, y + 4, z, x + 4, y + 4, z + 4, TILES)
    fill(blocks, x + 1, y + 5, z + 1, x + 3, y + 5, z + 3, TILES)
    put(blocks, x + 2, y + 3, z + 2, LANTERN)


def build_ruin(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """Broken mossy walls, 9 by 9, with a lantern that somebody left."""
    seed = int(chance * 1e6)
    for dx in range(9):
        for dz in range(9):
            fill(blocks, x + dx, y - 4, z + dz, x + dx, y - 1, z + dz, STONE)
            put(blocks, x + dx, y, z + dz, MOSSY_STONE if scatter(seed, dx, dz) < 0.6 else COBBLESTONE)
            if dx in (0, 8) or dz in (0, 8):
                tall = int(scatter(seed + 1, dx // 2, dz // 2) * 5)
                fill(blocks, x + dx, y + 1, z + dz, x + dx, y + tall, z + dz, MOSSY_STONE if (dx + dz) % 3 else COBBLESTONE)
    for cx, cz in ((2, 2), (6, 2), (2, 6), (6, 6)):
        fill(blocks, x + cx, y + 1, z + cz, x + cx, y + 1 + int(scatter(seed, cx, cz) * 5), z + cz, STONE)
    put(blocks, x + 4, y + 1, z + 4, LANTERN)


def build_tower(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """A watch tower, 7 by 7 and 14 high; with stripes it is a lighthouse (`chance` above a half)."""
    stripes = chance > 0.5
    _room(blocks, x, y, z, 7, 11, 7, WOOL if stripes else COBBLESTONE, WOOL if stripes else MOSSY_STONE, PLANKS)
    if stripes:
        for band in (1, 2, 3, 7, 8, 9):
            for dx in range(7):
                for dz in range(7):
                    if dx in (0, 6) or dz in (0, 6):
                        put(blocks, x + dx, y + band, z + dz, BRICK)
    fill(blocks, x - 1, y + 12, z - 1, x + 7, y + 12, z + 7, PLANKS)
    for dx in range(-1, 8):
        for dz in range(-1, 8):
            if (dx in (-1, 7) or dz in (-1, 7)) and (dx + dz) % 2 == 0:
                put(blocks, x + dx, y + 13, z + dz, COBBLESTONE)
    fill(blocks, x + 3, y + 1, z, x + 3, y + 2, z, AIR)
    for side in ((3, 0), (3, 6), (0, 3), (6, 3)):
        put(blocks, x + side[0], y + 6, z + side[1], GLASS)
    put(blocks, x + 3, y + 5, z + 3, LANTERN)
    put(blocks, x + 3, y + 1, z + 5, LANTERN)
    fill(blocks, x + 2, y + 13, z + 2, x + 4, y + 13, z + 4, LANTERN if stripes else COBBLESTONE)
    put(blocks, x + 3, y + 14, z + 3, LANTERN)


def build_pyramid(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """A stepped desert pyramid, 17 by 17, with a lit chamber and an entrance."""
    fill(blocks, x, y - 4, z, x + 16, y, z + 16, SANDSTONE)
    for step in range(9):
        fill(blocks, x + step, y + 1 + step, z + step, x + 16 - step, y + 1 + step, z + 16 - step, SANDSTONE)
    fill(blocks, x + 5, y + 1, z + 5, x + 11, y + 3, z + 11, AIR)
    fill(blocks, x + 8, y + 1, z, x + 8, y + 2, z + 5, AIR)
    for lamp in ((5, 5), (11, 5), (5, 11), (11, 11)):
        put(blocks, x + lamp[0], y + 1, z + lamp[1], LANTERN)
    put(blocks, x + 6, y + 2, z + 1, LANTERN)
    put(blocks, x + 10, y + 2, z + 1, LANTERN)
    put(blocks, x + 8, y + 10, z + 8, BRICK if chance < 0.5 else LANTERN)


def build_igloo(blocks: np.ndarray, x: int, y: int, z: int, chance: float) -> None:
    """A snow dome, 7 by 7, with a lantern inside."""
    radius = 3.3 + 0.3 * chance
    fill(blocks, x, y - 3, z, x + 6, y, z + 6, SNOW)
    for dx in range(7):
        for dy in range(1, 5):
            for dz in range(7):
                far = ((dx - 3) ** 2 + (dy - 0.5) ** 2 + (dz - 3) ** 2) ** 0.5
                if far <= radius:
                    put(blocks, x + dx, y + dy, z + dz, SNOW if far > radius - 1 else AIR)
    fill(blocks, x + 3, y + 1, z - 1, x + 3, y + 2, z + 1, AIR)
    put(blocks, x + 4, y + 1, z + 4, LANTERN)
    put(blocks, x + 5, y + 1, z - 1, LANTERN)


@njit(cache=True, nogil=True)
def pave(blocks: np.ndarray, height: np.ndarray, x: int, z: int, length: int, along_x: bool) -> None:
    """A path two blocks wide on the ground from (x, z) along +x or +z, with a lantern post every 8 blocks."""
    for step in range(length):
        for side in range(2):
            px, pz = ((x + step) & 255, (z + side) & 255) if along_x else ((x + side) & 255, (z + step) & 255)
            y = height[px, pz]
            if blocks[px, y + 1, pz] == AIR:
                blocks[px, y, pz] = PATH
        if step % 8 == 4:
            px, pz = ((x + step) & 255, (z + 2) & 255) if along_x else ((x + 2) & 255, (z + step) & 255)
            y = height[px, pz]
            if blocks[px, y + 1, pz] == AIR:
                put(blocks, px, y + 1, pz, LOG)
                put(blocks, px, y + 2, pz, LANTERN)


BUILDERS = {
    "house": (build_house, 7),
    "hut": (build_hut, 5),
    "well": (build_well, 5),
    "ruin": (build_ruin, 9),
    "tower": (build_tower, 7),
    "lighthouse": (build_tower, 7),
    "pyramid": (build_pyramid, 17),
    "igloo": (build_igloo, 7),
}
"""name -> (builder(blocks, x, y, z, chance) with (x, y, z) the corner at ground level, side of its footprint)"""
