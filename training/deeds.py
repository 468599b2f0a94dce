"""What hands would do: pictures of the game before and after a block is broken or placed, tried out by the game itself.
`train_hands` learns from it.

A store is a folder: `pictures.npy` uint8 [n, 6, h, w, 3] and `facts.npy` float32 [n, 13], as in `Deeds`; memory-mapped, and
written aside until all is there. Trials are a function of the seed alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simworld.training.array_store import store, stored
from simworld.training.lane import BIOME_CHANCE, MAX_WARM_UP, NUM_TRAINING_SEEDS, WEATHERS
from simworld.training.stream import VOXEL_BIOMES, VOXEL_BOT, VOXEL_GAME, load

VOXEL_TRIALS, VOXEL_HOTBAR = "simworld.env.voxel.trials:trials", "simworld.env.voxel.blocks:HOTBAR"
SPAWNS = 20
"""Places visited in one world."""
PICTURES = ("before", "stale", "shown", "broken", "placed", "bare")
FACTS = {"progress": 1, "swing": 1, "hotbar": 1, "toughness": 1, "can_place": 1, "turn": 1, "pitch": 1, "aimed": 3, "place": 3}
"""Fields of `env.voxel.trials.Trial`, which says what they mean, and of how many numbers each is."""


@dataclass(kw_only=True)
class DeedsConfig:
    """`num_trials` in worlds drawn by `seed`, kept in `folder`."""

    folder: str = "runs/deeds"
    num_trials: int = 20_000
    height: int = 96
    width: int = 160
    seed: int = 0


@dataclass(frozen=True)
class Deeds:
    """pictures: uint8 [n, 6, h, w, 3], in the order of `PICTURES`. facts: float32 [n, 13], in that of `FACTS`."""

    pictures: np.ndarray
    facts: np.ndarray

    def __len__(self) -> int:
        return len(self.facts)

    def fact(self, name: str, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """A fact of some trials, float32 [n] or [n, 3]."""
        first = sum(size for other, size in list(FACTS.items())[: list(FACTS).index(name)])
        found = self.facts[chosen, first : first + FACTS[name]]
        return found[:, 0] if FACTS[name] == 1 else found


def deeds(config: DeedsConfig) -> Deeds:
    """The store of `config`, tried out first where there is none. ValueError for a store of another size."""
    folder, size = Path(config.folder), (config.height, config.width)
    arrays = stored(folder, ("pictures", "facts"))
    if arrays is None:
        layout = {"pictures": ((len(PICTURES), *size, 3), np.uint8), "facts": ((sum(FACTS.values()),), np.float32)}
        store(folder, layout, _tried(config), config.num_trials)
        arrays = stored(folder, ("pictures", "facts"))
        assert arrays is not None, "they have just been written"
    pictures, facts = arrays
    if pictures.shape[2:4] != size or len(facts) < config.num_trials:
        raise ValueError(
            f"{folder} holds {len(facts)} trials of {pictures.shape[2]}×{pictures.shape[3]} pixels, not "
            f"{config.num_trials} of {config.height}×{config.width}; use another folder"
        )
    return Deeds(pictures[: config.num_trials], facts[: config.num_trials])


def _tried(config: DeedsConfig) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Trials without end: pictures and facts."""
    game, make_bot, biomes = load(VOXEL_GAME)(config.height, config.width), load(VOXEL_BOT), load(VOXEL_BIOMES)
    rng = np.random.default_rng([config.seed])
    while True:
        game.reset(int(rng.integers(NUM_TRAINING_SEEDS)))
        for _ in range(SPAWNS):
            weather = str(rng.choice(list(WEATHERS), p=list(WEATHERS.values())))
            biome = str(rng.choice(biomes)) if rng.random() < BIOME_CHANCE else None
            game.set_conditions(biome=biome, time_of_day=float(rng.random()), weather=weather, respawn=True)
            game.held = int(rng.choice(load(VOXEL_HOTBAR)))
            bot = make_bot(int(rng.integers(2**31)))
            for _ in range(int(rng.integers(MAX_WARM_UP))):
                game.step(bot.act(game))
            for trial in load(VOXEL_TRIALS)(game, bot, rng):
                yield (
                    np.stack([getattr(trial, name) for name in PICTURES]),
                    np.concatenate([np.ravel(getattr(trial, name)) for name in FACTS]).astype(np.float32),
                )
