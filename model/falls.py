"""Falls: rain and snow about the eye, in frames as they are shown. Closed form; nothing of it is remembered."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.album import Album
from simworld.model.camera import half_angles
from simworld.model.daylight import LITTLE, Daylight
from simworld.model.projection import axes
from simworld.model.surroundings import Eyes

DROPS, BOX = 80, (14.0, 14.0, 12.0)
"""So many at most are in a box of so many blocks (right, ahead, above) that goes with the eye; each stays where it is in the
world until it leaves the box, and then comes in on the other side."""
NEAREST, BOUND = 1.2, 7.0
"""Blocks ahead, from which and up to which it is seen."""
BRIGHTER = 1.4
"""What falls is so many times as bright as the sky."""
SWAY, SWAYING = 0.5, 0.03
"""Blocks that snow sways to each side, and how much of a turn, in radians, in a frame's time."""
SHELLS = 5
"""What falls is hidden by what is nearer, in so many groups from near to far."""
SEED = 11


@dataclass(frozen=True)
class _Kind:
    """speed: blocks in a frame's time. long, wide: half of how far it reaches in blocks, and `thin`, in pixels at least; how
    much it hides of what is behind it."""

    speed: float
    long: float
    wide: float
    thin: float
    opacity: float


RAIN, SNOW = _Kind(0.55, 0.42, 0.014, 0.6, 0.42), _Kind(0.07, 0.05, 0.06, 0.85, 0.8)


@dataclass(frozen=True)
class Drops:
    """Of b worlds, in r frames, n that fall, from near to far. at: column, row, and blocks ahead. reach: how far each reaches
    aside and up, in pixels. opacity: of each, 0 for those that are not there. tone: their colour, in [-1, 1]. free: where no
    hand is before them."""

    at: Float[Tensor, "b r n 3"]
    reach: Float[Tensor, "b r n 2"]
    opacity: Float[Tensor, "b r n"]
    tone: Float[Tensor, "b 3"]
    free: Bool[Tensor, "b 1 1 h w"]


def falling(
    albums: Sequence[Album],
    daylight: Daylight,
    eyes: Eyes,
    frames: Float[Tensor, "b r h w 3"],
    free: Bool[Tensor, "b 1 1 h w"],
    field_of_view: float,
) -> Drops | None:
    """What falls about eyes in frames, the last of which is as old as the daylight tells, under the open sky of places whose
    blocks are known; None where nothing does."""
    rain, snow = daylight.falling.unbind(1)
    known = torch.tensor([album.lattice is not None for album in albums], device=frames.device)
    amount = torch.where(known, torch.maximum(rain, snow), 0)
    if not bool((amount > LITTLE).any()):
        return None
    snows, r = (snow > rain)[:, None, None], frames.shape[1]
    speed, long, wide, thin, opacity = (torch.where(snows, *pair) for pair in zip(_told(SNOW), _told(RAIN), strict=True))
    ages = daylight.age[:, None] + torch.arange(1 - r, 1, device=frames.device)
    places = _within(_scattered(frames.device), ages, speed, snows, eyes[0])
    right, ahead, above = (places - eyes[0][:, :, None]).unbind(-1)
    aside, down, onward = (torch.stack([right, -above, ahead], -1) @ axes(eyes[1])).unbind(-1)
    h, w = frames.shape[2:4]
    focal = h / 2 / half_angles((h, w), field_of_view)[0] / onward.clamp(min=NEAREST)
    at = torch.stack([aside * focal + w / 2 - 0.5, down * focal + h / 2 - 0.5, onward], -1)
    reach = torch.stack([(wide * focal).maximum(thin), (long * focal).maximum(thin)], -1)
    there = torch.arange(DROPS, device=frames.device) < DROPS * amount[:, None, None]
    fades = ((BOUND - onward) * 0.6).clamp(0, 1) * ((onward - NEAREST) * 1.5).clamp(0, 1)
    opacity = opacity * fades * there * _in_the_open(albums, places)
    order = onward.argsort(-1)
    at, reach = (part.gather(2, order[..., None].expand_as(part)) for part in (at, reach))
    return Drops(at, reach, opacity.gather(2, order), _tone(albums, frames), free)


