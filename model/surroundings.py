"""Far memory: what was seen in every direction, and from where it was seen, on a canvas around the eye.

Finished pictures are painted onto the canvas; what comes into view again is read from it, so that who looks away and back
finds what was there, however long ago. What was seen from elsewhere is trusted less the farther it is. Places are dead
reckoned from the keys; where walls hold the player they are off. Closed form, nothing learned.
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.actions import CAMERA, KEYS
from simworld.model.camera import sample
from simworld.model.registration import averaged

ROWS, COLUMNS = 270, 540
"""The canvas: pitch from -90 (up) to 90 degrees down it, yaw from -180 to 180 across it."""
NEAR, FAR = 4.0, 12.0
"""What was seen from within `NEAR` blocks is trusted wholly; from beyond `FAR`, not at all."""
SAME = 0.25
"""What was seen from within so many blocks must look the same, but for what happens there."""
ALIKE, WINDOW = 0.25, 9
"""Mean difference, for pictures in [-1, 1], over squares of so many pixels, up to which what differs has drifted; what differs
more has changed."""
STRIDE, SPRINT, SNEAK = 0.216, 1.3, 0.3
"""Blocks that one walks in a frame's time, and how many times that when sprinting or sneaking (as in Minecraft)."""
FALL = 12
"""Frames from the height of a jump down to the ground, one block below."""
MARGIN = WINDOW // 2 + 2
"""Cells of the canvas beyond what is in view that are worked on with it."""
MOST_TILT = math.radians(85)
"""Whose view reaches nearer to a pole than this sees it from all sides: the whole canvas is worked on."""
NEVER = 1e6
"""Where a direction was "seen from" that has never been looked at."""


@dataclass
class Surroundings:
    """Of b worlds. colors: in [-1, 1]. seen_from: the place, in blocks, from which each direction was seen last. place: where
    the eye is, (right, ahead, above) of where it began. view: where it looks, [pitch, yaw] in degrees. Its tensors are
    replaced, never written to, so that copies may share them."""

    colors: Float[Tensor, "b 3 rows columns"]
    seen_from: Float[Tensor, "b 3 rows columns"]
    place: Float[Tensor, "b 3"]
    view: Float[Tensor, "b 2"]


def nothing_seen(pitch: Float[Tensor, " b"]) -> Surroundings:
    """What b worlds remember that have just begun, and look down by `pitch` degrees."""
    canvas = torch.zeros(len(pitch), 3, ROWS, COLUMNS, device=pitch.device)
    here = torch.zeros(len(pitch), 3, device=pitch.device)
    return Surroundings(canvas, torch.full_like(canvas, NEVER), here, torch.stack([pitch, here[:, 0]], 1))


def all_seen(canvases: Float[Tensor, "b 3 rows columns"], pitch: Float[Tensor, " b"]) -> Surroundings:
    """What b worlds remember that have seen all around them, in [-1, 1] and any size, and look down by `pitch` degrees."""
    colors = F.interpolate(canvases.float(), (ROWS, COLUMNS), mode="bilinear", align_corners=False, antialias=True)
    here = torch.zeros(len(pitch), 3, device=pitch.device)
    return Surroundings(colors, torch.zeros_like(colors), here, torch.stack([pitch, here[:, 0]], 1))


def where(chosen: Bool[Tensor, " b"], one: Surroundings, other: Surroundings) -> Surroundings:
    """Of each world `one` where it is chosen, else the `other`."""
    pairs = [(getattr(one, part.name), getattr(other, part.name)) for part in fields(one)]
    return Surroundings(*(torch.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))


def stacked(parts: list[Surroundings]) -> Surroundings:
    """Several as one."""
    return Surroundings(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Surroundings)))


def go(around: Surroundings, actions: Float[Tensor, "b r a"]) -> Float[Tensor, "b r 2"]:
    """Move the eye as r actions do; returns where it looks after each."""
    actions = actions.float()
    views = around.view[:, None] + actions[..., CAMERA].cumsum(1)
    views[..., 0].clamp_(-90, 90)
    forward, back, left, right, jump, sprint, sneak = (
        actions[..., KEYS.index(key)] for key in ("forward", "back", "left", "right", "jump", "sprint", "sneak")
    )
    steps = F.normalize(torch.stack([right - left, forward - back], -1), dim=-1)
    pace = STRIDE * torch.where(sneak > 0, SNEAK, torch.where((sprint > 0) & (forward > 0), SPRINT, 1.0))
    yaw = torch.deg2rad(views[..., 1])
    aside, ahead = steps.unbind(-1)
    turned = torch.stack([aside * yaw.cos() + ahead * yaw.sin(), ahead * yaw.cos() - aside * yaw.sin()], -1)
    above = around.place[:, 2]
    for frame in range(actions.shape[1]):
        above = torch.where(jump[:, frame] > 0, 1.0, (above - 1 / FALL).clamp(min=0))
    around.place = torch.cat([around.place[:, :2] + (pace[..., None] * turned).sum(1), above[:, None]], 1)
    around.view = views[:, -1]
    return views


