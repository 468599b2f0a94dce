"""Scenery: the last pictures, with how near everything in them is and from where they were seen, shown as the eye sees it from
where it is now. Closed form: points are thrown forward to learn how near things will be, then looked up where they were, so
that colours come from the pictures themselves, once resampled, however far the player has gone.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import half_angles, sample
from simworld.model.records import where
from simworld.model.registration import averaged

KEPT = 4
"""Pictures that are kept of each world."""
COARSE = 2
"""Pixels of a picture's side that are thrown forward as one."""
HOLE = 3
"""Cells of a side of the largest hole between points that were thrown apart, and one more."""
LARGEST = 3.0
"""So many times larger than it was seen nothing is taken from a kept picture."""
CELLS = 5
"""Width of the square of cells whose majority decides where a cell is taken from."""
SPECK = 3
"""Width of the square whose majority decides of a pixel."""
SAME_NEAR = 0.2
"""Relative difference up to which two things are equally near."""
BEFORE = 1.5
"""What a later picture of a scenery shows is in front of what an earlier one does only if it is so much nearer."""
FAINT = 0.02
"""In 1 / blocks: differences in nearness up to here do not count."""
PARTS = ("pictures", "near", "places", "views", "real")
"""The fields of scenery that say something of each picture."""
NOTHING = -1.0
"""How near what is not known is."""


@dataclass
class Scenery:
    """Of b worlds, k pictures each: those that are kept, the latest first, and then the present one. pictures: in [-1, 1].
    near: 1 / blocks along the view's axis, 0 for the sky, `NOTHING` where it is not known or not of the world, as the hand.
    places: of the eye, (right, ahead, above) in blocks. views: [pitch, yaw] in degrees. ahead: how near things are in the
    present picture, the hand looked through. moved: the last steps of the eye, r frames of (right, ahead, above). real: 1 for
    pictures that nobody dreamt, else 0. lost: chunks since such a picture showed something of the present one. Its tensors are
    replaced, never written to, so that copies may share them."""

    pictures: Float[Tensor, "b k 3 h w"]
    near: Float[Tensor, "b k 1 h w"]
    places: Float[Tensor, "b k 3"]
    views: Float[Tensor, "b k 2"]
    ahead: Float[Tensor, "b 1 h w"]
    moved: Float[Tensor, "b r 3"]
    real: Float[Tensor, "b k"]
    lost: Float[Tensor, " b"]


@dataclass
class Shown:
    """colors: in [-1, 1]. near: as in `Scenery`. known: where there is something to show; kept: where it is of a kept
    picture; real: where it is of one that nobody dreamt."""

    colors: Float[Tensor, "b r 3 h w"]
    near: Float[Tensor, "b r 1 h w"]
    known: Bool[Tensor, "b r 1 h w"]
    kept: Bool[Tensor, "b r 1 h w"]
    real: Bool[Tensor, "b r 1 h w"]


def nothing_kept(b: int, size: tuple[int, int], time_stride: int, device: torch.device, kept: int) -> Scenery:
    """Of b worlds that have just begun, in chunks of `time_stride` frames, with room for so many pictures."""
    return Scenery(
        pictures=torch.zeros(b, kept, 3, *size, device=device),
        near=torch.full((b, kept, 1, *size), NOTHING, device=device),
        places=torch.zeros(b, kept, 3, device=device),
        views=torch.zeros(b, kept, 2, device=device),
        ahead=torch.zeros(b, 1, *size, device=device),
        moved=torch.zeros(b, time_stride, 3, device=device),
        real=torch.zeros(b, kept, device=device),
        lost=torch.zeros(b, device=device),
    )


def keep(scenery: Scenery, chosen: Bool[Tensor, " b"]) -> Scenery:
    """The scenery in which the present picture of each chosen world is kept, and its oldest is not."""
    parts = {name: getattr(scenery, name) for name in PARTS}
    more = {name: torch.cat([part[:, -1:], part[:, :-2], part[:, -1:]], 1) for name, part in parts.items()}
    return where(chosen, replace(scenery, **more), scenery)


