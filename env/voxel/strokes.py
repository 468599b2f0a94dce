"""Strokes: what the player's hand looks like with each block of the hotbar in it, at rest and while it strikes.

Knows how the game draws a hand, and no game. The dream's hands (`training/train_hands.py`) take their looks from here.
"""

import math

import numpy as np

from simworld.env.voxel.blocks import BOX, HOTBAR
from simworld.env.voxel.figures import draw_hand
from simworld.env.voxel.interact import SWING_STEPS
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.env.voxel.textures import atlas


def strokes(height: int, width: int) -> np.ndarray:
    """Red, green, blue and opacity in [0, 1] of pictures that show nothing but the hand, in full light: float32 [blocks of
    the hotbar, steps of a stroke, height, width, 4]. The first step is the hand at rest, with which a stroke ends."""
    looks = np.zeros((len(HOTBAR), SWING_STEPS, height, width, 4), np.float32)
    for number, block in enumerate(HOTBAR):
        for step in range(SWING_STEPS):
            dark, bright = (_hand(block, step / SWING_STEPS, height, width, behind) for behind in (0, 1))
            opacity = 1 - (bright - dark)
            looks[number, step, ..., :3] = np.where(opacity > 0, dark / np.maximum(opacity, 1e-6), 0)
            looks[number, step, ..., 3:] = opacity[..., :1]
    return looks


def boxes() -> list[list[float]]:
    """Half the width and the height of each block of the hotbar as it is drawn where it is placed, in blocks."""
    return BOX[list(HOTBAR)].tolist()


def _hand(block: int, swing: float, height: int, width: int, behind: float) -> np.ndarray:
    picture = np.full((height, width, 3), behind, np.float32)
    texels, means, faces, _ = atlas()
    full, tan_y = np.float32(1), math.tan(math.radians(FIELD_OF_VIEW) / 2)
    draw_hand(picture, texels, means, faces, block, swing, tan_y, full, full, full)
    return picture
