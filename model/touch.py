"""Touch: what the player's hands do to a dream. What they change stays, and is remembered; cracks and strokes are shown, and no
more. Free functions over a world and a context."""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.actions import CAMERA
from simworld.model.album import built, unbuilt
from simworld.model.autoencoder import DecoderState
from simworld.model.context import Context
from simworld.model.cube import Cube, about_body, beside, meet, pit, shell, stood_on
from simworld.model.eye import own, seen_now
from simworld.model.footing import WIDE
from simworld.model.grip import (
    BARELY,
    HOTBAR,
    Grip,
    Hand,
    at_rest,
    corner,
    cornered,
    covered,
    filled,
    hand,
    painted,
    reach,
    read,
    struck,
    taken,
    unknown,
)
from simworld.model.hands import Hands, visible
from simworld.model.scenery import Shown
from simworld.model.stages import stage
from simworld.model.surroundings import Surroundings, recall
from simworld.model.target import Block, aimed, before_crosshair, of_eye, of_place
from simworld.model.work import ATTACK, USE, built_on, busy, due, gone_on
from simworld.model.world import World

TOUCHED = 0.05
"""Difference in colour, for pictures in [-1, 1], by which hands have changed a pixel."""
TRUSTED = 0.5
"""What was seen from afar is shown behind a hand that is trusted more than so."""
REACH = 5.0
"""Blocks: what is farther away nobody aims at."""


@dataclass
class Overlay:
    """What is shown of hands, and never remembered. shade: what cracks, and the outline of what is aimed at, leave of each
    pixel's light, None where there are none. stroke: what the hands look like that strike, None while none does."""

    shade: Float[Tensor, "b r 1 h w"] | None = None
    stroke: Hand | None = None

    def over(self, frames: Float[Tensor, "b r h w 3"]) -> Float[Tensor, "b r h w 3"]:
        """Frames with it."""
        if self.shade is not None:
            frames = (frames + 1) * self.shade.movedim(2, -1).to(frames) - 1
        return frames if self.stroke is None else painted(frames.movedim(-1, 2), self.stroke).movedim(2, -1)


@dataclass
class Touch:
    """frames: as the hands leave them. changed: which pixels of the last they have changed. overlay: what else is shown."""

    frames: Float[Tensor, "b r h w 3"]
    changed: Bool[Tensor, "b 1 h w"] | None = None
    overlay: Overlay = field(default_factory=Overlay)

    def untouched(self, shown: Shown | None) -> Shown | None:
        """What was known of the frames and is still so."""
        if shown is None or self.changed is None:
            return shown
        same = torch.cat([torch.ones_like(shown.known[:, :-1]), ~self.changed[:, None]], 1)
        sure = None if shown.sure is None else shown.sure & same
        return replace(shown, known=shown.known & same, kept=shown.kept & same, real=shown.real & same, sure=sure)


@stage("hands")
def touched(
    world: World,
    context: Context,
    frames: Float[Tensor, "b r h w 3"],
    actions: Float[Tensor, "b r a"] | None,
    shown: Shown | None,
) -> Touch:
    """The hands' touch on the frames to which `actions` led, of which `shown` is known. The decoder then goes on from there."""
    hands = world.hands
    if actions is None or hands is None or shown is None:
        return Touch(frames)
    assert context.decoder is not None, "it has just made these frames"
    actions = actions.to(context.work.dug)
    block = before_crosshair(context)
    context.work = gone_on(context.work, actions, block.place)
    context.grip = taken(context.grip, actions, frames[:, -1].movedim(-1, 1))
    grip = context.grip
    if bool(grip.known.any()):
        # The decoder would let it fade.
        changed = actions[..., HOTBAR].any(-1).any(1)
        frames = _in_hand(world, context.around, hands.looks, grip, frames, changed, shown)
        context.decoder.picture = world.autoencoder.padded(frames[:, -1])
    touch, places = _worked(world, context, hands, frames, actions, shown, block)
    strikes = (actions[..., ATTACK] > 0) | (places[:, None] & (actions[..., USE] > 0))
    context.grip, steps = struck(context.grip, strikes, hands.looks.shape[1])
    if bool((grip.known & (steps > 0).any(1)).any()):
        _strike(world, context, hands.looks, steps, touch, shown)
    return touch


def seen_in_hand(world: World, frame: Float[Tensor, "b h w 3"]) -> Grip:
    """What real frames show in hand."""
    if world.hands is None:
        return unknown(len(frame), frame.device)
    return read(world.hands.looks, frame.movedim(-1, 1))


