"""Frames a second of the reference game on one core, rendered and stepped by the bot: python benchmarks/game_speed.py

Prints the rate in each of several worlds (evaluation seeds, spawned at random), and over all of them. Seconds are of
processor time, so that what else the machine does hardly matters.
"""

import time

from simworld.env.voxel.bot import Bot
from simworld.env.voxel.game import Game

NUM_WORLDS, NUM_FRAMES, WARM_UP = 12, 300, 20


def main() -> None:
    """Play and time every world, compilation left out."""
    game = Game(96, 160)
    seconds = 0.0
    for seed in range(1_000_000, 1_000_000 + NUM_WORLDS):
        game.reset(seed)
        bot = Bot(seed)
        for frame in range(WARM_UP + NUM_FRAMES):
            if frame == WARM_UP:
                started = time.process_time()
            game.step(bot.act(game))
            game.render()
        taken = time.process_time() - started
        seconds += taken
        print(f"world {seed}: {NUM_FRAMES / taken:.0f} frames/s in {game.biome}")
    print(f"all: {NUM_WORLDS * NUM_FRAMES / seconds:.0f} frames/s on one core at 96×160")


if __name__ == "__main__":
    main()
