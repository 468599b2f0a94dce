"""Pictures of the game with what they show, from which the scene reader learns.

A store is a folder: `frames.npy` uint8 [n, 96, 160, 3], and for each kind of fact its shares, float16 [n, classes]
(`showing.View`). Scene n is a function of the seed and its world alone. Games are known by name only, as in `stream`; no
network is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simworld.training.array_store import store, stored
from simworld.training.lane import NUM_TRAINING_SEEDS, WEATHERS
from simworld.training.reader_trunk import FINE
from simworld.training.showing import KINDS, View, classes, view
from simworld.training.stream import VOXEL_BIOMES, VOXEL_BOT, VOXEL_GAME, load

SPAWNS, FRAMES, APART, MOST_WARM_UP = 40, 3, 12, 30
"""Places visited in one world; pictures taken in each, so many steps apart, after so many steps at most."""


@dataclass(kw_only=True)
class ScenesConfig:
    """`num_scenes` of worlds drawn by `seed`, kept in `folder`."""

    folder: str = "runs/small/scenes"
    num_scenes: int = 48_000
    seed: int = 0


@dataclass(frozen=True)
class Scenes:
    """frames: uint8 [n, 96, 160, 3]. shares: for each kind of fact float16 [n, classes], as in `showing.View`."""

    frames: np.ndarray
    shares: dict[str, np.ndarray]


def scenes(config: ScenesConfig) -> Scenes:
    """The store of `config`, made first where it is missing or too small."""
    folder, names = Path(config.folder), ("frames", *KINDS)
    arrays = stored(folder, names)
    if arrays is None or len(arrays[0]) < config.num_scenes:
        worlds = np.random.default_rng([config.seed]).integers(NUM_TRAINING_SEEDS, size=config.num_scenes).tolist()
        made = ((one.frame, *(one.shares[kind] for kind in KINDS)) for one in seen(iter(worlds)))
        layout = {kind: ((len(found),), np.float16) for kind, found in classes().items()}
        store(folder, {"frames": ((*FINE, 3), np.uint8), **layout}, made, config.num_scenes)
        arrays = stored(folder, names)
    assert arrays is not None
    frames, *shares = (array[: config.num_scenes] for array in arrays)
    return Scenes(frames, dict(zip(KINDS, shares, strict=True)))


def seen(worlds: Iterator[int]) -> Iterator[View]:
    """Views of the worlds of these seeds that tell of something: places, hours and weathers drawn evenly, under the bot's
    play."""
    game, make_bot, biomes = load(VOXEL_GAME)(*FINE), load(VOXEL_BOT), load(VOXEL_BIOMES)
    for world in worlds:
        rng = np.random.default_rng([world])
        game.reset(world)
        for _ in range(SPAWNS):
            biome, weather = str(rng.choice(biomes)), str(rng.choice(list(WEATHERS)))
            game.set_conditions(biome=biome, time_of_day=float(rng.random()), weather=weather, respawn=True)
            bot = make_bot(int(rng.integers(2**31)))
            for step in range(int(rng.integers(MOST_WARM_UP)) + (FRAMES - 1) * APART, -1, -1):
                if step % APART == 0 and step < FRAMES * APART:
                    shown = view(game)
                    if shown.tells:
                        yield shown
                game.step(bot.act(game))
