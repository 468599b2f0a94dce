"""Atlas: what the faces of blocks look like, off all pictures of a place."""

import math
from dataclasses import replace

import torch

from simworld.model.atlas import BADLY, FINEST, MOST, TEXELS, WELL, Atlas, atlas_of, with_faces
from simworld.model.camera import rays
from simworld.model.faces import FACES, NOWHERE, faces_of, seen_faces
from simworld.model.lattice import WHOLE, Cast, Lattice, cast
from simworld.model.pixels import to_uint8
from simworld.model.projection import NOTHING, axes
from simworld.model.scenery import Shown

SIZE, VIEW = (48, 64), 70.0
CPU = torch.device("cpu")
AT, TOWARDS = (0.3, 0.4, 0.2), (30.0, 15.0)


def hall() -> Lattice:
    """A floor two blocks below the eye, and a wall whose face is three blocks ahead of it."""
    high = torch.zeros(16, 16, 8, dtype=torch.uint8)
    high[:, :, 0] = WHOLE
    high[:, 11, :] = WHOLE
    return Lattice(7.0, torch.tensor([-8.0, -8.0, -3.0]), high, torch.full_like(high, WHOLE))


def told_of(lattice: Lattice, place: tuple[float, ...], view: tuple[float, ...]) -> Cast:
    told = cast([lattice], torch.tensor([[place]]), torch.tensor([[view]]), SIZE, VIEW)
    assert told is not None
    return told


def picture(lattice: Lattice, place: tuple[float, ...], view: tuple[float, ...]) -> torch.Tensor:
    """What is seen of blocks that are painted with waves, four to a block, [h, w, 3] in [-1, 1]."""
    near = told_of(lattice, place, view).near[0, 0]
    right, down, ahead = (axes(torch.tensor(view)) @ rays(SIZE, VIEW, CPU).flatten(1)) / near.flatten().clamp(min=1e-3)
    points = lattice.within(torch.stack([right, ahead, -down], 1) + torch.tensor(place))
    waves = (points * (2 * math.pi * 2)).sin() * 0.8
    return torch.where(near.flatten()[:, None] > 0, waves, 0).view(*SIZE, 3)


def made(lattice: Lattice, *eyes: tuple[tuple[float, ...], tuple[float, ...]], paint: float | None = None) -> Atlas:
    """The atlas of pictures from eyes, of one colour where one is given."""
    seen = [picture(lattice, *eye) for eye in eyes]
    frames = torch.stack([part if paint is None else torch.full_like(part, paint) for part in seen])
    near = torch.cat([told_of(lattice, *eye).near[0] for eye in eyes])
    places, views = (torch.tensor(part) for part in zip(*eyes, strict=True))
    return atlas_of(to_uint8(frames), near, places, views, VIEW, lattice)


def nothing(known: bool = False, finer: float = 1.0) -> Shown:
    """What is shown where all is grey, and known or not, of pictures that see it so many times larger."""
    flags = torch.full((1, 1, 1, *SIZE), known)
    shown = Shown(torch.zeros(1, 1, 3, *SIZE), torch.full((1, 1, 1, *SIZE), NOTHING), flags, flags, flags)
    return replace(shown, finer=torch.full((1, 1, *SIZE), finer))


def shown_by(
    atlas: Atlas | None, lattice: Lattice, told: Cast | None = None, before: Shown | None = None, share: float = 1.0
) -> Shown:
    """What is shown to the eye at `AT`."""
    told, before = told or told_of(lattice, AT, TOWARDS), before or nothing()
    eye = torch.tensor([[AT]]), torch.tensor([[TOWARDS]])
    before.faces, before.on_faces = faces_of([lattice], *eye, told.near, VIEW)
    return with_faces(before, [atlas], told, torch.full((1, 1), share))


def off(shown: Shown, lattice: Lattice) -> float:
    """How far what is known is off what is to be seen."""
    apart = (shown.colors[0, 0].movedim(0, -1) - picture(lattice, AT, TOWARDS)).abs().mean(-1)
    return float(apart[shown.known[0, 0, 0]].mean())


ABOUT = [((x, y, 0.2), (35.0, yaw)) for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0) for yaw in (-40.0, 0.0, 40.0)]


