"""Album: every picture that a world keeps; `opening` tells which of them are shown.

Scenery shows a few pictures at once; the album remembers far more of them, so that who comes back to a place finds it as it
was, however many pictures ago. Those that came with the world are the place's, the others the dream's own. Closed form, of the
same pictures with nearness and places that `scenery` shows.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from simworld.model.atlas import Atlas, atlas_of
from simworld.model.cube import FILLED
from simworld.model.footing import points_of
from simworld.model.gathering import FAINT, SAME_NEAR
from simworld.model.lattice import Lattice
from simworld.model.pixels import to_uint8
from simworld.model.projection import LEAST_AHEAD, NOTHING, thrown
from simworld.model.scenery import PARTS, Scenery
from simworld.model.sky import Sky, sky_of
from simworld.model.water import Water, water_of

ROOM = 96
"""Pages of an album, beside the place's."""
MOST_GIVEN = 512
"""Pictures of a place."""
ENOUGH = 240
"""So many of them, the first, tell what there is to know of sky and water."""
SPARSE = 6
"""Every so many pixels each way of a picture tell what it shows."""
COARSE = 2
"""Pixels of a picture's side that are forgotten as one, and of which one tells what lattices are asked."""
ABOUT = 0.8
"""Blocks: what is nearer than so to a block's centre, to each side, is the block's."""


@dataclass(frozen=True)
class Page:
    """picture: its colours, as frames have them. near, place, view, real: as in `Scenery`. number: when it was kept, from 1 on;
    a place's pages come first."""

    picture: UInt8[Tensor, "h w 3"]
    near: Float[Tensor, "1 h w"]
    place: Float[Tensor, "3"]
    view: Float[Tensor, "2"]
    real: bool
    number: int

    @property
    def worth(self) -> tuple[bool, int]:
        """Of two pages the one that is worth more stays longer."""
        return self.real, self.number


@dataclass(frozen=True)
class Place:
    """n real pictures of where a world begins. near, places, views: as in `Scenery`. field_of_view: of them, degrees."""

    pictures: UInt8[Tensor, "n h w 3"]
    near: Float[Tensor, "n 1 h w"]
    places: Float[Tensor, "n 3"]
    views: Float[Tensor, "n 2"]
    field_of_view: float

    def __len__(self) -> int:
        return len(self.pictures)

    def page(self, index: int) -> Page:
        """One of the pictures."""
        return Page(self.pictures[index], self.near[index], self.places[index], self.views[index], True, index + 1)

    @cached_property
    def sparse(self) -> Float[Tensor, "n rows columns"]:
        """How near every `SPARSE`-th pixel each way is."""
        return self.near[:, 0, ::SPARSE, ::SPARSE].float()

    @cached_property
    def coarse(self) -> Float[Tensor, "n rows columns"]:
        """The same of every `COARSE`-th pixel."""
        return self.near[:, 0, ::COARSE, ::COARSE].float()

    @cached_property
    def solid(self) -> Float[Tensor, "m 3"]:
        """Points of what can be stood on and run into."""
        return points_of(self.near[:, 0], self.places, self.views, self.field_of_view)


@dataclass(frozen=True)
class Album:
    """What one world keeps: `given` came with it, the dream's `own` pages were added. built: points of what was built since,
    from left to right, None where nothing was. lattice: the blocks of the place as they are now, None where it is not known to
    be made of any. atlas: of the faces of its blocks. sky: above it, water: in it, None where hardly any is known. Albums share
    them, so that a copy costs next to nothing."""

    given: Place | None = None
    own: tuple[Page, ...] = ()
    built: Float[Tensor, "m 3"] | None = None
    lattice: Lattice | None = None
    sky: Sky | None = None
    water: Water | None = None
    atlas: Atlas | None = None

    def __len__(self) -> int:
        return self.num_given + len(self.own)

    def __getitem__(self, index: int) -> Page:
        if self.given is not None and index < len(self.given):
            return self.given.page(index)
        return self.own[index - self.num_given]

    @property
    def num_given(self) -> int:
        """Pages that came with the world, which come first."""
        return 0 if self.given is None else len(self.given)

    @property
    def last(self) -> int:
        """The number of the latest page."""
        return max((page.number for page in self.own), default=self.num_given)

    @property
    def solid(self) -> list[Float[Tensor, "_ 3"]]:
        """Clouds of points of what can be stood on and run into, each from left to right."""
        return [*([] if self.given is None else [self.given.solid]), *([] if self.built is None else [self.built])]

    @cached_property
    def numbers(self) -> Float[Tensor, " n"]:
        """Those of the pages."""
        numbers = [*range(1, self.num_given + 1), *(page.number for page in self.own)]
        return torch.tensor(numbers, dtype=torch.float, device=self.places.device)

    @cached_property
    def near(self) -> Float[Tensor, "n rows columns"]:
        """That of every `SPARSE`-th pixel each way of each page."""
        own = [page.near[:, ::SPARSE, ::SPARSE].float() for page in self.own]
        return torch.cat([*([] if self.given is None else [self.given.sparse]), *own])

    @cached_property
    def coarse(self) -> Float[Tensor, "n rows columns"]:
        """The same of every `COARSE`-th pixel."""
        own = [page.near[:, ::COARSE, ::COARSE].float() for page in self.own]
        return torch.cat([*([] if self.given is None else [self.given.coarse]), *own])

    @cached_property
    def places(self) -> Float[Tensor, "n 3"]:
        """Those of the pages."""
        return torch.cat([*([] if self.given is None else [self.given.places]), *(page.place[None] for page in self.own)])

    @cached_property
    def views(self) -> Float[Tensor, "n 2"]:
        """Those of the pages."""
        return torch.cat([*([] if self.given is None else [self.given.views]), *(page.view[None] for page in self.own)])


