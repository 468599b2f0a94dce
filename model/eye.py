"""The eye of a dream: where actions take it, what it then sees of what it has seen before, and how that is remembered, as
free functions over a world and a context."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.actions import CAMERA, KEYS
from simworld.model import ground as grounds
from simworld.model.album import Album, forget, keep
from simworld.model.atlas import with_faces
from simworld.model.body import walked
from simworld.model.camera import sample, turn_grid
from simworld.model.context import Context
from simworld.model.daylight import drifted
from simworld.model.faces import faces_of
from simworld.model.footing import held
from simworld.model.gathering import FAINT
from simworld.model.grip import Grip, at_rest, covered
from simworld.model.lattice import cast
from simworld.model.obstacles import obstacles
from simworld.model.opening import nearby, opened
from simworld.model.registration import averaged
from simworld.model.scenery import KEPT, Scenery, Shown, away, nothing_kept, now, show
from simworld.model.sight import RECENT, Sight
from simworld.model.sky import with_sky
from simworld.model.stages import stage
from simworld.model.surroundings import Eyes, Surroundings, alike, go, headed, paint, recall
from simworld.model.tracking import tracked
from simworld.model.water import with_water
from simworld.model.world import World

JUMP = KEYS.index("jump")
JUMPING = 8
"""Frames in which one may rise after a jump."""
STILL = 1e-3
"""Blocks and degrees in a chunk: whose eye moves less has the very same picture before it."""
LEAST_STEP = 0.01
"""Blocks in a frame's time; who moves less stands still."""
ENOUGH, ENOUGH_REAL = 0.25, 0.9
"""A picture is kept when those that are kept show less than so much of it, dreamt and real."""
LEAST_REAL, LEAST_SOLID = 0.4, 0.05
"""Who sees less of what was real, as a share of what they see that is no sky, is lost, where that is more than so much of the
picture."""
MOSTLY = 0.5
"""A picture changed by hands counts as real where more than so much of it was."""
ABOUT = 0.35
"""What is measured of a real picture and is off by less than so, as a share, is what a lattice says is there."""
NEARLY_ALL, BESIDE = 0.9, 17
"""Of a picture; pixels about."""
FRESH = 0.3
"""How far the nearness of what is shown again is measured anew."""
CLOSE = 4
"""So many of the pictures that were seen from nearest to here tell what stands in the way."""
ANEW = -1
"""The number of what is to be taken from the album anew."""
LEAST_BOTH = 0.1
"""Two maps of nearness that know less of each other than so much of a picture hardly tell how much they differ."""
PULL = 0.5
"""How far a chunk's frames are drawn back to what was seen from the same place."""

Real = tuple[Float[Tensor, "b 3 h w"], Bool[Tensor, "b 1 h w"]]
"""Real pictures, and where they are free of what is fixed to the camera."""


@stage("scenery")
def went(
    world: World,
    context: Context,
    actions: Float[Tensor, "b r a"] | None,
    real: Real | None = None,
) -> tuple[Eyes | None, Shown | None]:
    """Move the eye as the actions do: where it is and looks after each, and what is known of what it sees there, where the
    world has sight. `real`: what it really sees in the end, and where that is free of hands, where that is known."""
    if actions is None:
        return None, None
    around, scenery, sight = context.around, context.scenery, world.sight
    field_of_view = world.config.autoencoder.field_of_view
    if sight is None or not field_of_view:
        return go(around, actions), None
    lately = torch.cat([context.actions, actions.to(context.actions)], 1)[:, -RECENT - actions.shape[1] :]
    yaw = around.view[:, 1]
    steps = on_foot(context.albums, around, lately, scenery.moved, lambda: _imagined(world, sight, context, lately))
    places, views = go(around, actions, steps)
    moved = headed(steps, yaw)
    if real is not None:
        more = (_tracked(context, real, field_of_view) - around.place)[:, None].expand_as(moved) / moved.shape[1]
        places, moved = places + more.cumsum(1), moved + more
        around.place = places[:, -1]
    scenery, drift = replace(scenery, moved=moved), drifted(context.daylight)
    context.scenery, shown = looked_up(context.albums, scenery, places, views, drift, field_of_view)
    return (places, views), beyond(shown, beside_hand(world, context))