def test_faces_are_shown_as_any_picture_showed_them_best() -> None:
    """Eyes at many places see blocks painted with waves; from another place they are as they should be."""
    lattice = hall()
    shown = shown_by(made(lattice, *ABOUT), lattice)
    near = told_of(lattice, AT, TOWARDS).near[0, 0]
    assert (shown.known & shown.kept & shown.real)[0, 0, 0][near > 0.2].float().mean() > 0.95
    assert torch.equal(shown.near[0, 0, 0][shown.known[0, 0, 0]], near[shown.known[0, 0, 0]])
    assert off(shown, lattice) < 0.15, "waves are 0.5 on the average"
    far = shown_by(made(lattice, ((0.3, -6.0, 0.2), (10.0, 15.0))), lattice)
    assert off(far, lattice) > 1.5 * off(shown, lattice), "from afar less is seen"


def test_of_two_pictures_that_tells_which_shows_more_of_a_face() -> None:
    lattice = hall()
    close, far = ((0.3, 0.6, 0.0), (5.0, 0.0)), ((0.3, -5.0, 0.0), (5.0, 0.0))
    near = torch.cat([told_of(lattice, *eye).near[0] for eye in (far, close)])
    frames = torch.stack([torch.full((*SIZE, 3), color) for color in (-0.5, 0.5)])
    places, views = (torch.tensor(part) for part in zip(far, close, strict=True))
    for order in ([0, 1], [1, 0]):
        seen = (to_uint8(frames)[order], near[order], places[order], views[order])
        shown = shown_by(atlas_of(*seen, VIEW, lattice), lattice)
        wall = shown.colors[0, 0, 0, :8, 20:44]
        assert ((wall - 0.5).abs() < 0.01).float().mean() > 0.95, "the wall was seen from close by"
    assert (shown.colors[0, 0] + 0.5).abs().amin() < 0.01, "what only the other shows is taken from it"


def test_what_stands_before_a_face_is_not_on_it() -> None:
    """Something red stands before the wall, half a block away from it, where the lattice knows of nothing."""
    lattice, eye = hall(), ((0.3, -1.0, 0.2), (10.0, 5.0))
    near, frame = told_of(lattice, *eye).near[0].clone(), torch.zeros(1, *SIZE, 3)
    near[0, 10:20, 20:40] *= 1.15
    frame[0, 10:20, 20:40] = torch.tensor([1.0, -1.0, -1.0])
    places, views = torch.tensor([eye[0]]), torch.tensor([eye[1]])
    shown = shown_by(atlas_of(to_uint8(frame), near, places, views, VIEW, lattice), lattice)
    known = shown.known[0, 0, 0]
    assert known.float().mean() > 0.4
    assert shown.colors[0, 0, 0][known].max() < 0.2, "at its edges a little is mixed"
    assert not shown_by(made(lattice, eye), lattice).known[0, 0, 0].eq(known).all(), "there nothing is known"


def test_what_hands_have_changed_is_not_what_it_was() -> None:
    lattice = hall()
    atlas = made(lattice, *ABOUT)
    wall = lattice.around(torch.tensor([8.5, 11.5, 3.5]))
    broken = lattice.changed(wall, len(ABOUT), 0)
    before, after = (told_of(each, AT, TOWARDS) for each in (lattice, broken))
    shown = shown_by(atlas, broken, after)
    assert after.since is not None
    hole = after.since[0, 0] > 0
    assert hole.any() and not shown.known[0, 0, 0][hole].any()
    rest = ~hole & (before.near == after.near)[0, 0]
    assert torch.equal(shown.colors[0, 0, :, rest], shown_by(atlas, lattice, before).colors[0, 0, :, rest])


def test_what_is_known_gives_way_by_a_share() -> None:
    lattice = hall()
    atlas = made(lattice, *ABOUT)
    whole = shown_by(atlas, lattice, before=nothing(known=True))
    half = shown_by(atlas, lattice, before=nothing(known=True), share=0.5)
    assert torch.allclose(half.colors, whole.colors / 2, atol=1e-6) and whole.colors.any()
    faces = shown_by(atlas, lattice)
    assert torch.allclose(whole.colors, faces.colors * MOST, atol=1e-6), "two pictures tell more than one"
    assert torch.equal(shown_by(atlas, lattice, share=0.0).colors, faces.colors), "nothing else is known"


def test_what_is_shown_much_larger_than_it_was_seen_is_seen_on_its_face() -> None:
    lattice = hall()
    atlas = made(lattice, *ABOUT)
    faces = shown_by(atlas, lattice).colors
    for finer, part in ((2.0, 0.0), (WELL, 0.0), ((WELL + BADLY) / 2, 0.5), (BADLY, 1.0), (0.0, 1.0)):
        shown = shown_by(atlas, lattice, before=nothing(True, finer), share=0.0)
        assert torch.allclose(shown.colors, faces * part, atol=1e-5), finer


