"""Outline: where exactly the block lies that a real picture outlines. Its edges are dark lines; a cube is turned and moved
until its own edges lie on them. Nothing learned; knows no world and no dream."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from simworld.model.camera import half_angles
from simworld.model.cube import Cube, axes, crossed, for_level, meet, rim_of
from simworld.model.footing import EYE

TRIED, KEPT, ABOUT, BEST, ROUNDS = 4096, 16, 48, 7, 11
"""So many cubes are tried; about the best of them, which are kept, so many more, round after round, from the best of which
the next are drawn."""
LOOKED_AT, LOOKS, LOOK_ROUNDS, BEST_LOOKS = 3, 20, 4, 4
"""The same of those whose faces are looked at pixel by pixel, which is dear."""
SPREAD = (0.06, 0.06, 0.1, 5.0, 16.0)
"""How far from the guess cubes are tried: right, down and ahead, as a share of its distance, and degrees of turn and pitch."""
FARTHER = 0.12
"""The same, nearer and farther along one's way of looking."""
FINE = (0.03, 0.03, 0.05, 0.8, 1.5)
"""The same, of those that are looked at, in blocks and degrees."""
WIDER = 1.2
"""Cubes are spread so much wider than the best of the round before."""
LEAST = (0.004, 0.004, 0.008, 0.1, 0.1)
"""No less is tried from round to round."""
UNLIKELY = 0.005
"""What a cube loses that is as far from the guess as cubes are spread."""
FLOATING, MOST_FLOATING = 0.1, 9.0
"""Blocks: the same of who would stand so much above or below the top of a block; and the most that it loses so, for some are in
the air or in water."""
APART = 0.6
"""Cubes that are less apart, as a share of the spread, are one."""
SOFT = (3, 3, 3, 3)
"""Pixels over which lines are blurred in the first rounds, lest they be missed."""
WIDEST = 9
"""Pixels: what is wider is no line."""
NIGHT = 0.02
"""Of all light: differences in what is darker hardly count."""
POINTS = 12
"""Along each edge, at which it is looked for."""
FEW = 20.0
"""Pixels: shorter outlines count less."""
REACH = 5.2
"""Blocks from the eye to the middle of what is outlined, at most."""
WITHIN, PLAIN = 3.0, 2.0
"""What is farther from the edge of a face than so many rims is to be plain: lines there count so many times against a block."""
SURE, MAYBE = 0.36, 0.12
"""Where rims are so much darker, as a share of what they could be, a block is outlined; where edges are no darker than so at
first, none is."""


@dataclass
class Outlined:
    """cube: the block that a picture outlines, for who looks down by `pitch` degrees."""

    cube: Cube
    pitch: Float[Tensor, "1"]


def outlined(
    picture: Float[Tensor, "1 3 h w"],
    free: Float[Tensor, "1 1 h w"],
    guess: Cube,
    pitch: Float[Tensor, "1"],
    field_of_view: float,
    rim: float,
) -> Outlined | None:
    """The block outlined in a picture in [-1, 1], None where none is. free: 1 where no hand is. guess, pitch: about where it
    lies, and how far down the eye looks. rim: the lines' width, in blocks."""
    search = _Search(_lines(picture.float()) * free[0, 0], free[0, 0], guess, pitch, field_of_view, rim)
    best = search.by_edges()
    if best is None:
        return None
    found, dark = search.by_faces(best)
    if dark < SURE or float(found[0, :3].norm()) > REACH:
        return None
    return Outlined(*search.level(found))