def _tracked(context: Context, real: Real, field_of_view: float) -> Float[Tensor, "b 3"]:
    """Where the eye is that really sees this: where it went among blocks that are known, else where it must be to see so what
    was seen before."""
    (picture, free), around, scenery = real, context.around, context.scenery
    known = torch.tensor([album.lattice is not None for album in context.albums], device=around.place.device)
    if bool(known.all()):
        return around.place
    last = scenery.places[:, -1], scenery.views[:, -1]
    here = around.place, around.view
    place = tracked(scenery.pictures[:, -1], scenery.near[:, -1], picture, free, last, here, field_of_view)
    return torch.where(known[:, None], around.place, place)


def _imagined(world: World, sight: Sight, context: Context, lately: Float[Tensor, "b n a"]) -> Float[Tensor, "b r 3"]:
    """The steps that the last of these actions take, by what stands in the way of who does them."""
    around, scenery = context.around, context.scenery
    pitch, yaw = around.view.unbind(1)
    present = scenery.near[:, -1:], scenery.places[:, -1:], scenery.views[:, -1:]
    close = nearby(context.albums, around.place, CLOSE, (world.config.height, world.config.width))
    near, spots, sides = (torch.cat(parts, 1) for parts in zip(close, present, strict=True))
    way = obstacles(near, spots, sides, around.place, yaw, world.config.autoencoder.field_of_view)
    steps = sight.steps(scenery.ahead, lately, headed(scenery.moved, -yaw), pitch, way)
    # Who stands still must not creep.
    return torch.where(steps.norm(dim=-1, keepdim=True) < LEAST_STEP, 0, steps)


def looked_up(
    albums: list[Album],
    scenery: Scenery,
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    drift: Float[Tensor, "b 2"],
    field_of_view: float,
) -> tuple[Scenery, Shown]:
    """The scenery that shows most of what is seen from the last of `places`, and what it shows from each of them, under clouds
    that have drifted so far, (right, ahead) in blocks."""
    size = (scenery.pictures.shape[-2], scenery.pictures.shape[-1])
    lattices = [album.lattice for album in albums]
    told = cast(lattices, places, views, size, field_of_view)
    scenery = opened(albums, scenery, places[:, -1], views[:, -1], field_of_view, told)
    shown = show(scenery, places, views, field_of_view, told)
    if told is not None:
        shown.faces, shown.on_faces = faces_of(lattices, places, views, told.near, field_of_view)
    waters, share = [album.water for album in albums], away(scenery, places)
    shown = with_faces(shown, [album.atlas for album in albums], told, share)
    shown = with_water(shown, waters, told, places, views, share, field_of_view)
    return scenery, with_sky(shown, [album.sky for album in albums], told, places, views, drift, field_of_view)


def beheld(world: World, context: Context) -> Shown | None:
    """What is known of what the eye sees where it is before it has seen any of it; None where no world came with pictures."""
    if world.sight is None or not any(map(len, context.albums)):
        return None
    eye = context.around.place[:, None], context.around.view[:, None]
    field_of_view = world.config.autoencoder.field_of_view
    return looked_up(context.albums, context.scenery, *eye, drifted(context.daylight), field_of_view)[1]


def seen_now(world: World, context: Context) -> Shown | None:
    """What is known of what the eye sees where it is, as the blocks of its place lie now; None where none are known."""
    place, view, size = context.around.place[:, None], context.around.view[:, None], (world.config.height, world.config.width)
    field_of_view = world.config.autoencoder.field_of_view
    told = cast([album.lattice for album in context.albums], place, view, size, field_of_view)
    return None if told is None else show(context.scenery, place, view, field_of_view, told)


def beside_hand(world: World, context: Context) -> Bool[Tensor, "b 1 1 h w"]:
    """In which pixels neither hands at rest nor anything else that is fixed to the camera hides the world."""
    return own(world, at_rest(context.grip))[:, None] < 0.5


