"""Projection: where what one eye sees, with how near it is, lies for another. Closed form; knows no pictures."""

import functools
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import half_angles, rays

NOTHING = -1.0
"""How near what is not known is."""
LEAST_AHEAD = 1e-3
"""Relative distance below which something is at the eye or behind it."""


@dataclass
class Points:
    """Those of k pictures, thrown into r others. near: there. ahead: how far ahead they are there, relative to where they were
    seen. cell: in which of the other's cells, or next to it. inside: whether it is in view at all."""

    near: Float[Tensor, "b r k n"]
    ahead: Float[Tensor, "b r k n"]
    cell: Int[Tensor, "b r k n"]
    inside: Bool[Tensor, "b r k n"]


def thrown(
    near: Float[Tensor, "b k rows columns"],
    eyes: tuple[Float[Tensor, "b k 3"], Float[Tensor, "b k 2"]],
    others: tuple[Float[Tensor, "b r 3"], Float[Tensor, "b r 2"]],
    size: tuple[int, int],
    field_of_view: float,
    every: int,
    coarse: int,
    largest: Float[Tensor, " k"],
) -> Points:
    """The points of pictures of height × width `size`, of which `near` is given of every `every`-th pixel each way, seen by
    `eyes` (their places and views), as others see them in cells of `coarse` pixels. Those are out of view that would be more
    than `largest` times larger there, for each picture."""
    h, w = size
    device = near.device
    ways = rays(size, field_of_view, device)[:, ::every, ::every].flatten(1)
    near = near.flatten(2)[:, None]  # b 1 k n
    scale, middle = scale_of(size, field_of_view, device)
    cells = torch.tensor([1 / coarse, 1 / coarse, 1], device=device)
    turn, shift = between(*eyes, *others)
    turn, shift = turn.transpose(1, 2) * (scale * cells)[:, None], shift.transpose(1, 2) * scale * cells  # b r k ...
    x, y, ahead = torch.addcmul(turn @ ways, near[:, :, :, None], shift[..., None]).unbind(3)
    rows, columns = -(-h // coarse), -(-w // coarse)
    before = ahead - 1 / largest[:, None]
    ahead = ahead.clamp(min=LEAST_AHEAD)
    x, y = x / ahead + middle[0] / coarse, y / ahead + middle[1] / coarse
    row, column = y.floor(), x.floor()
    near_row, near_column = row.clamp(0, rows - 1), column.clamp(0, columns - 1)
    off = (row - near_row).abs() + (column - near_column).abs()
    inside = torch.minimum(torch.minimum(before, near), -off) >= 0
    cell = (near_row * columns + near_column).long()
    return Points(near / ahead, ahead, cell, inside)


def between(
    places: Float[Tensor, "b m 3"], views: Float[Tensor, "b m 2"], other_places: Float[Tensor, "b n 3"], other_views: Tensor
) -> tuple[Float[Tensor, "b m n 3 3"], Float[Tensor, "b m n 3"]]:
    """For each pair of eyes: what turns a direction, (right, down, ahead) of the first, into that of the other, and where the
    first is for the other, in blocks."""
    first, other = axes(views), axes(other_views)
    back = other.mT[:, None]
    aside, onward, above = (places[:, :, None] - other_places[:, None]).unbind(-1)
    apart = torch.stack([aside, -above, onward], -1)
    return back @ first[:, :, None], (back @ apart[..., None])[..., 0]


def axes(views: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3 3"]:
    """Columns: right, down and ahead of who looks towards `views`, in (right, down, ahead) of who looks level at yaw 0."""
    pitch, yaw = torch.deg2rad(views).unbind(-1)
    sin_p, cos_p, sin_y, cos_y = pitch.sin(), pitch.cos(), yaw.sin(), yaw.cos()
    zero = torch.zeros_like(pitch)
    right = torch.stack([cos_y, zero, -sin_y], -1)
    down = torch.stack([-sin_p * sin_y, cos_p, -sin_p * cos_y], -1)
    ahead = torch.stack([cos_p * sin_y, sin_p, cos_p * cos_y], -1)
    return torch.stack([right, down, ahead], -1)


def pixel_ways(
    views: Float[Tensor, "v 2"],
    number: Int[Tensor, " n"],
    row: Int[Tensor, " n"],
    column: Int[Tensor, " n"],
    size: tuple[int, int],
    field_of_view: float,
) -> Float[Tensor, "3 n"]:
    """The directions of n pixels, each of the picture of that `number`: (ahead for yaw 0, to the right of that, up), as long as
    is 1 along its view's axis."""
    pixels = rays(size, field_of_view, views.device)[:, row, column]
    right, down, ahead = torch.einsum("nij,jn->in", axes(views)[number], pixels)
    return torch.stack([ahead, right, -down])


@functools.lru_cache(maxsize=8)
def scale_of(
    size: tuple[int, int], field_of_view: float, device: torch.device
) -> tuple[Float[Tensor, "3"], tuple[float, float]]:
    """What makes a direction's (right, down) ÷ ahead pixels, and where (x, y) the middle of the picture is, in pixels."""
    h, w = size
    tall, wide = half_angles(size, field_of_view)
    with torch.inference_mode(False):
        return torch.tensor([w / 2 / wide, h / 2 / tall, 1.0], device=device), (w / 2, h / 2)
