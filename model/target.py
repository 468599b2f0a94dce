"""Target: the block before the crosshair, as far as it is known: by the lattice of a place, by the cornerstone that a picture
outlined, by what hands read of the picture. Free functions over a context."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.context import Context
from simworld.model.cube import FILLED, Cube, crossed
from simworld.model.hands import Aim, Hands
from simworld.model.lattice import aimed_at
from simworld.model.surroundings import headed
from simworld.model.work import in_rank, turned_alike

ARM = 4.5
"""Blocks that an arm reaches, where it is known what it may reach (as in Minecraft)."""
NOTHING_THERE = -9.0
"""What is read where nothing can be broken, nor placed."""


@dataclass
class Block:
    """What is known of what b crosshairs are on. cube: where it is seen, and place: where it lies, infinitely far where that
    is not known. sure: which are known to be blocks within reach; within: which may be."""

    cube: Cube
    place: Float[Tensor, "b 3"]
    sure: Bool[Tensor, " b"]
    within: Bool[Tensor, " b"]


def aimed(
    context: Context, hands: Hands, block: Block, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"]
) -> Aim:
    """What crosshairs are on, as it is known, and as it is read where it is not."""
    aim = None if bool((block.within & ~block.sure).any()) else hands.aim_at(block.cube, picture, near)
    if aim is None:
        pitch, yaw = context.around.view.unbind(1)
        aim = hands.aim_twice(picture, near, pitch)
        context.work, turn = turned_alike(context.work, aim.cube.turn, yaw)
        center = torch.where(block.sure[:, None], block.cube.center, _in_rank(context, aim.cube.center))
        aim.cube = Cube(center, torch.where(block.sure, block.cube.turn, turn), block.cube.box)
    # Whatever is within reach and known to be a block can be broken, and built upon.
    aim.read[:, :2] = torch.where(block.sure[:, None], aim.read[:, :2].abs(), aim.read[:, :2])
    aim.read = torch.where(block.within[:, None], aim.read, NOTHING_THERE)
    return aim


def _in_rank(context: Context, center: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3"]:
    """The middles of blocks before the crosshair that were read, for who looks level: in rank with those that are known."""
    (pitch, yaw), place = context.around.view.unbind(1), context.around.place
    down = torch.deg2rad(pitch)
    ahead = torch.stack([torch.zeros_like(down), down.sin(), down.cos()], 1)
    about, way = (of_place(each[:, None], yaw)[:, 0] for each in (center, ahead))
    return of_eye((in_rank(context.work, about + place, way, place) - place)[:, None], yaw)[:, 0]


def before_crosshair(context: Context) -> Block:
    """What lattices and cornerstones know of the blocks before the crosshair."""
    place, view, work = context.around.place, context.around.view, context.work
    way = torch.where(work.stands[:, None], work.cornerstone - place, 0)
    center, turn = of_eye(way[:, None], view[:, 1])[:, 0], work.turn - view[:, 1]
    sure = work.stands & (crossed(Cube(center, turn), view[:, 0])[0] < ARM)
    at, within = torch.where(sure[:, None], work.cornerstone, torch.inf), torch.ones_like(sure)
    box = torch.where(sure[:, None], work.box, work.box.new_tensor(FILLED))
    for number, album in enumerate(context.albums):
        if album.lattice is None:
            continue
        cell = aimed_at(album.lattice, place[number], view[number], ARM)
        within[number] = sure[number] = cell is not None
        if cell is not None:
            at[number] = album.lattice.middle(cell)
            center[number] = of_eye((at[number] - place[number])[None, None], view[number, 1:])[0, 0]
            turn[number] = album.lattice.turn - view[number, 1]
            box[number] = album.lattice.box(cell)
    return Block(Cube(center, turn, box), at, sure, within)


def of_place(ways: Float[Tensor, "b n 3"], yaw: Float[Tensor, " b"]) -> Float[Tensor, "b n 3"]:
    """(Right, down, ahead) for who looks level towards `yaw` as (right, ahead, above) of the place."""
    right, down, ahead = ways.unbind(-1)
    return headed(torch.stack([right, ahead, -down], -1), yaw)


def of_eye(ways: Float[Tensor, "b n 3"], yaw: Float[Tensor, " b"]) -> Float[Tensor, "b n 3"]:
    """The other way round."""
    right, ahead, above = headed(ways, -yaw).unbind(-1)
    return torch.stack([right, -above, ahead], -1)
