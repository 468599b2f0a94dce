"""Facade: which of several pictures shows what a lattice says is there. Closed form: the place of each pixel is looked up in every
picture, and those see it that see something as near there."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.lattice import Cast, some_rays
from simworld.model.projection import LEAST_AHEAD, NOTHING, between, scale_of

SAME, FAINT = 0.1, 0.004
"""Relative difference, and in 1 / blocks, up to which a picture sees what is there."""
FREE = 1.2
"""What a picture sees so many times nearer than nothing is, is not there."""

Eyes = tuple[Float[Tensor, "b k 3"], Float[Tensor, "b k 2"]]
"""Places, and views."""


def seen_by(
    near: Float[Tensor, "b k h w"], eyes: Eyes, others: Eyes, told: Cast, field_of_view: float
) -> tuple[Float[Tensor, "b r n"], Int[Tensor, "b r n"]]:
    """How near what `others` see is, of whose lattices `told` tells each pixel, and the number of the first picture that sees
    it as well, k where none does; `near` and `eyes` are of the pictures. Where no block is met, what lies beyond is as near as
    the picture says."""
    k, size = near.shape[1], (near.shape[-2], near.shape[-1])
    there, same, _ = _looked_up(near, size, eyes, others, told, 1, field_of_view)
    first = torch.where(same, torch.arange(k, device=near.device)[:, None], k).amin(2)
    beyond = there.gather(2, first.clamp(max=k - 1)[:, :, None])[:, :, 0]
    wanted = told.near.flatten(2)
    return torch.where(wanted >= 0, wanted, beyond), first


def shares(
    near: Float[Tensor, "n rows columns"],
    size: tuple[int, int],
    eyes: tuple[Float[Tensor, "n 3"], Float[Tensor, "n 2"]],
    other: tuple[Float[Tensor, "3"], Float[Tensor, "2"]],
    told: Cast,
    every: int,
    field_of_view: float,
) -> Float[Tensor, "n m"]:
    """How well each of n pictures of height × width `size` shows what another eye sees, of whose lattice `told` tells every
    `every`-th pixel each way, from 0 to 1: the less, the more it must be magnified. near: of pixels of theirs as far apart as
    their number says."""
    theirs, others = (eyes[0][None], eyes[1][None]), (other[0][None, None], other[1][None, None])
    _, same, ahead = _looked_up(near[None], size, theirs, others, told, every, field_of_view)
    return torch.where(same, (1 / ahead).clamp(max=1), 0)[0, 0]


def _looked_up(
    near: Float[Tensor, "b k rows columns"],
    size: tuple[int, int],
    eyes: Eyes,
    others: Eyes,
    told: Cast,
    every: int,
    field_of_view: float,
) -> tuple[Float[Tensor, "b r k n"], Bool[Tensor, "b r k n"], Float[Tensor, "b r k n"]]:
    """How near pictures see what is where others see something, as these would, whether that is what these see, and how far
    ahead it is there, relative to where these see it."""
    (b, k, rows, columns), r, (h, w) = near.shape, others[0].shape[1], size
    wanted, clear = (part.view(b, r, 1, -1) for part in (told.near, told.clear))
    ways = some_rays(size, field_of_view, every, near.device).flatten(1)
    scale, middle = scale_of(size, field_of_view, near.device)
    fine = torch.tensor([columns / w, rows / h, 1.0], device=near.device)
    turn, shift = between(*others, *eyes)  # b r k 3 3, b r k 3
    turn, shift = turn * (scale * fine)[:, None], shift * scale * fine
    x, y, before = torch.addcmul(turn @ ways, wanted.clamp(min=0)[:, :, :, None], shift[..., None]).unbind(3)
    ahead = before.clamp(min=LEAST_AHEAD)
    column, row = (x / ahead + middle[0] * columns / w).floor(), (y / ahead + middle[1] * rows / h).floor()
    close_row, close_column = row.clamp(0, rows - 1), column.clamp(0, columns - 1)
    inside = (row == close_row) & (column == close_column) & (before > LEAST_AHEAD)
    number = torch.arange(b * k, device=near.device).view(b, 1, k, 1) * rows + close_row
    there = near.flatten().index_select(0, (number * columns + close_column).flatten().int()).view_as(ahead)
    there = torch.where(there >= 0, there * ahead, NOTHING)
    same = torch.where(wanted >= 0, (there - wanted).abs() < SAME * wanted + FAINT, (there >= 0) & (there < FREE * clear))
    return there, same & inside, ahead
