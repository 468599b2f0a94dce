"""Leading: how dreams fade over into other places, while the player goes on. Until they are there they dream on as they did,
and both are seen, the one through the other; free functions over a world and a context."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from simworld.actions import CAMERA
from simworld.model import grip as grips
from simworld.model import ground as grounds
from simworld.model.album import Album, grown
from simworld.model.context import Context, Goal
from simworld.model.daylight import Daylight, brought, drifted, passed
from simworld.model.daylight import unknown as unknown_daylight
from simworld.model.eye import beside_hand, beyond, looked_up, nothing_known, on_foot
from simworld.model.finish import Draft
from simworld.model.motion import REST_PITCH
from simworld.model.pixels import to_float
from simworld.model.promise import Promise, kept
from simworld.model.records import where
from simworld.model.scenery import Shown
from simworld.model.stages import stage
from simworld.model.surroundings import Eyes, Surroundings, all_seen, go, headed, known, nothing_seen, recall
from simworld.model.touch import seen_in_hand, with_own_hand
from simworld.model.work import elsewhere
from simworld.model.world import World


@torch.inference_mode()
def lead(
    world: World,
    context: Context,
    pictures: UInt8[Tensor, "b h w 3"],
    num_chunks: int,
    panoramas: UInt8[Tensor, "b p two_p 3"] | None = None,
    pitch: Float[Tensor, " b"] | None = None,
    albums: Sequence[Album | Promise[Album]] | None = None,
    spots: Float[Tensor, "b 4"] | None = None,
    daylight: Daylight | None = None,
    wait: int = 0,
    grow: Sequence[Album | Promise[Album]] | None = None,
    due: int = 0,
) -> None:
    """Let dreams fade, after so many chunks to `wait`, over the next into what pictures show, and go on from there, with what
    `surround` would tell of them. Where there are pictures of the place from elsewhere, as in all albums that are promised, one
    comes to it on foot: to where its picture was taken, and looks as that does; or to `spots`, (right, ahead, above) in blocks
    and yaw in degrees, looking as far down as before. Albums that are but sketches `grow` into others, `due` so many chunks
    after one is there. ValueError for another picture size, or for no chunk."""
    if tuple(pictures.shape) != tuple(context.goal.pictures.shape) or num_chunks < 1:
        raise ValueError(
            f"pictures {tuple(pictures.shape)} in {num_chunks} chunks; these worlds take {tuple(context.goal.pictures.shape)} "
            "in 1 or more"
        )
    around = surroundings(world, len(pictures), panoramas, pitch)
    goals = with_own_hand(world, context.grip, to_float(pictures.to(world.device)), around)
    albums = list(albums) if albums else [Album()] * len(pictures)
    if spots is not None:
        on_spot = sighted(albums, world.device)[:, None]
        view = torch.stack([context.around.view[:, 0], spots[:, 3]], 1)
        around.place, around.view = spots[:, :3], torch.where(on_spot, view, around.view)
    total = torch.full_like(context.goal.left, num_chunks)
    daylight = brought(daylight or unknown_daylight(len(pictures), world.device), context.daylight)
    left, whole = total + wait, list(grow) if grow else [None] * len(pictures)
    later = left + due if grow else torch.zeros_like(left)
    context.goal = Goal(goals, left, total, around, albums, nothing_known(world, len(pictures)), daylight, whole, later)


def is_led(context: Context) -> bool:
    """Whether any of the dreams is being led."""
    return bool(context.goal.left.any())


def sighted(albums: Sequence[Album | Promise[Album]], device: torch.device) -> Bool[Tensor, " b"]:
    """Which of the albums have pictures of the place that came with the world."""
    return torch.tensor([isinstance(album, Promise) or album.given is not None for album in albums], device=device)


def surroundings(world: World, b: int, panoramas: Tensor | None, pitch: Tensor | None) -> Surroundings:
    """What lies around dreams that begin where panoramas show it, or nothing, and look down by `pitch` degrees."""
    if pitch is None:
        pitch = torch.full((b,), REST_PITCH, device=world.device)
    return nothing_seen(pitch) if panoramas is None else all_seen(to_float(panoramas).movedim(-1, 1), pitch)


@stage("scenery")
def led(
    world: World,
    context: Context,
    frames: Float[Tensor, "b r h w 3"],
    draft: Draft,
    actions: Float[Tensor, "b r a"] | None,
    shown: Shown | None,
    draft_of: Callable[[Context, Tensor, Eyes | None, Shown | None], Draft],
) -> tuple[Draft, Float[Tensor, "b r h w 3"], Shown | None]:
    """The draft of the frames to which `actions` led, through which the goals show, of which there is a `draft_of` a dream that
    is there, with its eyes and what is known of them; the frames that dreams go on from, of those that have arrived the
    goals'; and what is known of these."""
    _grow(context)
    if not is_led(context):
        return draft, frames, shown
    num_frames = frames.shape[1]
    context.goal = replace(context.goal, daylight=passed(context.goal.daylight, num_frames))
    if bool(context.goal.shows.any()):
        draft, frames, shown = _fading(world, context, frames, draft, actions, shown, draft_of)
    context.goal = replace(context.goal, left=(context.goal.left - 1).clamp(min=0))
    return draft, frames, shown


