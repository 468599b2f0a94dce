"""Albums: does who comes back find what was there?"""

import math

import pytest
import torch
from torch import Tensor

from simworld.model.album import MOST_GIVEN, ROOM, Album, forget, given_album, keep
from simworld.model.opening import nearby, opened
from simworld.model.projection import NOTHING
from simworld.model.scenery import Scenery, nothing_kept, now, show

SIZE, VIEW = (48, 80), 70.0
YES = torch.ones(1, dtype=torch.bool)
NO_HAND = torch.zeros(1, 1, *SIZE, dtype=torch.bool)
FOUR_AWAY = torch.full((1, 1, *SIZE), 0.25)
EMPTY = nothing_kept(1, SIZE, 2, torch.device("cpu"), 3)


def eye(right: float = 0.0, ahead: float = 0.0, yaw: float = 0.0) -> tuple[Tensor, Tensor]:
    """Place and view of who looks level."""
    return torch.tensor([[right, ahead, 0.0]]), torch.tensor([[0.0, yaw]])


def saw(grey: float, at: tuple[Tensor, Tensor], real: bool = True, near: Tensor = FOUR_AWAY) -> Scenery:
    """Scenery whose present picture is all of one grey."""
    return now(EMPTY, torch.full((1, 3, *SIZE), grey), near, NO_HAND, *at, YES if real else ~YES)


def kept(*seen: Scenery) -> list[Album]:
    albums = [Album()]
    for scenery in seen:
        albums = keep(albums, scenery, YES, instead=~YES)
    return albums


def middle(albums: list[Album], at: tuple[Tensor, Tensor]) -> tuple[float, bool]:
    """The grey before the crosshair, and whether a page shows it."""
    scenery = opened(albums, saw(0.9, at), *at, VIEW)
    shown = show(scenery, at[0][None], at[1][None], VIEW)
    row, column = SIZE[0] // 2, SIZE[1] // 2
    return float(shown.colors[0, 0, :, row, column].mean()), bool(shown.kept[0, 0, 0, row, column])


def test_who_comes_back_finds_what_was_there_however_many_pictures_ago() -> None:
    """Walls of three greys, and then a walk elsewhere."""
    walls = [saw(number / 10, eye(yaw=120.0 * number)) for number in range(3)]
    albums = kept(*walls, *(saw(-0.5, eye(right=100.0 + number, yaw=90.0 * number)) for number in range(14)))
    assert len(albums[0]) == 17
    for number in range(3):
        grey, known = middle(albums, eye(yaw=120.0 * number))
        assert known and math.isclose(grey, number / 10, abs_tol=0.02)
    assert not middle(kept(saw(0.1, eye())), eye(yaw=120.0))[1], "nobody has looked there"


def test_real_pictures_come_before_dreamt_ones_and_near_before_far() -> None:
    here = eye()
    dreamt, true, far = saw(-0.5, here, real=False), saw(0.5, here), saw(0.0, eye(ahead=-4.0), near=FOUR_AWAY / 2)
    for albums in (kept(dreamt, true, far), kept(far, true, dreamt), kept(true, dreamt)):
        assert math.isclose(middle(albums, here)[0], 0.5, abs_tol=0.02)
    assert math.isclose(middle(kept(dreamt), here)[0], -0.5, abs_tol=0.02)


def given(number: int) -> Album:
    """What so many black pictures show four blocks away."""
    frames, near = torch.zeros(number, *SIZE, 3, dtype=torch.uint8), FOUR_AWAY[0].expand(number, -1, -1)
    return given_album(frames, near, torch.zeros(number, 3), torch.zeros(number, 2), VIEW)


def test_where_an_album_is_full_the_dreamt_goes_first_and_what_was_given_stays() -> None:
    albums = keep([given(2)], saw(0.0, eye()), YES, instead=YES)
    assert len(albums[0]) == 3, "what was given is not replaced"
    albums = keep(albums, saw(0.1, eye()), YES, instead=YES)
    assert len(albums[0]) == 3 and [albums[0][index].number for index in range(3)] == [1, 2, 4]
    for _ in range(ROOM):
        albums = keep(albums, saw(0.0, eye(), real=False), YES, instead=~YES)
    album = albums[0]
    assert len(album) == 2 + ROOM and album.num_given == 2 and album.own[0].real and not album.own[1].real
    for _ in range(ROOM):
        albums = keep(albums, saw(0.0, eye()), YES, instead=~YES)
    album = albums[0]
    assert len(album) == 2 + ROOM and album.num_given == 2 and all(page.real for page in album.own)
    assert len(album.near) == len(album.places) == len(album.views) == 2 + ROOM
    assert keep(albums, saw(0.0, eye()), ~YES, instead=~YES)[0] is album
    with pytest.raises(ValueError, match=f"513 pictures of a place; an album takes {MOST_GIVEN} at most"):
        given(513)


def test_what_hands_change_is_forgotten_on_every_page() -> None:
    """A change seen from two blocks nearer is no longer known as it was to who steps back; nothing else is touched."""
    album = kept(saw(0.3, eye()), saw(0.3, eye(yaw=180.0)))[0]
    changed = torch.zeros(1, *SIZE, dtype=torch.bool)
    changed[..., 16:32, 30:50] = True
    forgotten = forget(album, changed, torch.tensor([0.0, 2.0, 0.0]), torch.zeros(2), VIEW)
    near = forgotten[0].near[0]
    assert bool((near[21:27, 36:44] == NOTHING).all()), "half as large from there"
    assert bool((near[:18] == 0.25).all()) and bool((near[:, :33] == 0.25).all())
    assert forgotten[1] is album[1]
    assert middle([album], eye())[1] and not middle([forgotten], eye())[1]
    assert forget(Album(), changed, torch.zeros(3), torch.zeros(2), VIEW) == Album()
    place = given(2)
    forgotten = forget(place, changed, torch.zeros(3), torch.zeros(2), VIEW)
    assert forgotten.given is not None and place.given is not None
    assert bool((forgotten.given.near[:, 0, 16:32, 30:50] == NOTHING).all()), "nor are those that came with the world"
    assert bool((place.given.near == 0.25).all()), "which others share"
    assert len(forgotten.given.solid) < len(place.given.solid), "and who digs may go there"


def test_training_may_look_at_albums_in_mixed_precision() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert middle(kept(saw(0.3, eye())), eye())[1]


def test_obstacles_are_looked_for_in_what_was_seen_from_nearby() -> None:
    albums = kept(*(saw(0.0, eye(ahead=float(ahead))) for ahead in range(6)))
    near, places, views = nearby([*albums, Album()], torch.tensor([[0.0, 3.1, 0.0]] * 2), 3, SIZE)
    assert near.shape == (2, 3, 1, *SIZE) and views.shape == (2, 3, 2)
    assert places[0, :, 1].tolist() == [3, 4, 2] and bool((near[1] == NOTHING).all())
