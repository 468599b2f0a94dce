"""The world: terrain made from a seed, and the one way to change it.

Knows noise, blocks and buildings, nothing of players or pictures. `generate(seed)` makes a `Terrain`; `set_block` is how
every later change is made, so that light and the ray caster's short cuts stay true.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from simworld.env.voxel import structures
from simworld.env.voxel.blocks import (
    AIR,
    BEDROCK,
    BLUE_FLOWER,
    CLAY,
    COAL_ORE,
    DIRT,
    DRY_GRASS,
    DRY_SHRUB,
    GOLD_ORE,
    GRASS,
    GRAVEL,
    ICE,
    MUSHROOM,
    PUMPKIN,
    RED_FLOWER,
    SAND,
    SANDSTONE,
    SHRUB,
    SNOW,
    SNOWY_GRASS,
    STONE,
    SWAMP_GRASS,
    WATER,
    YELLOW_FLOWER,
)  # fmt: skip
from simworld.env.voxel.light import fill_light, fill_skip, relight, unskip
from simworld.env.voxel.noise import SIZE, fractal, levels, sample_solid, scatter, smoothstep, solid_noise

HEIGHT = 64
SEA = 24
BIOMES: tuple[str, ...] = (
    "plains", "forest", "desert", "snow", "mountains", "swamp", "beach", "ocean", "savanna", "taiga", "birch forest",
)  # fmt: skip
(_PLAINS, _FOREST, _DESERT, _SNOW, _MOUNTAINS, _SWAMP, _BEACH, _OCEAN, _SAVANNA, _TAIGA, _BIRCH) = range(11)

# Per biome: ground cover, block below it, share of 4x4 plots with a tree, the two kinds of tree, share of cells with a plant.
_COVER = np.array([GRASS, GRASS, SAND, SNOWY_GRASS, STONE, SWAMP_GRASS, SAND, SAND, DRY_GRASS, GRASS, GRASS], np.uint8)
_SOIL = np.array([DIRT, DIRT, SANDSTONE, DIRT, STONE, DIRT, SAND, GRAVEL, DIRT, DIRT, DIRT], np.uint8)
_TREE_SHARE = np.array([0.035, 0.5, 0.1, 0.1, 0.1, 0.26, 0.05, 0.0, 0.1, 0.42, 0.42])
_TREE = np.array([
    (structures.OAK, structures.BIG_OAK),
    (structures.OAK, structures.BIG_OAK),
    (structures.CACTUS_PLANT, structures.CACTUS_PLANT),
    (structures.SNOWY_SPRUCE, structures.SNOWY_SPRUCE),
    (structures.SPRUCE, structures.BOULDER),
    (structures.SWAMP_OAK, structures.SWAMP_OAK),
    (structures.PALM, structures.BOULDER),
    (structures.OAK, structures.OAK),
    (structures.ACACIA, structures.ACACIA),
    (structures.SPRUCE, structures.SPRUCE),
    (structures.BIRCH, structures.BIRCH),
])  # fmt: skip
_PLANT_SHARE = np.array([0.05, 0.03, 0.012, 0.0, 0.004, 0.03, 0.0, 0.0, 0.03, 0.02, 0.04])

# What is built where: (name, how many at most, biomes, how uneven the ground may be).
_SITES: tuple[tuple[str, int, tuple[int, ...], int], ...] = (
    ("pyramid", 1, (_DESERT,), 5),
    ("lighthouse", 1, (_BEACH, _PLAINS), 3),
    ("tower", 2, (_PLAINS, _FOREST, _MOUNTAINS, _SAVANNA, _TAIGA), 4),
    ("ruin", 3, (_FOREST, _SWAMP, _PLAINS, _DESERT, _BIRCH), 3),
    ("igloo", 2, (_SNOW,), 3),
    ("hut", 4, (_TAIGA, _SNOW, _FOREST, _BIRCH, _SWAMP), 3),
    ("house", 2, (_SAVANNA, _BEACH, _BIRCH, _PLAINS), 3),
    ("well", 1, (_DESERT, _SAVANNA), 3),
)


@dataclass
class Terrain:
    """One world of 256 x 64 x 256 blocks, a torus in x and z.

    blocks, light, skip: uint8 [256, 64, 256] indexed [x, y, z] (the last two as in `light.py`); biome: uint8 [256, 256],
    index into `BIOMES`; height: int16 [256, 256], y of the topmost natural ground at generation (buildings and trees
    stand on it, so look for free cells above before standing there); landmarks: (name, x, y, z) of the buildings,
    y the floor. Change blocks with `set_block` only, or call `refresh` after writing to `blocks` directly.
    """

    blocks: np.ndarray
    light: np.ndarray
    skip: np.ndarray
    biome: np.ndarray
    height: np.ndarray
    landmarks: list[tuple[str, int, int, int]]
    seed: int

    def copy(self) -> "Terrain":
        """A world of its own: later changes to one do not reach the other."""
        return Terrain(
            self.blocks.copy(), self.light.copy(), self.skip.copy(), self.biome, self.height, self.landmarks, self.seed
        )

    def refresh(self) -> None:
        """Compute light and skip anew from blocks, for the whole world (about 0.1 s)."""
        fill_light(self.blocks, self.light)
        fill_skip(self.blocks, self.skip)


def set_block(terrain: Terrain, x: int, y: int, z: int, block: int) -> None:
    """Change one cell, x and z taken modulo 256; ValueError if y is outside the world or the block is unknown."""
    if not 0 <= y < HEIGHT:
        raise ValueError(f"set_block at y = {y}; it must be 0 to {HEIGHT - 1}")
    if not 0 <= block <= 255:
        raise ValueError(f"set_block with block {block}; it must be an id of blocks.BLOCKS")
    x, z = x & 255, z & 255
    terrain.blocks[x, y, z] = block
    relight(terrain.blocks, terrain.light, x, z)
    unskip(terrain.blocks, terrain.skip, x, y, z)


def _shape(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Height float32 [256, 256] before carving, and biome uint8 [256, 256]."""
    land = levels(fractal(rng, 3, 4))
    heat = levels(fractal(rng, 3, 2) + 0.12 * fractal(rng, 16, 2))
    damp = levels(fractal(rng, 4, 2) + 0.12 * fractal(rng, 16, 2))
    rough = levels(fractal(rng, 3, 2) + 0.1 * fractal(rng, 12, 2))
    hills, detail, bend = fractal(rng, 8, 3), fractal(rng, 20, 2), fractal(rng, 3, 3)

    height = np.interp(land, [0, 0.07, 0.15, 0.19, 0.35, 1], [12, 17, 22.4, 25.0, 26.5, 29.5]).astype(np.float32)
    inland = smoothstep(0.17, 0.3, land)
    peaks = smoothstep(0.7, 1.0, rough) * smoothstep(0.22, 0.38, land)
    height += hills * (0.6 + 3.4 * inland * smoothstep(0.2, 0.7, rough)) + 0.5 * detail
    height += peaks * (18 + 4 * np.abs(detail) + 9 * hills)
    marsh = smoothstep(0.68, 0.76, damp) * smoothstep(0.34, 0.42, heat) * smoothstep(0.86, 0.78, heat) * inland * (1 - peaks)
    height += marsh * (SEA + 0.3 + 1.5 * detail - height)
    river = (1 - smoothstep(0.02, 0.075, np.abs(bend))) * (1 - smoothstep(0, 0.25, peaks)) * smoothstep(0.05, 0.15, heat)
    height += river * (np.minimum(height, 20.5) - height)
    height = np.clip(height, 6, 57)

    biome = np.full((SIZE, SIZE), _PLAINS, np.uint8)
    biome[damp > 0.38] = _FOREST
    biome[damp > 0.57] = _BIRCH
    biome[(damp > 0.71) & (heat > 0.38)] = _SWAMP
    biome[heat < 0.36] = _TAIGA
    biome[heat < 0.2] = _SNOW
    biome[heat > 0.66] = _SAVANNA
    biome[heat > 0.8] = _DESERT
    biome[(peaks > 0.16) & (height > 32)] = _MOUNTAINS
    coast = (land < 0.2) & (height < SEA + 3.2)
    biome[coast & (heat > 0.2)] = _BEACH
    biome[(land < 0.16) & (height < SEA - 0.4)] = _OCEAN
    return height, biome


