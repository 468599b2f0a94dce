"""Relighter: what a picture looks like at another hour. A small network tells, for any two hours, what becomes of each pixel.

Three layers whose weights the hours tell (a hypernetwork, arXiv 1609.09106) read a pixel's colour, how near it is, in which
direction it lies, what hangs in the heavens there at either hour, and what a coarse view of the picture says of the light
there. Knows no dream, losses or files.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.heavens import COLUMNS, ROWS, hung
from simworld.model.restorer import LEAST_NEAR

WEATHERS = 3
"""How much rain, snow and storm there is."""
HUNG = 2
"""Numbers that tell what hangs somewhere in the heavens."""
PIXEL = 8 + 2 * HUNG
"""What is known of a pixel: its colour, the logarithm of its nearness, whether that is known, its direction, and where it shows
sky what hung and what hangs there."""
TOLD = 8
"""What is told of a pixel in the end: what becomes of each of its colours, by a share and by how much more; and how much clouds
let through of what hung, and of what hangs there."""
HARMONICS = 2
"""The hour is told by its sines and cosines, of a day and of parts of it."""
SOON = 0.01
"""Of a day: what is relit by less is relit so much less, so that nothing is lost where no time has passed."""


@dataclass(kw_only=True)
class RelighterConfig:
    """`day`: frames of a whole day. `hidden`: numbers in each of a pixel's layers. `coarse`: pixels to a side of what the
    coarse view sees as one; `width`: its channels, `blocks` its layers, `hints` the numbers that it tells each pixel. `told`:
    numbers in the layers that make the weights."""

    day: int = 12_000
    hidden: int = 32
    coarse: int = 8
    width: int = 48
    blocks: int = 3
    hints: int = 8
    told: int = 96


class Relighter(nn.Module):
    """Pictures, with what is known of their pixels, and two hours → the pictures at the other hour."""

    def __init__(self, config: RelighterConfig) -> None:
        super().__init__()
        self.config = config
        size, told = config.hidden, config.told
        self.tell = nn.Sequential(nn.Linear(4 * HARMONICS + WEATHERS, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU())
        self.heavens = nn.Parameter(torch.zeros(HUNG, ROWS, COLUMNS))
        self.enter = nn.Conv2d(PIXEL, config.width, 3, padding=1)
        self.light = nn.Linear(told, config.width)
        self.blocks = nn.ModuleList(nn.Conv2d(config.width, config.width, 3, padding=1) for _ in range(config.blocks))
        self.hint = nn.Conv2d(config.width, config.hints, 1)
        self.shine = nn.Linear(told, 2 * HUNG * 3)
        sizes = [(PIXEL + config.hints, size), (size, size), (size, TOLD)]
        self.layers = nn.ModuleList(nn.Linear(told, (inputs + 1) * outputs) for inputs, outputs in sizes)
        for layer, (inputs, outputs) in zip(self.layers, sizes, strict=True):
            assert isinstance(layer, nn.Linear)
            reach = 0.0 if outputs == TOLD else 1.5 / math.sqrt(inputs)
            nn.init.normal_(layer.weight, std=0.3 / math.sqrt(told) if reach else 0.0)
            nn.init.uniform_(layer.bias, -reach, reach)

    def forward(
        self,
        pictures: Float[Tensor, "n 3 h w"],
        near: Float[Tensor, "n 1 h w"],
        directions: Float[Tensor, "n 3 h w"],
        hours: Float[Tensor, "n 2"],
        weather: Float[Tensor, "n 3"],
    ) -> Float[Tensor, "n 3 h w"]:
        """pictures: in [-1, 1]. near: 1 / blocks, 0 for the sky, below 0 where it is not known. directions: of length 1,
        towards sunrise, to the right of that, and up. hours: at which they were taken, and at which they are to be seen,
        as shares of a day from sunrise on. weather: how much rain, snow and storm there is, from 0 to 1."""
        dtype, (h, w) = self.hint.weight.dtype, pictures.shape[-2:]
        known = (near >= 0).float()
        far = known * torch.log(near.clamp(min=0) + LEAST_NEAR) / 2
        stars = self.hanging(near, directions, hours)
        pixels = torch.cat([pictures.float(), far, known, directions, *stars], 1)
        told = self.tell(torch.cat([_told(hours), weather], 1).to(dtype))
        coarse = self.config.coarse
        padded = pixels
        if h % coarse or w % coarse:
            padded = F.pad(pixels, (0, -w % coarse, 0, -h % coarse), mode="replicate")
        view = self.enter(F.avg_pool2d(padded, coarse).to(dtype)) + self.light(told)[:, :, None, None]
        for block in self.blocks:
            view = view + block(F.silu(view))
        hints = F.interpolate(self.hint(F.silu(view)).float(), padded.shape[-2:], mode="bilinear", align_corners=False)
        x = torch.cat([pixels, hints[..., :h, :w], torch.ones_like(far)], 1).flatten(2).to(dtype)
        # Each layer but the last hands on the one that biases are multiplied with: adding them would take as long again.
        for number, layer in enumerate(self.layers):
            weights = layer(told).unflatten(1, (-1, x.shape[1]))
            if number < len(self.layers) - 1:
                one = F.pad(weights.new_ones(len(weights), 1, 1), (x.shape[1] - 1, 0))
                weights = torch.cat([weights, one], 1)
            x = torch.bmm(weights, F.relu(x) if number else x)
        share, more, through = x.float().unflatten(2, (h, w)).split([3, 3, 2], 1)
        shine = self.shine(told).float().view(-1, 2, 3, HUNG)
        for number, part in enumerate(stars):
            more = more + through[:, number, None].sigmoid() * torch.einsum("nch,nhyx->ncyx", shine[:, number], part)
        passed = (between(*hours.unbind(1)).abs() / SOON).clamp(max=1)[:, None, None, None]
        return (pictures + passed * (pictures * share + more)).clamp(-1, 1)

    def hanging(
        self, near: Float[Tensor, "n 1 h w"], directions: Float[Tensor, "n 3 h w"], hours: Float[Tensor, "n 2"]
    ) -> list[Float[Tensor, "n hung h w"]]:
        """What hangs in the heavens at the one and at the other hour, where pictures show the sky; all as `forward` has it."""
        return [hung(self.heavens.float(), directions, hour) * (near == 0) for hour in hours.unbind(1)]


def between(hour: Float[Tensor, "*n"], other: Float[Tensor, "*m"] | float) -> Float[Tensor, "*k"]:
    """How much of a day lies from hours to others, on the shortest way; below 0 backwards."""
    return (other - hour + 0.5).remainder(1) - 0.5


def _told(hours: Float[Tensor, "n 2"]) -> Float[Tensor, "n m"]:
    angles = 2 * math.pi * hours[..., None] * torch.arange(1, HARMONICS + 1, device=hours.device)
    return torch.cat([angles.cos(), angles.sin()], -1).flatten(1)
