"""Touch: what the player's hands do to a dream. What they change stays, and is remembered; cracks are shown, and no more. Free
functions over a world and a context."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.context import Context
from simworld.model.cube import beside, meet
from simworld.model.hands import Hands, visible
from simworld.model.scenery import Shown
from simworld.model.stages import stage
from simworld.model.work import ATTACK, busy, due, gone_on, turned_alike
from simworld.model.world import World

TOUCHED = 0.05
"""Difference in colour, for pictures in [-1, 1], by which hands have changed a pixel."""
REACH = 5.0
"""Blocks: what is farther away nobody aims at."""


@dataclass
class Touch:
    """frames: as the hands leave them. changed: which pixels of the last they have changed. shade: what cracks leave of
    each pixel's light, None while all hands rest."""

    frames: Float[Tensor, "b r h w 3"]
    changed: Bool[Tensor, "b 1 h w"] | None = None
    shade: Float[Tensor, "b 1 h w"] | None = None

    def shown(self, frames: Float[Tensor, "b r h w 3"]) -> Float[Tensor, "b r h w 3"]:
        """These frames, into which the others have turned, with what is but shown."""
        if self.shade is None:
            return frames
        return (frames + 1) * self.shade.movedim(1, -1)[:, None].to(frames) - 1

    def untouched(self, shown: Shown | None) -> Shown | None:
        """What was known of the frames and is still so."""
        if shown is None or self.changed is None:
            return shown
        same = torch.cat([torch.ones_like(shown.known[:, :-1]), ~self.changed[:, None]], 1)
        return replace(shown, known=shown.known & same, kept=shown.kept & same, real=shown.real & same)


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
    context.work = gone_on(context.work, actions)
    if bool(context.work.held.any()):
        frames = _held(hands, context.work.held, frames)
        context.decoder.picture = world.autoencoder.padded(frames[:, -1])
    at_work = busy(actions)
    if not bool(at_work.any()):
        return Touch(frames)
    picture, pitch = frames[:, -1].movedim(-1, 1), context.around.view[:, 0]
    size, field_of_view = (picture.shape[-2], picture.shape[-1]), hands.config.field_of_view
    near = torch.where(shown.known[:, -1], shown.near[:, -1], context.scenery.ahead)
    aim = hands.aim(picture, near, pitch)
    context.work, turn = turned_alike(context.work, aim.cube.turn, context.around.view[:, 1])
    aim.cube.turn = turn
    led = context.goal.left > 0
    context.work, breaks, places = due(context.work, actions, aim.read)
    breaks, places = breaks & at_work & ~led, places & ~led
    entered = meet(aim.cube, pitch, size, field_of_view)
    # The hand itself is not the world.
    own = world.fixed() < 0.5
    seen = visible(entered, near) & own
    changed = None
    becomes = picture
    if bool(breaks.any()):
        behind = hands.broken(picture, meet(aim.cube, pitch, size, field_of_view, leaving=True))
        becomes = torch.where(_all(breaks) & seen, behind.to(picture), becomes)
    if bool(places.any()):
        new = meet(beside(aim.cube, entered), pitch, size, field_of_view)
        becomes = torch.where(_all(places) & visible(new, near) & own, hands.placed(picture, new).to(picture), becomes)
    if bool((breaks | places).any()):
        becomes = becomes.clamp(-1, 1)
        changed = (becomes - picture).abs().amax(1, keepdim=True) > TOUCHED
    if becomes is not picture:
        context.decoder.picture = world.autoencoder.padded(becomes.movedim(1, -1))
        frames = torch.cat([frames[:, :-1], becomes.movedim(1, -1)[:, None]], 1)
    attack = actions[..., ATTACK].any(1)
    aimed = at_work & (aim.read[:, 0] > 0) & (aim.cube.center.norm(dim=1) < REACH) & ~breaks & ~places & ~led
    shade = torch.where(_all(aimed) & seen, hands.shade(entered, context.work.progress * attack, outlined=False), 1)
    return Touch(frames, changed, shade)


def _held(
    hands: Hands, held: Float[Tensor, "b 9"], frames: Float[Tensor, "b r h w 3"]
) -> Float[Tensor, "b r h w 3"]:
    """The frames with the block of the last pressed key in hand: the decoder would let it fade."""
    r = frames.shape[1]
    taken = hands.taken(frames.flatten(0, 1).movedim(-1, 1), held.repeat_interleave(r, 0)).clamp(-1, 1)
    painted = taken.movedim(1, -1).unflatten(0, (-1, r)).to(frames)
    return torch.where(held.any(1)[:, None, None, None, None], painted, frames)


def _all(chosen: Bool[Tensor, " b"]) -> Bool[Tensor, "b 1 1 1"]:
    return chosen[:, None, None, None]
