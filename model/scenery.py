"""Scenery: the last pictures, with how near everything in them is and from where they were seen, shown as the eye sees it from
where it is now. Closed form: points are thrown forward to learn how near things will be, then looked up where they were, so
that colours come from the pictures themselves, once resampled, however far the player has gone.
"""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import beside, rays, sample
from simworld.model.facade import AGREES, LITTLE, seen_by
from simworld.model.folding import largest
from simworld.model.lattice import Cast
from simworld.model.projection import LEAST_AHEAD, NOTHING, Points, between, scale_of, thrown
from simworld.model.registration import averaged

AWAY = 1.0
"""Blocks from where something real was seen, from which on eyes are wholly away from it."""
KEPT = 6
"""Kept pictures of each world that are shown at once."""
COARSE = 2
"""Pixels of a picture's side that are thrown forward as one."""
HOLE = 3
"""Cells of a side of the largest hole between points that were thrown apart, and one more."""
LARGE, LARGER, LARGEST = 3.0, 8.0, 24.0
"""What is to be shown so many times larger than it was seen lies in points far apart, which are thrown into larger cells, and
into still larger ones; larger than the last nothing is taken from a kept picture."""
WIDER, WIDEST = 3, 9
"""Cells of a side of the larger ones."""
CELLS = 5
"""Width of the square of cells whose majority decides where a cell is taken from."""
BORDER = 1.5
"""Pixels: what lies nearer to a picture's border is not taken from it, for what is beyond would be taken as well."""
LONE = 0.25
"""What is in front of an earlier picture, in so few of the cells of such a square, is mistaken."""
SPECK = 3
"""Width of the square whose majority decides of a pixel."""
SAME_NEAR = 0.2
"""Relative difference up to which two things are equally near."""
BEFORE = 1.5
"""What a later picture of a scenery shows is in front of what an earlier one does only if it is so much nearer."""
FAINT = 0.02
"""In 1 / blocks: differences in nearness up to here do not count."""
CREVICE, LEAST_BESIDE = 2, 0.3
"""Crevices are filled from both sides by so many pixels, each of which has so much beside it that is known."""
WELL_KNOWN = 1 / 12
"""In 1 / blocks: up to here lattices lack nothing."""
PARTS = ("pictures", "near", "places", "views", "real")
"""The fields of scenery that say something of each picture."""


@dataclass
class Scenery:
    """Of b worlds, k pictures each: kept ones, as they are asked in turn, and then the present one. pictures: in [-1, 1].
    near: 1 / blocks along the view's axis, 0 for the sky, `NOTHING` where it is not known or not of the world, as the hand.
    places: of the eye, (right, ahead, above) in blocks. views: [pitch, yaw] in degrees. ahead: how near things are in the
    present picture, the hand looked through. moved: the last steps of the eye, r frames of (right, ahead, above). real: 1 for
    pictures that nobody dreamt, else 0. numbers: those that kept ones have in their album. sees: the share of what the present
    picture shows beside sky that real ones show. lost: chunks of going on since that was more than a little. Its tensors are
    replaced, never written to, so that copies may share them."""

    pictures: Float[Tensor, "b k 3 h w"]
    near: Float[Tensor, "b k 1 h w"]
    places: Float[Tensor, "b k 3"]
    views: Float[Tensor, "b k 2"]
    ahead: Float[Tensor, "b 1 h w"]
    moved: Float[Tensor, "b r 3"]
    real: Float[Tensor, "b k"]
    numbers: Int[Tensor, "b kept"]
    sees: Float[Tensor, " b"]
    lost: Float[Tensor, " b"]