def _grow(context: Context) -> None:
    """Let albums grow that are due."""
    due = context.goal.due
    if not bool(due.any()):
        return
    pairs = zip(context.albums, context.goal.grow, due.tolist(), strict=True)
    context.albums = [grown(album, kept(whole)) if whole and left == 1 else album for album, whole, left in pairs]
    context.goal = replace(context.goal, due=(due - 1).clamp(min=0))


def _fading(
    world: World,
    context: Context,
    frames: Float[Tensor, "b r h w 3"],
    draft: Draft,
    actions: Float[Tensor, "b r a"] | None,
    shown: Shown | None,
    draft_of: Callable[[Context, Tensor, Eyes | None, Shown | None], Draft],
) -> tuple[Draft, Float[Tensor, "b r h w 3"], Shown | None]:
    """`led`, of dreams of which some are fading."""
    assert context.decoder is not None, "it has just made these frames"
    goal, num_frames = context.goal, frames.shape[1]
    shows = goal.shows
    seen = [kept(album) if near else Album() for album, near in zip(goal.albums, shows.tolist(), strict=True)]
    there, known_there = goal.pictures[:, None].expand_as(frames), None
    place, view = (part[:, None].expand(-1, num_frames, -1) for part in (goal.around.place, goal.around.view))
    eyes = place, view
    if actions is not None and shown is not None and bool(sighted(seen, world.device).any()):
        there, eyes, known_there = _gone_there(world, context, frames, actions, there, seen)
        goal = context.goal
    nearer = torch.arange(1, num_frames + 1, device=frames.device) / num_frames
    share = ((goal.total - goal.left)[:, None] + nearer) / goal.total.clamp(min=1)[:, None]
    share = torch.where(shows[:, None], share * share * (3 - 2 * share), 0)
    gone = replace(context, around=goal.around, scenery=goal.scenery, albums=seen, daylight=goal.daylight)
    draft = replace(draft, goal=draft_of(gone, there, eyes, known_there), share=share)
    arrived = goal.left == 1
    if bool(arrived.any()):
        frames = torch.where(arrived[:, None, None, None, None], there, frames)
        context.decoder.picture = world.autoencoder.padded(frames[:, -1])
        _arrive(world, context, arrived, seen)
        shown = known_there if shown is None or known_there is None else where(arrived, known_there, shown)
    return draft, frames, shown


def _gone_there(
    world: World,
    context: Context,
    frames: Float[Tensor, "b r h w 3"],
    actions: Float[Tensor, "b r a"],
    pictures: Float[Tensor, "b r h w 3"],
    albums: list[Album],
) -> tuple[Float[Tensor, "b r h w 3"], Eyes, Shown]:
    """Where goals have been seen from elsewhere, as their `albums` tell, what the player sees there who goes on as here, by
    which eyes, and what is known of it; where nothing is, `frames` stay. Of others their `pictures`."""
    goal, field_of_view = context.goal, world.config.autoencoder.field_of_view
    around, size = replace(goal.around), (world.config.height, world.config.width)
    yaw = context.around.view[:, 1] - actions[..., CAMERA][..., 1].sum(1)
    steps = on_foot(albums, around, context.actions, goal.scenery.moved, lambda: headed(context.scenery.moved, -yaw))
    scenery = replace(goal.scenery, moved=headed(steps, around.view[:, 1]))
    places, views = go(around, actions, steps)
    scenery, shown = looked_up(albums, scenery, places, views, drifted(goal.daylight), field_of_view)
    shows = goal.shows
    context.goal = replace(goal, around=where(shows, around, goal.around), scenery=where(shows, scenery, goal.scenery))
    free = beside_hand(world, context)
    shown = beyond(shown, free)
    remembered, trust, _ = recall(around, views, size, field_of_view)
    far = torch.lerp(frames.movedim(-1, 2), remembered, trust * free)
    there = torch.where(shown.known, shown.colors, far).movedim(2, -1)
    return torch.where(sighted(albums, world.device)[:, None, None, None, None], there, pictures), (places, views), shown


def _arrive(world: World, context: Context, arrived: Bool[Tensor, " b"], albums: list[Album]) -> None:
    """Be where the goals are, of which there are such albums."""
    goal = context.goal
    context.around = where(arrived, goal.around, context.around)
    context.scenery = where(arrived, goal.scenery, context.scenery)
    pairs = zip(arrived.tolist(), albums, context.albums, strict=True)
    context.albums = [there if arrives else here for arrives, there, here in pairs]
    context.work = elsewhere(context.work, arrived)
    context.daylight = where(arrived, goal.daylight, context.daylight)
    context.ground = where(arrived, grounds.told(known(goal.around)), context.ground)
    context.grip = where(arrived, grips.brought(seen_in_hand(world, goal.pictures), context.grip), context.grip)
