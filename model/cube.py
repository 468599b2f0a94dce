"""Cube: where in a picture lies a block one wide, seen from the eye. Closed form. Directions are (right, down, ahead) of who
looks level and has the crosshair's heading; a cube stands upright, its sides turned by some angle."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import half_angles, rays
from simworld.model.footing import EYE, TALL, WIDE

TOP, BOTTOM, SIDE = range(3)
"""Kinds of faces."""
LEAST, LEAN = 0.1, 0.04
"""Blocks: feet that are so little within a block stand on it, and who is so little within it aside leans on it."""
NEARLY = 0.3
"""Blocks: feet that are so near to the top of a block stand on it."""
SHELL = 5
"""Points along each edge of a shell."""

FILLED = (0.5, 1.0)
"""The box of what fills a cube."""


@dataclass
class Cube:
    """Of b blocks. center: in blocks from the eye. turn: of its sides, in degrees, up to quarter turns. box: half the width and
    the height of what stands in the middle of its floor, in blocks; None where it fills it."""

    center: Float[Tensor, "b 3"]
    turn: Float[Tensor, " b"]
    box: Float[Tensor, "b 2"] | None = None


@dataclass
class Met:
    """Where the rays of pixels meet cubes. met: whether they do. away: how far off, in blocks along the view's axis. kind: of
    the face. axis: across which it lies, 0 and 1 level, 2 upright; beyond: whether on the positive side of it. u, v: where on
    the face, in [0, 1], v downwards on sides."""

    met: Bool[Tensor, "b h w"]
    away: Float[Tensor, "b h w"]
    kind: Int[Tensor, "b h w"]
    axis: Int[Tensor, "b h w"]
    beyond: Bool[Tensor, "b h w"]
    u: Float[Tensor, "b h w"]
    v: Float[Tensor, "b h w"]


def meet(cube: Cube, pitch: Float[Tensor, " b"], size: tuple[int, int], field_of_view: float, leaving: bool = False) -> Met:
    """Where each pixel's ray enters the cubes, or leaves them."""
    seen = rays(size, field_of_view, pitch.device).expand(len(pitch), -1, -1, -1)
    ways = _of_cube(for_level(seen, pitch), cube.turn)  # b 3 h w
    start = _of_cube(-cube.center[:, :, None, None], cube.turn)
    ways = torch.where(ways.abs() < 1e-6, 1e-6, ways)
    low, high = (bound[:, :, None, None] for bound in _bounds(cube))
    ends = torch.stack([(low - start) / ways, (high - start) / ways])
    first, last = ends.amin(0), ends.amax(0)
    (enters, front), (leaves, back) = first.max(1), last.min(1)
    away, axis = (leaves, back) if leaving else (enters, front)
    at = ((start + away[:, None] * ways - low) / (high - low)).clamp(0, 1)
    beyond = (ways.gather(1, axis[:, None])[:, 0] > 0) == leaving
    upright = axis == 2
    kind = torch.where(upright, torch.where(beyond, BOTTOM, TOP), SIDE)
    u = torch.where(axis == 0, at[:, 1], at[:, 0])
    v = torch.where(upright, at[:, 1], at[:, 2])
    return Met((leaves > enters.clamp(min=0.05)) & (away > 0.05), away, kind, axis, beyond, u, v)


def crossed(cube: Cube, pitch: Float[Tensor, " b"]) -> tuple[Float[Tensor, " b"], Int[Tensor, " b"], Bool[Tensor, " b"]]:
    """How far off the crosshair enters cubes, in blocks, infinite where it does not; and through which face, as in `Met`: its
    axis, and whether it is beyond."""
    ahead = torch.stack([torch.zeros_like(pitch), torch.zeros_like(pitch), torch.ones_like(pitch)], 1)
    way, start = _of_cube(for_level(ahead, pitch), cube.turn), _of_cube(-cube.center, cube.turn)
    way = torch.where(way.abs() < 1e-6, 1e-6, way)
    ends = torch.stack([(-0.5 - start) / way, (0.5 - start) / way])
    (enters, axis), leaves = ends.amin(0).max(1), ends.amax(0).amin(1)
    away = torch.where(leaves > enters.clamp(min=0), enters, torch.inf)
    return away, axis, way.gather(1, axis[:, None])[:, 0] < 0


def beside(cube: Cube, pitch: Float[Tensor, " b"]) -> Cube:
    """The cubes next to those, at the faces that the crosshair is on."""
    _, axis, beyond = crossed(cube, pitch)
    step = torch.where(beyond, 1.0, -1.0)
    return Cube(cube.center + step[:, None] * axes(cube.turn)[torch.arange(len(axis)), axis], cube.turn)


def axes(turn: Float[Tensor, " b"]) -> Float[Tensor, "b 3 3"]:
    """The directions of a cube's axes, two level ones and down."""
    angle = torch.deg2rad(turn)
    none = torch.zeros_like(angle)
    return torch.stack(
        [
            torch.stack([angle.cos(), none, -angle.sin()], -1),
            torch.stack([angle.sin(), none, angle.cos()], -1),
            torch.stack([none, none + 1, none], -1),
        ],
        1,
    )


