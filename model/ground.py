"""The ground that a dream stands on: for each direction around the eye, how long ago and how far from here it was really shown.

What a dream has not been shown it makes up, and what it was shown it knows the worse, the more it has gone on from it since.
Who looks back at what was really there may trust it more than what lies beside it. Kept in cells of a few degrees: cheap,
closed form. What it says about the picture is read by `gauge`. Knows no network.
"""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.registration import condensed

ROWS, COLUMNS = 30, 60
"""Cells of 6 degrees: pitch down, yaw across."""
POINTS = (16, 24)
"""Rows and columns of the places in a picture whose directions are followed: closer together than cells."""
MOST = (64.0, 32.0, 1.0)
"""How much of each kind of wear counts at most, and what a direction counts for that was never shown."""
LEAST = (1.0, 0.3, 1e-4)
"""Added to them, lest nothing be worn infinitely less than a little."""
LEAST_STEEPNESS = 1e-4
COARSE = (48, 80)
"""Rows and columns of the pictures whose change is measured."""
NUM_SIGNS, WEAR = 5, slice(0, 4)
"""What `signs` says, and what of it says how worn the ground is."""


@dataclass(frozen=True)
class Ground:
    """Of b worlds. worn: for each direction, since it was really shown, how many chunks it has been dreamt, how many blocks
    were walked, and how much the pictures changed in which it was dreamt; infinite where it was never shown. steepness: the
    mean squared gradient of the picture that the dream began from, 0 before it. picture: the latest, of
    `COARSE` rows and columns. place: where it was seen from, in blocks."""

    worn: Float[Tensor, "b 3 n"]
    steepness: Float[Tensor, " b"]
    picture: Float[Tensor, "b 3 48 80"]
    place: Float[Tensor, "b 3"]


def nothing_shown(b: int, device: torch.device) -> Ground:
    """The ground of b worlds that were shown nothing."""
    worn = torch.full((b, 3, ROWS * COLUMNS), math.inf, device=device)
    nowhere = torch.zeros(b, 3, device=device)
    return Ground(worn, nowhere[:, 0], torch.zeros(b, 3, *COARSE, device=device), nowhere)


def told(known: Bool[Tensor, "b 1 rows columns"]) -> Ground:
    """The ground of b worlds that were just told what lies around them, in the directions that are `known`: pitch from -90 to
    90 degrees down, yaw from -180 to 180 across."""
    ground = nothing_shown(len(known), known.device)
    shown = F.interpolate(known.float(), (ROWS, COLUMNS)).flatten(1) > 0
    # Yaw is counted from -180 there, from 0 here.
    shown = shown.unflatten(1, (ROWS, COLUMNS)).roll(COLUMNS // 2, 2).flatten(1)
    return replace(ground, worn=torch.where(shown[:, None], 0.0, ground.worn))


def look(
    ground: Ground,
    pictures: Float[Tensor, "b h w 3"],
    view: Float[Tensor, "b 2"],
    place: Float[Tensor, "b 3"],
    field_of_view: float,
    real: Bool[Tensor, " b"],
) -> Ground:
    """The ground after one more chunk, which shows pictures in [-1, 1]: `real` ones, or dreamt on from those before. view:
    where they look, [pitch, yaw] in degrees; place: from where, in blocks."""
    cells = _cells(view, (pictures.shape[1], pictures.shape[2]), field_of_view)
    seen = torch.zeros_like(ground.worn[:, 0]).scatter(1, cells, 1.0)
    coarse = condensed(pictures.movedim(-1, 1).float(), COARSE)
    change = (coarse - ground.picture).square().mean((1, 2, 3))
    blocks = (place - ground.place)[:, :2].norm(dim=1)
    worn = ground.worn + torch.stack([seen, blocks[:, None].expand_as(seen), seen * change[:, None]], 1)
    worn = torch.where((seen > 0)[:, None] & real[:, None, None], 0.0, worn)
    grey = pictures.float().mean(-1)
    steepness = grey.diff(dim=-1).square().mean((1, 2)) + grey.diff(dim=-2).square().mean((1, 2))
    begins = real | (ground.steepness == 0)
    return Ground(worn, torch.where(begins, steepness, ground.steepness), coarse, place)


def signs(ground: Ground, size: tuple[int, int], view: Float[Tensor, "b 2"], field_of_view: float) -> Float[Tensor, "b signs"]:
    """What the ground says about pictures of height × width `size` that look to `view`: the share of them that was never really
    shown; chunks, blocks and change since it was, as logarithms, mean over the picture; and how steep the picture was that it
    began from, as logarithm, for what is rich in contrast is farther from the truth when it is off."""
    cells = _cells(view, size, field_of_view)
    worn = ground.worn.gather(2, cells[:, None].expand(-1, 3, -1))
    never = worn[:, 0].isinf().float().mean(1, keepdim=True)
    most, least = (torch.tensor(part, device=worn.device)[:, None] for part in (MOST, LEAST))
    wear = (worn.minimum(most) + least).log().mean(2)
    return torch.cat([never, wear, (ground.steepness[:, None] + LEAST_STEEPNESS).log()], 1)


def _cells(view: Float[Tensor, "b 2"], size: tuple[int, int], field_of_view: float) -> Int[Tensor, "b points"]:
    """The cells of the directions of places all over the picture; always the same where no field of view is known."""
    device = view.device
    view = view if field_of_view else torch.zeros_like(view)
    tall = math.tan(math.radians(field_of_view or 70.0) / 2)
    y, x = (((torch.arange(n, device=device) + 0.5) * 2 / n - 1) * tall for n in POINTS)
    y, x = y[:, None], x[None] * size[1] / size[0]
    pitch, yaw = torch.deg2rad(view.float())[..., None, None].unbind(1)
    down, ahead = y * pitch.cos() + pitch.sin(), pitch.cos() - y * pitch.sin()
    tilt, heading = torch.atan2(down, torch.hypot(x, ahead)), torch.atan2(x, ahead) + yaw
    row = ((tilt / math.pi + 0.5) * ROWS).long().clamp(0, ROWS - 1)
    column = (heading / (2 * math.pi) * COLUMNS).floor().long() % COLUMNS
    return (row * COLUMNS + column).flatten(1)
