"""Where the pixels of one picture were in another: image registration by Lucas and Kanade (1981), coarse to fine. Closed form,
nothing learned. What has no texture stays where it is."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
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
    for wanted, there in zip(_coarser(target.float()), _coarser(source.float()), strict=True):
        pixel = 2 / torch.tensor([wanted.shape[-1], wanted.shape[-2]], device=target.device)[:, None, None]
        flow = F.interpolate(flow, wanted.shape[-2:], mode="bilinear", align_corners=False)
        grid = still_grid((wanted.shape[-2], wanted.shape[-1]), target.device) + flow.movedim(1, -1)
        flow = flow + pixel * _step(wanted, sample(there, grid))
    return averaged(averaged(flow, EVEN), EVEN)


def _coarser(pictures: Float[Tensor, "n c h w"]) -> list[Float[Tensor, "n c _ _"]]:
    """Pictures at the resolutions of all stages, coarsest first; their borders are repeated where they do not fill a pixel."""
    h, w = pictures.shape[-2:]
    if h % STRIDES[0] or w % STRIDES[0]:
        pictures = F.pad(pictures, (0, -w % STRIDES[0], 0, -h % STRIDES[0]), mode="replicate")
    found = []
    for _ in STRIDES:
        rows = pictures[..., ::2, :] + pictures[..., 1::2, :]
        pictures = (rows[..., ::2] + rows[..., 1::2]) / 4
        found.append(pictures)
    return found[::-1]


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


def averaged(x: Float[Tensor, "n c h w"], width: int) -> Float[Tensor, "n c h w"]:
    """The mean over squares of odd `width`; beyond the border, its values."""
    x = F.pad(x, (width // 2,) * 4, mode="replicate")
    return sums(sums(x, width, -2), width, -1) / width**2


def sums(x: Float[Tensor, "*n h w"], width: int, axis: int) -> Float[Tensor, "*n _ _"]:
    """The sums of each `width` neighbours along an axis, of sums of 1, 2, 4 …: a few times quicker than pooling."""
    num, start = x.shape[axis] - width + 1, 0
    total: Tensor | None = None
    length = 1
    while True:
        if width & length:
            part = x.narrow(axis, start, num)
            total = part if total is None else total + part
            start += length
        if 2 * length > width:
            assert total is not None, "some power of two is part of every width"
            return total
        rest = x.shape[axis] - length
        x, length = x.narrow(axis, 0, rest) + x.narrow(axis, length, rest), 2 * length
