"""Places of the shipped world at several hours, as a player gets them who types these: python docs/make_hours.py hours.png"""

import sys

import gymnasium
import numpy as np
from PIL import Image

from simworld.actions import noop

STARTS = ("a desert at noon", "a forest at noon", "mountains at dusk", "the ocean at dusk")
HOURS = ("sunset", "night", "sunrise", "noon")
CHUNKS, TURN = 24, 0.5
"""Until the next hour is asked for; degrees by which the player turns meanwhile in each frame."""


def make_hours(path: str, world: str = "small") -> None:
    """Write a picture: a start a row, at first and after each hour."""
    env = gymnasium.make("simworld:simworld/World-v0", world=world, renew=False)
    rows = []
    for start in STARTS:
        observation, _ = env.reset(seed=1, options={"prompt": start})
        row = [observation["pov"]]
        for hour in HOURS:
            env.unwrapped.set_prompt(hour)  # type: ignore[attr-defined]
            for _ in range(CHUNKS):
                observation, *_ = env.step({**noop(), "camera": np.array([0, TURN], np.float32)})
            row.append(observation["pov"])
        rows.append(np.concatenate(row, 1))
    Image.fromarray(np.concatenate(rows)).save(path, optimize=True)


if __name__ == "__main__":
    make_hours(sys.argv[1])