def with_drops(
    frames: Float[Tensor, "b r h w 3"], drops: Drops, near: Float[Tensor, "b r 1 h w"]
) -> Float[Tensor, "b r h w 3"]:
    """Frames with what falls before that which is so near, 1 / blocks."""
    (h, w), device = frames.shape[2:4], frames.device
    column, row, ahead = drops.at.unbind(-1)
    spread = [
        torch.exp(-((torch.arange(size, device=device) - middle[..., None]) / reach[..., None]).square())
        for size, middle, reach in zip((w, h), (column, row), drops.reach.unbind(-1), strict=True)
    ]
    across, down = (part.unflatten(2, (SHELLS, -1)) for part in (spread[0], spread[1] * drops.opacity[..., None]))
    before = near < 1 / ahead.unflatten(2, (SHELLS, -1)).mean(-1).clamp(min=NEAREST)[..., None, None]
    cover = (torch.einsum("brsnh,brsnw->brshw", down, across) * before * drops.free).sum(2).clamp(max=1)
    return torch.lerp(frames, drops.tone[:, None, None, None].to(frames), cover[..., None].to(frames))


@functools.lru_cache(maxsize=2)
def _scattered(device: torch.device) -> Float[Tensor, "n 4"]:
    """Where what falls lies in its box, as shares of it, and how it sways."""
    with torch.inference_mode(False):  # whoever asks first, it is for all
        return torch.rand(DROPS, 4, generator=torch.Generator().manual_seed(SEED)).to(device)


def _told(kind: _Kind) -> list[float]:
    return [kind.speed, kind.long, kind.wide, kind.thin, kind.opacity]


def _within(
    scattered: Float[Tensor, "n 4"],
    ages: Float[Tensor, "b r"],
    speed: Float[Tensor, "b 1 1"],
    snows: Bool[Tensor, "b 1 1"],
    eyes: Float[Tensor, "b r 3"],
) -> Float[Tensor, "b r n 3"]:
    """Where what falls is, in blocks, at such ages, in the box about each eye."""
    box = torch.tensor(BOX, device=eyes.device)
    right, ahead, above = (scattered[:, :3] * box).unbind(-1)
    swaying = SWAY * torch.sin(SWAYING * ages[..., None] + 2 * math.pi * scattered[:, 3])
    right = right + torch.where(snows, swaying, 0)
    above = above - speed * ages[..., None]
    apart = torch.stack([right, ahead.expand_as(right), above], -1) - eyes[:, :, None]
    return eyes[:, :, None] + (apart + box / 2).remainder(box) - box / 2


def _in_the_open(albums: Sequence[Album], places: Float[Tensor, "b r n 3"]) -> Bool[Tensor, "b r n"]:
    """Which places have no block above them, nor about them, as far as that is known."""
    none = torch.ones(places.shape[1:3], dtype=torch.bool, device=places.device)
    return torch.stack([
        none if album.lattice is None else album.lattice.is_open(album.lattice.within(here))
        for album, here in zip(albums, places, strict=True)
    ])  # fmt: skip


def _tone(albums: Sequence[Album], frames: Float[Tensor, "b r h w 3"]) -> Float[Tensor, "b 3"]:
    """The colour of what falls: brighter than the sky of each place, or than all that is seen where that is not known."""
    colors = [
        frame.float().mean((0, 1, 2)) if album.sky is None else album.sky.still.mean((1, 2))
        for album, frame in zip(albums, frames, strict=True)
    ]
    return ((torch.stack(colors) + 1) * BRIGHTER - 1).clamp(max=1)