@dataclass
class Shown:
    """colors: in [-1, 1]. near: as in `Scenery`. known: where there is something to show; kept: where it is of a kept
    picture; real: where it is of one that nobody dreamt. behind: where there would be, were nothing fixed to the camera; None
    where nobody asked. sure: where a lattice tells how near it is, even where it is not known; None where none does."""

    colors: Float[Tensor, "b r 3 h w"]
    near: Float[Tensor, "b r 1 h w"]
    known: Bool[Tensor, "b r 1 h w"]
    kept: Bool[Tensor, "b r 1 h w"]
    real: Bool[Tensor, "b r 1 h w"]
    behind: Bool[Tensor, "b r 1 h w"] | None = None
    sure: Bool[Tensor, "b r 1 h w"] | None = None


def nothing_kept(b: int, size: tuple[int, int], time_stride: int, device: torch.device, kept: int) -> Scenery:
    """Of b worlds that have just begun, in chunks of `time_stride` frames, with room for so many kept pictures."""
    return Scenery(
        pictures=torch.zeros(b, kept + 1, 3, *size, device=device),
        near=torch.full((b, kept + 1, 1, *size), NOTHING, device=device),
        places=torch.zeros(b, kept + 1, 3, device=device),
        views=torch.zeros(b, kept + 1, 2, device=device),
        ahead=torch.zeros(b, 1, *size, device=device),
        moved=torch.zeros(b, time_stride, 3, device=device),
        real=torch.zeros(b, kept + 1, device=device),
        numbers=torch.zeros(b, kept, dtype=torch.long, device=device),
        sees=torch.zeros(b, device=device),
        lost=torch.zeros(b, device=device),
    )


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


def show(
    scenery: Scenery,
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    field_of_view: float,
    told: Cast | None = None,
) -> Shown:
    """What is seen from `places` towards `views`. What several pictures show is taken from the first, unless another one shows
    something clearly in front. `told`: what lattices say of it, where there are any."""
    b, k, _, h, w = scenery.pictures.shape
    r = places.shape[1]
    near, source = _landed(scenery, places, views, field_of_view)
    sure = torch.zeros_like(near, dtype=torch.bool)
    if told is not None:
        eyes = scenery.places, scenery.views
        numbers = F.pad(scenery.numbers.float(), (0, 1), value=math.inf)  # the present picture is the latest
        close, first = seen_by(scenery.near[:, :, 0], numbers, eyes, (places, views), told, field_of_view)
        near, source, sure = _corrected(told, near, source, (close, first), k)
    number = source.clamp(max=k - 1)  # b r n
    all_near = scenery.near.flatten()
    first_rows = torch.arange(b, device=near.device)[:, None, None] * k * h + number * h
    scale, middle = scale_of((h, w), field_of_view, near.device)
    turn, shift = between(places, views, scenery.places, scenery.views)  # b r k 3 3, b r k 3
    moves = torch.cat([turn, shift[..., None]], -1) * scale[:, None]
    # For each pixel what its picture's eye does to its direction, and to what is near.
    which = (torch.arange(b * r, device=near.device).view(b, r, 1) * k + number).flatten().int()
    right_of, down_of, _ = rays((h, w), field_of_view, near.device).flatten(1)
    directions, shifts = [], []
    for axis in range(3):
        table = moves[..., axis, :].flatten(0, 2).T.contiguous()
        right, down, ahead, shift = (row.index_select(0, which).view_as(near) for row in table)
        directions.append(ahead.addcmul_(right, right_of).addcmul_(down, down_of))
        shifts.append(shift)
    for attempt in range(2):
        x, y, ahead = (torch.addcmul(direction, shift, near) for direction, shift in zip(directions, shifts, strict=True))
        before, ahead = ahead, ahead.clamp(min=LEAST_AHEAD)
        x, y = x / ahead + middle[0], y / ahead + middle[1]
        row, column = y.floor().clamp(0, h - 1) + first_rows, x.floor().clamp(0, w - 1)
        there = all_near.index_select(0, (row * w + column).flatten().int()).view_as(near)
        wanted = near / ahead
        same = torch.minimum(FAINT + SAME_NEAR * wanted - (there - wanted).abs(), there) >= 0
        # A speck between others is as they are.
        share = averaged(same.view(b, r, h, w).float(), SPECK).flatten(2)
        same = torch.minimum(share - 0.5, there - NOTHING) > 0
        if not attempt:
            # What is seen there says better how near it is.
            near = torch.where(same & ~sure, there * ahead, near)
    margin = torch.minimum(torch.minimum(x, w - x), torch.minimum(y, h - y))
    inside = (torch.minimum(margin - BORDER, before - LEAST_AHEAD) >= 0) & (source < k)
    # All pictures of a world as one, one above the other: as they lie in memory, a colour's are three heights apart.
    tall = (3 * k - 2) * h
    stacked = scenery.pictures.contiguous().as_strided((b, 3, tall, w), (3 * k * h * w, h * w, w, 1))
    grid = beside(x * (2 / w) - 1, (y + number * (3 * h)) * (2 / tall) - 1).view(b, r * h, w, 2)
    colors = sample(stacked, grid, "bicubic").unflatten(2, (r, h)).movedim(2, 1)
    known = (inside & same).view(b, r, 1, h, w)
    kept = known & (number < k - 1).view_as(known)
    of_world = torch.arange(b, device=near.device)[:, None, None] * k
    real = kept & (scenery.real.flatten().index_select(0, (number + of_world).flatten().int()) > 0).view_as(known)
    shown = Shown(colors.clamp(-1, 1), near.view(b, r, 1, h, w), known, kept, real)
    return shown if told is None else _closed(replace(shown, sure=sure.view_as(known)))


