"""Does a dream stay as quick and as small as it began, however long it is played? python benchmarks/long_play.py [--chunks N]

A wanderer plays the shipped world without a window, in chunks of two pictures: 600 to a minute, 36,000 to an hour; as in a
window another process finishes them. After each minute of play: memory of both processes, the time of the minute's median
chunk, and its processor time in the dream's process, which other programs' work on the machine hardly changes. In the end:
the last minutes over the second (in the first, everything is new).
"""

import argparse
import statistics
import time
from typing import Any

import gymnasium

from simworld.actions import noop
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
    env.finish_aside()
    observation, _ = env.reset(seed=1)
    player = Wanderer(1)
    env.step_async(noop())
    times: list[tuple[float, float]] = []
    memory = []
    for minute in range(1, options.chunks // MINUTE + 1):
        taken = []
        for _ in range(MINUTE):
            action = player.sample(env.frame_skip, observation["pov"]).action
            started = time.perf_counter(), time.process_time()
            env.step_async(action)
            env.finish_step()
            taken.append((1000 * (time.perf_counter() - started[0]), 1000 * (time.process_time() - started[1])))
            observation, *_ = env.step_wait()
        times.append(_medians(taken))
        memory.append(rss_mb())
        told = "minute {}: {:.0f} MB, {:.1f} ms a chunk, {:.1f} of processor time"
        print(told.format(minute, memory[-1], *times[-1]), flush=True)
    env.step_wait()
    env.close()
    if len(times) > 2:
        ratios = [late / early for late, early in zip(_medians(times[-3:]), times[1], strict=True)]
        print("late ÷ early: time a chunk {:.3f}, processor time {:.3f}".format(*ratios))
        print(f"memory, late − early: {memory[-1] - memory[1]:+.0f} MB")


def _medians(taken: list[tuple[float, float]]) -> tuple[float, float]:
    first, second = (statistics.median(part) for part in zip(*taken, strict=True))
    return first, second


if __name__ == "__main__":
    main()