def now(
    scenery: Scenery,
    pictures: Float[Tensor, "b 3 h w"],
    near: Float[Tensor, "b 1 h w"],
    hidden: Bool[Tensor, "b 1 h w"],
    place: Float[Tensor, "b 3"],
    view: Float[Tensor, "b 2"],
    real: Bool[Tensor, " b"],
) -> Scenery:
    """The scenery with other present pictures, of which what is `hidden` is not of the world. `real`: nobody dreamt them."""
    near_of_world = torch.where(hidden, NOTHING, near)
    new = {"pictures": pictures, "near": near_of_world, "places": place, "views": view, "real": real.float()}
    parts = {name: torch.cat([getattr(scenery, name)[:, :-1], part[:, None]], 1) for name, part in new.items()}
    return replace(scenery, ahead=near, **parts)


def without_latest(scenery: Scenery) -> Scenery:
    """The scenery without the latest picture that each world keeps."""
    parts = {name: getattr(scenery, name) for name in PARTS}
    rest = {name: torch.cat([p[:, 1:-1], torch.full_like(p[:, :1], NOTHING), p[:, -1:]], 1) for name, p in parts.items()}
    return replace(scenery, **rest)


def recolor(
    scenery: Scenery,
    pictures: Float[Tensor, "b 3 h w"],
    changed: Bool[Tensor, "b 1 h w"],
    place: Float[Tensor, "b 3"],
    view: Float[Tensor, "b 2"],
    field_of_view: float,
) -> Scenery:
    """The scenery in which what is `changed` in pictures from `place` towards `view` has their colours."""
    b, k, _, h, w = scenery.pictures.shape
    points = _thrown(scenery, place[:, None], view[:, None], field_of_view, 1)
    cells = points.cell.flatten(1)
    nearest = torch.zeros(b, h * w, device=cells.device).scatter_reduce(1, cells, points.near.flatten(1), "amax")
    seen = points.inside.flatten(1) & (points.near.flatten(1) >= nearest.gather(1, cells) * (1 - SAME_NEAR) - FAINT)
    hit = (seen & changed.flatten(1).gather(1, cells)).view(b, k, 1, h, w)
    found = sample(pictures, points.at.view(b, k * h, w, 2)).unflatten(2, (k, h)).movedim(1, 2)
    return replace(scenery, pictures=torch.where(hit, found, scenery.pictures))


def show(scenery: Scenery, places: Float[Tensor, "b r 3"], views: Float[Tensor, "b r 2"], field_of_view: float) -> Shown:
    """What is seen from `places` towards `views`. What several pictures show is taken from the first,
    unless another one shows something clearly in front."""
    b, k, _, h, w = scenery.pictures.shape
    r = places.shape[1]
    near, source = _landed(scenery, places, views, field_of_view)
    rays = _rays((h, w), field_of_view, near.device).flatten(0, 1)
    turn, shift = _between(places, views, scenery.places, scenery.views)  # b r k 3 3, b r k 3
    number = source.flatten(2).clamp(max=k - 1)  # b r n
    worlds, frames = torch.arange(b, device=near.device)[:, None, None], torch.arange(r, device=near.device)[:, None]
    direction = torch.einsum("brnij,nj->brni", turn[worlds, frames, number], rays)
    shift = shift[worlds, frames, number]
    tall, wide = half_angles((h, w), field_of_view)
    near = near.flatten(2)
    all_near = scenery.near.movedim(1, 2).flatten(2, 3)
    for attempt in range(2):
        before = direction + near[..., None] * shift
        ahead = before[..., 2].clamp(min=1e-3)
        x, y = before[..., 0] / ahead / wide, before[..., 1] / ahead / tall
        # All pictures of a world as one, one above the other.
        stacked = torch.stack([x, (2 * number + y + 1) / k - 1], -1).view(b, r * h, w, 2)
        there = F.grid_sample(all_near, stacked, "nearest", align_corners=False).view(b, r, -1)
        wanted = near / ahead
        same = (there >= 0) & ((there - wanted).abs() <= FAINT + SAME_NEAR * wanted)
        # A speck between others is as they are.
        same = (there >= 0) & (averaged(same.view(b, r, h, w).float(), SPECK).flatten(2) > 0.5)
        if not attempt:
            # What is seen there says better how near it is.
            near = torch.where(same, there * ahead, near)
    inside = (source.flatten(2) < k) & (before[..., 2] > 1e-3) & (x.abs() <= 1) & (y.abs() <= 1)
    colors = sample(scenery.pictures.movedim(1, 2).flatten(2, 3), stacked, "bicubic").unflatten(2, (r, h)).movedim(2, 1)
    known = (inside & same).view(b, r, 1, h, w)
    kept = known & (number < k - 1).view_as(known)
    real = kept & (scenery.real.gather(1, number.flatten(1)) > 0).view_as(known)
    return Shown(colors.clamp(-1, 1), near.view(b, r, 1, h, w), known, kept, real)


