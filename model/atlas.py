"""Atlas: what the faces of a place's blocks look like, each as those of its pictures show it that show most of it. Closed form.

Scenery shows a few pictures at once, chosen for a whole view; of what is near another one may show more. A face out of an atlas
is as sharp as it was ever seen, ends where the block ends, and does not change as one goes about.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int32, UInt8
from torch import Tensor

from simworld.model.compiled import arrays, compiled
from simworld.model.faces import FACES, NOWHERE, seen_faces
from simworld.model.lattice import Cast, Lattice
from simworld.model.projection import LEAST_AHEAD, axes, scale_of
from simworld.model.scenery import Shown

FINEST, SHARP = 16, 2.0
"""Texels along each side of a face; half as many where a pixel would cover more than so many of them, and so on down to one."""
TEXELS = sum(4**level for level in range(FINEST.bit_length()))
"""Of a face, of all sizes."""
EVERY = 2
"""Every so many pixels each way of pictures tell which faces they show."""
LEAST = 3
"""Of such pixels, that show a face at least."""
BEST = 3
"""So many pictures tell of a face; what the first does not show of it is taken from the next."""
OFF = 0.02
"""By how much, relatively, a face may seem nearer or farther than it is: a plane's nearness is even in a picture."""
WELL, BADLY = 0.8, 0.4
"""So many pixels of its picture wide, and wider, a pixel is shown well; where it is no wider than the second, its face is."""
MOST = 0.4
"""How much a face counts at most where a picture shows it well."""
RIM = 0.3
"""How much nearer or farther a pixel may be, relatively, than the mean of those on either side of it; where it is more, it may
have some of the colour of what is before or behind it."""
BORDER = 1.0
"""Pixels: what lies nearer to a picture's border is not taken from it."""
GAP = 3
"""Texels: so far gaps are filled from each side."""
KNOWN, WHOLLY = 3, 255
"""The channel that says whether a texel is known, and what it then says, else 0."""


@dataclass(frozen=True)
class Atlas:
    """rows: for each face, by number (`faces.seen_faces`), where it is among the m whose `looks` are known; `NOWHERE` where it
    is not. looks: of all texels, from the finest to the coarsest, RGB and whether they are known. Never written to."""

    rows: Int32[Tensor, " faces"]
    looks: UInt8[Tensor, "m texels 4"]


def atlas_of(
    pictures: UInt8[Tensor, "n h w 3"],
    near: Float[Tensor, "n h w"],
    places: Float[Tensor, "n 3"],
    views: Float[Tensor, "n 2"],
    field_of_view: float,
    lattice: Lattice,
) -> Atlas:
    """The atlas of a place, off pictures of it, as in `Scenery`, and of the blocks that it is made of."""
    size, num_faces, device = (near.shape[1], near.shape[2]), lattice.high.numel() * FACES, near.device
    near, some = near.float(), torch.full(size, NOWHERE, dtype=torch.float, device=device)
    counts, most = np.zeros(num_faces, np.int16), np.zeros((BEST, num_faces), np.int16)
    pages = np.full_like(most, NOWHERE)
    for number, (close, place, view) in enumerate(zip(near, places, views, strict=True)):
        some[::EVERY, ::EVERY] = close[::EVERY, ::EVERY]
        seen, _ = seen_faces(lattice, place[None], view[None], some[None], field_of_view)
        _count(*arrays(seen.flatten()), number, counts, most, pages)
    faces = np.flatnonzero(pages[0] >= 0).astype(np.int32)
    rows = np.full(num_faces, NOWHERE, np.int32)
    rows[faces] = np.arange(len(faces), dtype=np.int32)
    looks = np.zeros((len(faces), TEXELS, KNOWN + 1), np.uint8)
    moves = _moves(lattice, places, views, size, field_of_view)
    taken, rims = arrays(pictures, near, moves), np.zeros(near.shape, np.bool_)
    _find_rims(taken[1], rims)
    for mixed in (False, True):
        _look(faces, pages[:, faces], *taken, rims, mixed, *lattice.high.shape[1:], looks)
        _spread(looks)
    _coarsen(looks)
    return Atlas(torch.from_numpy(rows).to(device), torch.from_numpy(looks).to(device))


