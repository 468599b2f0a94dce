"""Tracking: where the eye is that sees a real picture, by how far what the picture before shows must have moved to look like
it. Closed form (Gauss and Newton's steps, from coarse to fine); knows no networks.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.camera import beside, rays, sample
from simworld.model.projection import LEAST_AHEAD, between, scale_of
from simworld.model.registration import averaged

WIDTHS, STEPS = (17, 9, 5, 3), 10
"""Pixels over which pictures are averaged, one after another, and steps at each."""
NOISE, OUTLIER = 0.2, 0.1
"""By so much colours in [-1, 1] are off where nothing is wrong; and from such a difference on they count ever less, for another
thing is seen there."""
LEAST_EVERY, NEAR_ENOUGH = 2, 1e-3
"""Of so many pixels to each side one is looked at, or of more where they are averaged; and blocks: who need go no farther is
there."""
GUESS = 0.1
"""Blocks by which eyes are elsewhere than was guessed, along each axis."""


def tracked(
    before: Float[Tensor, "b 3 h w"],
    near: Float[Tensor, "b 1 h w"],
    after: Float[Tensor, "b 3 h w"],
    free: Bool[Tensor, "b 1 h w"],
    eye: tuple[Float[Tensor, "b 3"], Float[Tensor, "b 2"]],
    guess: tuple[Float[Tensor, "b 3"], Float[Tensor, "b 2"]],
    field_of_view: float,
) -> Float[Tensor, "b 3"]:
    """The places of eyes that see the pictures `after`, where these are `free` of what is fixed to the camera. Where they look
    is known, where they are is but guessed. `before`: what an `eye` at a known place saw, with how near it was, below 0 where
    that is not known. Pictures in [-1, 1]; places (right, ahead, above) in blocks, views [pitch, yaw] in degrees."""
    (b, _, h, w), device = before.shape, before.device
    scale, middle = scale_of((h, w), field_of_view, device)
    (place, view), first, one = guess, guess[0], torch.eye(3, device=device)
    # What an eye that goes a block to the right, ahead, or up leaves behind goes so far the other way.
    looks, still = view[:, None], torch.zeros_like(place)[:, None]
    goes = between(still, looks, one.expand(b, 3, 3), looks.expand(b, 3, 2))[1][:, 0]
    for width in WIDTHS:
        # Of pixels that hardly differ from those beside them, not all are needed.
        every = slice(None, None, max(LEAST_EVERY, width // 4))
        some = (..., every, every)
        close, ways = (part[some].flatten(-2) for part in (near, rays((h, w), field_of_view, device)))
        seen, wanted = _averaged(before, near >= 0, width)[some].flatten(2), _averaged(after, free, width)
        right, down = ((wanted.roll(-1, axis) - wanted.roll(1, axis)) / 2 for axis in (3, 2))
        looked_at = torch.cat([wanted, right, down, free.float()], 1)
        arrived = torch.zeros(b, dtype=torch.bool, device=device)
        for _ in range(STEPS):
            turn, shift = (part[:, 0, 0] for part in between(*(each[:, None] for each in (*eye, place, view))))
            x, y, ahead = torch.addcmul(turn @ ways, close.clamp(min=0), shift[:, :, None]).unbind(1)
            there = (close[:, 0] > 0) & (ahead > LEAST_AHEAD)
            ahead = ahead.clamp(min=LEAST_AHEAD)
            x, y = x / ahead, y / ahead
            column, row = x * scale[0] + middle[0], y * scale[1] + middle[1]
            there &= (column > 0) & (column < w) & (row > 0) & (row < h)
            grid = beside(column * (2 / w) - 1, row * (2 / h) - 1)[:, None]
            found = sample(looked_at, grid)[:, :, 0]
            apart = found[:, :3] - seen
            sure = (there & (found[:, -1] > 0.5))[:, None] / (1 + (apart / OUTLIER).square())
            # Where a pixel goes when the eye goes a block to the right, ahead, or up.
            slide = close / ahead[:, None]
            aside = slide * scale[0] * (goes[..., :1] - x[:, None] * goes[..., 2:])
            below = slide * scale[1] * (goes[..., 1:2] - y[:, None] * goes[..., 2:])
            rise = found[:, 3:6, None] * aside[:, None] + found[:, 6:9, None] * below[:, None]  # b 3 3 n
            weight = sure / NOISE**2
            pull = torch.einsum("bcin,bcn->bi", rise, weight * apart) + (place - first) / GUESS**2
            bend = torch.einsum("bcin,bcn,bcjn->bij", rise, weight, rise) + one / GUESS**2
            step = torch.linalg.solve(bend, pull)
            # Who is there stays, and is where it would be without the others.
            place = torch.where(arrived[:, None], place, place - step)
            arrived |= step.abs().amax(1) < NEAR_ENOUGH
            if bool(arrived.all()):
                break
    return place


def _averaged(pictures: Float[Tensor, "b 3 h w"], of: Bool[Tensor, "b 1 h w"], width: int) -> Float[Tensor, "b 3 h w"]:
    """The mean colours about each pixel `of` the world."""
    return averaged(pictures * of, width) / averaged(of.float(), width).clamp(min=1 / width**2)