def paint(
    around: Surroundings, pictures: Float[Tensor, "b 3 h w"], fixed: Float[Tensor, "b 1 h w"], field_of_view: float
) -> None:
    """Remember what is seen now: pictures in [-1, 1], but for what is `fixed` to the camera. Where the same has been seen from
    here before, that stays."""
    size = (pictures.shape[-2], pictures.shape[-1])
    part = _in_view(around.view[:, None], size, field_of_view, COLUMNS)
    colors, seen_from = part.cut(around.colors), part.cut(around.seen_from)
    grid, seen = _canvas_in_picture(part, around.view, size, field_of_view)
    found = sample(torch.cat([pictures.float(), fixed], 1), grid)
    seen = seen & (found[:, 3:] < 0.5)
    again = seen & (_away(seen_from, around.place) < SAME)
    known = again & alike(torch.where(again, found[:, :3], colors), colors)
    seen = seen & ~known
    around.colors = part.put(around.colors, torch.where(seen, found[:, :3], colors))
    around.seen_from = part.put(around.seen_from, torch.where(seen, around.place[..., None, None], seen_from))


def recall(
    around: Surroundings, views: Float[Tensor, "b r 2"], size: tuple[int, int], field_of_view: float
) -> tuple[Float[Tensor, "b r 3 h w"], Float[Tensor, "b r 1 h w"], Float[Tensor, "b r 1 h w"]]:
    """What is remembered of the views [pitch, yaw] in degrees, the trust in it, in [0, 1], and how much of it was seen from
    the same place."""
    part = _in_view(views, size, field_of_view, COLUMNS + 2)  # so that the canvas closes upon itself
    away = _away(part.cut(around.seen_from), around.place)
    trust = ((FAR - away) / (FAR - NEAR)).clamp(0, 1)
    # Each colour counts as far as it is trusted.
    canvas = torch.cat([part.cut(around.colors) * trust, trust, (away < SAME).float()], 1)
    grid = _picture_in_canvas(part, views, size, field_of_view)
    found = sample(canvas, grid.flatten(1, 2)).unflatten(2, grid.shape[1:3]).movedim(2, 1)
    colors, trust, same = found.split((3, 1, 1), 2)
    return colors / trust.clamp(min=1e-3), trust, same


def alike(one: Float[Tensor, "*n 3 h w"], other: Float[Tensor, "*n 3 h w"]) -> Bool[Tensor, "*n 1 h w"]:
    """Where two pictures differ no more than a picture drifts."""
    apart = (one - other).abs().mean(-3, keepdim=True)
    return averaged(apart.flatten(0, -4), WINDOW).reshape(apart.shape) < ALIKE


def _away(seen_from: Float[Tensor, "b 3 rows columns"], place: Float[Tensor, "b 3"]) -> Float[Tensor, "b 1 rows columns"]:
    """How far from here each direction was seen, in blocks."""
    return (seen_from - place[..., None, None]).square().sum(1, keepdim=True).sqrt()


def _half_angles(size: tuple[int, int], field_of_view: float) -> tuple[float, float]:
    """Tangents of half the vertical and the horizontal field of view."""
    tall = math.tan(math.radians(field_of_view) / 2)
    return tall, tall * size[1] / size[0]


@dataclass(frozen=True)
class _Part:
    """The part of b canvases that is looked at: rows from `top` to before `bottom`, and as many columns in each, from `left` on
    around the canvas. Most of it lies behind one's back, and need not be worked on."""

    top: int
    bottom: int
    left: Int[Tensor, " b"]
    width: int

    @property
    def columns(self) -> Int[Tensor, "b width"]:
        """Counted on beyond the canvas's end."""
        return self.left[:, None] + torch.arange(self.width, device=self.left.device)

    def cut(self, canvas: Float[Tensor, "b c rows columns"]) -> Float[Tensor, "b c part_rows width"]:
        """This part of a canvas."""
        return canvas[:, :, self.top : self.bottom].gather(3, self._places(canvas.shape[1]))

    def put(self, canvas: Float[Tensor, "b c rows columns"], part: Float[Tensor, "b c part_rows width"]) -> Tensor:
        """A copy of the canvas that has `part` here."""
        canvas = canvas.clone()
        canvas[:, :, self.top : self.bottom].scatter_(3, self._places(canvas.shape[1]), part)
        return canvas

    def _places(self, c: int) -> Int[Tensor, "b c part_rows width"]:
        return (self.columns % COLUMNS)[:, None, None].expand(-1, c, self.bottom - self.top, -1)


