"""Heavens: where sun, moon and stars stand at any hour. They turn together; what hangs where is learned. Free functions."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from simworld.model.camera import beside, sample

ROWS, COLUMNS = 256, 512
"""Of a map of the heavens: all that turns with the sun, from one of its poles to the other, and all around them."""
TILT, ASIDE = 0.35, 0.15
"""The sun's way lies so much to the right of sunrise and zenith, and the more the higher it stands."""


def turned(directions: Float[Tensor, "n 3 h w"], hours: Float[Tensor, " n"]) -> Float[Tensor, "n 3 h w"]:
    """Directions (towards sunrise, to the right of that, up) at such hours, as shares of a day from sunrise on, among what
    turns with the sun: towards it, towards the pole to its right, and towards where it will stand in a quarter of a day."""
    angles = (2 * math.pi * hours)[:, None, None, None]
    cos, sin = angles.cos(), angles.sin()
    aside = TILT * sin.clamp(min=0) + ASIDE
    long = (1 + aside.square()).sqrt()
    ahead, right, up = directions.split(1, 1)
    below = ahead * cos + up * sin
    return torch.cat([(below + aside * right) / long, (right - aside * below) / long, up * cos - ahead * sin], 1)


def hung(
    heavens: Float[Tensor, "c rows columns"], directions: Float[Tensor, "n 3 h w"], hours: Float[Tensor, " n"]
) -> Float[Tensor, "n c h w"]:
    """What a map of the heavens tells of directions at such hours, both as `turned` takes them."""
    n, _, h, w = directions.shape
    sunward, pole, later = turned(directions, hours).unbind(1)
    # The map's edge lies half way between sun and moon; it goes on there.
    across = torch.atan2(sunward, later) * (heavens.shape[2] / (heavens.shape[2] + 2) / math.pi)
    along = pole.clamp(-1, 1).asin() * (2 / math.pi)
    wide = F.pad(heavens[None], (1, 1, 0, 0), mode="circular")
    return sample(wide, beside(across, along).view(1, n * h, w, 2))[0].unflatten(1, (n, h)).movedim(1, 0)
