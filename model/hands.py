"""Hands: what the player's attack, use and hotbar do to a picture: a block gone, a block placed, cracks, the outline of what is
aimed at; and how the hand itself looks.

The denoiser imagines what comes into view, and is too coarse for one block that goes or comes. A small network sees a picture
and where in space lies what it shows, and reads from it the block aimed at: its centre, its turn, how long it withstands.
Where that block and the one beside it lie in the picture is then plain geometry (`cube`); what their faces look like, a few
layers tell by what is in the hand and before the crosshair, as textures in the picture's own light. Knows no losses, files or
diffusion, and not which of the pictures is to be seen (`work`).
"""

from dataclasses import dataclass, field
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simworld.model.camera import rays
from simworld.model.cube import FILLED, Cube, Met, before_crosshair, for_level, rim_of
from simworld.model.grip import HOTBAR
from simworld.model.pixels import lit

CELLS = (6, 10)
"""Into so many cells a picture is condensed for its light, and its last features for what is aimed at."""
HELD, HELD_CELLS = (0.5, 0.65), (6, 7)
"""From which share of a picture's height and width on the held block is seen, and into how many cells that is condensed."""
STROKE, NUM_STEPS = (0.5, 0.55), 6
"""From which share of a picture's height and width on the hand is seen that strikes, and the steps of its stroke."""
MIDDLE, MIDDLE_CELLS = 0.25, 8
"""The share of a picture's sides about the crosshair that tells what a block is made of, and its cells."""
MATTER, MATTER_CELLS, MOST_FRAMES = 0.4, 3, 24
"""The same for how long it withstands, and the frames up to which that is told apart."""
MAY_BE = 0.2
"""What is so probable may well be: a block that breaks a little early annoys nobody."""
CLOSE = 3.0
"""Blocks: at about this distance differences in nearness tell most."""
TEXELS = 16
"""Of a texture's side."""
READ = ("breakable", "placeable", "toughness")
"""What is read, in this order: the logits of whether something can be broken, and placed, and the logarithm of the frames that
breaking it takes."""
HIDDEN = 0.8
"""What is nearer than so much of a block's distance hides it."""
RIM, RIM_SHADE = 0.03, 0.38
"""Width of an outline as a share of the block, and what it leaves of the light."""
CRACK_SHADE = 0.22
"""What cracks leave of the light."""
FAR = 1 / 64
"""In 1 / blocks: what is farther away counts as so far."""


@dataclass(kw_only=True)
class HandsConfig:
    """`widths`: channels of the convolutions that read what is aimed at, each at half the resolution of the one before.
    `squeezed`: numbers into which they condense it first, 0: none. `matter`: channels of the convolutions that read from nearby
    how long that withstands, and of those that read what lies behind; without any the others tell how long.
    `boxes`: half the width and the height of each block of the hotbar as it is placed, in blocks; none: they all fill cubes.
    `field_of_view`: the camera's, in degrees; `height`, `width`: of pictures. `told`: numbers into which what the hand holds,
    what lies before the crosshair and the light are condensed."""

    height: int = 96
    width: int = 160
    field_of_view: float = 70.0
    widths: list[int] = field(default_factory=lambda: [32, 64, 128, 192])
    squeezed: int = 0
    matter: list[int] = field(default_factory=list)
    told: int = 96
    boxes: list[list[float]] = field(default_factory=list)


@dataclass
class Aim:
    """cube: the block aimed at. read: as `READ`, whose last is the first number of frames by which it may well be done, where
    `frames` are told: the logits of each, from 1 on."""

    cube: Cube
    read: Float[Tensor, "b 3"]
    frames: Float[Tensor, "b frames"] | None = None

    def __post_init__(self) -> None:
        if self.frames is not None:
            number = (self.frames.softmax(1).cumsum(1) < MAY_BE).sum(1) + 1
            self.read = torch.cat([self.read[:, :2], number.clamp(max=MOST_FRAMES).log()[:, None]], 1)


class _Faces(nn.Module):
    """Textures of the faces of blocks, by what is told of them, in the light of the picture."""

    def __init__(self, facts: int, told: int) -> None:
        super().__init__()
        self.told = nn.Sequential(nn.Linear(facts, told), nn.SiLU(), nn.Linear(told, told), nn.SiLU())
        self.texture = nn.Linear(told, 3 * 3 * TEXELS**2)
        self.light = nn.Linear(told, 6 * 2 * 3)

    def forward(self, facts: Float[Tensor, "b facts"], met: Met) -> Float[Tensor, "b 3 h w"]:
        told = self.told(facts)
        textures = self.texture(told).float().view(-1, 3, 3 * TEXELS, TEXELS)
        # One kind of face above the other; a texture ends where it ends.
        inner = 0.5 / TEXELS
        u, v = (place.clamp(inner, 1 - inner) for place in (met.u, met.v))
        grid = torch.stack([2 * u - 1, 2 * (met.kind + v) / 3 - 1], -1)
        found = F.grid_sample(textures, grid, "bilinear", "border", align_corners=False)
        light = self.light(told).float().view(-1, 6, 6).movedim(1, 2)  # b (gain, bias) x 3, face
        face = (2 * met.axis + met.beyond).flatten(1)[:, None].expand(-1, 6, -1)
        gain, bias = light.gather(2, face).unflatten(2, met.u.shape[1:]).split(3, 1)
        return found * gain.exp() + bias