def with_faces(shown: Shown, atlases: Sequence[Atlas | None], told: Cast | None, share: Float[Tensor, "b r"]) -> Shown:
    """What is shown, with the faces that atlases of lattices know, where hands have changed nothing: wholly where no real
    picture shows them, or none half as large as they are seen, else by a share."""
    if told is None or shown.faces is None or shown.on_faces is None or shown.finer is None or not any(atlases):
        return shown
    faces = shown.faces if told.since is None else torch.where(told.since > 0, NOWHERE, shown.faces)
    seen, (real,) = arrays(faces, shown.on_faces, shown.finer), arrays(shown.real)
    colors, there = shown.colors.cpu().clone(memory_format=torch.contiguous_format), np.zeros_like(real)
    for world, atlas in enumerate(atlases):
        if atlas is None:
            continue
        of_place = arrays(atlas.rows, atlas.looks)
        for eye, much in enumerate(share[world].tolist()):
            here = (*(part[world, eye] for part in seen), *of_place, real[world, eye, 0], much)
            _show(*here, colors[world, eye].numpy(), there[world, eye, 0])
    new = torch.from_numpy(there).to(shown.known.device)
    near = torch.where(new, told.near[:, :, None], shown.near)
    flags = {name: getattr(shown, name) | new for name in ("known", "kept", "real")}
    return replace(shown, colors=colors.to(shown.colors.device), near=near, **flags)


def _moves(
    lattice: Lattice, places: Float[Tensor, "n 3"], views: Float[Tensor, "n 2"], size: tuple[int, int], field_of_view: float
) -> Float[Tensor, "n 3 4"]:
    """What makes points among the cells columns and rows of pictures, times how far ahead they are there, and that."""
    scale, middle = scale_of(size, field_of_view, places.device)
    to_pixels = torch.diag(scale)
    to_pixels[0, 2], to_pixels[1, 2] = middle
    right, ahead, above = torch.eye(3, device=places.device)
    turn = to_pixels @ axes(views).mT @ torch.stack([right, -above, ahead])
    shift = turn @ (lattice.corner @ lattice.turned - places)[..., None]
    return torch.cat([turn @ lattice.turned.T, shift], -1)


@compiled
def _count(seen: np.ndarray, number: int, counts: np.ndarray, most: np.ndarray, pages: np.ndarray) -> None:
    """Rank the picture of a number among the best of those faces that it shows; `counts` are zeros, before and after."""
    for face in seen:
        if face >= 0:
            counts[face] += 1
    for face in seen:
        if face < 0:
            continue
        much, which = counts[face], number
        counts[face] = 0
        if much < LEAST:
            continue
        for rank in range(len(most)):
            if much > most[rank, face]:
                much, most[rank, face] = most[rank, face], much
                which, pages[rank, face] = pages[rank, face], which


@compiled
def _find_rims(near: np.ndarray, rims: np.ndarray) -> None:
    """Set what lies on the rims of what pictures show, inside them and outside, among zeros."""
    for page, row, column in np.ndindex(near.shape):
        if not (0 < row < near.shape[1] - 1 and 0 < column < near.shape[2] - 1):
            continue
        twice, least = 2 * near[page, row, column], 2 * RIM * near[page, row, column]
        along = near[page, row, column - 1] + near[page, row, column + 1]
        across = near[page, row - 1, column] + near[page, row + 1, column]
        rims[page, row, column] = abs(along - twice) > least or abs(across - twice) > least


