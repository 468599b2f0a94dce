"""Scenery: the last pictures, with how near everything in them is and from where they were seen, shown as the eye sees it from
where it is now. Closed form: points are thrown forward to learn how near things will be, then looked up where they were, so
that colours come from the pictures themselves, once resampled, however far the player has gone.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import beside, ray_array, sample
from simworld.model.compiled import arrays
from simworld.model.facade import AGREES, LITTLE, seen_by
from simworld.model.gathering import BEFORE, COARSE, SAME_NEAR, close_crevices, land, look_up
from simworld.model.lattice import Cast
from simworld.model.projection import NOTHING, between, scale_of

AWAY = 1.0
"""Blocks from where something real was seen, from which on eyes are wholly away from it."""
KEPT = 4
"""Kept pictures of each world that are shown at once."""
WELL_KNOWN = 1 / 12
"""In 1 / blocks: up to here lattices lack nothing."""
PARTS = ("pictures", "near", "places", "views", "real")
"""The fields of scenery that say something of each picture."""

OfRays = Float[Tensor, "b r n"]


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
    where nobody asked. sure: where a lattice tells how near it is, even where it is not known; None where none does.
    faces, on_faces: which of its blocks' faces are seen, and where on these, as `faces.seen_faces` tells. finer: how many
    pixels of the picture that shows it a pixel is wide; None where no lattice tells."""

    colors: Float[Tensor, "b r 3 h w"]
    near: Float[Tensor, "b r 1 h w"]
    known: Bool[Tensor, "b r 1 h w"]
    kept: Bool[Tensor, "b r 1 h w"]
    real: Bool[Tensor, "b r 1 h w"]
    behind: Bool[Tensor, "b r 1 h w"] | None = None
    sure: Bool[Tensor, "b r 1 h w"] | None = None
    faces: Int[Tensor, "b r h w"] | None = None
    on_faces: Float[Tensor, "b r h w 3"] | None = None
    finer: Float[Tensor, "b r h w"] | None = None


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
    eyes = scenery.places, scenery.views
    if told is not None:
        numbers = F.pad(scenery.numbers.float(), (0, 1), value=math.inf)  # the present picture is the latest
        close, first = seen_by(scenery.near[:, :, 0], numbers, eyes, (places, views), told, field_of_view)
        near, source, sure = _corrected(told, near, source, (close, first), k)
    moves = _moves((places, views), eyes, (h, w), field_of_view)
    near, x, y, finer, known = _looked_up(scenery, near, source, sure, moves, field_of_view)
    number = source.clamp(max=k - 1)  # b r n
    # All pictures of a world as one, one above the other: as they lie in memory, a colour's are three heights apart.
    tall = (3 * k - 2) * h
    stacked = scenery.pictures.contiguous().as_strided((b, 3, tall, w), (3 * k * h * w, h * w, w, 1))
    grid = beside(x * (2 / w) - 1, (y + number * (3 * h)) * (2 / tall) - 1).view(b, r * h, w, 2)
    colors = sample(stacked, grid, "bicubic").unflatten(2, (r, h)).movedim(2, 1)
    known = known.view(b, r, 1, h, w)
    kept = known & (number < k - 1).view_as(known)
    of_world = torch.arange(b, device=near.device)[:, None, None] * k
    real = kept & (scenery.real.flatten().index_select(0, (number + of_world).flatten().int()) > 0).view_as(known)
    shown = Shown(colors.clamp(-1, 1), near.view(b, r, 1, h, w), known, kept, real)
    return shown if told is None else _closed(replace(shown, sure=sure.view_as(known), finer=finer.view(b, r, h, w)))


def away(scenery: Scenery, places: Float[Tensor, "b r 3"]) -> Float[Tensor, "b r"]:
    """How far eyes at places are from where something real was seen that the scenery has, from 0 to 1."""
    apart = (scenery.places[:, None] - places[:, :, None]).norm(dim=3)
    return (torch.where(scenery.real[:, None] > 0, apart, AWAY).amin(2) / AWAY).clamp(max=1)


