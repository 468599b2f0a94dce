"""Bearings: how far down the eye looks, in what light, and where exactly a block lies, as real pictures tell before a dream
goes on from them; free functions over a world and a context."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from simworld.actions import CAMERA
from simworld.model.context import Context
from simworld.model.cube import Cube
from simworld.model.daylight import Daylight, lit
from simworld.model.eye import own
from simworld.model.hands import RIM
from simworld.model.outline import Outlined, outlined
from simworld.model.target import of_place
from simworld.model.touch import seen_in_hand
from simworld.model.work import founded
from simworld.model.world import World


@dataclass
class Bearings:
    """Of b worlds. pitch: degrees that the eye looks down before the pictures. blocks: where those lie that the last of them
    outlines, for who looks level and has its heading, None where none does. daylight: in which they were taken, None where that
    is known from before, or nobody reads it."""

    pitch: Float[Tensor, " b"]
    blocks: list[Cube | None]
    daylight: Daylight | None


def taken(
    world: World, context: Context, frames: Float[Tensor, "b t h w 3"], actions: Float[Tensor, "b n a"]
) -> Bearings:
    """What real frames in [-1, 1] tell to which `actions` led. How far down one looks is the mean of what each of them tells,
    and each that context remembers told; where these are the first and the last outlines a block, it is what that tells. In
    what light they lie the first tell."""
    pitch, sight, b = context.around.view[:, 0], world.sight, len(frames)
    before = torch.tensor(context.memory.counts, device=pitch.device)
    begun = bool(before.any())
    # How far down and to the right the eye goes before each frame.
    turns = F.pad(actions[..., CAMERA].float().cumsum(1), (0, 0, frames.shape[1] - actions.shape[1], 0))
    stride = world.config.autoencoder.time_stride
    ends = slice((frames.shape[1] - 1) % stride, None, stride)
    seen, turns = frames[:, ends].movedim(-1, 2), turns[:, ends]
    down, field_of_view = turns[..., 0], world.config.autoencoder.field_of_view
    daylight = None if begun or world.sundial is None else lit(world.sundial.read(seen, turns, field_of_view), world.day)
    if sight is None:
        return Bearings(pitch, [None] * b, daylight)
    near = sight.near(seen.flatten(0, 1))
    told = sight.pitch(seen.flatten(0, 1), near).view(b, -1) - down
    pitch = (before * pitch + told.sum(1)) / (before + told.shape[1])
    if begun:
        return Bearings(pitch, [None] * b, daylight)
    found = _outlined(world, seen[:, -1], near.unflatten(0, (b, -1))[:, -1], pitch + down[:, -1])
    for number, block in enumerate(found):
        if block is not None:
            pitch[number] = block.pitch[0] - down[number, -1]
    return Bearings(pitch, [None if block is None else block.cube for block in found], daylight)


def kept(context: Context, blocks: list[Cube | None]) -> None:
    """Remember where blocks lie that the picture outlines that was seen last."""
    around = context.around
    for number, block in enumerate(blocks):
        if block is not None:
            yaw = around.view[number : number + 1, 1]
            place = of_place(block.center[:, None], yaw)[0, 0] + around.place[number]
            context.work = founded(context.work, number, place, block.turn[0] + yaw[0])


def looking(context: Context, pitch: Float[Tensor, " b"]) -> None:
    """Look so far down."""
    view = torch.stack([pitch, context.around.view[:, 1]], 1)
    context.around = replace(context.around, view=view)


def _outlined(
    world: World, pictures: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"], pitch: Float[Tensor, " b"]
) -> list[Outlined | None]:
    """What each picture outlines."""
    hands, field_of_view = world.hands, world.config.autoencoder.field_of_view
    if hands is None:
        return [None] * len(pictures)
    guess = hands.aim_twice(pictures, near, pitch).cube
    free = 1 - own(world, seen_in_hand(world, pictures.movedim(1, -1)))
    each = zip(pictures.split(1), free.split(1), guess.center.split(1), guess.turn.split(1), pitch.split(1), strict=True)
    return [
        outlined(picture, one_free, Cube(center, turn), down, field_of_view, RIM)
        for picture, one_free, center, turn, down in each
    ]
