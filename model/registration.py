"""Where the pixels of one picture were in another: image registration by Lucas and Kanade (1981), coarse to fine. Closed form,
nothing learned. What has no texture stays where it is."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from simworld.model.camera import sample, still_grid

STRIDES = (8, 4, 2)
"""Pixels that count as one at each stage, coarsest first; each half of the one before."""
WINDOW = 5
"""Width of the neighbourhood that moves together, in such pixels."""
LEAST_CONTRAST = 1e-3
"""Mean squared gradient, for pictures in [-1, 1], below which a neighbourhood is hardly moved."""
LONGEST_STEP = 2.0
"""Most of a stage's pixels that it moves anything."""
EVEN = 9
"""Width, in pixels of the last stage, of the square over which flow is averaged in the end, twice: what is straight stays
straight."""


@torch.no_grad()
def flow_between(target: Float[Tensor, "n c h w"], source: Float[Tensor, "n c h w"]) -> Float[Tensor, "n h w 2"]:
    """The flow for which `source`, sampled at each pixel's place plus its flow, looks like `target`. Float32, (x, y) in the
    units of `camera.sample`: 2 is the picture's side."""
    flow = coarse_flow_between(target, source)
    return F.interpolate(flow, target.shape[-2:], mode="bilinear", align_corners=False).movedim(1, -1)


@torch.no_grad()
def coarse_flow_between(
    target: Float[Tensor, "n c h w"], source: Float[Tensor, "n c h w"]
) -> Float[Tensor, "n 2 half_h half_w"]:
    """The same flow, at half the resolution."""
    flow = torch.zeros(len(target), 2, 1, 1, device=target.device)
    for stride in STRIDES:
        wanted = coarser(target.float(), stride)
        pixel = 2 / torch.tensor([wanted.shape[-1], wanted.shape[-2]], device=target.device)[:, None, None]
        flow = F.interpolate(flow, wanted.shape[-2:], mode="bilinear", align_corners=False)
        grid = still_grid((wanted.shape[-2], wanted.shape[-1]), target.device) + flow.movedim(1, -1)
        found = sample(coarser(source.float(), stride), grid)
        flow = flow + pixel * _step(wanted, found)
    return averaged(averaged(flow, EVEN), EVEN)


def _step(wanted: Float[Tensor, "n c h w"], found: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 2 h w"]:
    """The shift of each neighbourhood, in pixels, that explains best what `wanted` has more than `found`."""
    padded = F.pad(found, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    more = wanted - found
    products = [(one * other).sum(1) for one, other in ((across, across), (across, down), (down, down))]
    products += [(across * more).sum(1), (down * more).sum(1)]
    xx, xy, yy, bx, by = averaged(torch.stack(products, 1), WINDOW).unbind(1)
    xx, yy = xx + LEAST_CONTRAST, yy + LEAST_CONTRAST
    shift = torch.stack([yy * bx - xy * by, xx * by - xy * bx], 1) / (xx * yy - xy * xy).unsqueeze(1)
    return shift.clamp(-LONGEST_STEP, LONGEST_STEP)


def coarser(x: Float[Tensor, "n c h w"], stride: int) -> Float[Tensor, "n c rows columns"]:
    """The means of squares of `stride` pixels, a power of two, at the border of as many as there are. Halving is many times
    quicker than pooling on a processor."""
    if x.shape[-2] % stride or x.shape[-1] % stride:
        return F.avg_pool2d(x, stride, ceil_mode=True)
    while stride > 1:
        x = x[..., ::2, :] + x[..., 1::2, :]
        x, stride = (x[..., ::2] + x[..., 1::2]) / 4, stride // 2
    return x


def condensed(x: Float[Tensor, "n c h w"], size: tuple[int, int]) -> Float[Tensor, "n c rows columns"]:
    """The means of a picture's cells, rows × columns `size` of them."""
    stride = x.shape[-2] // size[0]
    if (stride * size[0], stride * size[1]) != tuple(x.shape[-2:]) or stride & (stride - 1):
        return F.interpolate(x, size, mode="area")
    return coarser(x, stride)


def told_of_cells(
    cell: Int[Tensor, " n"],
    colors: Float[Tensor, "3 n"],
    weights: Float[Tensor, " n"],
    size: tuple[int, int],
    about: tuple[int, int],
    few: tuple[float, float],
) -> Float[Tensor, "3 rows columns"]:
    """The mean of weighted colours in so many cells each way about each of `size`, the first of `about`; where they weigh no
    more than the first of `few`, half of it is the mean farther about, and where these weigh no more than the second, half of
    that is 0."""
    sums = torch.stack([torch.bincount(cell, part, size[0] * size[1]).float() for part in (*colors, weights)]).view(1, 4, *size)
    close, wide = (averaged(sums, width)[0] if width > 1 else sums[0] for width in about)
    far = wide[:3] / (wide[3:] + few[1])
    return (close[:3] + few[0] * far) / (close[3:] + few[0])


def averaged(x: Float[Tensor, "n c h w"], width: int) -> Float[Tensor, "n c h w"]:
    """The mean over squares of odd `width`, one side at a time; beyond the border, its values. Sums of shifted pictures are
    many times quicker than pooling on a processor."""
    x = F.pad(x, (width // 2,) * 4, mode="replicate")
    for axis in (-2, -1):
        size = x.shape[axis] - width + 1
        total = x.narrow(axis, 0, size) + x.narrow(axis, 1, size)
        for start in range(2, width):
            total += x.narrow(axis, start, size)
        x = total
    return x / width**2
