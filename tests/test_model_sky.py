"""The sky of a place: off pictures that each show it from elsewhere, for eyes that see it from anywhere, later."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from simworld.env.panoramas import panorama
from simworld.env.voxel.game import Game
from simworld.env.voxel.scout import daylight, look_from
from simworld.model.camera import directed
from simworld.model.daylight import drifted, lit, passed, unknown
from simworld.model.eye import _share
from simworld.model.lattice import Cast
from simworld.model.masonry import lattice_of
from simworld.model.pixels import to_float
from simworld.model.projection import NOTHING
from simworld.model.scenery import Shown
from simworld.model.sky import CELL, CELLS, Sky, sky_of, with_sky
from tests.scouted import scouted

SIZE, VIEW = (96, 160), 70.0
SKY = 1e8
"""Blocks: farther away is nothing."""
Place = tuple[Game, Sky]


@pytest.fixture(scope="module")
def place() -> Place:
    """A place of the game on a clear morning, and its sky."""
    game, parts = scouted(SIZE, 3, 24, 20.0, biome="desert", time_of_day=0.15, weather="clear")
    sky = sky_of(*parts, VIEW, lattice_of(*parts[1:], VIEW), torch.from_numpy(panorama(game)))
    assert sky is not None
    return game, sky


def off(place: Place, eye: np.ndarray, view: np.ndarray, drift: torch.Tensor) -> float:
    """How far, of 255, the sky is off that the game shows now, in the mean."""
    game, sky = place
    truth, depth = look_from(game, eye, view)
    seen = sky.seen(torch.from_numpy(eye)[None], directed(torch.from_numpy(view)[None], SIZE, VIEW), drift)[0]
    apart = (seen.movedim(0, -1) - to_float(torch.from_numpy(truth))).abs().numpy()
    assert (depth > SKY).mean() > 0.2, "some sky is in view"
    return float(apart[depth > SKY].mean() * 127.5)


@pytest.mark.parametrize("yaw", [20.0, 110.0, 200.0, 290.0])
@pytest.mark.parametrize("pitch", [-5.0, -40.0])
def test_the_sky_is_the_games_from_anywhere(place: Place, pitch: float, yaw: float) -> None:
    view = np.array([pitch, yaw], np.float32)
    away = np.array([9.0, -7.0, 8.0], np.float32)
    assert off(place, np.zeros(3, np.float32), view, torch.zeros(2)) < 7
    assert off(place, away, view, torch.zeros(2)) < 7


def test_drops_in_pictures_do_not_hang_in_the_sky() -> None:
    rng, views = np.random.default_rng(0), torch.tensor([[-40.0, 15.0 * number] for number in range(24)])
    pictures = np.where(rng.random((24, *SIZE, 1)) < 0.01, 220, np.full((24, *SIZE, 3), 120)).astype(np.uint8)
    parts = torch.from_numpy(pictures), torch.zeros(24, *SIZE), torch.zeros(24, 3), views
    drops = []
    for wet in (False, True):
        sky = sky_of(*parts, VIEW, wet=wet)
        assert sky is not None
        seen = sky.seen(torch.zeros(1, 3), directed(views[:1], SIZE, VIEW), torch.zeros(2))
        drops.append(float((seen - seen.mean()).square().mean()))
    assert drops[1] < 0.5 * drops[0], drops


def test_clouds_drift_as_the_games(place: Place) -> None:
    game, _ = place
    light = passed(lit(torch.from_numpy(daylight(game))[None], 0), 600)
    before, hour = game.num_steps, game.time_of_day
    game.num_steps += 600
    views = [np.array([-20.0, yaw], np.float32) for yaw in (0.0, 90.0, 180.0, 270.0)]
    here = np.zeros(3, np.float32)
    drifting, standing = (
        np.mean([off(place, here, view, drift) for view in views]) for drift in (drifted(light)[0], torch.zeros(2))
    )
    game.num_steps = before
    assert game.time_of_day == hour and drifting < 7 < 12 < standing


def test_there_are_clouds_however_long_they_drift(place: Place) -> None:
    _, sky = place
    ways, here, width = directed(torch.tensor([[-30.0, 0.0]]), SIZE, VIEW), torch.zeros(1, 3), CELL * CELLS
    now, mirrored, later = (sky.seen(here, ways, torch.tensor([0.0, width * share])) for share in (0, 1, 2))
    assert torch.allclose(later, now, atol=0.02) and not torch.allclose(mirrored, now, atol=0.1)
    assert mirrored.diff(dim=2).abs().mean() > 0.3 * now.diff(dim=2).abs().mean()


def test_nobody_knows_whereto_clouds_drift_under_an_unknown_sun() -> None:
    assert not drifted(passed(unknown(2, torch.device("cpu")), 50)).any()


def test_a_place_without_sky_has_none() -> None:
    walls = torch.full((2, *SIZE), 0.5)
    pictures = torch.zeros(2, *SIZE, 3, dtype=torch.uint8)
    assert sky_of(pictures, walls, torch.zeros(2, 3), torch.zeros(2, 2), VIEW) is None


@pytest.fixture
def blue() -> Sky:
    """A sky without clouds."""
    still = torch.tensor([-1.0, 0.0, 1.0])[:, None, None]
    return Sky(still.expand(3, 180, 722).contiguous(), torch.zeros(3, 640, 640))


def shown_and_told() -> tuple[Shown, Cast]:
    """Of a level view: sky that was seen to the left, ground that was seen below it; what is to the right nobody has seen; in
    the middle a block is met."""
    near = torch.zeros(1, 1, 1, *SIZE)
    near[..., 60:, :] = 0.2
    known = torch.zeros_like(near, dtype=torch.bool)
    known[..., :80] = True
    shown = Shown(torch.full((1, 1, 3, *SIZE), 0.5), near, known, known, known, None, torch.zeros_like(known))
    met, clear = torch.full((1, 1, *SIZE), NOTHING), torch.full((1, 1, *SIZE), 0.04)
    met[..., 30:60, 70:90] = clear[..., 30:60, 70:90] = 0.3
    met[..., 60:, :] = clear[..., 60:, :] = 0.2
    return shown, Cast(met, clear)


def test_it_is_shown_where_no_block_is(blue: Sky) -> None:
    shown, told = shown_and_told()
    eyes = torch.zeros(1, 1, 3), torch.zeros(1, 1, 2)
    found = with_sky(shown, [blue], told, *eyes, torch.zeros(1, 2), VIEW)
    colors, whole = found.colors[0, 0], torch.tensor([-1.0, 0.0, 1.0])
    for row, column in ((5, 10), (5, 150), (40, 10), (40, 150)):
        assert torch.allclose(colors[:, row, column], whole, atol=1e-4) and bool(found.known[..., row, column])
        assert float(found.near[..., row, column]) == 0
    for row, column in ((80, 10), (80, 150), (45, 80)):
        assert (colors[:, row, column] == 0.5).all()
    assert torch.equal(found.known[..., 60:, :], shown.known[..., 60:, :])


def test_near_by_nothing_is_sky_that_nobody_has_seen_to_be(blue: Sky) -> None:
    shown, told = shown_and_told()
    bounded = replace(told, clear=torch.where(told.near < 0, 0.3, told.clear))
    eyes = torch.zeros(1, 1, 3), torch.zeros(1, 1, 2)
    found = with_sky(shown, [blue], bounded, *eyes, torch.zeros(1, 2), VIEW)
    assert torch.equal(found.colors, shown.colors)


def test_where_no_blocks_or_no_sky_are_known_all_stays(blue: Sky) -> None:
    shown, told = shown_and_told()
    eyes = torch.zeros(1, 1, 3), torch.zeros(1, 1, 2)
    assert with_sky(shown, [blue], None, *eyes, torch.zeros(1, 2), VIEW) is shown
    assert with_sky(shown, [None], told, *eyes, torch.zeros(1, 2), VIEW) is shown


def test_who_sees_nothing_real_but_the_sky_sees_nothing_real(blue: Sky) -> None:
    shown, told = shown_and_told()
    shown = replace(shown, real=torch.zeros_like(shown.real))
    found = with_sky(shown, [blue], told, torch.zeros(1, 1, 3), torch.zeros(1, 1, 2), torch.zeros(1, 2), VIEW)
    assert float(found.real.float().mean()) > 0.3
    everywhere = torch.ones(1, 1, *SIZE, dtype=torch.bool)
    assert float(_share(found.real, found, everywhere)) == 0
    assert 0.4 < float(_share(shown.known, found, everywhere)) < 0.6
    upper = everywhere.clone()
    upper[..., 28:, :] = False
    assert float(_share(found.real, found, upper)) == 1, "there is nothing but sky to see"
