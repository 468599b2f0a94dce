"""Makes `docs/hands.png`: what hands do in places of the shipped world.

    python docs/make_hands.py docs/hands.png
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from simworld.actions import noop
from simworld.env.world_env import WorldEnv
from simworld.training.pictures import grid

PLAYS = ("open plains at noon", "a desert at noon", "a savanna at noon")
SEED, SCALE = 5, 2
SCRIPT: tuple[tuple[dict[str, Any], int, bool], ...] = (
    ({}, 1, True),
    ({"camera": (8.0, 0.0)}, 3, False),
    ({"attack": 1}, 3, True),  # it cracks
    ({"attack": 1}, 3, False),
    ({}, 2, True),  # and is gone
    ({"camera": (0.0, 8.0)}, 2, False),
    ({"hotbar.8": 1}, 1, False),
    ({"use": 1}, 1, False),
    ({}, 3, True),  # bricks
    ({"camera": (0.0, 10.0)}, 3, True),  # a look aside
    ({"camera": (0.0, -10.0)}, 3, True),  # and back
)
"""What is done, for how many chunks, and whether what is then seen is shown."""


def play(prompt: str) -> np.ndarray:
    """What is shown of a play in the place most like the prompt: uint8 [n, h, w, 3]."""
    env, seen = WorldEnv(), []
    env.reset(seed=SEED, options=env.start_options(prompt, SEED))
    for action, times, shown in SCRIPT:
        for _ in range(times):
            frame = env.step({**noop(), **action, "camera": np.array(action.get("camera", (0, 0)), np.float32)})[0]["pov"]
        if shown:
            seen.append(frame)
    return np.stack(seen)


def main() -> None:
    with torch.inference_mode():
        picture = Image.fromarray(grid(np.stack([play(prompt) for prompt in PLAYS])))
    size = picture.width * SCALE, picture.height * SCALE
    picture.resize(size, Image.Resampling.NEAREST).save(Path(sys.argv[1]), optimize=True)


if __name__ == "__main__":
    main()
