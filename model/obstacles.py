"""Obstacles: how far off, in each direction, something of what was seen stands in the way of a player. Closed form, of the same
pictures with nearness and places that `scenery` shows."""

import torch
from jaxtyping import Float
from torch import Tensor

from simworld.model.camera import rays
from simworld.model.projection import axes
from simworld.model.surroundings import headed

DIRECTIONS = 8
"""Ahead, ahead and to the right, right …"""
BANDS = ((-2.6, -1.75), (-1.75, -1.4), (-1.4, -0.7), (-0.55, 0.25))
"""Heights above the eye, in blocks: a hole's floor, the ground, the block before the feet, the one above it."""
ASIDE = 0.35
"""Blocks to either side of its way that a body takes up."""
SPARSE = 6
"""Every so many pixels each way are looked at."""
MISTAKEN = 3
"""So many points nearer than all others may be mistaken."""
EDGE = 1.25
"""Where neighbouring points differ so many times in nearness, they are of the edge between two things, and of neither."""


def obstacles(
    near: Float[Tensor, "b k 1 h w"],
    places: Float[Tensor, "b k 3"],
    views: Float[Tensor, "b k 2"],
    place: Float[Tensor, "b 3"],
    yaw: Float[Tensor, " b"],
    field_of_view: float,
) -> Float[Tensor, "b directions bands"]:
    """exp(-blocks) to the nearest thing in each direction and band of height, for who stands at `place` and faces `yaw`, in
    degrees; 0 where nothing is. near, places, views: of pictures, as in `Scenery`."""
    size = (near.shape[-2], near.shape[-1])
    some = near[:, :, 0, ::SPARSE, ::SPARSE]
    beside = near[:, :, 0, 1::SPARSE, 1::SPARSE][..., : some.shape[-2], : some.shape[-1]]
    some = some[..., : beside.shape[-2], : beside.shape[-1]]
    ways = rays(size, field_of_view, near.device)[:, ::SPARSE, ::SPARSE][:, : some.shape[-2], : some.shape[-1]].flatten(1)
    solid = (some > 1 / 64) & (beside > 0) & (torch.maximum(some, beside) < EDGE * torch.minimum(some, beside))
    right, down, ahead = (axes(views) @ ways / some.flatten(2)[:, :, None].clamp(min=1 / 64)).unbind(2)
    points = torch.stack([right, ahead, -down], -1) + (places - place[:, None])[:, :, None]
    points, solid = headed(points.flatten(1, 2), -yaw), solid.flatten(1)
    angles = torch.arange(DIRECTIONS, device=near.device) * (2 * torch.pi / DIRECTIONS)
    along = points[..., :1] * angles.sin() + points[..., 1:2] * angles.cos()  # b n directions
    across = points[..., :1] * angles.cos() - points[..., 1:2] * angles.sin()
    met = solid[..., None] & (along > 0) & (across.abs() < ASIDE)
    found = []
    for low, high in BANDS:
        within = met & (points[..., 2:] > low) & (points[..., 2:] < high)
        away = torch.where(within, along, torch.inf)
        found.append((-away.topk(min(MISTAKEN, away.shape[1]), 1, largest=False).values[:, -1]).exp())
    return torch.stack(found, -1)
