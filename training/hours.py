"""What the game looks like at several hours from the same eye. `train_relighter` learns from it.

A store is a folder: `frames.npy` uint8 [n, k, h, w, 3], n scenes at k hours; `near.npy` float16 [n, h, w]; `conditions.npy`
float32 [n, 5 + k]: how far down the eye looks and how far to the right of sunrise, in degrees, how much rain, snow and storm
there is, and the hours. Memory-mapped, and written aside until all is there. Scenes are a function of the seed alone.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from simworld.training.ahead import made_ahead
from simworld.training.array_store import Items, Layout, kept
from simworld.training.lane import BIOME_CHANCE, NUM_TRAINING_SEEDS, WEATHERS
from simworld.training.scouting import VOXEL_SCOUT
from simworld.training.stream import VOXEL_BIOMES, VOXEL_BOT, VOXEL_GAME, load

NAMES = ("frames", "near", "conditions")
VIEW, FALLS = slice(0, 2), slice(2, 5)
"""Of conditions; then come the hours."""
SPAWNS, EYES, STROLL = 8, 3, 30
"""So many spawns of each world, after up to so many steps of each so many scenes."""
LEVEL, TILT, STEEPEST = 8.0, 20.0, (-60.0, 80.0)
"""Degrees that eyes look down: their mean, how much they differ, and at most."""
CLOSE, CLOSELY = 0.12, 0.5
"""So often all hours lie within so much of a day, else anywhere."""
HANDLESS = 0.5
"""So often neither hand nor animals are seen."""
CLOCK = 100_000
"""Clouds are drawn by the number of steps."""


@dataclass(kw_only=True)
class HoursConfig:
    """`num_scenes`, each at `num_hours`, of pictures of `height` × `width`."""

    folder: str = "runs/hours"
    num_scenes: int = 16_000
    num_hours: int = 5
    height: int = 96
    width: int = 160
    num_workers: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Hours:
    """frames, near, conditions: as in the store."""

    frames: np.ndarray
    near: np.ndarray
    conditions: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)


def hours(config: HoursConfig) -> Hours:
    """The store of `config`, filled first where there is none. ValueError for a store of fewer scenes."""

    def begin() -> tuple[Layout, Items]:
        size = (config.height, config.width)
        layout: Layout = {
            "frames": ((config.num_hours, *size, 3), np.uint8),
            "near": (size, np.float16),
            "conditions": ((5 + config.num_hours,), np.float32),
        }
        return layout, made_ahead(partial(scenes_of, config), config.num_workers)

    return Hours(*kept(Path(config.folder), NAMES, config.num_scenes, "scenes", begin))


def scenes_of(config: HoursConfig, number: int) -> list[tuple[np.ndarray, ...]]:
    """The scenes of a world of this number."""
    rng = np.random.default_rng([config.seed, number])
    game, bot = load(VOXEL_GAME)(config.height, config.width), load(VOXEL_BOT)(int(rng.integers(2**31)))
    game.reset(int(rng.integers(NUM_TRAINING_SEEDS)))
    found = []
    for _ in range(SPAWNS):
        biome = str(rng.choice(load(VOXEL_BIOMES))) if rng.random() < BIOME_CHANCE else None
        weather = str(rng.choice(list(WEATHERS), p=list(WEATHERS.values())))
        game.set_conditions(biome=biome, weather=weather, respawn=True)
        game.num_steps = int(rng.integers(CLOCK))
        for _ in range(int(rng.integers(STROLL))):
            game.step(bot.act(game))
        body = game.body.copy()
        for _ in range(EYES):
            x, y, z, *_ = game.pose
            game.stand(x, y, z, float(rng.uniform(0, 360)), float(np.clip(rng.normal(LEVEL, TILT), *STEEPEST)))
            first = rng.random()
            close = rng.random() < CLOSELY
            others = first + rng.uniform(-CLOSE, CLOSE, config.num_hours - 1) if close else rng.random(config.num_hours - 1)
            at = np.array([first, *others]) % 1
            frames, depth = load(VOXEL_SCOUT + "at_hours")(game, at.tolist(), bool(rng.random() < HANDLESS))
            near = np.where(depth < 1e8, 1 / np.maximum(depth, 1e-3), 0).astype(np.float16)
            _, heading, *falls = load(VOXEL_SCOUT + "daylight")(game)
            found.append((frames, near, np.array([game.pose[4], heading, *falls, *at], np.float32)))
            game.body[:] = body
    return [found[index] for index in rng.permutation(len(found))]
