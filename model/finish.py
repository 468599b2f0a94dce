"""Finish: how a dream's frames are shown. What is remembered stays as it was dreamt; what is seen is restored where it was
real, has the grain of the blocks that it shows, and lies in the light of the hour.

A draft holds all that this takes, so that it can be finished while the dream goes on, elsewhere (`finisher`).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from simworld.model.context import Context
from simworld.model.daylight import Daylight, relit
from simworld.model.eye import beside_hand
from simworld.model.faces import NOWHERE, spots
from simworld.model.falls import Drops, falling, with_drops
from simworld.model.grain import Grain
from simworld.model.pixels import to_uint8
from simworld.model.projection import NOTHING
from simworld.model.registration import averaged
from simworld.model.relighter import Relighter
from simworld.model.restorer import Restorer
from simworld.model.scenery import Shown, away
from simworld.model.stages import stage
from simworld.model.surroundings import Eyes
from simworld.model.touch import Overlay
from simworld.model.world import World

SEAM = 9
"""Pixels: half of this away from what is real a picture is no longer restored."""
MOSTLY = 0.5
"""Of what is about a pixel; where so much was real it is restored wholly."""


@dataclass(frozen=True)
class Finish:
    """What a world finishes drafts with; None what it has not. field_of_view: of its camera."""

    restorer: Restorer | None
    grain: Grain | None
    relighter: Relighter | None
    field_of_view: float

    @classmethod
    def of(cls, world: World) -> "Finish":
        """A world's own."""
        return cls(world.restorer, world.grain, world.relighter, world.config.autoencoder.field_of_view)


@dataclass(frozen=True)
class Draft:
    """Frames in [-1, 1] as they were dreamt, of which `shown` is known. restored: how much each pixel is to be restored, from 0
    to 1. spots: those of the faces that it shows, as `faces.spots` tells, and grained: how much of their grain it has. None
    where nothing is to be done. views: towards which the frames look, in such a daylight. overlay: what is but shown. drops:
    what falls, None where nothing does. goal: the draft of where the dream is being led, seen through this one by a share, from
    0 to 1."""

    frames: Float[Tensor, "b r h w 3"]
    shown: Shown | None
    restored: Float[Tensor, "b r h w 1"] | None
    spots: Int[Tensor, "b r 1 h w"] | None
    grained: Float[Tensor, "b 1 1 1 1"] | None
    views: Float[Tensor, "b r 2"] | None
    daylight: Daylight
    overlay: Overlay
    drops: Drops | None = None
    goal: "Draft | None" = None
    share: Float[Tensor, "b r"] | None = None


def drafted(
    world: World,
    overlay: Overlay,
    context: Context,
    frames: Float[Tensor, "b r h w 3"],
    eyes: Eyes | None,
    shown: Shown | None,
) -> Draft:
    """The draft of frames that are seen by such eyes, of which `shown` is known, with what hands but show in them."""
    away = _away(context)
    restored = _restored_share(world, context, shown, away)
    faces = _faces(world, context, shown, away)
    much = None if faces is None else away
    views = None if eyes is None else eyes[1]
    drops = _drops(world, context, frames, eyes)
    shown = None if shown is None else replace(shown, faces=None, on_faces=None)  # nobody asks for these any more
    return Draft(frames, shown, restored, faces, much, views, context.daylight, overlay, drops)


@torch.inference_mode()
def finished(finish: Finish, draft: Draft) -> UInt8[Tensor, "b r h w 3"]:
    """The frames of a draft as they are seen."""
    return to_uint8(_fine(finish, draft))


def _fine(finish: Finish, draft: Draft) -> Float[Tensor, "b r h w 3"]:
    frames = draft.overlay.over(_rained_on(draft, grained(finish, draft, restored(finish, draft))))
    frames = relit(finish.relighter, finish.field_of_view, draft.daylight, frames, draft.views, draft.shown)
    if draft.goal is None or draft.share is None:
        return frames
    return torch.lerp(frames, _fine(finish, draft.goal), draft.share[:, :, None, None, None])


