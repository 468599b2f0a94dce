"""Opening: which pages of albums show most of what the eye sees now, and the scenery that shows them. Closed form."""

from dataclasses import replace
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from simworld.model.album import SPARSE, Album, Page
from simworld.model.facade import shares
from simworld.model.gathering import BEFORE, FAINT, LARGER
from simworld.model.lattice import Cast
from simworld.model.pixels import to_float
from simworld.model.projection import NOTHING, thrown
from simworld.model.scenery import PARTS, Scenery

CELL = 12
"""Pixels of a cell of a view, in which it is told what is shown, to each side."""
BEHIND = 0.25
"""What counts that lies behind something else."""
LATEST = 2
"""So many of the latest are shown before any other, unless the dream was told of a place: where the eye is, is known best of
them."""
NEW = 0.8
"""How much more what no other picture shows counts; where a dream was told of a place nothing else does."""
LEAST_SHOWN = 0.1
"""Of a view's cells: which of the pages of a dream that was told of no place shows less is not shown."""
LEAST_REAL, LEAST_BESIDE, LEAST_OF_BLOCKS = 0.03, 0.2, 0.005
"""The same where it was told of one, of real pages and of dreamt ones, which are seldom right beside them, and of real ones
where its blocks are known, and what is shown of them fits."""
DREAMT = 16.0
"""In blocks: so much nearer a dreamt picture must have been seen to be preferred to a real one."""
LATER = 1e-3
"""In blocks: by so little a later picture is preferred to the one before."""
NONE = 0
"""The number of what is on no page."""


def opened(
    albums: list[Album],
    scenery: Scenery,
    place: Float[Tensor, "b 3"],
    view: Float[Tensor, "b 2"],
    field_of_view: float,
    told: Cast | None = None,
) -> Scenery:
    """The scenery that shows those pages which together show most of what is seen from `place` towards `view`: real ones
    before dreamt ones, and what was seen from nearer before what was seen from farther away. `told`: what lattices say of it,
    in the last of their pictures."""
    if not any(map(len, albums)):
        return scenery
    size = (scenery.pictures.shape[-2], scenery.pictures.shape[-1])
    worlds = zip(albums, _shown(albums, size, place, view, field_of_view, told), place, strict=True)
    number = scenery.numbers.shape[1]
    chosen = [_filled(_chosen(*world, number), number, size) for world in worlds]
    numbers = torch.tensor([[page.number for page in pages] for pages in chosen], device=place.device)
    if torch.equal(numbers, scenery.numbers):
        return scenery
    pictures = torch.stack([torch.stack([page.picture.to(place.device) for page in pages]) for pages in chosen])
    real = torch.tensor([[float(page.real) for page in pages] for pages in chosen], device=place.device)
    shown = dict(zip(PARTS, (to_float(pictures).movedim(-1, 2), *_told(chosen, place.device), real), strict=True))
    parts = {name: torch.cat([part, getattr(scenery, name)[:, -1:]], 1) for name, part in shown.items()}
    return replace(scenery, numbers=numbers, **parts)


def nearby(
    albums: list[Album], place: Float[Tensor, "b 3"], number: int, size: tuple[int, int]
) -> tuple[Float[Tensor, "b k 1 h w"], Float[Tensor, "b k 3"], Float[Tensor, "b k 2"]]:
    """How near things are in so many pictures of height × width `size` that were seen from nearest to `place`, the later first
    of two from there, and their places and views."""
    chosen = [
        [album[index] for index in _away(album, here).argsort()[:number].tolist()] if len(album) else []
        for album, here in zip(albums, place, strict=True)
    ]
    return _told([_filled(pages, number, size) for pages in chosen], place.device)


def _shown(
    albums: list[Album],
    size: tuple[int, int],
    place: Float[Tensor, "b 3"],
    view: Float[Tensor, "b 2"],
    field_of_view: float,
    told: Cast | None,
) -> list[Float[Tensor, "_ cells"]]:
    """How well each page shows each cell of a view, from 0 to 1: the less, the more it must be magnified."""
    if told is None:
        return list(_covered(albums, size, place, view, field_of_view))
    shown = []
    for number, album in enumerate(albums):
        here = slice(number, number + 1)
        if not len(album):
            shown.append(place.new_zeros(1, 1))
        elif album.lattice is None:
            shown.append(_covered([album], size, place[here], view[here], field_of_view)[0])
        else:
            eyes, other = (album.places, album.views), (place[number], view[number])
            shown.append(shares(album.coarse, album.numbers, size, eyes, other, told.last(number), CELL, field_of_view))
    return shown


