"""Where a play begins: a dry place in the wanted biome with something to see, looked at as a person would.

Knows terrain and dice; the game decides when. `find_spawn` is the whole of it.
"""

import math

import numpy as np

from simworld.env.voxel.blocks import BLOCKS, BOX, REPLACEABLE, SOLID, WATER
from simworld.env.voxel.interact import HIT_SIZE, trace, view_direction
from simworld.env.voxel.physics import EYE_HEIGHT
from simworld.env.voxel.terrain import BIOMES, Terrain

NUM_PLACES = 48
NUM_VIEWS = 12
VIEW_DISTANCE = 24.0
LANDMARK_CHANCE = 0.2
_ROOF = SOLID.copy()
_ROOF[[block.id for block in BLOCKS if "leaves" in block.name]] = False
BIOME_SHARE: dict[str, float] = {"ocean": 0.3, "beach": 0.6}
"""How often a play without wishes begins in a biome, relative to 1 for the rest: rare biomes are to be seen, too."""


def find_spawn(terrain: Terrain, rng: np.random.Generator, biome: str | None = None) -> np.ndarray | None:
    """A pose float64 [5] (x, y, z, yaw, pitch) in `biome` (anywhere if None), or None if no place was found there.

    Dry land is preferred; in the open sea the player starts swimming. ValueError for a biome that does not exist.
    """
    if biome is not None and biome not in BIOMES:
        raise ValueError(f"biome is {biome!r}; it must be one of {', '.join(BIOMES)}")
    near = _near_landmark(terrain, rng) if biome is None and rng.random() < LANDMARK_CHANCE else None
    if biome is None:
        shares = np.array([BIOME_SHARE.get(name, 1.0) for name in BIOMES])
        biome = str(rng.choice(BIOMES, p=shares / shares.sum()))
    columns = near if near is not None else _columns(terrain, rng, biome)
    if len(columns) == 0:
        return None
    swimming = None
    for x, z in columns:
        ground = int(terrain.height[x, z])
        feet = terrain.blocks[x, ground + 1 : ground + 3, z]
        if len(feet) < 2 or not SOLID[terrain.blocks[x, ground, z]]:
            continue
        roofed = _ROOF[terrain.blocks[x, ground + 3 :, z]].any()
        if REPLACEABLE[feet].all() and not (feet == WATER).any() and not roofed:
            return _face(terrain, rng, np.array([x + 0.5, ground + 1.0, z + 0.5]))
        if feet[0] == WATER and swimming is None:
            surface = ground + 1
            while terrain.blocks[x, surface + 1, z] == WATER:
                surface += 1
            swimming = np.array([x + 0.5, surface - 0.2, z + 0.5])
    return None if swimming is None else _face(terrain, rng, swimming)


def _columns(terrain: Terrain, rng: np.random.Generator, biome: str) -> np.ndarray:
    """Some columns int [n, 2] of `biome`, the land above the sea first."""
    columns = np.argwhere(terrain.biome == BIOMES.index(biome))
    if len(columns) == 0:
        return columns
    columns = columns[rng.integers(len(columns), size=NUM_PLACES)]
    above = terrain.height[columns[:, 0], columns[:, 1]] + 1
    wet = terrain.blocks[columns[:, 0], above, columns[:, 1]] == WATER
    return columns[np.argsort(wet, kind="stable")]


def _near_landmark(terrain: Terrain, rng: np.random.Generator) -> np.ndarray | None:
    """Some columns int [n, 2] 8 to 28 blocks from a random landmark; None if the terrain has none."""
    if not terrain.landmarks:
        return None
    _, x, _, z = terrain.landmarks[int(rng.integers(len(terrain.landmarks)))]
    angles, radii = rng.uniform(0, 2 * math.pi, NUM_PLACES), rng.uniform(8, 28, NUM_PLACES)
    places = np.stack([x + radii * np.cos(angles), z + radii * np.sin(angles)], axis=1)
    return np.floor(places).astype(np.int64) % np.array(terrain.height.shape)


def _face(terrain: Terrain, rng: np.random.Generator, feet: np.ndarray) -> np.ndarray:
    """The pose at `feet`, turned to one of the free views: far ones are likelier, walls are not chosen."""
    yaws = rng.uniform(-180, 180) + np.arange(NUM_VIEWS) * (360 / NUM_VIEWS)
    hit = np.zeros(HIT_SIZE, np.int64)
    eye = (feet[0], feet[1] + EYE_HEIGHT, feet[2])
    free = np.array(
        [
            min(
                trace(terrain.blocks, SOLID, BOX, eye, view_direction(yaw + aside, 2.0), VIEW_DISTANCE, hit)
                for aside in (-18.0, 0.0, 18.0)
            )
            for yaw in yaws
        ]
    )
    weights = np.maximum(free - 5.0, 1e-3)
    yaw = rng.choice(yaws, p=weights / weights.sum())
    pitch = float(np.clip(rng.normal(6.0, 5.0), 0.0, 15.0))
    return np.array([*feet, (yaw + 180.0) % 360.0 - 180.0, pitch])
