"""Does a dream stay as quick and as small as it began, however long it is played? python benchmarks/long_play.py [--chunks N]

A wanderer plays the shipped world without a window, in chunks of two pictures: 600 to a minute, 36,000 to an hour.
After each minute of play: memory of the process, and the processor time of the minute's median chunk, which other
programs' work on the machine does not change. In the end: the last minutes over the second (in the first, everything is new).
"""

import argparse
import statistics
import time
from typing import Any

import gymnasium

from simworld.client.stats import rss_mb
from simworld.client.wander import Wanderer

MINUTE = 600
"""Chunks of two pictures, 20 pictures a second."""


def main() -> None:
    """Play, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="small", help="a shipped world's name or a folder (default: small)")
    parser.add_argument("--steps", type=int, default=4, choices=(1, 2, 4, 8), help="sampling steps (default: 4)")
    parser.add_argument("--chunks", type=int, default=10 * MINUTE, help="to play (default: those of ten minutes)")
    options = parser.parse_args()
    env: Any = gymnasium.make("simworld:simworld/World-v0", world=options.world, num_steps=options.steps).unwrapped
    observation, _ = env.reset(seed=1)
    player = Wanderer(1)
    medians, memory = [], []
    for minute in range(1, options.chunks // MINUTE + 1):
        taken = []
        for _ in range(MINUTE):
            action = player.sample(env.frame_skip, observation["pov"]).action
            started = time.process_time()
            observation, *_ = env.step(action)
            taken.append(1000 * (time.process_time() - started))
        medians.append(statistics.median(taken))
        memory.append(rss_mb())
        print(f"minute {minute}: {memory[-1]:.0f} MB, {medians[-1]:.1f} ms of processor time a chunk", flush=True)
    if len(medians) > 2:
        late, early = statistics.median(medians[-3:]), medians[1]
        print(f"time a chunk, late ÷ early: {late / early:.3f}; memory, late − early: {memory[-1] - memory[1]:+.0f} MB")


if __name__ == "__main__":
    main()
