"""Far memory: what was seen in every direction, and from where it was seen, on a canvas around the eye.

Finished pictures are painted onto the canvas; what comes into view again is read from it, so that who looks away and back
finds what was there, however long ago. What was seen from elsewhere is trusted less the farther it is. Places are dead
reckoned from the keys; where walls hold the player they are off. Closed form, nothing learned.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.actions import CAMERA, KEYS
from simworld.model.camera import beside, half_angles, sample
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
NEVER = 1e6
"""Where a direction was "seen from" that has never been looked at."""

Eyes = tuple[Float[Tensor, "b r 3"], Float[Tensor, "b r 2"]]
"""Of b worlds, in r frames: where they are, (right, ahead, above) in blocks, and where they look, [pitch, yaw] in degrees."""


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


def known(around: Surroundings) -> Bool[Tensor, "b 1 rows columns"]:
    """Which directions have ever been seen."""
    return around.seen_from[:, :1] < NEVER / 2


def go(
    around: Surroundings, actions: Float[Tensor, "b r a"], steps: Float[Tensor, "b r 3"] | None = None
) -> Eyes:
    """Move the eye as r actions do; returns where it is after each, and where it looks. `steps`: how far each takes it, (right,
    ahead, above) for who faces ahead before them, where that is known better than by the keys."""
    actions = actions.float()
    views = around.view[:, None] + actions[..., CAMERA].cumsum(1)
    views[..., 0].clamp_(-90, 90)
    if steps is None:
        places = around.place[:, None] + _paces(around, actions, views)
    else:
        places = around.place[:, None] + headed(steps, around.view[:, 1]).cumsum(1)
    around.place, around.view = places[:, -1], views[:, -1]
    return places, views


def headed(steps: Float[Tensor, "b r 3"], yaw: Float[Tensor, " b"]) -> Float[Tensor, "b r 3"]:
    """Steps (right, ahead, above) of who faces `yaw`, in degrees, for who faces 0."""
    aside, ahead, above = steps.unbind(-1)
    sin, cos = torch.deg2rad(yaw)[:, None].sin(), torch.deg2rad(yaw)[:, None].cos()
    return torch.stack([aside * cos + ahead * sin, ahead * cos - aside * sin, above], -1)


def _paces(around: Surroundings, actions: Float[Tensor, "b r a"], views: Float[Tensor, "b r 2"]) -> Float[Tensor, "b r 3"]:
    """How far r actions take the eye, by the keys alone, where nothing is in the way."""
    forward, back, left, right, jump, sprint, sneak = (
        actions[..., KEYS.index(key)] for key in ("forward", "back", "left", "right", "jump", "sprint", "sneak")
    )
    steps = F.normalize(torch.stack([right - left, forward - back], -1), dim=-1)
    pace = STRIDE * torch.where(sneak > 0, SNEAK, torch.where((sprint > 0) & (forward > 0), SPRINT, 1.0))
    yaw = torch.deg2rad(views[..., 1])
    aside, ahead = steps.unbind(-1)
    turned = torch.stack([aside * yaw.cos() + ahead * yaw.sin(), ahead * yaw.cos() - aside * yaw.sin()], -1)
    heights = [around.place[:, 2]]
    for frame in range(actions.shape[1]):
        heights.append(torch.where(jump[:, frame] > 0, 1.0, (heights[-1] - 1 / FALL).clamp(min=0)))
    above = torch.stack(heights[1:], 1) - heights[0][:, None]
    return torch.cat([(pace[..., None] * turned).cumsum(1), above[..., None]], -1)


def paint(
    around: Surroundings,
    pictures: Float[Tensor, "b 3 h w"],
    fixed: Float[Tensor, "b 1 h w"],
    changing: Bool[Tensor, " b"],
    field_of_view: float,
) -> None:
    """Remember what is seen now: pictures in [-1, 1], but for what is `fixed` to the camera. Where the same has been seen from
    here before, that stays, but in worlds that are `changing` by the player's hand."""
    size = (pictures.shape[-2], pictures.shape[-1])
    window = _window(_picture_in_canvas(around.view, size, field_of_view), WINDOW, COLUMNS)
    colors, seen_from = window.cut(around.colors), window.cut(around.seen_from)
    grid, seen = _canvas_in_picture(window, around.view, size, field_of_view)
    found = sample(torch.cat([pictures.float(), fixed], 1), grid)
    seen = seen & (found[:, 3:] < 0.5)
    again = seen & (_away(seen_from, around.place) < SAME) & ~changing[:, None, None, None]
    known = again & alike(torch.where(again, found[:, :3], colors), colors)
    seen = seen & ~known
    around.colors = window.put(around.colors, torch.where(seen, found[:, :3], colors))
    around.seen_from = window.put(around.seen_from, torch.where(seen, around.place[..., None, None], seen_from))


