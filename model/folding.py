"""Pixels folded into channels and back, in the order of `F.pixel_unshuffle` and `F.pixel_shuffle`. Many times quicker on
a processor: a patch's row is moved as one number, and memory is laid out as the convolutions beside it want it.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_NUMBERS = {8: torch.int64, 16: torch.complex128}
"""By size in bytes, what is moved as one."""


def fold(x: Float[Tensor, "n c h w"], patch: int) -> Float[Tensor, "n d rows columns"]:
    """`patch` × `patch` pixels in the channels of one, channels last."""
    number = _number(x, patch)
    if number is None:
        return F.pixel_unshuffle(x, patch).contiguous(memory_format=torch.channels_last)
    n, c, h, w = x.shape
    rows = x.contiguous().view(number).view(n, c, h // patch, patch, w // patch)
    pixels = rows.permute(0, 2, 4, 1, 3).contiguous().view(x.dtype)
    return pixels.view(n, h // patch, w // patch, c * patch**2).permute(0, 3, 1, 2)


def unfold(x: Float[Tensor, "n d rows columns"], patch: int) -> Float[Tensor, "n c h w"]:
    """The other way round: channels first."""
    number = _number(x, patch)
    if number is None:
        return F.pixel_shuffle(x, patch).contiguous()
    n, d, rows, columns = x.shape
    c = d // patch**2
    pixels = x.permute(0, 2, 3, 1).contiguous().view(number).view(n, rows, columns, c, patch)
    return pixels.permute(0, 3, 1, 4, 2).contiguous().view(x.dtype).view(n, c, rows * patch, columns * patch)


def halved(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n four_c h/2 w/2"]:
    """`fold` by 2 of what has its channels last."""
    pixels = x.permute(0, 2, 3, 1)
    parts = [pixels[:, row::2, column::2] for row in range(2) for column in range(2)]
    return torch.stack(parts, -1).flatten(-2).permute(0, 3, 1, 2)


def halved_means(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n two_c h/2 w/2"]:
    """The mean of each two channels of `halved`: of pixels beside each other."""
    pixels = x.permute(0, 2, 3, 1)
    means = (pixels[:, :, 0::2] + pixels[:, :, 1::2]) / 2
    return torch.stack([means[:, 0::2], means[:, 1::2]], -1).flatten(-2).permute(0, 3, 1, 2)


def _number(x: Tensor, patch: int) -> torch.dtype | None:
    """As what a patch's row may be moved; None where it may not: numbers of another kind have no gradients."""
    return None if x.requires_grad else _NUMBERS.get(patch * x.element_size())