class _Nearby(nn.Module):
    """Features of what lies before the crosshair."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.see = nn.ModuleList(nn.Conv2d(before, after, 3, 2, 1) for before, after in pairwise([7, *widths]))
        self.size = widths[-1] * MATTER_CELLS**2

    def forward(self, seen: Float[Tensor, "b 7 h w"]) -> Float[Tensor, "b features"]:
        for layer in self.see:
            seen = F.silu(layer(seen))
        return F.adaptive_avg_pool2d(seen, MATTER_CELLS).flatten(1)


class _Matter(_Nearby):
    """How long what lies before the crosshair withstands, by what it looks like: the logit of each number of frames, from 1 to
    `MOST_FRAMES` or more."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__(widths)
        self.layers = nn.Sequential(nn.Linear(self.size, 64), nn.SiLU(), nn.Linear(64, MOST_FRAMES))

    def forward(self, seen: Float[Tensor, "b 7 h w"]) -> Float[Tensor, "b frames"]:
        return self.layers(super().forward(seen))


class Hands(nn.Module):
    """A picture in which the hand rests and nothing is outlined → what it becomes."""

    def __init__(self, config: HandsConfig) -> None:
        super().__init__()
        self.config = config
        widths = [6, *config.widths]
        self.see = nn.ModuleList(
            nn.Conv2d(before, after, 5 if number == 0 else 3, 2, 2 if number == 0 else 1)
            for number, (before, after) in enumerate(pairwise(widths))
        )
        all_seen = widths[-1] * CELLS[0] * CELLS[1]
        self.squeeze = nn.Linear(all_seen, config.squeezed, bias=False) if config.squeezed else None
        self.aim_layers = nn.Sequential(
            nn.Linear(config.squeezed or all_seen, 256), nn.SiLU(),
            nn.Linear(256, 256), nn.SiLU(),
            nn.Linear(256, 5 + len(READ)),
        )  # fmt: skip
        self.matter = _Matter(config.matter) if config.matter else None
        cells = 3 * CELLS[0] * CELLS[1]
        held, middle = 3 * HELD_CELLS[0] * HELD_CELLS[1], 3 * MIDDLE_CELLS**2
        self.placed_faces = _Faces(held + cells, config.told)
        self.behind = _Nearby(config.matter) if config.matter else None
        self.broken_faces = _Faces(middle + cells + (self.behind.size if self.behind else 0), config.told)
        self.cracks = nn.Parameter(torch.full((1, 1, TEXELS, TEXELS), 0.6))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        rows, columns = (side - int(share * side) for side, share in zip((config.height, config.width), STROKE, strict=True))
        self.looks: Tensor
        self.register_buffer("looks", torch.zeros(len(HOTBAR), NUM_STEPS, 4, rows, columns))

    def aim(
        self, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"], pitch: Float[Tensor, " b"]
    ) -> Aim:
        """What is aimed at in pictures in [-1, 1]; near, pitch: as `Sight` tells."""
        seen = torch.cat([lit(picture)[0], _apart(near, pitch, self.config.field_of_view)], 1).to(self.dtype)
        for layer in self.see:
            seen = F.silu(layer(seen))
        seen = F.adaptive_avg_pool2d(seen, CELLS).flatten(1)
        found = self.aim_layers(seen if self.squeeze is None else self.squeeze(seen)).float()
        turn = torch.rad2deg(torch.atan2(found[:, 3], found[:, 4])) / 4
        return Aim(Cube(before_crosshair(near, pitch) + found[:, :3], turn), found[:, 5:], self.withstands(picture, near))

    def withstands(
        self, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b frames"] | None:
        """The logits of how many frames breaking what is aimed at takes, from 1 to `MOST_FRAMES` or more; None where hands do
        not read that from nearby."""
        return None if self.matter is None else self.matter(self._nearby(picture, near)).float()

    def aim_twice(
        self, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"], pitch: Float[Tensor, " b"]
    ) -> Aim:
        """The same, surer: the mean of what is read of pictures and of what is read of them in a mirror."""
        aim, b = self.aim(*_mirrored(picture, near), pitch.repeat(2)), len(picture)
        center, other = aim.cube.center.split(b)
        center = (center + other * torch.tensor([-1.0, 1.0, 1.0], device=other.device)) / 2
        angle, opposite = torch.deg2rad(4 * aim.cube.turn).split(b)
        turn = torch.rad2deg(torch.atan2(angle.sin() - opposite.sin(), angle.cos() + opposite.cos())) / 4
        frames = None if aim.frames is None else aim.frames.unflatten(0, (2, b)).mean(0)
        return Aim(Cube(center, turn), aim.read.unflatten(0, (2, b)).mean(0), frames)

    def aim_at(self, cube: Cube, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"]) -> Aim | None:
        """The same of blocks that lie where it is known; None where hands do not read from nearby how long these withstand, and
        so must read all."""
        frames = self.withstands(*_mirrored(picture, near))
        if frames is None:
            return None
        return Aim(cube, torch.ones(len(picture), len(READ), device=picture.device), frames.unflatten(0, (2, -1)).mean(0))

    def box(self, held: Float[Tensor, "b 9"]) -> Float[Tensor, "b 2"] | None:
        """Of blocks that are held, as they are placed, for a `Cube`; those of which nobody knows what they are fill it."""
        if not self.config.boxes:
            return None
        boxes = torch.tensor([FILLED, *self.config.boxes], device=held.device)
        return boxes[torch.where(held.any(1), held.argmax(1) + 1, 0)]

    def placed(self, picture: Float[Tensor, "b 3 h w"], met: Met) -> Float[Tensor, "b 3 h w"]:
        """What a block as is held looks like where it is met."""
        seen, mean, spread = lit(picture)
        facts = torch.cat([_held(seen), F.adaptive_avg_pool2d(seen, CELLS).flatten(1)], 1)
        return mean + spread * self.placed_faces(facts.to(self.dtype), met)

    def broken(
        self, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"], met: Met
    ) -> Float[Tensor, "b 3 h w"]:
        """What lies behind the block before the crosshair, where its rays leave it."""
        seen, mean, spread = lit(picture)
        facts = [_middle(seen), F.adaptive_avg_pool2d(seen, CELLS).flatten(1)]
        if self.behind is not None:
            facts.append(self.behind(self._nearby(picture, near)))
        return mean + spread * self.broken_faces(torch.cat([fact.to(self.dtype) for fact in facts], 1), met)

    def shade(
        self, met: Met, progress: Float[Tensor, " b"], outlined: Bool[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b 1 h w"]:
        """What cracks, so far as the block is dug, and outlines leave of its light. `outlined`: which are, all if None."""
        line = rim_of(met, RIM, self.config.field_of_view) * (1 - RIM_SHADE)
        grid = torch.stack([2 * met.u - 1, 2 * met.v - 1], -1)
        cracks = self.cracks.float().expand(len(progress), -1, -1, -1)
        begins = F.grid_sample(cracks, grid, "nearest", "border", align_corners=False)
        crack = (8 * (progress[:, None, None] - begins[:, 0])).clamp(0, 1) * (1 - CRACK_SHADE)
        if outlined is not None:
            line = line * outlined[:, None, None]
        return 1 - torch.maximum(line, crack)[:, None]

    def _nearby(self, picture: Float[Tensor, "b 3 h w"], near: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 7 rows columns"]:
        """What lies before the crosshair: in the picture's light, as it is, and how near."""
        return _cut(torch.cat([lit(picture)[0], picture, (near * CLOSE).tanh()], 1), MATTER).to(self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.aim_layers[0].weight.dtype  # type: ignore[return-value]


def visible(met: Met, near: Float[Tensor, "b 1 h w"]) -> Bool[Tensor, "b 1 h w"]:
    """Where a cube is met and nothing is before it."""
    return (met.met & (near[:, 0] * met.away * HIDDEN < 1))[:, None]


def _mirrored(picture: Tensor, near: Tensor) -> tuple[Float[Tensor, "two_b 3 h w"], Float[Tensor, "two_b 1 h w"]]:
    """Pictures and how near things in them are, and in a mirror."""
    return torch.cat([picture, picture.flip(-1)]), torch.cat([near, near.flip(-1)])


def _apart(near: Float[Tensor, "b 1 h w"], pitch: Float[Tensor, " b"], field_of_view: float) -> Float[Tensor, "b 3 h w"]:
    """How far each pixel is from what is before the crosshair, (right, down, ahead) for who looks level: in blocks where it is
    near, ±1 where it is far."""
    h, w = near.shape[-2:]
    places = for_level(rays((h, w), field_of_view, near.device)[None] / near.clamp(min=FAR), pitch)
    return (places - before_crosshair(near, pitch)[:, :, None, None]).tanh()


def _held(picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b facts"]:
    """What the corner shows where the hand holds a block: its colours, coarsely."""
    h, w = picture.shape[-2:]
    return F.adaptive_avg_pool2d(picture[..., int(HELD[0] * h) :, int(HELD[1] * w) :], HELD_CELLS).flatten(1)


def _middle(picture: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b facts"]:
    """What lies before the crosshair: its colours, coarsely."""
    return F.adaptive_avg_pool2d(_cut(picture, MIDDLE), MIDDLE_CELLS).flatten(1)


def _cut(picture: Float[Tensor, "b c h w"], share: float) -> Float[Tensor, "b c tall wide"]:
    """So much of each side about the crosshair."""
    h, w = picture.shape[-2:]
    tall, wide = int(share * h), int(share * w)
    return picture[..., (h - tall) // 2 : (h + tall) // 2, (w - wide) // 2 : (w + wide) // 2]