def recall(
    around: Surroundings,
    views: Float[Tensor, "b r 2"],
    size: tuple[int, int],
    field_of_view: float,
    corner: tuple[int, int] | None = None,
) -> tuple[Float[Tensor, "b r 3 h w"], Float[Tensor, "b r 1 h w"], Float[Tensor, "b r 1 h w"]]:
    """What is remembered of the views [pitch, yaw] in degrees, the trust in it, in [0, 1], and how much of it was seen from
    the same place; in all of their pixels, or in so many rows and columns in their lower right corner."""
    b, r = views.shape[:2]
    places = _picture_in_canvas(views.flatten(0, 1), size, field_of_view, corner)
    window = _window(places, 1, COLUMNS + 2)
    away = _away(window.cut(around.seen_from), around.place.repeat_interleave(r, 0))
    trust = ((FAR - away) / (FAR - NEAR)).clamp(0, 1)
    # Each colour counts as far as it is trusted.
    canvas = torch.cat([window.cut(around.colors) * trust, trust, (away < SAME).float()], 1)
    found = sample(canvas, window.grid(places)).unflatten(0, (b, r))
    colors, trust, same = found.split((3, 1, 1), 2)
    return colors / trust.clamp(min=1e-3), trust, same


def alike(one: Float[Tensor, "*n 3 h w"], other: Float[Tensor, "*n 3 h w"]) -> Bool[Tensor, "*n 1 h w"]:
    """Where two pictures differ no more than a picture drifts."""
    apart = (one - other).abs().mean(-3, keepdim=True)
    return averaged(apart.flatten(0, -4), WINDOW).reshape(apart.shape) < ALIKE


