"""Finish: how a dream's frames are shown. What is remembered stays as it was dreamt; what is seen is restored where it was
real, has the grain of the blocks that it shows, and lies in the light of the hour. Free functions over a world and a
context."""

import torch
from jaxtyping import Float
from torch import Tensor

from simworld.model.context import Context
from simworld.model.daylight import relit
from simworld.model.eye import beside_hand
from simworld.model.faces import NOWHERE, spots
from simworld.model.projection import NOTHING
from simworld.model.registration import averaged
from simworld.model.scenery import Shown
from simworld.model.stages import stage
from simworld.model.surroundings import Eyes
from simworld.model.touch import Touch
from simworld.model.world import World

SEAM, AWAY = 9, 1.0
"""Pixels: half of this away from what is real a picture is no longer restored. Blocks: so far from where something real was
seen it is restored wholly, and has all its grain."""
MOSTLY = 0.5
"""Of what is about a pixel; where so much was real it is restored wholly."""


def finished(
    world: World,
    touch: Touch,
    context: Context,
    frames: Float[Tensor, "b r h w 3"],
    eyes: Eyes | None,
    shown: Shown | None,
) -> Float[Tensor, "b r h w 3"]:
    """Frames that are seen by such eyes, of which `shown` is known, with what hands but show in them."""
    fine = grained(world, context, restored(world, context, frames, shown), eyes, shown)
    return relit(world, context.daylight, touch.shown(fine), None if eyes is None else eyes[1], shown)


@stage("restore")
def restored(
    world: World, context: Context, frames: Float[Tensor, "b r h w 3"], shown: Shown | None
) -> Float[Tensor, "b r h w 3"]:
    """The frames as the eye would see them, beside the hands at rest, where what is `shown` of them was real, and in its holes
    and seams: what was dreamt stays as it was dreamt, for of that the network knows but the mean of all that may be there; and
    from where it was really seen nothing is lost. As they are in a world that has no restorer."""
    if world.restorer is None or shown is None:
        return frames
    free = beside_hand(world, context)
    real = (shown.known & shown.real).flatten(0, 1).float()
    share = _away(context) * (averaged(real, SEAM) / MOSTLY).clamp(max=1).view_as(shown.near) * free
    if not bool(share.any()):
        return frames
    return torch.lerp(frames, world.restorer(frames, shown), share.movedim(2, -1))


@stage("grain")
def grained(
    world: World, context: Context, frames: Float[Tensor, "b r h w 3"], eyes: Eyes | None, shown: Shown | None
) -> Float[Tensor, "b r h w 3"]:
    """The frames with what is on the faces of blocks, beside the hands at rest and away from where these were really seen; as
    they are where the world has no grain, where no lattice tells of blocks, or nobody knows how they lie to sunrise."""
    if world.grain is None or eyes is None or shown is None or shown.sure is None:
        return frames
    away = _away(context)
    if not bool(away.any()):
        return frames
    field_of_view, (b, r, _, h, w) = world.config.autoencoder.field_of_view, shown.colors.shape
    near = torch.where(shown.sure & beside_hand(world, context), shown.near, NOTHING)[:, :, 0]
    where = torch.full((b, r, 1, h, w), NOWHERE, dtype=torch.int32, device=frames.device)
    rows = zip(context.albums, context.daylight.seen.tolist(), context.daylight.heading.tolist(), strict=True)
    for number, (album, hour, heading) in enumerate(rows):
        if album.lattice is not None and hour >= 0:
            there = eyes[0][number], eyes[1][number], near[number]
            where[number, :, 0] = spots(album.lattice, *there, heading, field_of_view)
    known = torch.where(shown.sure | shown.known, shown.near, NOTHING).flatten(0, 1)
    pictures = frames.flatten(0, 1).movedim(-1, 1)
    fine = world.grain(pictures, known, where.flatten(0, 1)).movedim(1, -1).unflatten(0, (b, r))
    return torch.lerp(frames, fine.to(frames.dtype), away)


def _away(context: Context) -> Float[Tensor, "b 1 1 1 1"]:
    """How far eyes are from where something real was seen, from 0 to 1."""
    away = (context.scenery.places - context.around.place[:, None]).norm(dim=2)
    return (torch.where(context.scenery.real > 0, away, AWAY).amin(1) / AWAY).clamp(max=1)[:, None, None, None, None]