def beyond(shown: Shown, free: Bool[Tensor, "b 1 1 h w"]) -> Shown:
    """What is shown, where it is `free` of what is fixed to the camera; the rest lies behind that."""
    return replace(shown, known=shown.known & free, behind=shown.known)


def on_foot(
    albums: list[Album],
    around: Surroundings,
    lately: Float[Tensor, "b n a"],
    moved: Float[Tensor, "b r 3"],
    imagined: Callable[[], Float[Tensor, "b r 3"]],
) -> Float[Tensor, "b r 3"]:
    """The steps, (right, ahead, above) for who faces ahead, that the last of these actions take: as bodies move among blocks,
    where these are known; else as `imagined`, but for who cannot walk through what came with their worlds or was built in them.
    moved: how the eye moved in the frames before."""
    place, yaw = around.place, around.view[:, 1]
    bodies = zip(albums, place, moved, yaw.tolist(), lately, strict=True)
    walks = [None if album.lattice is None else walked(album.lattice, *body) for album, *body in bodies]
    known = [walk for walk in walks if walk is not None]
    if len(known) == len(walks):
        return headed(torch.stack(known), -yaw)
    steps = imagined()
    solid = [album.solid if walk is None else [] for album, walk in zip(albums, walks, strict=True)]
    if any(solid):
        jumps = lately[..., JUMP].unfold(1, JUMPING, 1).amax(2)[:, -steps.shape[1] :] > 0
        steps = headed(held(solid, place, headed(steps, yaw), jumps, moved), -yaw)
    if not known:
        return steps
    rows = zip(headed(steps, yaw), walks, strict=True)
    return headed(torch.stack([step if walk is None else walk for step, walk in rows]), -yaw)


def own(world: World, grip: Grip) -> Float[Tensor, "b 1 h w"]:
    """1 in the pixels in which players see their hands, or, where these are not known, that are fixed to the camera; else 0."""
    fixed = world.fixed().expand(len(grip.held), -1, -1, -1)
    if world.hands is None:
        return fixed
    return torch.where(grip.known[:, None, None, None], covered(world.hands.looks, grip, fixed), fixed)


@stage("far memory")
def recalled(
    world: World,
    context: Context,
    frames: Float[Tensor, "b t h w 3"],
    actions: Float[Tensor, "b r a"] | None,
    eyes: Eyes | None,
    shown: Shown | None,
) -> Float[Tensor, "b t h w 3"]:
    """The frames to which `actions` led, seen by `eyes`, where they are not what `shown` knows: where they turn into view what
    lay beyond the border, or behind what is fixed to the camera, with what is remembered of it; and where they have drifted
    from what was seen from here, drawn back to it. The decoder then goes on from there."""
    field_of_view, size = world.config.autoencoder.field_of_view, (frames.shape[2], frames.shape[3])
    if actions is None or eyes is None or not field_of_view:
        return frames
    views = eyes[1]
    assert context.decoder is not None, "it has just made these frames"
    remembered, trust, same = recall(context.around, views, size, field_of_view)
    places = turn_grid(actions[..., CAMERA].float().cumsum(1).flatten(0, 1), size, field_of_view)
    fixed = own(world, at_rest(context.grip)).repeat_interleave(frames.shape[1], 0)
    uncovered = torch.maximum(sample(fixed, places), (places.abs() > 1).any(-1)[:, None]).view_as(trust)
    # What hands do to a block is no drift, and begins with little.
    idle = ~context.work.changing[:, None, None, None, None]
    drifted = same * idle * alike(frames.movedim(-1, 2), remembered)
    share = torch.maximum(trust * uncovered, PULL * drifted) * (1 - fixed).view_as(trust)
    if shown is not None:
        share = torch.where(shown.known, 0, share)
        # Who stands still has the present picture before their eyes, and it must not change by being dreamt again and again.
        scenery = context.scenery
        turned, gone = views - scenery.views[:, -1:], context.around.place - scenery.places[:, -1]
        still = (turned.abs().amax((1, 2)) + gone.abs().amax(1) < STILL) & ~context.work.changing
        lasting = still[:, None, None, None, None] & shown.known & ~shown.kept
        remembered, share = torch.where(lasting, shown.colors, remembered), torch.where(lasting, 1, share)
    frames = torch.lerp(frames, remembered.movedim(2, -1), share.movedim(2, -1))
    context.decoder.picture = world.autoencoder.padded(frames[:, -1])
    return frames