def given_album(
    pictures: UInt8[Tensor, "n h w 3"],
    near: Float[Tensor, "n h w"],
    places: Float[Tensor, "n 3"],
    views: Float[Tensor, "n 2"],
    field_of_view: float,
    lattice: Lattice | None = None,
    around: UInt8[Tensor, "p two_p 3"] | None = None,
    wet: bool = False,
) -> Album:
    """What a world has before it begins: real pictures, the blocks that its place is made of, its sky and its water, where they
    are known; what lies `around` tells more of the sky. `wet`: whether it rains or snows there. Pictures of which is not known
    how near anything is keep their place, but tell nothing. ValueError for more than `MOST_GIVEN`."""
    if len(pictures) > MOST_GIVEN:
        raise ValueError(f"{len(pictures)} pictures of a place; an album takes {MOST_GIVEN} at most")
    place = Place(pictures, near[:, None].half(), places.float(), views.float(), field_of_view)
    if lattice is None:
        return Album(place)
    known = (near > NOTHING).flatten(1).any(1).nonzero()[:, 0]
    few = known[:ENOUGH]
    some = pictures[few], near[few], place.places[few], place.views[few], field_of_view, lattice
    atlas = atlas_of(pictures[known], near[known], place.places[known], place.views[known], field_of_view, lattice)
    return Album(place, lattice=lattice, sky=sky_of(*some, around, wet), water=water_of(*some), atlas=atlas)


def grown(sketch: Album, whole: Album) -> Album:
    """An album that was begun with some of a place's pictures, with all of them; what the dream has kept and done stays."""
    return replace(sketch, given=whole.given, sky=whole.sky, water=whole.water, atlas=whole.atlas)


def keep(albums: list[Album], scenery: Scenery, chosen: Bool[Tensor, " b"], instead: Bool[Tensor, " b"]) -> list[Album]:
    """The albums in which the present picture of each chosen world is kept, `instead` of the latest where that is the dream's
    own; where the album is full, of the oldest: first of those that were dreamt, then of the real ones."""
    kept = list(albums)
    for world in chosen.nonzero()[:, 0].tolist():
        pages, number = albums[world].own, albums[world].last + 1
        picture, near, place, view, real = (getattr(scenery, name)[world, -1] for name in PARTS)
        page = Page(to_uint8(picture.movedim(0, -1)), near.half(), place.clone(), view.clone(), bool(real), number)
        gone = None
        if bool(instead[world]) and pages:
            gone = pages[-1]
        elif len(pages) >= ROOM:
            gone = min(pages, key=lambda other: other.worth)
        kept[world] = replace(albums[world], own=(*(other for other in pages if other is not gone), page))
    return kept


def built(
    album: Album, center: Float[Tensor, "3"], placed: Float[Tensor, "m 3"], box: Float[Tensor, "2"] | None = None
) -> Album:
    """The album of a world in which a block was placed about a centre, whose outside are these points. box: as in `Cube`."""
    if album.lattice is not None:
        wide, high = FILLED if box is None else box.tolist()
        return replace(album, lattice=album.lattice.changed(center, album.last, high, 2 * wide))
    points = placed if album.built is None else torch.cat([album.built, placed])
    return replace(album, built=points[points[:, 0].argsort()])


def unbuilt(album: Album, center: Float[Tensor, "3"]) -> Album:
    """The album of a world in which the block about this centre is gone."""
    if album.lattice is not None:
        return replace(album, lattice=album.lattice.changed(center, album.last, 0))
    if album.built is None:
        return album
    return replace(album, built=album.built[(album.built - center).abs().amax(1) > ABOUT])


def forget(
    album: Album,
    changed: Bool[Tensor, "1 h w"],
    place: Float[Tensor, "3"],
    view: Float[Tensor, "2"],
    field_of_view: float,
) -> Album:
    """The album that no longer knows what was seen where a picture from `place` towards `view` is `changed`."""
    if not len(album):
        return album
    size = (changed.shape[-2], changed.shape[-1])
    whole = [*([] if album.given is None else [album.given.near]), *(page.near[None] for page in album.own)]
    coarse = torch.cat([near[:, 0, ::COARSE, ::COARSE].float() for near in whole])[None]
    any_size = torch.full((len(album),), 1 / LEAST_AHEAD, device=coarse.device)
    eyes, other = (album.places[None], album.views[None]), (place[None, None], view[None, None])
    points = thrown(coarse, eyes, other, size, field_of_view, COARSE, COARSE, any_size)
    cells, before, inside = (part.flatten() for part in (points.cell, points.near, points.inside))
    there = F.max_pool2d(changed.float(), COARSE, ceil_mode=True).flatten()
    nearest = torch.zeros_like(there).scatter_reduce(0, cells, torch.where(inside, before, 0), "amax")
    seen = inside & (before >= nearest[cells] * (1 - SAME_NEAR) - FAINT)
    hit = (seen & (there[cells] > 0)).view_as(coarse)[0]
    given, own = album.given, list(album.own)
    for index in hit.flatten(1).any(1).nonzero()[:, 0].tolist():
        gone = F.interpolate(hit[None, None, index].float(), scale_factor=COARSE)[0, :, : size[0], : size[1]] > 0
        near = torch.where(gone, NOTHING, album[index].near)
        if given is not None and index < len(given):
            if given is album.given:
                given = replace(given, near=given.near.clone())
            given.near[index] = near
        else:
            own[index - album.num_given] = replace(album[index], near=near)
    return replace(album, given=given, own=tuple(own))