def _lines(picture: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "h w"]:
    """How much darker pixels are than what is on both sides of them, as logarithms, up to 1."""
    light = ((picture.mean(1) + 1) / 2 + NIGHT).log()
    wide = (WIDEST // 2,) * 4

    def most(x: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h w"]:
        return F.max_pool2d(F.pad(x, wide, mode="replicate"), WIDEST, 1)

    return (-most(-most(light)) - light)[0].clamp(0, 1)


class _Search:
    """Cubes are [right, down, ahead, turn, pitch]: the middle, for the camera; by how much the sides are turned, and how much
    farther down it looks than was guessed."""

    def __init__(
        self,
        lines: Float[Tensor, "h w"],
        free: Float[Tensor, "h w"],
        guess: Cube,
        pitch: Float[Tensor, "1"],
        field_of_view: float,
        rim: float,
    ) -> None:
        self.lines, self.free, self.pitch = lines, free, pitch.clamp(-90, 90)
        self.size, self.field_of_view, self.rim = (lines.shape[0], lines.shape[1]), field_of_view, rim
        self.guess = torch.cat([for_level(guess.center, -pitch)[0], guess.turn, pitch.new_zeros(1)])
        far = self.guess[:3].norm().clamp(min=1)
        self.spread = self.guess.new_tensor(SPREAD) * torch.cat([far.expand(3), pitch.new_ones(2)])
        self.strength = lines.square().sum().sqrt()
        self.chance = torch.Generator(lines.device).manual_seed(0)

    def by_edges(self) -> Float[Tensor, "n 5"] | None:
        """The best cubes, by what is seen along their edges; None where nothing is."""
        soft = {wide: F.avg_pool2d(self.lines[None], wide, 1, wide // 2)[0] for wide in set(SOFT)}
        tried = self.guess + self.spread * self._drawn(TRIED, 5)
        tried[:, :3] *= 1 + FARTHER * self._drawn(TRIED, 1)
        tried[0] = self.guess
        kept = self._apart(tried, self._edges(tried, soft[SOFT[0]]), KEPT, APART)
        ways = (0.4 * self.spread).diag().expand(len(kept), -1, -1)
        for turn in range(ROUNDS):
            about = self._about(kept, ways, ABOUT)
            worth = self._edges(about.flatten(0, 1), soft[SOFT[turn]] if turn < len(SOFT) else self.lines)
            best, kept, ways = _best(about, worth.view(about.shape[:2]), BEST)
        return best if float(self._along(best, self.lines)[1].max()) > MAYBE else None

    def by_faces(self, kept: Float[Tensor, "n 5"]) -> tuple[Float[Tensor, "1 5"], float]:
        """The best cube near those, by what is seen on the rims of its faces, and how dark that is."""
        best = kept = self._apart(kept, self._faces(kept)[0], LOOKED_AT, APART / 4)
        ways = kept.new_tensor(FINE).diag().expand(len(kept), -1, -1)
        for _ in range(LOOK_ROUNDS):
            about = self._about(kept, ways, LOOKS)
            worth = self._faces(about.flatten(0, 1))[0]
            best, kept, ways = _best(about, worth.view(about.shape[:2]), BEST_LOOKS)
        worth, dark = self._faces(best)
        first = worth.argmax()
        return best[first][None], float(dark[first])

    def _edges(self, cubes: Float[Tensor, "n 5"], lines: Float[Tensor, "h w"]) -> Float[Tensor, " n"]:
        """The worth of cubes: how much of the darkness of lines their edges explain."""
        return self._along(cubes, lines)[0] - self._unlikely(cubes)

    def _along(self, cubes: Float[Tensor, "n 5"], lines: Float[Tensor, "h w"]) -> tuple[Tensor, Tensor]:
        """The same without what is unlikely, and how dark lines are there."""
        n, (h, w), device = len(cubes), self.size, cubes.device
        tall, wide = half_angles(self.size, self.field_of_view)
        middle, sides, eye = self._lie(cubes)
        pixel = middle[:, 2].clamp(min=0.5) * tall * 2 / h
        inner = 0.5 - (self.rim + 0.35 * pixel) / 2
        facing, seen = eye.sign() / 2, (eye.abs() > 0.5).float()
        along = torch.linspace(-0.48, 0.48, POINTS, device=device)
        points = []
        for face in range(3):
            for across, onward in ((face - 2, face - 1), (face - 1, face - 2)):
                for side in (-1, 1):
                    point = torch.empty(n, POINTS, 3, device=device)
                    point[..., face], point[..., across] = facing[:, face, None], side * inner[:, None]
                    point[..., onward] = along
                    points.append(point)
        ways = torch.einsum("nxa,nlpa->nlpx", sides, torch.stack(points, 1)) + middle[:, None, None]
        ahead = ways[..., 2].clamp(min=0.1)
        places = torch.stack([ways[..., 0] / (ahead * wide), ways[..., 1] / (ahead * tall)], -1)
        length = ((places[:, :, -1] - places[:, :, 0]) * places.new_tensor([w / 2, h / 2])).norm(dim=-1).clamp(max=w)
        found = F.grid_sample(
            torch.stack([lines, self.free])[None], places.view(1, n, -1, 2), "bilinear", "zeros", align_corners=False
        )
        weight = seen.repeat_interleave(4, 1) * length / POINTS * (1 + self.rim / pixel)[:, None]
        weight = weight[..., None] * (ways[..., 2] > 0.1)
        dark, much = (part.view(weight.shape).mul(weight).view(n, 3, -1).sum(2) for part in found[0])
        away, axis, _ = crossed(*self.level(cubes))
        worth, faces = _seen(dark, much, axis)
        return torch.where(away.isfinite(), worth, -self.strength), (dark * faces).sum(1) / ((much * faces).sum(1) + 1)

    def _faces(self, cubes: Float[Tensor, "n 5"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """The worth of cubes, pixel by pixel, and how much darker their rims are than what lies within these."""
        met = meet(*self.level(cubes), self.size, self.field_of_view)
        seen = met.met * self.free
        rim, within = (rim_of(met, wide, self.field_of_view) for wide in (self.rim, WITHIN * self.rim))
        rim, within = rim * seen, (1 - within) * seen
        parts = [rim * self.lines, rim.square(), within * self.lines, within]
        dark, much, other, plain = (
            torch.stack([(part * (met.axis == face)).sum((1, 2)) for face in range(3)], 1) for part in parts
        )
        worth, faces = _seen(dark, much, crossed(*self.level(cubes))[1])
        dark, much, other, plain = ((part * faces).sum(1) for part in (dark, much, other, plain))
        return worth - self._unlikely(cubes, 0.2), dark / (much + 1) - PLAIN * other / (plain + 1)

    def level(self, cubes: Float[Tensor, "n 5"]) -> tuple[Cube, Float[Tensor, " n"]]:
        """The same for who looks level, and how far down the eye looks."""
        pitch = self.pitch + cubes[:, 4]
        return Cube(for_level(cubes[:, :3], pitch), cubes[:, 3]), pitch

    def _lie(self, cubes: Float[Tensor, "n 5"]) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3 3"], Float[Tensor, "n 3"]]:
        """For the camera: the middles, and the directions [n, :, axis] of the sides; and where the eye is along these."""
        middle, sides = cubes[:, :3], for_level(axes(cubes[:, 3]).mT, -(self.pitch + cubes[:, 4]))
        return middle, sides, -torch.einsum("nxa,nx->na", sides, middle)

    def _unlikely(self, cubes: Float[Tensor, "n 5"], trust: float = 1.0) -> Float[Tensor, " n"]:
        down = self.level(cubes)[0].center[:, 1]
        floating = (((down - EYE).remainder(1) - 0.5) / FLOATING).square().clamp(max=MOST_FLOATING)
        return UNLIKELY * self.strength * (trust * ((cubes - self.guess) / self.spread).square().sum(1) + floating)

    def _apart(self, cubes: Float[Tensor, "n 5"], worth: Float[Tensor, " n"], most: int, apart: float) -> Float[Tensor, "m 5"]:
        """The best of cubes that are not one."""
        kept: list[Tensor] = []
        for cube in cubes[worth.argsort(descending=True)]:
            if all(bool(((cube - other) / self.spread).abs().max() > apart) for other in kept):
                kept.append(cube)
            if len(kept) == most:
                break
        return torch.stack(kept)

    def _about(self, middle: Float[Tensor, "n 5"], ways: Float[Tensor, "n k 5"], most: int) -> Float[Tensor, "n most 5"]:
        """So many cubes about each middle, and this: mostly along those `ways`, for what is farther looks like what is turned
        or tilted otherwise."""
        about = middle[:, None] + WIDER * self._drawn(len(middle), most, ways.shape[1]) @ ways
        about += middle.new_tensor(LEAST) * self._drawn(*about.shape)
        about[:, 0] = middle
        return about

    def _drawn(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.chance, device=self.lines.device)


def _seen(
    dark: Float[Tensor, "n 3"], much: Float[Tensor, "n 3"], axis: Int[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
    """How much of the darkness of lines cubes explain, and 1 for the faces that are seen of them, across each axis, else 0:
    those that explain most. The one before the crosshair always is; others may be hidden by what is beside them."""
    faces = torch.cartesian_prod(*[dark.new_tensor([0.0, 1.0])] * 3)
    worth = (dark @ faces.T) / (much @ faces.T + FEW).sqrt()
    worth = torch.where(faces[:, axis].T > 0, worth, -1.0)
    return worth.amax(1), faces[worth.argmax(1)]


def _best(
    about: Float[Tensor, "n m 5"], worth: Float[Tensor, "n m"], most: int
) -> tuple[Float[Tensor, "n 5"], Float[Tensor, "n 5"], Float[Tensor, "n most 5"]]:
    """Of n sets of cubes the best one, the mean of the best, and the ways from it to these, by which they are spread."""
    best = about.gather(1, worth.topk(most, 1).indices[..., None].expand(-1, -1, 5))
    mean = best.mean(1, keepdim=True)
    return best[:, 0], mean[:, 0], (best - mean) / most**0.5