def _worked(
    world: World,
    context: Context,
    hands: Hands,
    frames: Float[Tensor, "b r h w 3"],
    actions: Float[Tensor, "b r a"],
    shown: Shown,
    block: Block,
) -> tuple[Touch, Bool[Tensor, " b"]]:
    """The touch of attack and use, and whose use places a block."""
    at_work, led = busy(actions), context.goal.shows
    free = own(world, at_rest(context.grip)) < 0.5
    if not bool(at_work.any()):
        overlay = Overlay(_shade(context, hands, block, block.sure & ~led, actions, shown, free))
        return Touch(frames, overlay=overlay), at_work
    assert context.decoder is not None, "it has just made these frames"
    picture, pitch = frames[:, -1].movedim(-1, 1), context.around.view[:, 0]
    size, field_of_view = (picture.shape[-2], picture.shape[-1]), hands.config.field_of_view
    near = _near(context, shown)[:, -1]
    aim = aimed(context, hands, block, picture, near)
    cube = aim.cube
    context.work, breaks, places = due(context.work, actions, aim.read)
    breaks, places = breaks & at_work & ~led, places & ~led
    entered = meet(cube, pitch, size, field_of_view)
    new = replace(beside(cube, pitch), box=hands.box(context.grip.held))
    places = places & ~(block.sure & about_body(new))
    # The hand itself is not the world.
    seen = visible(entered, near) & free
    changed = None
    becomes = picture
    if bool(breaks.any()):
        behind = hands.broken(picture, near, meet(cube, pitch, size, field_of_view, leaving=True))
        becomes = torch.where(_all(breaks) & seen, behind.to(picture), becomes)
    if bool((breaks | places).any()):
        _build(context, breaks, cube, places, new)
    if bool(breaks.any()):
        through = seen_now(world, context)
        if through is not None:
            becomes = torch.where(_all(breaks) & seen & through.known[:, -1], through.colors[:, -1].to(becomes), becomes)
    if bool(places.any()):
        met = meet(new, pitch, size, field_of_view)
        becomes = torch.where(_all(places) & visible(met, near) & free, hands.placed(picture, met).to(picture), becomes)
    if bool((breaks | places).any()):
        becomes = becomes.clamp(-1, 1)
        changed = (becomes - picture).abs().amax(1, keepdim=True) > TOUCHED
    if becomes is not picture:
        context.decoder.picture = world.autoencoder.padded(becomes.movedim(1, -1))
        frames = torch.cat([frames[:, :-1], becomes.movedim(1, -1)[:, None]], 1)
    outlined = block.sure | (at_work & (aim.read[:, 0] > 0) & (cube.center.norm(dim=1) < REACH))
    outlined = outlined & ~breaks & ~places & ~led
    overlay = Overlay(_shade(context, hands, replace(block, cube=cube), outlined, actions, shown, free))
    return Touch(frames, changed, overlay), places


def _near(context: Context, shown: Shown) -> Float[Tensor, "b r 1 h w"]:
    """How near things are in a chunk's frames, as far as that is known; else as in the picture before."""
    told = shown.known if shown.sure is None else shown.known | shown.sure
    return torch.where(told, shown.near, context.scenery.ahead[:, None])


def _shade(
    context: Context,
    hands: Hands,
    block: Block,
    aimed: Bool[Tensor, " b"],
    actions: Float[Tensor, "b r a"],
    shown: Shown,
    free: Bool[Tensor, "b 1 h w"],
) -> Float[Tensor, "b r 1 h w"] | None:
    """What cracks, and the outline of what is known to be a block, leave of the light of those that are `aimed` at, in each of
    a chunk's frames; None where none is. `free`: where no hand is."""
    if not bool(aimed.any()):
        return None
    camera, moved, view, r = actions[..., CAMERA], context.scenery.moved, context.around.view, actions.shape[1]
    # How far the eye still turns, and goes, after each frame.
    turns, goes = (part.flip(1).cumsum(1).flip(1) - part for part in (camera, moved))
    pitch, yaw = (view[:, None] - turns).flatten(0, 1).unbind(1)
    away = of_place(block.cube.center[:, None], view[:, 1]) + goes
    box = None if block.cube.box is None else block.cube.box.repeat_interleave(r, 0)
    cube = Cube(of_eye(away.flatten(0, 1)[:, None], yaw)[:, 0], (block.cube.turn[:, None] + turns[..., 1]).flatten(), box)
    met = meet(cube, pitch, (shown.near.shape[-2], shown.near.shape[-1]), hands.config.field_of_view)
    progress = context.work.progress * actions[..., ATTACK].any(1)
    shade = hands.shade(met, progress.repeat_interleave(r), block.sure.repeat_interleave(r)).unflatten(0, (-1, r))
    seen = visible(met, _near(context, shown).flatten(0, 1)).unflatten(0, (-1, r)) & (free & _all(aimed))[:, None]
    return torch.where(seen, shade, 1)


def _build(context: Context, breaks: Bool[Tensor, " b"], gone: Cube, places: Bool[Tensor, " b"], new: Cube) -> None:
    """Remember what stands in the way from now on, and what does no more."""
    place, yaw = context.around.place[:, None], context.around.view[:, 1]
    old, centers, points = (
        of_place(ways, yaw) + place for ways in (gone.center[:, None], new.center[:, None], shell(new))
    )
    context.work = built_on(context.work, breaks, old[:, 0], places, centers[:, 0], new.box)
    # Who digs away what they stand on falls onto what is likely to lie below, between what is likely to stand about it.
    floor = of_place(pit(gone), yaw) + place
    falls = stood_on(gone) & context.work.cornerstone.isfinite().all(1)
    for number in breaks.nonzero()[:, 0].tolist():
        album = unbuilt(context.albums[number], old[number, 0])
        if falls[number] and album.lattice is None:
            album = built(album, old[number, 0], floor[number])
        context.albums[number] = album
    for number in places.nonzero()[:, 0].tolist():
        # Nobody is walled in by a block that is read too near.
        apart = (points[number] - place[number])[:, :2].abs().amax(1) > WIDE
        box = None if new.box is None else new.box[number]
        context.albums[number] = built(context.albums[number], centers[number, 0], points[number][apart], box)