@stage("restore")
def restored(finish: Finish, draft: Draft) -> Float[Tensor, "b r h w 3"]:
    """A draft's frames, freed from frayed edges, seams and holes."""
    if finish.restorer is None or draft.restored is None or draft.shown is None:
        return draft.frames
    return torch.lerp(draft.frames, finish.restorer(draft.frames, draft.shown), draft.restored)


@stage("grain")
def grained(finish: Finish, draft: Draft, frames: Float[Tensor, "b r h w 3"]) -> Float[Tensor, "b r h w 3"]:
    """A draft's frames, restored, with what is on the faces of blocks."""
    if finish.grain is None or draft.spots is None or draft.grained is None or draft.shown is None:
        return frames
    shown = draft.shown
    assert shown.sure is not None, "where there are faces a lattice tells how near they are"
    near = torch.where(shown.sure | shown.known, shown.near, NOTHING).flatten(0, 1)
    fine = finish.grain(frames.flatten(0, 1).movedim(-1, 1), near, draft.spots.flatten(0, 1))
    return torch.lerp(frames, fine.movedim(1, -1).unflatten(0, frames.shape[:2]).to(frames.dtype), draft.grained)


@stage("falls")
def _rained_on(draft: Draft, frames: Float[Tensor, "b r h w 3"]) -> Float[Tensor, "b r h w 3"]:
    """A draft's frames, with what falls in them."""
    if draft.drops is None or draft.shown is None:
        return frames
    return with_drops(frames, draft.drops, draft.shown.near)


@stage("falls")
def _drops(world: World, context: Context, frames: Float[Tensor, "b r h w 3"], eyes: Eyes | None) -> Drops | None:
    """What falls in frames that are seen by such eyes."""
    if eyes is None:
        return None
    free, field_of_view = beside_hand(world, context), world.config.autoencoder.field_of_view
    return falling(context.albums, context.daylight, eyes, frames, free, field_of_view)


@stage("restore")
def _restored_share(
    world: World, context: Context, shown: Shown | None, away: Float[Tensor, "b 1 1 1 1"]
) -> Float[Tensor, "b r h w 1"] | None:
    """How much frames are to be restored as the eye would see them: beside the hands at rest, where what is `shown` of them was
    real, and in its holes and seams; what was dreamt stays as it was dreamt, for of that the network knows but the mean of all
    that may be there; and from where it was really seen nothing is lost."""
    if shown is None:
        return None
    real = (shown.known & shown.real).flatten(0, 1).float()
    share = away * (averaged(real, SEAM) / MOSTLY).clamp(max=1).view_as(shown.near) * beside_hand(world, context)
    return share.movedim(2, -1) if bool(share.any()) else None


@stage("grain")
def _faces(
    world: World, context: Context, shown: Shown | None, away: Float[Tensor, "b 1 1 1 1"]
) -> Int[Tensor, "b r 1 h w"] | None:
    """The spots of the faces that frames show, beside the hands at rest and away from where these were really seen; none where
    the world has no grain, where no lattice tells of blocks, or nobody knows how they lie to sunrise."""
    if world.grain is None or shown is None or shown.sure is None or shown.faces is None or shown.on_faces is None:
        return None
    if not bool(away.any()):
        return None
    faces = torch.where((shown.sure & beside_hand(world, context))[:, :, 0], shown.faces, NOWHERE)
    found = torch.full_like(shown.near, NOWHERE, dtype=torch.int32)
    rows = zip(context.albums, context.daylight.seen.tolist(), context.daylight.heading.tolist(), strict=True)
    for number, (album, hour, heading) in enumerate(rows):
        if album.lattice is not None and hour >= 0:
            found[number, :, 0] = spots(faces[number], shown.on_faces[number], album.lattice.turn, heading)
    return found


def _away(context: Context) -> Float[Tensor, "b 1 1 1 1"]:
    """How far eyes are from where something real was seen, from 0 to 1: so much pictures are restored, and have grain."""
    return away(context.scenery, context.around.place[:, None])[..., None, None, None]