@compiled
def _look(
    faces: np.ndarray, pages: np.ndarray, pictures: np.ndarray, near: np.ndarray, moves: np.ndarray, rims: np.ndarray,
    mixed: bool, deep: int, tall: int, looks: np.ndarray,
) -> None:  # fmt: skip
    """The finest texels of faces that are not known, each off the first of their pictures that shows it, not on a rim but where
    what is `mixed` will do."""
    rows, columns = near.shape[1:]
    point = np.empty(3, np.float32)
    for number, face in enumerate(faces):
        cell, side = face // FACES, face % FACES
        axis, across, up = side // 2, 1 if side // 2 == 0 else 0, 1 if side // 2 == 2 else 2
        for texel in range(FINEST * FINEST):
            if looks[number, texel, KNOWN] > 0:
                continue
            row, column = texel // FINEST, texel % FINEST
            point[0], point[1], point[2] = cell // (deep * tall), cell // tall % deep, cell % tall
            point[axis] += 1 - side % 2
            point[across] += (column + 0.5) / FINEST
            point[up] += (row + 0.5) / FINEST
            for rank in range(len(pages)):
                page = pages[rank, number]
                if page < 0:
                    break
                x, y, ahead = moves[page, 0, 3], moves[page, 1, 3], moves[page, 2, 3]
                for each in range(3):
                    x += moves[page, 0, each] * point[each]
                    y += moves[page, 1, each] * point[each]
                    ahead += moves[page, 2, each] * point[each]
                if ahead < LEAST_AHEAD:
                    continue
                x, y = x / ahead, y / ahead
                if not (BORDER <= x < columns - BORDER and BORDER <= y < rows - BORDER):
                    continue
                at, on = int(y - 0.5), int(x - 0.5)
                below, aside = y - 0.5 - at, x - 0.5 - on
                weights = ((1 - below) * (1 - aside), (1 - below) * aside, below * (1 - aside), below * aside)
                close, on_rim = 0.0, False
                for corner in range(4):
                    close += weights[corner] * near[page, at + corner // 2, on + corner % 2]
                    on_rim |= rims[page, at + corner // 2, on + corner % 2]
                if abs(close * ahead - 1) > OFF or (on_rim and not mixed):
                    continue
                for channel in range(3):
                    color = 0.0
                    for corner in range(4):
                        color += weights[corner] * pictures[page, at + corner // 2, on + corner % 2, channel]
                    looks[number, texel, channel] = np.uint8(color + 0.5)
                looks[number, texel, KNOWN] = WHOLLY
                break


@compiled
def _mix(look: np.ndarray, here: int, others: tuple[int, int, int, int], above: int, least: int, known: int) -> bool:
    """Make a texel of a face the mean of those of four others that are known by more than `above`, and `known` by so much, if
    these are so many at least; an other below 0 is none."""
    much, red, green, blue = 0, 0, 0, 0
    for at in others:
        if at >= 0 and look[at, KNOWN] > above:
            much += 1
            red += look[at, 0]
            green += look[at, 1]
            blue += look[at, 2]
    if much < least:
        return False
    look[here, 0], look[here, 1], look[here, 2] = round(red / much), round(green / much), round(blue / much)
    look[here, KNOWN] = known
    return True


@compiled
def _spread(looks: np.ndarray) -> None:
    """Fill gaps in finest texels, as at the rims of faces, with what is beside them."""
    size, last = FINEST * FINEST, FINEST - 1
    gaps = np.empty(size, np.int64)
    for look in looks:
        left = 0
        for texel in range(size):
            if look[texel, KNOWN] == 0:
                gaps[left], left = texel, left + 1
        for layer in range(1, GAP + 1):
            if left in (0, size):
                break
            still = 0
            for texel in gaps[:left]:
                row, column = texel // FINEST, texel % FINEST
                above, below = texel - FINEST if row > 0 else -1, texel + FINEST if row < last else -1
                before, behind = texel - 1 if column > 0 else -1, texel + 1 if column < last else -1
                if not _mix(look, texel, (above, below, before, behind), WHOLLY - layer, 1, WHOLLY - layer):
                    gaps[still], still = texel, still + 1
            left = still
        for texel in range(size):
            if look[texel, KNOWN] > 0:
                look[texel, KNOWN] = WHOLLY


@compiled
def _coarsen(looks: np.ndarray) -> None:
    """Make the coarser texels of looks of their finest: each is the mean of those of four that are known, and known if two
    are."""
    for look in looks:
        before, first, side = 0, FINEST * FINEST, FINEST // 2
        while side > 0:
            for texel in range(side * side):
                at = before + texel // side * 4 * side + texel % side * 2
                _mix(look, first + texel, (at, at + 1, at + 2 * side, at + 2 * side + 1), 0, 2, WHOLLY)
            before, first, side = first, first + side * side, side // 2


@compiled
def _show(
    faces: np.ndarray, on_faces: np.ndarray, finer: np.ndarray, rows: np.ndarray, looks: np.ndarray, real: np.ndarray,
    share: float, colors: np.ndarray, there: np.ndarray,
) -> None:  # fmt: skip
    """Put what is on faces there, where half of it is known, over a picture's colours, 3 × h × w, as `with_faces` does, by a
    share where these are `real`; `there` is then set."""
    for i, j in np.ndindex(faces.shape):
        face = faces[i, j]
        if face < 0 or rows[face] < 0:
            continue
        covers, side, first = on_faces[i, j, 2] * FINEST, FINEST, 0
        while side > 1 and covers > SHARP:
            covers, first, side = covers / 2, first + side * side, side // 2
        x, y = on_faces[i, j, 0] * side - 0.5, on_faces[i, j, 1] * side - 0.5
        left, low = int(math.floor(x)), int(math.floor(y))
        much, red, green, blue = 0.0, 0.0, 0.0, 0.0
        for row in range(low, low + 2):
            for column in range(left, left + 2):
                at = first + min(max(row, 0), side - 1) * side + min(max(column, 0), side - 1)
                weight = (1 - abs(row - y)) * (1 - abs(column - x)) * looks[rows[face], at, KNOWN]
                much += weight
                red += weight * looks[rows[face], at, 0]
                green += weight * looks[rows[face], at, 1]
                blue += weight * looks[rows[face], at, 2]
        if 2 * much < WHOLLY:
            continue
        scale, part = 2 / (WHOLLY * much), 1.0
        if real[i, j]:
            badly = (WELL - float(finer[i, j])) / (WELL - BADLY)
            part = max(MOST * share, min(badly, 1.0))
        colors[0, i, j] += part * (red * scale - 1 - colors[0, i, j])
        colors[1, i, j] += part * (green * scale - 1 - colors[1, i, j])
        colors[2, i, j] += part * (blue * scale - 1 - colors[2, i, j])
        there[i, j] = True