def _covered(
    albums: list[Album], size: tuple[int, int], place: Float[Tensor, "b 3"], view: Float[Tensor, "b 2"], field_of_view: float
) -> Float[Tensor, "b n cells"]:
    """How well each page shows each cell of a view, from 0 to 1: the less, the more it must be magnified."""
    full = [album for album in albums if len(album)]
    lengths = list(map(len, albums))
    most = max(lengths)
    near = place.new_full((len(albums), most, *full[0].near.shape[1:]), NOTHING)
    eyes = place.new_zeros(len(albums), most, 3), place.new_zeros(len(albums), most, 2)
    for world, (album, length) in enumerate(zip(albums, lengths, strict=True)):
        if length:
            near[world, :length], eyes[0][world, :length], eyes[1][world, :length] = album.near, album.places, album.views
    largest = torch.full((most,), LARGER, device=place.device)
    points = thrown(near, eyes, (place[:, None], view[:, None]), size, field_of_view, SPARSE, CELL, largest)
    cells, seen, inside, ahead = (part[:, 0] for part in (points.cell, points.near, points.inside, points.ahead))
    num_cells = -(-size[0] // CELL) * -(-size[1] // CELL)
    seen = torch.where(inside, seen, NOTHING)
    nearest = seen.new_full((len(seen), num_cells), NOTHING).scatter_reduce(1, cells.flatten(1), seen.flatten(1), "amax")
    behind = seen * BEFORE + FAINT < nearest.gather(1, cells.flatten(1)).view_as(seen)
    worth = torch.where(inside, ahead.clamp(max=1), 0) * torch.where(behind, BEHIND, 1.0)
    return torch.zeros(*seen.shape[:2], num_cells, device=seen.device).scatter_reduce(2, cells, worth, "amax")


def _chosen(album: Album, shows: Float[Tensor, "n cells"], place: Float[Tensor, "3"], number: int) -> list[Page]:
    """Up to so many pages, of which each shows so much of the cells of a view."""
    covered, chosen = torch.zeros_like(shows[0]), list[int]()
    if album.given is None:
        latest, new = range(len(album))[: -LATEST - 1 : -1], NEW
        least = torch.full_like(shows[:, 0], LEAST_SHOWN)
    else:
        latest, new = range(0), 1.0
        least = torch.full_like(shows[:, 0], LEAST_REAL if album.lattice is None else LEAST_OF_BLOCKS)
        least[[index for index in range(album.num_given, len(album)) if not album[index].real]] = LEAST_BESIDE
    for turn in range(min(number, len(album))):
        more = torch.lerp(shows, (shows - covered).clamp(min=0), new).mean(1)
        more = torch.where(more < least, 0, more)
        more[chosen] = 0
        best = latest[turn] if turn < len(latest) else int(more.argmax())
        if more[best] > 0:
            chosen.append(best)
            covered = torch.maximum(covered, shows[best])
    away = _away(album, place, DREAMT).tolist() if chosen else []
    return [album[index] for index in sorted(chosen, key=lambda index: away[index])]


def _away(album: Album, place: Float[Tensor, "3"], dreamt: float = 0.0) -> Float[Tensor, " n"]:
    """Blocks from a place to that of each page, so many more where it was dreamt, and a little less the later it was kept."""
    later = torch.arange(1, len(album) + 1, device=place.device)
    later[album.num_given :] = torch.tensor([page.number for page in album.own], dtype=later.dtype)
    more = torch.zeros(len(album), device=place.device)
    more[album.num_given :] = torch.tensor([dreamt * (not page.real) for page in album.own])
    return (album.places - place).norm(dim=1) + more - LATER * later


def _filled(pages: list[Page], number: int, size: tuple[int, int]) -> list[Page]:
    """So many pages, the last of them blank."""
    return pages + [_blank(size)] * (number - len(pages))


@lru_cache(maxsize=8)
def _blank(size: tuple[int, int]) -> Page:
    with torch.inference_mode(False):
        picture, near = torch.zeros(*size, 3, dtype=torch.uint8), torch.full((1, *size), NOTHING)
        return Page(picture, near, torch.zeros(3), torch.zeros(2), False, NONE)


def _told(
    rows: list[list[Page]], device: torch.device
) -> tuple[Float[Tensor, "b k 1 h w"], Float[Tensor, "b k 3"], Float[Tensor, "b k 2"]]:
    """How near things are in pages, and their places and views."""
    near, places, views = (
        torch.stack([torch.stack([getattr(page, name).to(device).float() for page in pages]) for pages in rows])
        for name in ("near", "place", "view")
    )
    return near, places, views
