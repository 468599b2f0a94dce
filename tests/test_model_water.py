"""Water: as the game shows it from anywhere in a place, and only where it is."""

from itertools import product

import numpy as np
import pytest
import torch

from simworld.env.voxel.game import Game
from simworld.env.voxel.scout import look_from
from simworld.model.camera import rays
from simworld.model.lattice import WHOLE, Cast, Lattice, cast
from simworld.model.masonry import lattice_of
from simworld.model.pixels import to_float
from simworld.model.projection import NOTHING
from simworld.model.scenery import Shown
from simworld.model.water import Water, water_of, with_water
from tests.scouted import scouted

SIZE, VIEW = (48, 80), 70.0
Place = tuple[Game, Lattice, Water]


@pytest.fixture(scope="module")
def place() -> Place:
    """A place of the game at a shore, and its water."""
    game, parts = scouted(SIZE, 3, 40, 20.0, biome="beach", time_of_day=0.2, weather="clear")
    lattice = lattice_of(*parts[1:], VIEW)
    assert lattice is not None
    water = water_of(*parts, VIEW, lattice)
    assert water is not None
    return game, lattice, water


def told_of(lattice: Lattice, eye: torch.Tensor, view: torch.Tensor) -> Cast:
    told = cast([lattice], eye[None, None], view[None, None], SIZE, VIEW)
    assert told is not None and told.wet is not None, "there is water"
    return told


def nothing_shown(known: bool = False) -> Shown:
    """Of one eye, all black."""
    nothing = torch.full((1, 1, 1, *SIZE), known)
    near = torch.full((1, 1, 1, *SIZE), NOTHING)
    return Shown(torch.full((1, 1, 3, *SIZE), -1.0), near, nothing, nothing, nothing)


def test_water_is_the_games_from_anywhere(place: Place) -> None:
    game, lattice, water = place
    errors, plain = [], []
    for aside, yaw in product((0.0, 3.0, -4.0), range(0, 360, 45)):
        eye, view = np.array([aside, 1.5, 0.0], np.float32), np.array([25.0, yaw], np.float32)
        truth, depth = look_from(game, eye, view)
        told = told_of(lattice, torch.from_numpy(eye), torch.from_numpy(view))
        assert told.wet is not None
        near = torch.from_numpy(1 / depth).float()
        wet = told.wet[0, 0] & ((near - told.near[0, 0]).abs() < 0.1 * near + 0.004)
        if int(wet.sum()) < 100:
            continue
        parts = torch.from_numpy(eye)[None, None], torch.from_numpy(view)[None, None], torch.ones(1, 1), VIEW
        shown = with_water(nothing_shown(), [water], told, *parts)
        real = to_float(torch.from_numpy(truth)).movedim(-1, 0)[:, wet]
        assert shown.known[0, 0, 0][wet].all() and not shown.known[0, 0, 0][~told.wet[0, 0]].any()
        errors.append(float((shown.colors[0, 0][:, wet] - real).abs().mean()))
        plain.append(float((real - real.mean(1, keepdim=True)).abs().mean()))
    assert len(errors) >= 3, "water is seen from here"
    assert np.mean(errors) < 0.09 and np.mean(errors) < 0.8 * np.mean(plain), (errors, plain)


def test_what_was_seen_from_here_stays_by_a_share(place: Place) -> None:
    water = place[2]
    pool = torch.zeros(12, 24, 4, dtype=torch.uint8)
    pool[..., 0] = WHOLE * 9 // 10
    pond = Lattice(0.0, torch.tensor([-6.0, -2.0, -2.5]), pool, torch.full_like(pool, WHOLE))
    eye, view = torch.zeros(1, 1, 3), torch.tensor([[[30.0, 0.0]]])
    told = told_of(pond, eye[0, 0], view[0, 0])
    assert told.wet is not None
    wet = told.wet[0, 0]
    assert 0.2 < float(wet.float().mean()) < 1

    def shown(share: float, known: bool) -> torch.Tensor:
        found = with_water(nothing_shown(known), [water], told, eye, view, torch.full((1, 1), share), VIEW)
        assert (found.colors[0, 0][:, ~wet] == -1).all() and (found.near[0, 0, 0][wet] == told.near[0, 0][wet]).all()
        return found.colors[0, 0][:, wet]

    whole = shown(1.0, True)
    assert (shown(0.0, True) == -1).all() and torch.allclose(shown(0.0, False), whole)
    assert torch.allclose(shown(0.5, True), (whole - 1) / 2, atol=1e-5)
    before = nothing_shown()
    assert with_water(before, [None], told, eye, view, torch.ones(1, 1), VIEW) is before
    assert with_water(before, [water], None, eye, view, torch.ones(1, 1), VIEW) is before


def test_what_lies_on_the_floor_stays_where_it_is() -> None:
    """Seen from above, from two sides: a bright stone on a dark floor."""
    pool = torch.zeros(40, 40, 4, dtype=torch.uint8)
    pool[..., 0] = WHOLE * 9 // 10
    pond = Lattice(0.0, torch.tensor([-20.0, -20.0, -2.5]), pool, torch.full_like(pool, WHOLE))
    places = torch.tensor([[-2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [2.0, 0.0, 0.0], [0.0, -2.0, 0.0], [1.0, 1.0, 0.0]])
    views = torch.tensor([[50.0, 90.0], [50.0, 180.0], [50.0, 270.0], [50.0, 0.0], [50.0, 225.0]])
    ways = rays(SIZE, VIEW, torch.device("cpu"))
    pictures, nears = [], []
    for place, view in zip(places, views, strict=True):
        near = told_of(pond, place, view).near[0, 0]
        angle, yaw = torch.deg2rad(view)
        right, down, ahead = ways
        onward, below = ahead * angle.cos() - down * angle.sin(), down * angle.cos() + ahead * angle.sin()
        deep = (1.6 + 0.9) / below.clamp(min=0.01)
        x = place[0] + deep * (right * yaw.cos() + onward * yaw.sin())
        y = place[1] + deep * (onward * yaw.cos() - right * yaw.sin())
        stone = (x.abs() < 0.6) & (y.abs() < 0.6)
        pictures.append(torch.where(stone, 200, 60).to(torch.uint8)[..., None].expand(-1, -1, 3))
        nears.append(near)
    water = water_of(torch.stack(pictures[:4]), torch.stack(nears[:4]), places[:4], views[:4], VIEW, pond)
    assert water is not None
    parts = places[4][None, None], views[4][None, None], torch.ones(1, 1), VIEW
    seen = with_water(nothing_shown(), [water], told_of(pond, places[4], views[4]), *parts)
    bright = (seen.colors[0, 0].mean(0) + 1) * 127.5
    stone = pictures[4][..., 0] == 200
    assert float(bright[stone].mean()) > float(bright[~stone & seen.known[0, 0, 0]].mean()) + 50


def test_a_dry_place_has_no_water() -> None:
    dry = torch.full((4, 4, 2), WHOLE, dtype=torch.uint8)
    parts = torch.zeros(1, *SIZE, 3, dtype=torch.uint8), torch.full((1, *SIZE), 0.5), torch.zeros(1, 3), torch.zeros(1, 2)
    assert water_of(*parts, VIEW, Lattice(0.0, torch.zeros(3), dry, dry)) is None
    wet = dry.clone()
    wet[..., 1] = 90
    assert water_of(*parts, VIEW, Lattice(0.0, torch.tensor([50.0, 50.0, 0.0]), wet, dry)) is None, "nobody sees it"