def rim_of(met: Met, wide: float, field_of_view: float) -> Float[Tensor, "b h w"]:
    """How much of each pixel the rims of faces fill, so many blocks wide."""
    rim = torch.minimum(torch.minimum(met.u, 1 - met.u), torch.minimum(met.v, 1 - met.v))
    pixel = met.away * half_angles((met.u.shape[1], met.u.shape[2]), field_of_view)[0] * 2 / met.u.shape[1]
    return ((wide + 0.7 * pixel - rim) / pixel.clamp(min=0.02)).clamp(0, 1)


def about_body(cube: Cube) -> Bool[Tensor, " b"]:
    """Whether the bodies of those who see cubes are in them."""
    along = _of_cube(cube.center, cube.turn)
    aside, down = along[:, :2].abs(), along[:, 2]
    return (aside < 0.5 + WIDE - LEAN).all(1) & (down < 0.5 + EYE - LEAST) & (down > EYE - TALL - 0.5)


def stood_on(cube: Cube) -> Bool[Tensor, " b"]:
    """Whether those who see cubes stand on them."""
    along = _of_cube(cube.center, cube.turn)
    return (along[:, :2].abs() < 0.5 + WIDE - LEAN).all(1) & ((along[:, 2] - EYE - 0.5).abs() < NEARLY)


def pit(cube: Cube) -> Float[Tensor, "b m 3"]:
    """Points all over the outsides of the cubes below those, and of the four about them, in blocks from the eye."""
    sides = axes(cube.turn)
    ways = torch.cat([sides, -sides[:, :2]], 1)
    around = Cube((cube.center[:, None] + ways).flatten(0, 1), cube.turn.repeat_interleave(ways.shape[1]))
    return shell(around).view(len(cube.turn), -1, 3)


def shell(cube: Cube) -> Float[Tensor, "b m 3"]:
    """Points all over the outsides of cubes, in blocks from the eye."""
    sides = torch.linspace(-0.5, 0.5, SHELL, device=cube.center.device)
    points = torch.cartesian_prod(sides, sides, sides)
    low, high = (bound[:, None] for bound in _bounds(cube))
    along, aside, down = torch.lerp(low, high, points[points.abs().amax(1) == 0.5] + 0.5).unbind(-1)
    angle = torch.deg2rad(cube.turn)[:, None]
    right, ahead = along * angle.cos() + aside * angle.sin(), aside * angle.cos() - along * angle.sin()
    return torch.stack([right, down, ahead], -1) + cube.center[:, None]


def _bounds(cube: Cube) -> tuple[Float[Tensor, "b 3"], Float[Tensor, "b 3"]]:
    """How far what is in blocks reaches from their middles along their axes, two level ones and down."""
    if cube.box is None:
        whole = torch.full_like(cube.center, 0.5)
        return -whole, whole
    wide, high = cube.box.unbind(1)
    floor = torch.full_like(high, 0.5)
    return torch.stack([-wide, -wide, floor - high], 1), torch.stack([wide, wide, floor], 1)


def before_crosshair(near: Float[Tensor, "b 1 h w"], pitch: Float[Tensor, " b"]) -> Float[Tensor, "b 3"]:
    """Where what the crosshair is on lies, in blocks from the eye."""
    h, w = near.shape[-2:]
    away = 1 / near[:, 0, h // 2 - 1 : h // 2 + 1, w // 2 - 1 : w // 2 + 1].mean((1, 2)).clamp(min=1 / 16)
    down = torch.deg2rad(pitch)
    return away[:, None] * torch.stack([torch.zeros_like(down), down.sin(), down.cos()], -1)


def levelled(
    center: Float[Tensor, "b 3"], pitch: Float[Tensor, " b"], held: Float[Tensor, " b"]
) -> Float[Tensor, "b 3"]:
    """Where a centre is held to be by who looks down by `pitch` degrees but holds that it is by `held`, and sees it there."""
    right, down, ahead = center.unbind(1)
    angle = torch.deg2rad(pitch)
    seen = torch.stack([right, down * angle.cos() - ahead * angle.sin(), ahead * angle.cos() + down * angle.sin()], 1)
    return for_level(seen, held)


def for_level(ways: Float[Tensor, "b 3 *n"], pitch: Float[Tensor, " b"]) -> Float[Tensor, "b 3 *n"]:
    """Directions of a picture for who looks level."""
    right, down, ahead = ways.unbind(1)
    angle = torch.deg2rad(pitch).view(-1, *[1] * (right.ndim - 1))
    return torch.stack([right, down * angle.cos() + ahead * angle.sin(), ahead * angle.cos() - down * angle.sin()], 1)


def _of_cube(ways: Float[Tensor, "b 3 *n"], turn: Float[Tensor, " b"]) -> Float[Tensor, "b 3 *n"]:
    """Directions along the cube's axes, two level ones and down."""
    right, down, ahead = ways.unbind(1)
    angle = torch.deg2rad(turn).view(-1, *[1] * (right.ndim - 1))
    return torch.stack([right * angle.cos() - ahead * angle.sin(), right * angle.sin() + ahead * angle.cos(), down], 1)
