"""Footing: what was truly seen of a place bears who walks there, and stands in the way. Closed form, of the pictures with
nearness and places that came with a world."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.camera import rays
from simworld.model.projection import axes

SPARSE = 4
"""Every so many pixels each way of a picture tell what is solid."""
FARTHEST = 12.0
"""Blocks: what was seen from farther away is not known well enough to stand on."""
EYE, TALL, WIDE = 1.62, 1.75, 0.3
"""Blocks from a body's feet to its eye and its top, and from its middle to its sides."""
STEP = 0.6
"""Blocks: what is lower than so above the feet stands in nobody's way, be it grass or a mistake."""
DEEPEST = 4.0
"""So many blocks below the feet ground is looked for."""
LAYER = 0.1
"""Blocks: ground is as high as the highest of such layers in which a good part of the points below a body is."""
GOOD = 0.2
MISTAKEN = 1
"""So many points in the way may be mistaken."""
GRAVITY, DRAG = 0.08, 0.98
"""Of who falls, in blocks and frames (as in Minecraft)."""


def points_of(
    near: Float[Tensor, "n h w"], places: Float[Tensor, "n 3"], views: Float[Tensor, "n 2"], field_of_view: float
) -> Float[Tensor, "m 3"]:
    """Where what is near in such pictures is: (right, ahead, above), in blocks, as their places are; from left to right."""
    some = near[:, ::SPARSE, ::SPARSE].float().flatten(1)
    ways = rays((near.shape[-2], near.shape[-1]), field_of_view, near.device)[:, ::SPARSE, ::SPARSE].flatten(1)
    right, down, ahead = (axes(views) @ ways / some[:, None].clamp(min=1 / FARTHEST)).unbind(1)
    found = torch.stack([right, ahead, -down], -1) + places[:, None]
    found = found[some > 1 / FARTHEST]
    return found[found[:, 0].argsort()]


def held(
    solid: list[list[Float[Tensor, "_ 3"]]],
    place: Float[Tensor, "b 3"],
    moves: Float[Tensor, "b r 3"],
    jumps: Bool[Tensor, "b r"],
    moved: Float[Tensor, "b r 3"],
) -> Float[Tensor, "b r 3"]:
    """The moves of b eyes from `place`, (right, ahead, above) in blocks, as far as their bodies may follow them where they know
    what is `solid`, clouds of points, each from left to right: nobody walks through it, sinks into it, or rises or stays above
    it but for who `jumps` or has just jumped. moved: the moves before."""
    rose = moved[:, -1, 2].tolist()
    rows = zip(solid, place, moves, jumps.tolist(), rose, strict=True)
    return torch.stack([_held(clouds, here, move, *how) if clouds else move for clouds, here, move, *how in rows])


def _held(
    solid: list[Float[Tensor, "_ 3"]], place: Float[Tensor, "3"], moves: Float[Tensor, "r 3"], jumps: list[bool], rose: float
) -> Float[Tensor, "r 3"]:
    """The same for one; `rose`: how far in the frame before."""
    reach = float(moves[:, :2].norm(dim=1).sum()) + 2 * WIDE
    sides = torch.stack([place[0] - reach, place[0] + reach])
    ends = [torch.searchsorted(cloud[:, 0].contiguous(), sides).tolist() for cloud in solid]
    beside = torch.cat([cloud[first:last] for cloud, (first, last) in zip(solid, ends, strict=True)])
    beside = beside[(beside[:, 1] - place[1]).abs() < reach]
    allowed = []
    for move, jump in zip(moves, jumps, strict=True):
        level = _free(beside, place, move[:2])
        above = float(move[2])
        ground = _ground(beside, place + F.pad(level, (0, 1)))
        if ground is not None:
            high = float(place[2]) - EYE - ground
            if not (jump and above > 0):
                above = min(above, (min(rose, 0) - GRAVITY) * DRAG)
            above = max(above, min(-high, STEP))
        above = min(above, _headroom(beside, place + F.pad(level, (0, 1))))
        allowed.append(F.pad(level, (0, 1), value=above))
        place, rose = place + allowed[-1], above
    return torch.stack(allowed)


def _free(solid: Float[Tensor, "m 3"], place: Float[Tensor, "3"], step: Float[Tensor, "2"]) -> Float[Tensor, "2"]:
    """So much of a step aside as nothing is in the way of: along what is, where that can be."""
    feet = place[2] - EYE
    wall = solid[(solid[:, 2] > feet + STEP) & (solid[:, 2] < feet + TALL)][:, :2] - place[:2]
    for last in (False, True):
        met = ((wall - step).abs() < WIDE).all(1) & (wall @ step > 0)
        if int(met.sum()) <= MISTAKEN:
            return step
        if not last:
            # Along what is met: the direction in which it is spread most.
            spread = torch.cov(wall[met].T, correction=0)
            angle = torch.atan2(2 * spread[0, 1], spread[0, 0] - spread[1, 1]) / 2
            along = torch.stack([angle.cos(), angle.sin()])
            step = (step @ along) * along
    return torch.zeros_like(step)


def _headroom(solid: Float[Tensor, "m 3"], place: Float[Tensor, "3"]) -> float:
    """How far the body of an eye may rise before its head meets something."""
    over = solid[((solid - place)[:, :2].abs() < WIDE).all(1)][:, 2] - place[2]
    over = over[over > 0]
    return float("inf") if len(over) <= MISTAKEN else max(0.0, float(over.min()) - (TALL - EYE))


def _ground(solid: Float[Tensor, "m 3"], place: Float[Tensor, "3"]) -> float | None:
    """How high the ground below an eye is; None where none was seen."""
    high = solid[((solid - place)[:, :2].abs() < WIDE).all(1)][:, 2] - (place[2] - EYE)
    high = high[(high > -DEEPEST) & (high < STEP)]
    if len(high) <= MISTAKEN:
        return None
    layers = ((high + DEEPEST) / LAYER).long()
    counts = torch.bincount(layers)
    best = (counts >= min(GOOD * len(high), int(counts.max()))).nonzero().max()
    return float(high[layers == best].mean() + place[2] - EYE)