def bare(world: World, context: Context) -> DecoderState | None:
    """The decoder's state in whose picture no hand is seen, lest it be carried off with the world where that moves."""
    state, grip = context.decoder, context.grip
    if state is None or world.hands is None or not bool(grip.known.any()):
        return state
    looks, size = world.hands.looks, (world.config.height, world.config.width)
    picture = state.picture[..., : size[0], : size[1]]
    cover = covered(looks, grip, picture[:, :1]) > 0
    seen = corner(picture, looks)
    without = cornered(picture, looks, filled(seen, ~corner(cover, looks)))
    return replace(state, picture=world.autoencoder.padded(without.movedim(1, -1)))


def with_own_hand(
    world: World, grip: Grip, frame: Float[Tensor, "b h w 3"], around: Surroundings
) -> Float[Tensor, "b h w 3"]:
    """Real frames in which players who come from elsewhere, where they held `grip`, hold the same, in the light of the hand
    that is there. `around`: what lies around them."""
    theirs = seen_in_hand(world, frame)
    brought = replace(theirs, held=torch.where((grip.known & theirs.known)[:, None], grip.held, 0))
    if world.hands is None or not bool(brought.known.any()):
        return frame
    return _in_hand(world, around, world.hands.looks, brought, frame[:, None], brought.known, None)[:, 0]


def _in_hand(
    world: World,
    around: Surroundings,
    looks: Tensor,
    grip: Grip,
    frames: Float[Tensor, "b r h w 3"],
    changed: Bool[Tensor, " b"],
    shown: Shown | None,
) -> Float[Tensor, "b r h w 3"]:
    """Frames with hands at rest, and without others, of before or imagined, where what is held has `changed`."""
    frames = frames.movedim(-1, 2)
    if bool(changed.any()):
        seen = corner(frames, looks)
        other = _all(changed)[:, None] & reach(looks)
        frames = cornered(frames, looks, _behind(world, around, seen, ~other.expand_as(seen[:, :, :1]), shown))
    steps = torch.zeros(frames.shape[:2], dtype=torch.long, device=frames.device)
    return painted(frames, hand(looks, grip, steps)).movedim(2, -1)


def _strike(world: World, context: Context, looks: Tensor, steps: Int[Tensor, "b r"], touch: Touch, shown: Shown) -> None:
    """Show hands at steps of their strokes, and keep strokes out of what the dream goes on from, which imagines them."""
    assert context.decoder is not None, "it has just made these frames"
    resting, striking = (hand(looks, context.grip, each) for each in (torch.zeros_like(steps), steps))
    frames = touch.frames.movedim(-1, 2)
    before = corner(frames, looks)
    strikes = ((steps > 0) & context.grip.known[:, None])[:, :, None, None, None]
    reached = strikes & reach(looks)
    if touch.changed is not None:
        reached[:, -1] &= ~corner(touch.changed, looks)
    uncovered = strikes & (resting.opacity > BARELY)
    behind = _behind(world, context.around, before, ~reached, shown)
    touch.frames = cornered(frames, looks, torch.where(uncovered, before, behind)).movedim(2, -1)
    context.decoder.picture = world.autoencoder.padded(touch.frames[:, -1])
    opacity = torch.where(uncovered, 1, striking.opacity)
    touch.overlay.stroke = Hand(torch.lerp(behind, striking.colors, striking.opacity), opacity)


def _behind(
    world: World,
    around: Surroundings,
    seen: Float[Tensor, "b r 3 h w"],
    plain: Bool[Tensor, "b r 1 h w"],
    shown: Shown | None,
) -> Float[Tensor, "b r 3 h w"]:
    """What lies behind hands in the corner of pictures, as far as it is known: what is `seen` where it is plain, what was seen
    before from near or from far, and about it."""
    size, (rows, columns) = (world.config.height, world.config.width), seen.shape[-2:]
    colors, trust, _ = recall(around, around.view[:, None], size, world.config.autoencoder.field_of_view, (rows, columns))
    known = trust > TRUSTED
    if shown is not None:
        assert shown.behind is not None, "the eye tells"
        behind, seen_there = (part[..., -rows:, -columns:] for part in (shown.behind, shown.colors))
        colors, known = torch.where(behind, seen_there, colors), known | behind
    known = known | plain
    return filled(torch.where(plain, seen, colors).flatten(0, 1), known.expand_as(seen[:, :, :1]).flatten(0, 1)).view_as(seen)


def _all(chosen: Bool[Tensor, " b"]) -> Bool[Tensor, "b 1 1 1"]:
    return chosen[:, None, None, None]
