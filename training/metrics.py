"""How alike two pictures are: PSNR and SSIM; and how well scores tell events."""

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

DIM = 0.2
"""Added to the spread of a picture's colours, in [-1, 1], by which errors are measured: night counts, but less than day."""


def psnr(one: UInt8[Tensor, "*b h w 3"], two: UInt8[Tensor, "*b h w 3"]) -> Float[Tensor, "*b"]:
    """Peak signal-to-noise ratio of each picture in dB; at most 60, for equal pictures."""
    square = (one.float() - two.float()).square().mean((-3, -2, -1))
    return 10 * torch.log10(255**2 / square.clamp(min=255**2 * 1e-6))


def ssim(one: UInt8[Tensor, "*b h w 3"], two: UInt8[Tensor, "*b h w 3"]) -> Float[Tensor, "*b"]:
    """Structural similarity (Wang et al. 2004: Gaussian window of 11 pixels, σ 1.5) of each picture, mean over colours."""
    leading = one.shape[:-3]
    x = rearrange(one.reshape(-1, *one.shape[-3:]).float() / 255, "n h w c -> n c h w")
    y = rearrange(two.reshape(-1, *two.shape[-3:]).float() / 255, "n h w c -> n c h w")
    places = torch.arange(11, device=x.device) - 5.0
    bell = torch.exp(-places.square() / (2 * 1.5**2))
    window = torch.outer(bell, bell)
    window = (window / window.sum()).expand(3, 1, 11, 11)

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(z, window, groups=3)

    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similar = similar / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))
    return similar.mean((1, 2, 3)).reshape(leading)


def sharpness(frames: UInt8[Tensor, "*b h w 3"]) -> Float[Tensor, "*b"]:
    """How much each picture's brightness changes from pixel to pixel, of 255: the mean of its absolute differences."""
    grey = frames.float().mean(-1)
    return grey.diff(dim=-1).abs().mean((-2, -1)) + grey.diff(dim=-2).abs().mean((-2, -1))


def average_precision(scores: np.ndarray, events: np.ndarray) -> float:
    """How well higher scores, float [n], tell which moments hold an event, bool [n]: the mean precision over events, found from
    the highest score down; equal scores are found together. 1 for always right; who knows nothing gets the events' share. NaN
    where there is no event."""
    values, place = np.unique(-np.asarray(scores, np.float64), return_inverse=True)
    found = np.bincount(place, np.asarray(events, np.float64), len(values))
    precision = found.cumsum() / np.bincount(place, minlength=len(values)).cumsum()
    return float((precision * found).sum() / found.sum()) if found.sum() else float("nan")