def look(
    world: World,
    context: Context,
    frame: Float[Tensor, "b h w 3"],
    shown: Shown | None,
    real: Bool[Tensor, " b"],
    changed: Bool[Tensor, "b 1 h w"] | None = None,
) -> None:
    """Remember what is seen, where the camera is known; of it the last of `shown` was known. `real`: nobody dreamt it.
    `changed`: where hands have just changed it."""
    _seen(world, context, frame, shown, real, changed)
    around, field_of_view = context.around, world.config.autoencoder.field_of_view
    context.ground = _grounded(context.ground, frame, around.view, around.place, field_of_view, real)


def _seen(
    world: World,
    context: Context,
    frame: Float[Tensor, "b h w 3"],
    shown: Shown | None,
    real: Bool[Tensor, " b"],
    changed: Bool[Tensor, "b 1 h w"] | None,
) -> None:
    """Paint and keep what is seen."""
    field_of_view = world.config.autoencoder.field_of_view
    if not field_of_view:
        return
    # A dream goes on from hands at rest, and what it shows beside them is of their colour.
    picture, beside = frame.movedim(-1, 1), torch.maximum(own(world, at_rest(context.grip)), world.fixed())
    fixed = torch.where(real[:, None, None, None], own(world, context.grip), beside)
    sight = world.sight
    near = None
    if sight is not None:
        near = _known_near(shown) if not bool(real.any()) else None
        near = _measured(sight, picture) if near is None else near
    _painted(context.around, picture, fixed, context.work.changing, field_of_view)
    if near is not None:
        _remember(context, near, picture, fixed, shown, real, changed, field_of_view)


_painted, _grounded = stage("far memory")(paint), stage("far memory")(grounds.look)


