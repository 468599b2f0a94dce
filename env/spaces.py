"""Gymnasium spaces of every SimWorld world, derived from the one action table. Equal to MineRL 1.0's."""

import numpy as np
from gymnasium import spaces

from simworld.actions import KEYS, MOST_DEGREES


def action_space() -> spaces.Dict:
    """MineRL 1.0's human actions: Discrete(2) keys and `camera` Box(-180, 180, (2,)) = [pitch, yaw] change in degrees."""
    keys: dict[str, spaces.Space] = {name: spaces.Discrete(2) for name in KEYS}
    return spaces.Dict({**keys, "camera": spaces.Box(-MOST_DEGREES, MOST_DEGREES, (2,), np.float32)})


def observation_space(height: int, width: int) -> spaces.Dict:
    """`pov`: uint8 (height, width, 3)."""
    return spaces.Dict({"pov": spaces.Box(0, 255, (height, width, 3), np.uint8)})