def _landed(
    scenery: Scenery, places: Float[Tensor, "b r 3"], views: Float[Tensor, "b r 2"], field_of_view: float
) -> tuple[Float[Tensor, "b r h w"], Int[Tensor, "b r h w"]]:
    """How near things are in pictures from `places` towards `views`, 0 where nothing is known, and which kept picture shows
    each pixel's, k for none."""
    b, k, _, h, w = scenery.pictures.shape
    r = places.shape[1]
    rows, columns = -(-h // COARSE), -(-w // COARSE)
    points = _thrown(scenery, places, views, field_of_view, COARSE)
    kept = torch.arange(points.near.shape[2], device=points.near.device) < points.near.shape[2] // k * (k - 1)
    inside = points.inside & ~(kept & (points.larger > LARGEST))
    # Each picture's points land on a map of their own, with one cell more for what is out of sight.
    own = torch.arange(k, device=points.near.device).repeat_interleave(points.near.shape[2] // k) * (rows * columns + 1)
    cell = torch.where(inside, points.cell, rows * columns) + own
    empty = torch.full((b, r, k * (rows * columns + 1)), NOTHING, device=points.near.device)
    maps = empty.scatter_reduce(2, cell, points.near, "amax").unflatten(2, (k, -1))[..., :-1]
    # What is thrown apart, as it comes nearer, must not be looked through: holes are closed.
    maps = maps.flatten(0, 1).unflatten(-1, (rows, columns))
    maps = torch.maximum(maps, -F.max_pool2d(-F.max_pool2d(maps, HOLE, 1, HOLE // 2), HOLE, 1, HOLE // 2))
    found = torch.stack([maps[:, 0], torch.where(maps[:, 0] >= 0, 0.0, k)], 1)
    for number in range(1, k):
        before = maps[:, number] > found[:, 0] * BEFORE + FAINT
        found = torch.where(before[:, None], torch.stack([maps[:, number], torch.full_like(maps[:, 0], number)], 1), found)
    # A speck between others is shown by the picture that shows them; the present one shows all that is in view.
    speck = averaged((found[:, 1:] < k - 1).float(), CELLS) < 0.5
    present = torch.stack([maps[:, -1], torch.full_like(maps[:, -1], k - 1)], 1)
    found = torch.where(speck & (maps[:, -1:] >= 0), present, found)
    fine = F.interpolate(found, scale_factor=COARSE, mode="nearest")[..., :h, :w]
    # Slopes are smooth, but not edges.
    smooth = F.interpolate(found[:, :1], scale_factor=COARSE, mode="bilinear", align_corners=False)[..., :h, :w]
    nearest = torch.where((smooth - fine[:, :1]).abs() < SAME_NEAR / 2 * fine[:, :1].abs(), smooth, fine[:, :1]).clamp(min=0)
    return nearest.unflatten(0, (b, r))[:, :, 0], fine[:, 1].long().unflatten(0, (b, r))


@dataclass
class _Points:
    """Those of all pictures, thrown into other ones. near: there. larger: so many times. at: where, in the units of
    `camera.sample`. cell: in which of its cells. inside: whether it is in view at all."""

    near: Float[Tensor, "b r n"]
    larger: Float[Tensor, "b r n"]
    at: Float[Tensor, "b r n 2"]
    cell: Int[Tensor, "b r n"]
    inside: Bool[Tensor, "b r n"]


def _thrown(
    scenery: Scenery, places: Float[Tensor, "b r 3"], views: Float[Tensor, "b r 2"], field_of_view: float, coarse: int
) -> _Points:
    """The points of all kept pictures, every `coarse`-th each way, as seen from `places` towards `views` in cells of `coarse`
    pixels."""
    h, w = scenery.pictures.shape[-2:]
    rays = _rays((h, w), field_of_view, places.device)[::coarse, ::coarse].flatten(0, 1)
    near = scenery.near[:, None, :, 0, ::coarse, ::coarse].flatten(3)  # b 1 k n
    turn, shift = _between(scenery.places, scenery.views, places, views)
    turn, shift = turn.transpose(1, 2), shift.transpose(1, 2)  # b r k ...
    x, y, ahead = (
        torch.einsum("brkj,nj->brkn", turn[..., axis, :], rays) + near * shift[..., axis, None] for axis in range(3)
    )
    tall, wide = half_angles((h, w), field_of_view)
    behind = ahead < 1e-3
    ahead = ahead.clamp(min=1e-3)
    x, y = x / ahead / wide, y / ahead / tall
    column, row = ((x + 1) * w / 2 / coarse).floor(), ((y + 1) * h / 2 / coarse).floor()
    rows, columns = -(-h // coarse), -(-w // coarse)
    inside = (near >= 0) & ~behind & (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    cell = (row.clamp(0, rows - 1) * columns + column.clamp(0, columns - 1)).long()
    at = torch.stack([x, y], -1)
    return _Points(*(part.flatten(2, 3) for part in (near / ahead, 1 / ahead, at, cell, inside)))


def _between(
    places: Float[Tensor, "b m 3"], views: Float[Tensor, "b m 2"], other_places: Float[Tensor, "b n 3"], other_views: Tensor
) -> tuple[Float[Tensor, "b m n 3 3"], Float[Tensor, "b m n 3"]]:
    """For each pair of eyes: what turns a direction, (right, down, ahead) of the first, into that of the other, and where the
    first is for the other, in blocks."""
    first, other = _axes(views), _axes(other_views)
    turn = torch.einsum("bnij,bmik->bmnjk", other, first)
    apart = (places[:, :, None] - other_places[:, None])[..., [0, 2, 1]] * places.new_tensor([1, -1, 1])
    return turn, torch.einsum("bnij,bmni->bmnj", other, apart)


def _axes(views: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b 3 3"]:
    """Columns: right, down and ahead of who looks towards `views`, in (right, down, ahead) of who looks level at yaw 0."""
    pitch, yaw = torch.deg2rad(views).unbind(-1)
    sin_p, cos_p, sin_y, cos_y = pitch.sin(), pitch.cos(), yaw.sin(), yaw.cos()
    zero = torch.zeros_like(pitch)
    right = torch.stack([cos_y, zero, -sin_y], -1)
    down = torch.stack([-sin_p * sin_y, cos_p, -sin_p * cos_y], -1)
    ahead = torch.stack([cos_p * sin_y, sin_p, cos_p * cos_y], -1)
    return torch.stack([right, down, ahead], -1)


def _rays(size: tuple[int, int], field_of_view: float, device: torch.device) -> Float[Tensor, "h w 3"]:
    """The directions (right, down, 1 ahead) of a picture's pixels."""
    h, w = size
    tall, wide = half_angles(size, field_of_view)
    y = ((torch.arange(h, device=device) + 0.5) * 2 / h - 1) * tall
    x = ((torch.arange(w, device=device) + 0.5) * 2 / w - 1) * wide
    return torch.stack([x[None].expand(h, w), y[:, None].expand(h, w), torch.ones(h, w, device=device)], -1)