def _moves(
    eyes: tuple[Float[Tensor, "b m 3"], Float[Tensor, "b m 2"]],
    others: tuple[Float[Tensor, "b n 3"], Float[Tensor, "b n 2"]],
    size: tuple[int, int],
    field_of_view: float,
) -> Float[Tensor, "b m n 3 4"]:
    """What makes eyes' directions, and how near something is there, columns and rows of the others' pictures, of height × width
    `size`, times how far ahead it is there, counted from the middle, and that."""
    scale, _ = scale_of(size, field_of_view, eyes[0].device)
    turn, shift = between(*eyes, *others)
    return torch.cat([turn, shift[..., None]], -1) * scale[:, None]


def _looked_up(
    scenery: Scenery,
    near: Float[Tensor, "b r n"],
    source: Float[Tensor, "b r n"],
    sure: Bool[Tensor, "b r n"],
    moves: Float[Tensor, "b r k 3 4"],
    field_of_view: float,
) -> tuple[OfRays, OfRays, OfRays, OfRays, Bool[Tensor, "b r n"]]:
    """How near things are, in which column and row of their source they are seen, by how many of its pixels, and whether they
    are, as `look_up` tells."""
    shape = (*near.shape[:2], *scenery.near.shape[-2:])
    pictures, moved, *parts = arrays(scenery.near[:, :, 0], moves, *(part.view(shape) for part in (source, sure, near)))
    parts[-1] = parts[-1].copy()
    parts += [np.empty(shape, kind) for kind in (np.float32, np.float32, np.bool_, np.float32)]
    ways = ray_array(shape[2:], field_of_view)
    for eye in np.ndindex(shape[:2]):
        look_up(ways, pictures[eye[0]], moved[eye], *(part[eye] for part in parts))
    near, x, y, known, finer = (torch.from_numpy(part).to(near.device).flatten(2) for part in parts[2:])
    return near, x, y, finer, known


def _closed(shown: Shown) -> Shown:
    """With crevices between blocks, no wider than a few pixels, filled with what is beside them and as near."""
    assert shown.sure is not None, "who knows of blocks tells"
    parts = shown.colors, shown.known, shown.kept, shown.real
    changed = [part.cpu().clone(memory_format=torch.contiguous_format).flatten(0, 1) for part in parts]
    colors, *flags = (part.numpy() for part in changed)
    close_crevices(colors, *(flag[:, 0] for flag in flags), *arrays(shown.near.flatten(0, 2), shown.sure.flatten(0, 2)))
    whole = (part.to(shown.near.device).unflatten(0, shown.near.shape[:2]) for part in changed)
    return replace(shown, **dict(zip(("colors", "known", "kept", "real"), whole, strict=True)))


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
    (b, r, _), (h, w) = places.shape, scenery.near.shape[-2:]
    moves = _moves((scenery.places, scenery.views), (places, views), (h, w), field_of_view).transpose(1, 2)  # b r k 3 4
    pictures, moved = arrays(scenery.near[:, :, 0], moves)
    found, ways = np.empty((b, r, 2, -(-h // COARSE), -(-w // COARSE)), np.float32), ray_array((h, w), field_of_view)
    for eye in np.ndindex(b, r):
        land(ways, pictures[eye[0]], moved[eye], *found[eye])
    whole = torch.from_numpy(found).to(places.device).flatten(0, 1)
    near = whole[:, 0]
    fine, source = F.interpolate(whole, scale_factor=COARSE, mode="nearest")[..., :h, :w].unbind(1)
    # Slopes are smooth, but not edges.
    smooth = F.interpolate(near[:, None], scale_factor=COARSE, mode="bilinear", align_corners=False)[:, 0, :h, :w]
    near = torch.where((smooth - fine).abs() < SAME_NEAR / 2 * fine.abs(), smooth, fine).clamp(min=0)
    return near.reshape(b, r, h * w), source.reshape(b, r, h * w)