@njit(cache=True, nogil=True)
def _lay(
    blocks: np.ndarray, height: np.ndarray, biome: np.ndarray,
    cave_a: np.ndarray, cave_b: np.ndarray, gorge: np.ndarray, seed: int,
) -> None:  # fmt: skip
    """Fill blocks from the height map: rock, soil, cover, water and ice; then caves and gorges, which lower `height`."""
    for x in range(SIZE):
        for z in range(SIZE):
            top, kind = int(height[x, z]), biome[x, z]
            cover, soil = _COVER[kind], _SOIL[kind]
            chance = scatter(seed, x, z)
            if kind == _MOUNTAINS:
                if top > 43 + 3 * chance:
                    cover, soil = SNOW, STONE
                elif top < 36 + 2 * chance:
                    cover, soil = GRASS, DIRT
                elif chance < 0.1:
                    cover = GRAVEL
            if top < SEA:
                cover = SAND if kind != _SWAMP and top > SEA - 5 else CLAY if kind == _SWAMP else GRAVEL
                soil = cover
            blocks[x, 0, z] = BEDROCK
            for y in range(1, top - 2):
                blocks[x, y, z] = STONE
            for y in range(max(top - 2, 1), top):
                blocks[x, y, z] = soil
            blocks[x, top, z] = cover
            for y in range(top + 1, SEA + 1):
                blocks[x, y, z] = WATER
            if top < SEA and kind == _SNOW:
                blocks[x, SEA, z] = ICE
            # Water must not hang over a hole: columns near the water line stay whole.
            if top < SEA + 2:
                continue
            floor = top - int(gorge[x, z])
            for y in range(3, top + 1):
                a = sample_solid(cave_a, x / 16, y / 9, z / 16)
                b = sample_solid(cave_b, x / 16, y / 9, z / 16)
                ore = scatter(seed + 7 * y, x >> 1, (z >> 1) * 64 + (y >> 1))
                if (a * a + b * b < 0.022 and (y > SEA or y < 21)) or (y > max(floor, SEA)):
                    blocks[x, y, z] = AIR
                elif blocks[x, y, z] == STONE and ore < 0.03:
                    blocks[x, y, z] = COAL_ORE if ore < 0.022 else GOLD_ORE
            while height[x, z] > 3 and blocks[x, height[x, z], z] == AIR:
                height[x, z] -= 1