def away(scenery: Scenery, places: Float[Tensor, "b r 3"]) -> Float[Tensor, "b r"]:
    """How far eyes at places are from where something real was seen that the scenery has, from 0 to 1."""
    apart = (scenery.places[:, None] - places[:, :, None]).norm(dim=3)
    return (torch.where(scenery.real[:, None] > 0, apart, AWAY).amin(2) / AWAY).clamp(max=1)


def _closed(shown: Shown) -> Shown:
    """With crevices between blocks, no wider than a few pixels, filled with what is beside them and as near."""
    assert shown.sure is not None, "who knows of blocks tells"
    size = shown.known.shape[:2]
    for _ in range(CREVICE):
        known, kept, real = (part.flatten(0, 1).float() for part in (shown.known, shown.kept, shown.real))
        colors, near = shown.colors.flatten(0, 1), shown.near.flatten(0, 1)
        about = averaged(torch.cat([known * colors, known * near, known, kept, real], 1), SPECK).unflatten(0, size)
        colors, near, much, kept, real = about.split([3, 1, 1, 1, 1], 2)
        alike = (near - much * shown.near).abs() < SAME_NEAR * much * shown.near
        filled = shown.sure & ~shown.known & (much > LEAST_BESIDE) & alike
        colors = torch.where(filled, colors / much.clamp(min=1e-6), shown.colors)
        kept, real = (before | (filled & (part > much / 2)) for before, part in ((shown.kept, kept), (shown.real, real)))
        shown = replace(shown, colors=colors, known=shown.known | filled, kept=kept, real=real)
    return shown


def _corrected(
    told: Cast,
    near: Float[Tensor, "b r n"],
    source: Float[Tensor, "b r n"],
    found: tuple[Float[Tensor, "b r n"], Float[Tensor, "b r n"]],
    k: int,
) -> tuple[Float[Tensor, "b r n"], Float[Tensor, "b r n"], Bool[Tensor, "b r n"]]:
    """How near things are and which picture shows them, where lattices tell; and where they tell of blocks."""
    wanted, clear = told.near.flatten(2), told.clear.flatten(2)
    met = wanted >= 0
    off = (near - wanted).abs() > AGREES * wanted + LITTLE
    false = torch.where(met, off, (near > clear * BEFORE) & (near > WELL_KNOWN))
    taken = (found[1] < k) & (met | false | (source >= k))
    near = torch.where(met | taken, found[0], near)
    source = torch.where(taken, found[1], torch.where(false, float(k), source))
    return near, source, met


