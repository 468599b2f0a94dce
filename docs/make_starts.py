"""The pictures that play starts from, rendered by the game on evaluation seeds: python docs/make_starts.py WORLD_FOLDER

Every biome by day, at dusk, by night and in bad weather, each with several captions, of which the nearest to a prompt is found.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from simworld.env.start_pictures import detail
from simworld.env.voxel.game import Game
from simworld.env.voxel.terrain import BIOMES
from simworld.model.checkpoint import write_tensors
from simworld.training.truth import FIRST_SEED

SCENES = ((0.2, False), (0.45, False), (0.58, False), (0.3, True))
"""Time of day (0.25 noon, 0.5 sunset), and whether rain or, where it is cold, snow is falling."""
NUM_PLACES = 3
"""Places of each biome and scene."""
NUM_CAPTIONS = 8
OPEN = 0.06
"""The least detail of a picture that is worth starting from."""


def make_starts(folder: Path, height: int = 96, width: int = 160) -> None:
    """Write `starts.safetensors` into `folder`."""
    game = Game(height, width)
    frames, captions = [], []
    for number, biome in enumerate(BIOMES):
        for place, (time_of_day, falling) in enumerate(SCENES * NUM_PLACES):
            seed = FIRST_SEED + 100 * number + place
            weather = "clear" if not falling else "snow" if "snow" in biome else "rain"
            game.reset(seed)
            game.set_conditions(biome=biome, time_of_day=time_of_day, weather=weather)
            while detail(game.render()) < OPEN:  # nose to a wall
                game.set_conditions(biome=biome, time_of_day=time_of_day, weather=weather, respawn=True)
            frames.append(torch.from_numpy(game.render().copy()))
            told = {game.caption(np.random.default_rng([seed, draw])) for draw in range(NUM_CAPTIONS)}
            captions.append(" / ".join(sorted(told)))
    write_tensors(folder / "starts.safetensors", {"frames": torch.stack(frames)}, {"kind": "starts", "captions": captions})


if __name__ == "__main__":
    make_starts(Path(sys.argv[1]))
