"""One-minute plays of the bot in places of evaluation seeds, the truth beside the dream: python docs/make_minutes.py FOLDER

The game is scouted as the shipped places were (`make_starts.py`), in worlds that nothing was trained on; the dream begins there
and the bot plays it. Every few seconds the dream is kept, and below it what the game shows from where its eye is; nothing where
the dream has been led elsewhere. One contact sheet a play.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make_starts import settle
from PIL import Image

from simworld.client.wander import Wanderer
from simworld.env.panoramas import panorama
from simworld.env.voxel.game import Game
from simworld.env.voxel.scout import bare, daylight, look_from, scout
from simworld.env.world_env import WorldEnv
from simworld.training.pictures import grid
from simworld.training.probes import load_probes
from simworld.training.scouting import RADIUS, SPOTS
from simworld.training.truth import FIRST_SEED

PLAYS = (
    ("plains", 0.2, "clear"),
    ("taiga", 0.3, "snow"),
    ("desert", 0.45, "clear"),
    ("forest", 0.25, "clear"),
    ("snow", 0.2, "clear"),
)
"""Biome, time of day (0.25 noon, 0.5 sunset) and weather of each play."""
SECONDS, TILES = 60, 24
COLUMNS = 6


def play(job: tuple[int, str, float, str]) -> np.ndarray:
    """The contact sheet of a play in the world of a seed."""
    torch.set_num_threads(1)
    seed, biome, time_of_day, weather = job
    game = Game()
    settle(game, load_probes().scenes, seed, biome=biome, time_of_day=time_of_day, weather=weather)
    options: dict[str, Any] = {"frames": bare(game)[None], "around": panorama(game), "pitch": float(game.pose[4])}
    options["daylight"] = daylight(game)
    env = WorldEnv(day=0)
    frame = env.reset(seed=seed, options={**options, "seen": vars(scout(game, SPOTS, RADIUS))})[0]["pov"]
    bot, tiles, led = Wanderer(seed), [], 0
    places = env.save_state()["context"].albums[0].given.places
    num_steps = SECONDS * 20 // env.frame_skip
    for step in range(1, num_steps + 1):
        observation, *_, info = env.step(bot.sample(env.frame_skip, frame).action)
        frame, led = observation["pov"], led + info["led"]
        game.num_steps += env.frame_skip  # its clouds drift on, but nothing else goes on
        if step % (num_steps // TILES) == 0:
            context, truth = env.save_state()["context"], np.full_like(frame, 255)
            given = context.albums[0].given
            if given is not None and given.places is places:
                truth = look_from(game, context.around.place[0].numpy(), context.around.view[0].numpy())[0]
            tiles.append((frame, truth))
    print(f"{seed}, {biome}: {led} of {num_steps} chunks led on", flush=True)
    rows = [tiles[first : first + COLUMNS] for first in range(0, TILES, COLUMNS)]
    return grid(np.stack([np.stack(part) for row in rows for part in zip(*row, strict=True)]))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(FIRST_SEED + number, *how) for number, how in enumerate(PLAYS)]
    with ProcessPoolExecutor(2) as workers:
        for (seed, biome, *_), sheet in zip(jobs, workers.map(play, jobs), strict=True):
            Image.fromarray(sheet).save(folder / f"minute-{seed}-{biome}.png")