def test_what_is_mixed_into_rims_is_not_on_faces() -> None:
    """A wall that ends before the sky, whose rim has the sky's colour as well."""
    lattice = hall()
    eye = next(one for one in ABOUT if one[1] == (35.0, 0.0))
    near, frame = told_of(lattice, *eye).near[0].clone(), torch.full((1, *SIZE, 3), -0.5)
    near[:, :12] = 0  # sky
    frame[:, :12], frame[:, 12] = 1.0, 0.3
    seen = to_uint8(frame), near, torch.tensor([eye[0]]), torch.tensor([eye[1]])
    atlas = atlas_of(*seen, VIEW, lattice)
    finest = atlas.looks[:, : FINEST**2]
    colors = finest[..., 0][finest[..., 3] > 0].float() / 127.5 - 1
    assert (colors > -0.4).float().mean() < 0.01 and len(colors) > 1000


def test_gaps_are_filled_from_beside_and_no_farther() -> None:
    """Of the wall's nearest face all but its middle is hidden by something that stands before it."""
    lattice, eye = hall(), ((0.3, 1.2, 0.0), (0.0, 0.0))
    near = told_of(lattice, *eye).near[0].clone()
    near[0, :16], near[0, 32:] = 3 * near[0, :16], 3 * near[0, 32:]
    frame = torch.full((1, *SIZE, 3), 0.5)
    places, views = torch.tensor([eye[0]]), torch.tensor([eye[1]])
    atlas = atlas_of(to_uint8(frame), near, places, views, VIEW, lattice)
    rows = (atlas.looks[:, : FINEST**2, 3] > 0).view(-1, FINEST, FINEST).any(2).sum(1)
    assert 0 < rows.max() < FINEST, "what is hidden stays unknown"
    assert (atlas.looks[..., :3][atlas.looks[..., 3] > 0].float() / 127.5 - 1.5).abs().max() < 0.02


def test_pixels_at_the_foot_of_a_wall_are_of_the_face_that_they_see() -> None:
    """However flat the ray."""
    lattice, place, view = hall(), (0.3, -6.0, -1.0), (5.0, 0.0)
    told = told_of(lattice, place, view)
    faces, _ = seen_faces(lattice, torch.tensor([place]), torch.tensor([view]), told.near[0], VIEW)
    seen = told.near[0, 0] > 0
    assert (faces[0][seen] >= 0).all()
    floor = (faces[0] % FACES == 4) & seen
    assert ((faces[0][floor] // FACES) % 8 == 0).all()
    assert ((faces[0][floor] // FACES) // 8 % 16 < 11).all(), "under the wall no floor is seen"


def test_without_lattice_or_atlas_nothing_changes() -> None:
    lattice, before = hall(), nothing()
    assert shown_by(None, lattice, before=before) is before
    assert with_faces(before, [made(lattice, ABOUT[0])], None, torch.ones(1, 1)) is before


def test_coarser_texels_are_the_means_of_finer_ones() -> None:
    atlas = made(hall(), *ABOUT)
    assert TEXELS == 341 and atlas.looks.shape[1:] == (TEXELS, 4)
    finest = atlas.looks[:, : FINEST**2].view(-1, FINEST, FINEST, 4).float()
    whole = (finest[..., 3] > 0).flatten(1).all(1)
    assert whole.sum() > 20
    mean = finest[whole, ..., :3].mean((1, 2))
    assert (atlas.looks[whole, -1, :3].float() - mean).abs().max() < 3, "each level rounds"
    assert (atlas.looks[whole, :, 3] == 255).all()


def test_a_face_has_a_number_and_a_pixel_its_spot_on_it() -> None:
    """Straight down, in a lattice that is not turned."""
    flat = hall()
    lattice = Lattice(0.0, flat.corner, flat.high, flat.broad)
    place, view = torch.tensor([[0.25, 0.0, 0.0]]), torch.tensor([[90.0, 0.0]])
    told = told_of(lattice, (0.25, 0.0, 0.0), (90.0, 0.0))
    faces, spots = seen_faces(lattice, place, view, told.near[0], VIEW)
    cell, side = divmod(int(faces[0, 24, 32]), FACES)
    assert side == 2 * 2, "seen from above"
    assert (cell // (16 * 8), cell // 8 % 16, cell % 8) == (8, 7, 0)
    pixel = 2 * math.tan(math.radians(VIEW / 2)) / SIZE[0] * 2
    expected = torch.tensor([0.25 + pixel / 2, 1 - pixel / 2, pixel])
    assert torch.allclose(spots[0, 24, 32], expected, atol=1e-3)
    assert faces[0, 0, 0] == NOWHERE or told.near[0, 0, 0, 0] > 0
