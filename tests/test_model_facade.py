"""Facade: what a lattice says is there is shown by the pictures that see it, and looks as the game does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from simworld.env.sightings import Sightings
from simworld.env.voxel.game import Game
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.env.voxel.scout import look_from, scout
from simworld.model.album import Album, given_album
from simworld.model.facade import seen_by, shares
from simworld.model.lattice import WHOLE, Cast, Lattice, cast
from simworld.model.masonry import lattice_of
from simworld.model.opening import opened
from simworld.model.projection import NOTHING
from simworld.model.scenery import KEPT, Shown, nothing_kept, show

SEED, SPOTS, RADIUS = 1_000_001, 40, 16.0
EYES = ((0.4, 0.7, 0.0), (15.0, 60.0)), ((-1.2, 2.5, 0.0), (5.0, 200.0)), ((2.1, -1.3, 0.3), (25.0, -40.0))
SIZE, VIEW, CPU = (24, 40), 70.0, torch.device("cpu")


@pytest.fixture(scope="module")
def game() -> Game:
    """A place to look about in."""
    game = Game()
    game.reset(SEED)
    return game


@pytest.fixture(scope="module")
def seen(game: Game) -> Sightings:
    """What it looks like."""
    return scout(game, SPOTS, RADIUS)


def place_of(seen: Sightings, blocks: bool) -> Album:
    frames, near, places, views = (torch.from_numpy(part) for part in (seen.frames, seen.near, seen.places, seen.views))
    lattice = lattice_of(near, places, views, FIELD_OF_VIEW) if blocks else None
    return given_album(frames, near, places, views, FIELD_OF_VIEW, lattice)


def shown(album: Album, place: Tensor, view: Tensor, size: tuple[int, int]) -> Shown:
    told = cast([album.lattice], place[None, None], view[None, None], size, FIELD_OF_VIEW)
    scenery = nothing_kept(1, size, 1, CPU, KEPT)
    scenery = opened([album], scenery, place[None], view[None], FIELD_OF_VIEW, told)
    return show(scenery, place[None, None], view[None, None], FIELD_OF_VIEW, told)


def test_a_place_of_blocks_looks_as_the_game_does_from_where_nobody_stood(game: Game, seen: Sightings) -> None:
    size, ways = (game.height, game.width), (place_of(seen, blocks=False), place_of(seen, blocks=True))
    known, error = np.zeros((2, len(EYES))), np.zeros((2, len(EYES)))
    for number, eye in enumerate(EYES):
        place, view = map(torch.tensor, eye)
        truth = torch.from_numpy(look_from(game, place.numpy(), view.numpy())[0]).movedim(-1, 0) / 127.5 - 1
        both = [shown(album, place, view, size) for album in ways]
        for way, each in enumerate(both):
            everywhere = torch.where(each.known[0, 0], each.colors[0, 0], 0)
            known[way, number] = each.known.float().mean()
            error[way, number] = (everywhere - truth).square().mean()
    plain, blocks = 10 * np.log10(4 / error.mean(1))
    assert known[1].mean() > 0.8 and blocks > plain + 1, f"{known.mean(1)} known, {plain:.1f} and {blocks:.1f} dB"


def hall() -> Lattice:
    """An empty hall with a wall four blocks ahead."""
    high = torch.zeros(12, 24, 8, dtype=torch.uint8)
    high[:, 10] = WHOLE
    return Lattice(0.0, torch.tensor([-6.0, -6.0, -4.0]), high, torch.full_like(high, WHOLE))


def looking(*eyes: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Places so far to the right and ahead, of who looks at the wall."""
    return torch.tensor([[[*eye, 0.0] for eye in eyes]]), torch.zeros(1, len(eyes), 2)


def wall_told() -> Cast:
    told = cast([hall()], *looking((0.0, 0.0)), SIZE, VIEW)
    assert told is not None
    return told


def test_the_first_picture_that_sees_it_shows_it() -> None:
    told = wall_told()
    near = torch.full((1, 3, *SIZE), 0.25)
    near[0, 0] = 0.5  # something before the wall
    near[0, 2, :, :20] = NOTHING
    numbers, eyes = torch.arange(1.0, 4.0)[None], looking((0, 0), (4.0, 0), (0, 0))
    found, first = seen_by(near, numbers, eyes, looking((0, 0)), told, VIEW)
    first = first.view(SIZE)
    assert not (first == 0).any() and (first[12, 30] == 1) and (first[12, 10] == 3), "the second stands too far to the right"
    assert torch.allclose(found.view(SIZE)[told.near[0, 0] > 0], told.near[0, 0][told.near[0, 0] > 0])


