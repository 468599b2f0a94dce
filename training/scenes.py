"""Labelled pictures of the game: what it shows, and what the game itself says of place, time and weather.

A store is a folder: `frames.npy` uint8 [n, 48, 80, 3] and `facts.json`, written last. Scene n is a function of the seed and
its world alone. Games are known by name only, as in `stream`; no network is known.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from simworld.training.lane import NUM_TRAINING_SEEDS, WEATHERS
from simworld.training.reader_trunk import small
from simworld.training.stream import VOXEL_BIOMES, VOXEL_BOT, VOXEL_GAME, load

VOXEL_FACTS = "simworld.env.voxel.captions:see"
GAME_SIZE = (96, 160)
SPAWNS, FRAMES, APART, MOST_WARM_UP = 40, 3, 12, 30
"""Places visited in one world; pictures taken in each, so many steps apart, after so many steps at most."""
HOURS = {
    "sunrise": "low sun",
    "morning": "day",
    "noon": "day",
    "afternoon": "day",
    "sunset": "low sun",
    "night": "night",
    "midnight": "night",
}
"""The game's names of hours by what can be told apart in a picture that does not show the sun."""
LEAST_SHARE = 0.01
"""A class that is rarer among the scenes is not told apart: its scenes are left out."""
SNOWY_FOREST = "snowy forest"
"""What the captions call, among others, a taiga in the snow."""
KINDS = ("place", "time", "weather")


@dataclass(kw_only=True)
class ScenesConfig:
    """`num_scenes` of worlds drawn by `seed`, kept in `folder`."""

    folder: str = "runs/small/scenes"
    num_scenes: int = 24_000
    seed: int = 0


@dataclass(frozen=True)
class Scenes:
    """frames: uint8 [n, 48, 80, 3]. facts: for each the names of its place, time and weather."""

    frames: np.ndarray
    facts: list[tuple[str, str, str]]

    def classes(self) -> dict[str, list[str]]:
        """For each kind of fact the names that are frequent enough, most frequent first."""
        found = {}
        for number, kind in enumerate(KINDS):
            counts = Counter(fact[number] for fact in self.facts)
            found[kind] = [name for name, count in counts.most_common() if count >= LEAST_SHARE * len(self.facts)]
        return found

    def labels(self, classes: dict[str, list[str]]) -> np.ndarray:
        """int64 [n, kinds], -1 where a name is none of the classes."""
        places = [{name: number for number, name in enumerate(classes[kind])} for kind in KINDS]
        return np.array([[known.get(name, -1) for known, name in zip(places, fact, strict=True)] for fact in self.facts])


def scenes(config: ScenesConfig) -> Scenes:
    """The store of `config`, made first where it is missing or too small."""
    folder = Path(config.folder)
    index = folder / "facts.json"
    facts = json.loads(index.read_text()) if index.exists() else []
    if len(facts) < config.num_scenes:
        folder.mkdir(parents=True, exist_ok=True)
        worlds = np.random.default_rng([config.seed]).integers(NUM_TRAINING_SEEDS, size=config.num_scenes).tolist()
        made = tqdm(seen(iter(worlds), config.num_scenes), total=config.num_scenes, desc="scenes", mininterval=5)
        frames, facts = zip(*made, strict=True)
        np.save(folder / "frames.npy", np.stack(frames))
        aside = index.with_suffix(".tmp")
        aside.write_text(json.dumps(facts))
        os.replace(aside, index)
    frames = np.load(folder / "frames.npy", mmap_mode="r")
    return Scenes(frames[: config.num_scenes], [tuple(fact) for fact in facts[: config.num_scenes]])


def seen(worlds: Iterator[int], num_scenes: int) -> Iterator[tuple[np.ndarray, tuple[str, str, str]]]:
    """`num_scenes` pictures of the worlds of these seeds, uint8 [48, 80, 3], with their facts: places drawn evenly, hours
    and weathers as training draws them, under the bot's play."""
    game, make_bot, biomes, facts_of = load(VOXEL_GAME)(*GAME_SIZE), load(VOXEL_BOT), load(VOXEL_BIOMES), load(VOXEL_FACTS)
    num_seen = 0
    for world in worlds:
        rng = np.random.default_rng([world])
        game.reset(world)
        for _ in range(SPAWNS):
            weather = str(rng.choice(list(WEATHERS), p=list(WEATHERS.values())))
            biome = str(rng.choice(biomes))
            game.set_conditions(biome=biome, time_of_day=float(rng.random()), weather=weather, respawn=True)
            bot = make_bot(int(rng.integers(2**31)))
            for step in range(int(rng.integers(MOST_WARM_UP)) + (FRAMES - 1) * APART, -1, -1):
                if step % APART == 0 and step < FRAMES * APART:
                    facts = facts_of(game)
                    picture = small(torch.from_numpy(game.render())).numpy()
                    yield picture, (facts.place, HOURS[facts.time], facts.weather)
                    num_seen += 1
                    if num_seen == num_scenes:
                        return
                game.step(bot.act(game))


def conditions(kind: str, name: str) -> dict[str, Any]:
    """What the game's `reset` takes to show a place, hour or weather that a reader calls `name`."""
    if kind == "time":
        return {"time_of_day": {"day": 0.2, "low sun": 0.5, "night": 0.7}[name]}
    if name == SNOWY_FOREST:
        return {"biome": "taiga", "weather": "snow"}
    return {"biome" if kind == "place" else "weather": name}