@njit(cache=True, nogil=True)
def _grow(blocks: np.ndarray, height: np.ndarray, biome: np.ndarray, taken: np.ndarray, seed: int) -> None:
    """Trees, one to a plot of 4x4 at most, then flowers and shrubs, wherever natural ground is free."""
    for plot_x in range(SIZE // 4):
        for plot_z in range(SIZE // 4):
            x = plot_x * 4 + int(scatter(seed + 1, plot_x, plot_z) * 3.99)
            z = plot_z * 4 + int(scatter(seed + 2, plot_x, plot_z) * 3.99)
            kind, y = biome[x, z], int(height[x, z])
            if taken[x, z] or y < SEA or blocks[x, y + 1, z] != AIR or scatter(seed + 3, plot_x, plot_z) >= _TREE_SHARE[kind]:
                continue
            if kind == _MOUNTAINS and y > 40:
                continue
            which = _TREE[kind, 1 if scatter(seed + 4, plot_x, plot_z) < 0.25 else 0]
            structures.plant(blocks, which, x, y + 1, z, scatter(seed + 5, plot_x, plot_z))
    for x in range(SIZE):
        for z in range(SIZE):
            kind, y = biome[x, z], int(height[x, z])
            if taken[x, z] or y < SEA or blocks[x, y + 1, z] != AIR or scatter(seed + 6, x, z) >= _PLANT_SHARE[kind]:
                continue
            # Flowers of one colour stand together: the colour is drawn per plot of 8x8.
            hue, odd = scatter(seed + 8, x >> 3, z >> 3), scatter(seed + 9, x, z)
            block = RED_FLOWER if hue < 0.33 else YELLOW_FLOWER if hue < 0.66 else BLUE_FLOWER
            if kind == _DESERT or kind == _SAVANNA:
                block = DRY_SHRUB
            elif kind == _TAIGA or kind == _SWAMP or kind == _FOREST:
                block = MUSHROOM if odd < 0.25 else SHRUB
            elif kind == _PLAINS and odd < 0.01:
                block = PUMPKIN
            elif odd < 0.4:
                block = SHRUB
            blocks[x, y + 1, z] = block


def _site(
    rng: np.random.Generator, height: np.ndarray, biome: np.ndarray, taken: np.ndarray,
    side: int, wanted: tuple[int, ...], slack: int,
) -> tuple[int, int, int] | None:  # fmt: skip
    """Corner (x, y, z) of a free, dry, fairly even square with a margin, or None if 60 tries find none."""
    fits = np.argwhere(np.isin(biome, wanted) & (height > SEA) & ~taken)
    if not len(fits):
        return None
    for x, z in fits[rng.integers(0, len(fits), 60)]:
        square = np.ix_(np.arange(x - 1, x + side + 1) & 255, np.arange(z - 3, z + side + 1) & 255)
        ground = height[square]
        if ground.min() >= SEA and np.ptp(ground) <= slack and not taken[square].any():
            return int(x), int(np.median(ground)), int(z)
    return None


def _build(
    rng: np.random.Generator, blocks: np.ndarray, height: np.ndarray, biome: np.ndarray
) -> tuple[list[tuple[str, int, int, int]], np.ndarray]:
    """Put up the village and the lone buildings; returns the landmarks and the mask bool [256, 256] of ground they use."""
    taken = np.zeros((SIZE, SIZE), bool)
    landmarks: list[tuple[str, int, int, int]] = []

    def raise_at(name: str, x: int, y: int, z: int, chance: float) -> None:
        builder, side = structures.BUILDERS[name]
        builder(blocks, x, y, z, chance)
        taken[np.ix_(np.arange(x - 2, x + side + 2) & 255, np.arange(z - 4, z + side + 2) & 255)] = True
        landmarks.append((name, (x + side // 2) & 255, y, (z + side // 2) & 255))

    square = _site(rng, height, biome, taken, 19, (_PLAINS, _SAVANNA, _FOREST, _BIRCH), 6)
    if square is not None:
        x, y, z = square[0] + 7, square[1], square[2] + 7
        structures.pave(blocks, height, x - 14, z + 5, 34, True)
        structures.pave(blocks, height, x + 5, z - 12, 34, False)
        taken[np.ix_(np.arange(x - 14, x + 20) & 255, np.arange(z + 4, z + 8) & 255)] = True
        raise_at("well", x, int(height[(x + 2) & 255, (z + 2) & 255]), z, rng.random())
        for dx, dz in ((-12, -5), (9, -5), (-12, 9), (9, 10), (-2, 16)):
            plot = height[np.ix_(np.arange(x + dx, x + dx + 7) & 255, np.arange(z + dz, z + dz + 7) & 255)]
            if plot.min() > SEA and np.ptp(plot) <= 5:
                raise_at("house", x + dx, int(np.median(plot)), z + dz, rng.random())
        landmarks.append(("village", (x + 2) & 255, y, (z + 2) & 255))
    for name, most, wanted, slack in _SITES:
        for _ in range(most):
            spot = _site(rng, height, biome, taken, structures.BUILDERS[name][1], wanted, slack)
            if spot is not None:
                chance = rng.random()
                # Towers with a chance above a half are lighthouses, huts above it are snowed in.
                if name == "lighthouse" or (name == "hut" and biome[spot[0], spot[2]] == _SNOW):
                    chance = 0.51 + 0.49 * chance
                elif name in ("tower", "hut"):
                    chance *= 0.49
                raise_at(name, *spot, chance)
    return landmarks, taken


def generate(seed: int) -> Terrain:
    """The world of a seed: equal seeds give equal worlds. ValueError for a negative seed."""
    if seed < 0:
        raise ValueError(f"seed {seed}: a world's seed must be 0 or more")
    rng = np.random.default_rng(seed)
    shape, biome = _shape(rng)
    height = shape.astype(np.int16)
    blocks = np.zeros((SIZE, HEIGHT, SIZE), np.uint8)
    crack, where = fractal(rng, 4, 3), fractal(rng, 5, 1)
    gorge = (14 * smoothstep(0.045, 0.015, np.abs(crack)) * smoothstep(0.15, 0.3, where)).astype(np.float32)
    salt = int(rng.integers(1 << 40))
    _lay(blocks, height, biome, solid_noise(rng, 16, 8), solid_noise(rng, 16, 8), gorge, salt)
    landmarks, taken = _build(rng, blocks, height, biome)
    _grow(blocks, height, biome, taken, salt)
    terrain = Terrain(blocks, np.empty_like(blocks), np.empty_like(blocks), biome, height, landmarks, seed)
    terrain.refresh()
    return terrain