def test_where_no_block_is_met_what_is_beyond_is_shown() -> None:
    told = wall_told()
    free = Cast(torch.full_like(told.near, NOTHING), told.clear)
    for near, number in ((0.01, 0), (0.5, 1)):
        pictures = torch.full((1, 1, *SIZE), near), torch.ones(1, 1), looking((0, 0))
        found, first = seen_by(*pictures, looking((0, 0)), free, VIEW)
        assert (first == number).all(), "what is nearer than all is free to is not there"
        assert (found == near).all() or number


def test_who_must_be_magnified_shows_less() -> None:
    told = wall_told()
    near = torch.full((2, *SIZE), 0.25)
    near[1] = 0.125
    places, views = looking((0, 0), (0, -4.0))
    here = torch.zeros(3), torch.zeros(2)
    one, other = shares(near, torch.arange(1.0, 3.0), SIZE, (places[0], views[0]), here, told, 4, VIEW)
    assert (one[one > 0] == 1).all() and torch.allclose(other[other > 0], torch.tensor(0.5), atol=1e-3)


def test_a_broken_block_is_no_longer_shown_and_a_placed_one_hides() -> None:
    """As pages go on showing what they saw, but not there."""
    near = torch.full((1, *SIZE), 0.25)
    pictures = torch.full((1, *SIZE, 3), 200, dtype=torch.uint8)
    album = given_album(pictures, near, torch.zeros(1, 3), torch.zeros(1, 2), VIEW, hall())
    eye = torch.zeros(3), torch.zeros(2)
    middle = SIZE[0] // 2, SIZE[1] // 2

    def known(album: Album) -> Tensor:
        told = cast([album.lattice], eye[0][None, None], eye[1][None, None], SIZE, VIEW)
        scenery = opened([album], nothing_kept(1, SIZE, 1, CPU, KEPT), eye[0][None], eye[1][None], VIEW, told)
        return show(scenery, eye[0][None, None], eye[1][None, None], VIEW, told).known[0, 0, 0]

    assert album.lattice is not None and bool(known(album)[middle])
    for ahead, solid in ((4.5, False), (2.5, True)):
        changed = replace(album, lattice=album.lattice.changed(torch.tensor([0.3, ahead, -0.3]), 1, float(solid)))
        assert not bool(known(changed)[middle[0] + 1, middle[1] + 1])


def test_what_nobody_can_have_seen_is_not_taken_for_what_is_as_far_away() -> None:
    """The floor of a hole is nearly as far away as what was broken; who sees it afterwards knows it."""
    high = torch.zeros(12, 24, 8, dtype=torch.uint8)
    high[:, 10:] = WHOLE
    wall = Lattice(0.0, torch.tensor([-6.0, -2.0, -4.0]), high, torch.full_like(high, WHOLE))
    bared = wall.changed(torch.tensor([0.3, 8.5, -0.3]), 1, 0)
    eye = looking((0.0, 0.0))
    middle = (SIZE[0] // 2) * SIZE[1] + SIZE[1] // 2
    for lattice, number, seen in ((wall, 1, True), (bared, 1, False), (bared, 2, True)):
        told = cast([lattice], eye[0], eye[1], SIZE, VIEW)
        assert told is not None
        near = torch.full((1, 1, *SIZE), 1 / 8)
        _, first = seen_by(near, torch.tensor([[float(number)]]), eye, eye, told, VIEW)
        assert bool(first[0, 0, middle] == 0) == seen
        here = torch.zeros(3), torch.zeros(2)
        share = shares(near[0], torch.tensor([float(number)]), SIZE, (eye[0][0], eye[1][0]), here, told, 1, VIEW)
        assert bool(share[0, middle] > 0) == seen


def test_beside_a_place_of_blocks_one_of_which_nothing_is_known_stays_unseen(seen: Sightings) -> None:
    albums, at = [place_of(seen, blocks=True), Album()], [torch.tensor(part)[None].expand(2, -1) for part in EYES[0]]
    size = (seen.frames.shape[1], seen.frames.shape[2])
    told = cast([album.lattice for album in albums], at[0][:, None], at[1][:, None], size, VIEW)
    scenery = opened(albums, nothing_kept(2, size, 1, CPU, KEPT), *at, VIEW, told)
    both = show(scenery, at[0][:, None], at[1][:, None], VIEW, told)
    assert both.known[0].float().mean() > 0.5 and not both.known[1].any()
