"""Sundial: at which hour pictures were taken, in which direction sunrise lies, and in what weather. A small network reads each
off its colours and off which faces are the bright ones. That is how high the sun stands, and on which side; whether it rises or
sinks no picture tells, but whether it grows brighter from one to the next. Put together in closed form.

Knows no dream, losses or files.
"""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.camera import sample, turn_grid
from simworld.model.folding import fold
from simworld.model.packed import PackedConv
from simworld.model.relighter import WEATHERS, between
from simworld.model.unet import Down, ResidualBlock

CELLS = (3, 5)
"""What a picture shows is told of so many parts of it, one below and beside another."""
ABOUT = 2
"""Cells of the dial to each side of the likeliest one whose mean is taken."""
ALIKE = 0.1
"""Colours in [-1, 1] that differ by more are not of the same thing."""
BRIGHTER, SURE = 8e-4, 4.0
"""What grows so much brighter, in [-1, 1], is e times as likely to be seen in a rising sun; and at most e to the power of so
much."""


@dataclass(kw_only=True)
class SundialConfig:
    """The trunk works on `patch` × `patch` pixels folded into channels; `widths` are its channels, halving by halving, with so
    many `blocks` at each. `told`: numbers that each of a picture's parts is told in; `hidden`: of the layer after them. The
    dial: so many `hours` of a day, and so many `headings` of a full turn."""

    patch: int = 4
    widths: list[int] = field(default_factory=lambda: [32, 64, 128])
    blocks: int = 1
    told: int = 32
    hidden: int = 192
    hours: int = 32
    headings: int = 16


class Sundial(nn.Module):
    """Pictures → how likely they were taken at each hour by an eye of each heading; and how much rain, snow and storm there
    is."""

    def __init__(self, config: SundialConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = PackedConv(3 * config.patch**2, config.widths[0], 3, padding=1)
        layers: list[nn.Module] = []
        for width, wider in zip(config.widths, [*config.widths[1:], 0], strict=True):
            layers += [ResidualBlock(width) for _ in range(config.blocks)]
            layers += [Down(width, wider)] if wider else []
        self.layers = nn.Sequential(*layers)
        self.tell = nn.Conv2d(config.widths[-1], config.told, 1)
        self.leave = nn.Sequential(
            nn.Linear(config.told * CELLS[0] * CELLS[1], config.hidden), nn.SiLU(),
            nn.Linear(config.hidden, config.hours * config.headings + WEATHERS),
        )  # fmt: skip
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self, frames: Float[Tensor, "n 3 h w"]
    ) -> tuple[Float[Tensor, "n hours headings"], Float[Tensor, "n weathers"]]:
        """Logits of the dial, and of how much of each weather there is, of frames in [-1, 1]."""
        coarsest, (h, w) = self.config.patch * 2 ** (len(self.config.widths) - 1), frames.shape[-2:]
        frames = F.pad(frames, (0, -w % coarsest, 0, -h % coarsest), mode="replicate")
        found = self.layers(self.enter(fold(frames.to(self.tell.weight.dtype), self.config.patch)))
        parts = F.adaptive_avg_pool2d(self.tell(F.silu(found)), CELLS)
        told = self.leave(F.silu(parts).flatten(1)).float()
        return told[:, :-WEATHERS].unflatten(1, (self.config.hours, self.config.headings)), told[:, -WEATHERS:]

    def read(
        self, frames: Float[Tensor, "b t 3 h w"], turns: Float[Tensor, "b t 2"], field_of_view: float
    ) -> Float[Tensor, "b 5"]:
        """Of b places, seen in t frames in [-1, 1] each, one after another, by eyes that have turned so many degrees down and
        to the right: the likeliest hour, as a share of a day from sunrise on; the heading of who has not turned, in degrees to
        the right of sunrise; how much rain, snow and storm there is, from 0 to 1. field_of_view: in degrees, 0 where it is not
        known."""
        (b, t), size = frames.shape[:2], self.config.hours
        dial, weather = self(frames.flatten(0, 1))
        back = -turns[..., 1].flatten() * self.config.headings / 360
        turned = rolled(dial.flatten(1).log_softmax(1).view_as(dial), back).unflatten(0, (b, t)).mean(1)
        rises = torch.cos(2 * math.pi * torch.arange(size, device=dial.device) / size).sign()
        brighter = brightened(frames[:, 0], frames[:, -1], turns[:, -1] - turns[:, 0], field_of_view)
        turned = turned + ((brighter / BRIGHTER).clamp(-SURE, SURE)[:, None] * rises)[..., None] / 2
        likely = turned.flatten(1).softmax(1).view_as(turned)
        hour, then = _mode(likely.sum(2))
        heading, _ = _mode(torch.einsum("bth,bt->bh", likely, (then > 0).float()))
        return torch.cat([hour[:, None], 360 * heading[:, None], weather.sigmoid().unflatten(0, (b, t)).mean(1)], 1)


def brightened(
    first: Float[Tensor, "b 3 h w"], last: Float[Tensor, "b 3 h w"], turn: Float[Tensor, "b 2"], field_of_view: float
) -> Float[Tensor, " b"]:
    """How much brighter what two pictures in [-1, 1] show is in the last, between which the eye has turned so many degrees: of
    what looks alike in both, half the mean and half the median."""
    grid = turn_grid(turn, (first.shape[-2], first.shape[-1]), field_of_view)
    apart = (last - sample(first, grid)).mean(1)
    alike = ((grid.abs() <= 1).all(-1) & (apart.abs() < ALIKE)).flatten(1)
    found = apart.flatten(1).masked_fill(~alike, math.nan)
    return ((found.nanmean(1) + found.nanmedian(1).values) / 2).nan_to_num(0.0)


def rolled(dial: Float[Tensor, "n hours headings"], cells: Float[Tensor, " n"]) -> Float[Tensor, "n hours headings"]:
    """Dials whose headings lie so many cells farther to the right, or parts of them."""
    size = dial.shape[2]
    low = cells.floor()
    at = torch.arange(size, device=dial.device) - low.long()[:, None]
    before, after = (dial.gather(2, (at - one).remainder(size)[:, None].expand_as(dial)) for one in (0, 1))
    return torch.lerp(before, after, (cells - low)[:, None, None])


def spread(shares: Float[Tensor, " n"], cells: int) -> Float[Tensor, "n cells"]:
    """How much of what lies at such shares of a circle falls to each of its cells: to the two that it lies between."""
    apart = between(shares[:, None], torch.arange(cells, device=shares.device) / cells)
    return (1 - cells * apart.abs()).clamp(min=0)


def _mode(likely: Float[Tensor, "b cells"]) -> tuple[Float[Tensor, " b"], Float[Tensor, "b cells"]]:
    """The likeliest share of a circle, and how likely each of its cells about that is, 0 elsewhere."""
    size = likely.shape[1]
    smooth = sum(likely.roll(by, 1) for by in (-1, 0, 1))
    assert isinstance(smooth, Tensor)
    at = torch.arange(size, device=likely.device)
    apart = (at - smooth.argmax(1)[:, None] + size // 2).remainder(size) - size // 2
    about = likely * (apart.abs() <= ABOUT)
    angles = 2 * math.pi * at / size
    mean = torch.atan2((about * angles.sin()).sum(1), (about * angles.cos()).sum(1))
    return (mean / (2 * math.pi)).remainder(1), about
