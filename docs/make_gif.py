"""The README's moving picture, six seconds in the shipped world: python docs/make_gif.py docs/play.gif

Walks on, looks to the right, back and there again, digs, takes bricks in hand and places one.
"""

import sys
from collections.abc import Iterator

import numpy as np
from PIL import Image

from simworld.actions import Action, noop
from simworld.env.world_env import WorldEnv

PROMPT, SEED = "a savanna at noon", 0
SIZE = (480, 288)
DEGREES = 4.0


def actions() -> Iterator[Action]:
    """One for each step of two pictures."""
    for _ in range(10):
        yield {**noop(), "forward": 1}
    for pitch, yaw, steps in ((0, DEGREES, 8), (0, -DEGREES, 8), (0, DEGREES, 8), (DEGREES, 0, 5)):
        for _ in range(steps):
            yield {**noop(), "camera": np.array([pitch, yaw], np.float32)}
    for _ in range(8):
        yield {**noop(), "attack": 1}
    for _ in range(4):
        yield {**noop(), "camera": np.array([0, DEGREES], np.float32)}
    yield {**noop(), "hotbar.8": 1}
    yield {**noop(), "use": 1}
    for _ in range(6):
        yield noop()


def make_gif(path: str) -> None:
    """Every second picture, at 10 pictures a second, with one palette for all."""
    env = WorldEnv()
    observation, _ = env.reset(seed=SEED, options=env.start_options(PROMPT, SEED))
    shown = [observation["pov"]] + [env.step(action)[0]["pov"] for action in actions()]
    frames = [Image.fromarray(frame).resize(SIZE, Image.Resampling.LANCZOS) for frame in shown]
    strip = Image.new("RGB", (SIZE[0], SIZE[1] * 5))
    for place in range(5):
        strip.paste(frames[place * (len(frames) - 1) // 4], (0, place * SIZE[1]))
    palette = strip.quantize(128)
    pictures = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=1000 // 10, loop=0, optimize=True)


if __name__ == "__main__":
    make_gif(sys.argv[1])
