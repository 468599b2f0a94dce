"""The one place where frames become numbers for a network and back: uint8 [0, 255] ↔ float [-1, 1]."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

LEAST_SPREAD = 0.05
"""Added to the spread of a picture's colours, in [-1, 1], lest a plain picture's noise be all there is to see."""


def to_float(frames: UInt8[Tensor, "*shape 3"], dtype: torch.dtype = torch.float32) -> Float[Tensor, "*shape 3"]:
    """uint8 RGB to [-1, 1]."""
    return frames.to(dtype) / 127.5 - 1


def to_uint8(frames: Float[Tensor, "*shape h w 3"]) -> UInt8[Tensor, "*shape h w 3"]:
    """[-1, 1] to uint8 RGB, clipped and rounded to nearest; inverse of `to_float` on its outputs."""
    return ((frames.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def lit(picture: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures in their own light, so that night looks like day, and that light: mean and spread."""
    picture = picture.float()
    mean = picture.mean((1, 2, 3), keepdim=True)
    apart = picture - mean
    # Many times quicker than `std`.
    spread = apart.square().mean((1, 2, 3), keepdim=True).sqrt() + LEAST_SPREAD
    return apart / spread, mean, spread