def _landed(
    scenery: Scenery, places: Float[Tensor, "b r 3"], views: Float[Tensor, "b r 2"], field_of_view: float
) -> tuple[Float[Tensor, "b r n"], Float[Tensor, "b r n"]]:
    """How near things are in each pixel of pictures from `places` towards `views`, 0 where nothing is known, and which kept
    picture shows it, k for none."""
    b, k, _, h, w = scenery.pictures.shape
    r = places.shape[1]
    rows, columns = -(-h // COARSE), -(-w // COARSE)
    largest = torch.full((k,), LARGEST, device=places.device)
    largest[-1] = 1 / LEAST_AHEAD
    coarse, eyes = scenery.near[:, :, 0, ::COARSE, ::COARSE], (scenery.places, scenery.views)
    points = thrown(coarse, eyes, (places, views), (h, w), field_of_view, COARSE, COARSE, largest)
    # Each picture's points land on a map of their own; what is out of sight leaves it as it is.
    large = points.inside & (points.ahead < 1 / LARGE)
    large[:, :, -1] = False
    larger = large & (points.ahead < 1 / LARGER)
    maps = _map(points, points.inside & ~large, rows, columns)
    for some, wider in ((large & ~larger, WIDER), (larger, WIDEST)):
        if bool(some.any()):
            maps = torch.maximum(maps, _map(points, some, rows, columns, wider))
    near, source = maps[:, 0], torch.where(maps[:, 0] >= 0, 0.0, k)
    for number in range(1, k):
        before = maps[:, number] > near * BEFORE + FAINT
        before = before & (averaged(before[:, None].float(), CELLS)[:, 0] > LONE)
        near, source = torch.where(before, maps[:, number], near), torch.where(before, float(number), source)
    # A speck between others is shown by the picture that shows them; the present one shows all that is in view.
    speck = (averaged((source[:, None] < k - 1).float(), CELLS)[:, 0] < 0.5) & (maps[:, -1] >= 0)
    near, source = torch.where(speck, maps[:, -1], near), torch.where(speck, k - 1.0, source)
    fine, source = F.interpolate(torch.stack([near, source], 1), scale_factor=COARSE, mode="nearest")[..., :h, :w].unbind(1)
    # Slopes are smooth, but not edges.
    smooth = F.interpolate(near[:, None], scale_factor=COARSE, mode="bilinear", align_corners=False)[:, 0, :h, :w]
    near = torch.where((smooth - fine).abs() < SAME_NEAR / 2 * fine.abs(), smooth, fine).clamp(min=0)
    return near.reshape(b, r, h * w), source.reshape(b, r, h * w)


def _map(
    points: Points, chosen: Bool[Tensor, "b r k n"], rows: int, columns: int, wider: int = 1
) -> Float[Tensor, "br k rows columns"]:
    """How near the nearest of the chosen points is in each cell of maps of so many rows and columns, -1 where none is, whose
    cells are so many times `wider`. What is thrown apart, as it comes nearer, must not be looked through: holes are closed."""
    b, r, k, _ = points.near.shape
    tall, wide = -(-rows // wider), -(-columns // wider)
    cell = points.cell
    if wider > 1:
        cell = cell // columns // wider * wide + cell % columns // wider
    empty = torch.full((b, r, k, tall * wide), NOTHING, device=points.near.device)
    maps = empty.scatter_reduce(3, cell, torch.where(chosen, points.near, NOTHING), "amax").view(b * r, k, tall, wide)
    maps = torch.maximum(maps, -largest(-largest(maps, HOLE), HOLE))
    if wider == 1:
        return maps
    return F.interpolate(maps, scale_factor=wider, mode="nearest")[..., :rows, :columns]
