"""How cheap it is to branch a dream, as tree search does: python benchmarks/fork_speed.py [--world small]

Seconds of processor time for 1,000 forks of a context with a full memory, for 1,000 saved states of its env, for going back to
as many, and for what a fork costs once, when it first steps: its own copy of the memory.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import gymnasium

from simworld.actions import noop

NUM = 1000


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of doing it `NUM` times."""
    started = time.process_time()
    done = [work() for _ in range(NUM)]
    taken = time.process_time() - started
    assert len(done) == NUM, "all of them are kept, as a tree keeps its nodes"
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="small")
    env: Any = gymnasium.make("simworld:simworld/World-v0", world=parser.parse_args().world, num_steps=1).unwrapped
    env.reset(seed=1)
    for _ in range(env.world.config.denoiser.window):
        env.step(noop())
    state = env.save_state()
    context = state["context"]
    forks = [context.fork() for _ in range(NUM)]
    print(f"{NUM} forks: {seconds(context.fork):.3f} s")
    print(f"{NUM} saved states: {seconds(env.save_state):.3f} s")
    print(f"going back to as many: {seconds(lambda: env.load_state(state)):.3f} s")
    unwritten = iter(forks)
    written = seconds(lambda: next(unwritten).memory.own())
    size = context.memory.entries.nbytes / 2**20
    print(f"{NUM} forks, each with a memory of its own ({size:.1f} MB): {written:.3f} s more")


if __name__ == "__main__":
    main()