@stage("scenery")
def _measured(sight: Sight, picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    return sight.near(picture)


def _known_near(shown: Shown | None) -> Float[Tensor, "b 1 h w"] | None:
    """How near things are where lattices and what is known of the picture tell nearly all of it; the rest is as near as what is
    beside it. None where they do not."""
    if shown is None or shown.sure is None:
        return None
    told, near = (shown.sure | shown.known)[:, -1].float(), shown.near[:, -1]
    if float(told.mean((1, 2, 3)).min()) < NEARLY_ALL:
        return None
    beside, much = (averaged(part, BESIDE) for part in (near * told, told))
    return torch.where(told > 0, near, beside / much.clamp(min=FAINT))


@stage("scenery")
def _remember(
    context: Context,
    near: Float[Tensor, "b 1 h w"],
    picture: Float[Tensor, "b 3 h w"],
    fixed: Float[Tensor, "b 1 h w"],
    shown: Shown | None,
    real: Bool[Tensor, " b"],
    changed: Bool[Tensor, "b 1 h w"] | None,
    field_of_view: float,
) -> None:
    """The picture is the present one now, and is kept when those that are kept show little of it. A real one is kept anyway, in
    place of the latest where little of it is new; and so is one that hands have changed, and what was there is forgotten."""
    own = fixed < 0.5
    around, scenery = context.around, context.scenery
    must = real
    if changed is not None and bool(changed.any()):
        must = real | changed.flatten(1).any(1)
        for number in changed.flatten(1).any(1).nonzero()[:, 0].tolist():
            here = changed[number], around.place[number], around.view[number]
            # A lattice knows by itself what was changed since a picture was seen.
            if context.albums[number].lattice is None:
                context.albums[number] = forget(context.albums[number], *here, field_of_view)
        scenery = replace(scenery, numbers=torch.full_like(scenery.numbers, ANEW))
    little, share = torch.ones(len(near), dtype=torch.bool, device=near.device), real.float()
    if shown is not None:
        little = _share(shown.kept, shown, own) < torch.where(must, ENOUGH_REAL, ENOUGH)
        share = torch.maximum(_share(shown.real, shown, own), share)
        near = torch.where(real[:, None, None, None], _beneath_sky(near, shown), _as_shown(near, shown))
    near = _as_blocks_lie(context, near, real, must, field_of_view)
    scenery = now(scenery, picture, near, ~own, around.place, around.view, real | (must & (share > MOSTLY)))
    goes = (scenery.moved.norm(dim=2) > LEAST_STEP).any(1)
    lost = torch.where(share > LEAST_REAL, 0, scenery.lost + goes.float())
    context.scenery = replace(scenery, sees=share, lost=lost)
    if bool((must | little).any()):
        context.albums = keep(context.albums, context.scenery, must | little, instead=~little)


def _share(part: Bool[Tensor, "b r 1 h w"], shown: Shown, own: Bool[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """How much a part is of what the last frame shows that is neither fixed to the camera nor sky; all of it where hardly
    anything else is seen: everybody sees the sky, wherever they have gone."""
    solid = own & ~(shown.known & (shown.near == 0))[:, -1]
    much, some = (pixels.float().mean((1, 2, 3)) for pixels in (solid, part[:, -1] & solid))
    return torch.where(much < LEAST_SOLID, 1, some / much.clamp(min=LEAST_SOLID))


def _beneath_sky(near: Float[Tensor, "b 1 h w"], shown: Shown) -> Float[Tensor, "b 1 h w"]:
    """How near things are in a real picture, as was measured, but for where it is known to show the sky: clouds seem near."""
    return torch.where((shown.known & shown.real & (shown.near == 0))[:, -1], 0, near)


def _as_shown(near: Float[Tensor, "b 1 h w"], shown: Shown) -> Float[Tensor, "b 1 h w"]:
    """How near things are in a dreamt picture, as it was measured and as is known of what it shows."""
    before, known = shown.near[:, -1], shown.known[:, -1]
    agreed = near * _agreed(near, before, known)
    agreed = torch.where(known, torch.lerp(before, agreed, FRESH), agreed)
    return agreed if shown.sure is None else torch.where(shown.sure[:, -1], before, agreed)


def _as_blocks_lie(
    context: Context, near: Float[Tensor, "b 1 h w"], real: Bool[Tensor, " b"], must: Bool[Tensor, " b"], field_of_view: float
) -> Float[Tensor, "b 1 h w"]:
    """How near things are in pictures that must be kept: as their lattices say, but for what stands before these in real
    ones."""
    if not bool(must.any()):
        return near
    lattices, around = [album.lattice for album in context.albums], context.around
    size = (near.shape[-2], near.shape[-1])
    told = cast(lattices, around.place[:, None], around.view[:, None], size, field_of_view)
    if told is None:
        return near
    alike = (near - told.near).abs() < ABOUT * told.near
    there = (told.near >= 0) & must[:, None, None, None] & (alike | ~real[:, None, None, None])
    return torch.where(there, told.near, near)


def _agreed(
    near: Float[Tensor, "b 1 h w"], other: Float[Tensor, "b 1 h w"], known: Bool[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 1 1 1"]:
    """By how much nearer things are in the other map, where both know."""
    both = (known & (near > FAINT) & (other > FAINT)).float()
    apart = (torch.log(other.clamp(min=FAINT)) - torch.log(near.clamp(min=FAINT))) * both
    mean = apart.sum((1, 2, 3), keepdim=True) / (both.sum((1, 2, 3), keepdim=True) + both[0].numel() * LEAST_BOTH)
    return mean.exp().clamp(0.5, 2)


def nothing_known(world: World, b: int) -> Scenery:
    """What b dreams know of where they are that have just begun."""
    size, sees = (world.config.height, world.config.width), world.sight is not None
    return nothing_kept(b, size, world.config.denoiser.time_stride, world.device, KEPT if sees else 0)