def _in_view(views: Float[Tensor, "b r 2"], size: tuple[int, int], field_of_view: float, most: int) -> _Part:
    """The part of the canvas that pictures of these views show, with a margin, no more than `most` columns wide."""
    tall, wide = _half_angles(size, field_of_view)
    tilts: list[float] = []
    aside = 0.0
    for pitch in views[..., 0].deg2rad().flatten().tolist():
        if abs(pitch) + math.atan(tall) > MOST_TILT:  # a pole is near or in view
            tilts, aside = [-math.pi / 2, math.pi / 2], math.pi
            break
        for y in (-tall, tall):
            down, ahead = y * math.cos(pitch) + math.sin(pitch), math.cos(pitch) - y * math.sin(pitch)
            tilts += [math.atan2(down, ahead), math.atan2(down, math.hypot(wide, ahead))]
            aside = max(aside, math.atan2(wide, ahead))
    top, bottom = ((tilt / math.pi + 0.5) * ROWS for tilt in (min(tilts), max(tilts)))
    yaw = views[..., 1].deg2rad()
    first, last = (((heading / (2 * math.pi)) + 0.5) * COLUMNS for heading in (yaw.amin(1) - aside, yaw.amax(1) + aside))
    return _Part(
        max(0, math.floor(top) - MARGIN),
        min(ROWS, math.ceil(bottom) + MARGIN),
        first.floor().long() - MARGIN,
        min(most, math.ceil(float((last - first).amax())) + 2 * MARGIN + 1),
    )


def _picture_in_canvas(
    part: _Part, views: Float[Tensor, "b r 2"], size: tuple[int, int], field_of_view: float
) -> Float[Tensor, "b r h w 2"]:
    """Where on that part of the canvas the pixels of pictures that look towards `views` lie."""
    h, w = size
    tall, wide = _half_angles(size, field_of_view)
    y = (((torch.arange(h, device=views.device) + 0.5) * 2 / h - 1) * tall)[:, None]
    x = (((torch.arange(w, device=views.device) + 0.5) * 2 / w - 1) * wide)[None, :]
    pitch, yaw = torch.deg2rad(views)[..., None, None].unbind(2)
    down, ahead = y * pitch.cos() + pitch.sin(), pitch.cos() - y * pitch.sin()
    row = (torch.atan2(down, torch.hypot(x, ahead)) / math.pi + 0.5) * ROWS - part.top
    column = ((torch.atan2(x, ahead) + yaw) / (2 * math.pi) + 0.5) * COLUMNS - part.left[:, None, None, None]
    if part.width > COLUMNS:
        column = torch.remainder(column - 1, COLUMNS) + 1
    return torch.stack([2 * column / part.width - 1, 2 * row / (part.bottom - part.top) - 1], -1)


def _canvas_in_picture(
    part: _Part, view: Float[Tensor, "b 2"], size: tuple[int, int], field_of_view: float
) -> tuple[Float[Tensor, "b part_rows width 2"], Tensor]:
    """Where in a picture that looks towards `view` the directions of that part of the canvas lie, and which of them it shows,
    as bool [b, 1, rows, width]."""
    tall, wide = _half_angles(size, field_of_view)
    tilt = ((torch.arange(part.top, part.bottom, device=view.device) + 0.5) / ROWS - 0.5) * math.pi
    pitch, yaw = torch.deg2rad(view)[..., None].unbind(1)
    heading = ((part.columns + 0.5) / COLUMNS - 0.5) * 2 * math.pi - yaw
    level = tilt.cos()[:, None]
    x, forward = level * heading.sin()[:, None], level * heading.cos()[:, None]
    down = tilt.sin()[:, None]
    pitch = pitch[..., None]
    y, ahead = down * pitch.cos() - forward * pitch.sin(), forward * pitch.cos() + down * pitch.sin()
    before = ahead > 0.05
    ahead = ahead.clamp(min=0.05)
    grid = torch.stack([(x / ahead / wide).expand_as(y), y / ahead / tall], -1)
    return grid, (before & (grid.abs() <= 1).all(-1))[:, None]