@dataclass
class _Window:
    """The part of each canvas that n pictures show, for the whole of it is ten times as much. corners: its first row and column
    on the canvas; size: its rows and columns. Beyond its left and right border a canvas goes on at the other."""

    corners: list[tuple[int, int]]
    size: tuple[int, int]

    def cut(self, canvas: Float[Tensor, "b c rows columns"]) -> Float[Tensor, "n c R C"]:
        """Of each canvas its windows, n / b of them."""
        each = len(self.corners) // len(canvas)
        return torch.stack(
            [
                torch.cat([canvas[number // each, :, rows, columns] for columns in parts], -1)
                for number, (rows, parts) in enumerate(self._places())
            ]
        )

    def put(
        self, canvas: Float[Tensor, "n c rows columns"], part: Float[Tensor, "n c R C"]
    ) -> Float[Tensor, "n c rows columns"]:
        """Canvases with other windows."""
        canvas = canvas.clone()
        for number, (rows, parts) in enumerate(self._places()):
            pieces = part[number].split([columns.stop - columns.start for columns in parts], -1)
            for columns, piece in zip(parts, pieces, strict=True):
                canvas[number, :, rows, columns] = piece
        return canvas

    def grid(self, places: Float[Tensor, "n h w 2"]) -> Float[Tensor, "n h w 2"]:
        """Places (column, row) of the canvas, in the units of `camera.sample` for windows."""
        corners, size = (torch.tensor(part, device=places.device) for part in (self.corners, self.size))
        return (places - corners.flip(-1)[:, None, None] + 0.5) * 2 / size.flip(0) - 1

    def _places(self) -> list[tuple[slice, list[slice]]]:
        """Of each window its rows, and its columns in parts that do not reach over the border."""
        places = []
        for row, column in self.corners:
            parts, column, missing = [], column % COLUMNS, self.size[1]
            while missing:
                parts.append(slice(column, min(column + missing, COLUMNS)))
                missing -= parts[-1].stop - column
                column = 0
            places.append((slice(row, row + self.size[0]), parts))
        return places


def _window(places: Float[Tensor, "n h w 2"], margin: int, most_columns: int) -> _Window:
    """Windows, all of one size, that hold the places (column, row) and `margin` more on each side."""
    flat = places.flatten(1, 2).mT.contiguous()  # beside each other columns and rows are compared many times slower
    first, last = (flat.amin(2).floor().long() - margin).tolist(), (flat.amax(2).ceil().long() + margin).tolist()
    columns, rows = (max(end[axis] - start[axis] for start, end in zip(first, last, strict=True)) + 1 for axis in (0, 1))
    rows, columns = min(rows, ROWS), min(columns, most_columns)
    return _Window([(min(max(row, 0), ROWS - rows), column) for column, row in first], (rows, columns))


def _away(seen_from: Float[Tensor, "n 3 R C"], place: Float[Tensor, "n 3"]) -> Float[Tensor, "n 1 R C"]:
    """How far from here each direction was seen, in blocks."""
    return (seen_from - place[..., None, None]).square().sum(1, keepdim=True).sqrt()


def _picture_in_canvas(
    views: Float[Tensor, "n 2"], size: tuple[int, int], field_of_view: float, corner: tuple[int, int] | None = None
) -> Float[Tensor, "n rows columns 2"]:
    """Where on the canvas the pixels of pictures that look towards `views` lie, or of their lower right corner: (column, row),
    from 0 in the middle of the first; columns go on beyond the border."""
    (h, w), (rows, columns) = size, corner or size
    tall, wide = half_angles(size, field_of_view)
    y = (((torch.arange(h - rows, h, device=views.device) + 0.5) * 2 / h - 1) * tall)[:, None]
    x = (((torch.arange(w - columns, w, device=views.device) + 0.5) * 2 / w - 1) * wide)[None, :]
    pitch, yaw = torch.deg2rad(views)[..., None, None].unbind(1)
    down, ahead = y * pitch.cos() + pitch.sin(), pitch.cos() - y * pitch.sin()
    tilt = torch.atan2(down, torch.hypot(x, ahead))
    heading = torch.atan2(x, ahead) + torch.remainder(yaw, 2 * math.pi)
    column, row = (heading / math.pi + 1) * (COLUMNS / 2) - 0.5, (tilt / (math.pi / 2) + 1) * (ROWS / 2) - 0.5
    return beside(column, row)


def _canvas_in_picture(
    window: _Window, view: Float[Tensor, "b 2"], size: tuple[int, int], field_of_view: float
) -> tuple[Float[Tensor, "b R C 2"], Bool[Tensor, "b 1 R C"]]:
    """Where in a picture that looks towards `view` the directions of a window lie, and which of them it shows."""
    tall, wide = half_angles(size, field_of_view)
    pitch, yaw = torch.deg2rad(view)[..., None].unbind(1)
    corners = torch.tensor(window.corners, device=view.device)
    rows, columns = (corners[:, axis, None] + torch.arange(window.size[axis], device=view.device) for axis in (0, 1))
    tilt = ((rows + 0.5) / ROWS - 0.5) * math.pi
    heading = ((columns + 0.5) / COLUMNS - 0.5) * 2 * math.pi - yaw
    level = tilt.cos()[..., None]
    x, forward = level * heading.sin()[:, None], level * heading.cos()[:, None]
    down = tilt.sin()[..., None]
    pitch = pitch[..., None]
    y, ahead = down * pitch.cos() - forward * pitch.sin(), forward * pitch.cos() + down * pitch.sin()
    before = ahead > 0.05
    ahead = ahead.clamp(min=0.05)
    x, y = x / (ahead * wide), y / (ahead * tall)
    return beside(x, y), (before & (torch.maximum(x.abs(), y.abs()) <= 1))[:, None]
