"""Gathering: where pictures show what an eye sees, of small pictures whose pixels can be counted."""

from typing import Any

import numpy as np
import pytest
from numba.core import caching

from simworld.model.compiled import compiled
from simworld.model.gathering import COARSE, close_crevices, land, look_up
from simworld.model.projection import NOTHING

SIZE = H, W = 24, 40
CELLS = H // COARSE, W // COARSE
FOCAL = 20.0


def ways() -> np.ndarray:
    """Of pixels that are as wide as high, with 20 of them to a block at one block's distance."""
    right, down = np.meshgrid(np.arange(W) + 0.5 - W / 2, np.arange(H) + 0.5 - H / 2)
    return np.stack([right / FOCAL, down / FOCAL, np.ones(SIZE)]).astype(np.float32)


def moves(*shifts: tuple[float, float]) -> np.ndarray:
    """Of pictures to whose right, and ahead of which, an eye is so far, and looks as they do."""
    found = np.zeros((len(shifts), 3, 4), np.float32)
    found[:, [0, 1, 2], [0, 1, 2]] = FOCAL, FOCAL, 1
    for number, (right, ahead) in enumerate(shifts):
        found[number, 0, 3], found[number, 2, 3] = -FOCAL * right, -ahead
    return found


def landed(pictures: np.ndarray, *shifts: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    near, source = np.empty(CELLS, np.float32), np.empty(CELLS, np.float32)
    land(ways(), pictures, moves(*shifts), near, source)
    return near, source


def walls(*near: float) -> np.ndarray:
    return np.stack([np.full(SIZE, each, np.float32) for each in near])


def test_points_land_where_they_lie_and_come_nearer() -> None:
    """A wall four blocks ahead, of which the eye sees one that goes on beyond the picture's border."""
    near, source = landed(walls(0.25, NOTHING), (0.0, 2.0), (0.0, 0.0))
    assert np.allclose(near[:, 1:-1], 0.5) and (source == 0).all(), "no holes, though points lie twice as far apart"
    near, source = landed(walls(0.25, NOTHING), (2.0, 0.0), (0.0, 0.0))
    assert (source[:, :15] == 0).all() and np.allclose(near[:, :15], 0.25), "what is left of the eye moves out of view"
    assert not (near[:, 16:] > 0).any(), "nobody has seen what comes into view"


def test_what_is_in_front_hides_what_the_first_picture_shows() -> None:
    still = (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)
    pictures = walls(0.25, NOTHING, 0.3)
    pictures[1, 8:16, 10:30] = 1.0
    pictures[2, 20, 30] = 1.0  # a speck
    near, source = landed(pictures, *still)
    assert (source[5:7, 7:13] == 1).all() and np.allclose(near[5:7, 7:13], 1.0)
    assert (source[:3] == 0).all() and (source[9:] == 0).all(), "a little nearer is no other thing, and a speck is mistaken"


def looked_up(pictures: np.ndarray, close: float, *shifts: tuple[float, float], sure: bool = False) -> tuple[np.ndarray, ...]:
    near, source = np.full(SIZE, close, np.float32), np.zeros(SIZE, np.float32)
    x, y, known, finer = (np.empty(SIZE, kind) for kind in (np.float32, np.float32, np.bool_, np.float32))
    look_up(ways(), pictures, moves(*shifts), source, np.full(SIZE, sure), near, x, y, known, finer)
    return near, x, y, known, finer


def test_a_pixel_is_looked_up_where_its_picture_shows_it() -> None:
    pictures = walls(0.25, NOTHING)
    _, x, y, known, _ = looked_up(pictures, 0.25, (-2.0, 0.0), (0.0, 0.0))
    assert np.allclose(x, np.arange(W) + 0.5 + 10, atol=1e-4) and np.allclose(y, np.arange(H)[:, None] + 0.5, atol=1e-4)
    assert known[2:-2, :27].all() and not known[:, 29:].any() and not known[0].any(), "nor is what lies at its border"
    assert not looked_up(pictures, 1.0, (-2.0, 0.0), (0.0, 0.0))[3].any(), "there it sees something far behind"
    assert np.allclose(looked_up(pictures, 0.27, (0.0, 0.0), (0.0, 0.0))[0], 0.25), "the picture knows better how near it is"
    assert np.allclose(looked_up(pictures, 0.27, (0.0, 0.0), (0.0, 0.0), sure=True)[0], 0.27), "but than what is sure"


def test_a_pixel_is_as_many_of_its_pictures_pixels_wide_as_it_is_nearer_there() -> None:
    pictures = walls(0.25, NOTHING)
    finer = looked_up(pictures, 0.5, (0.0, -2.0), (0.0, 0.0))[4]
    assert np.allclose(finer, 0.5, atol=1e-3), "it was seen from twice as far"
    near, source = np.full(SIZE, 0.25, np.float32), np.zeros(SIZE, np.float32)
    source[4, 4], near[8:, 20:] = 1, 0.125
    x, y, known, finer = (np.empty(SIZE, kind) for kind in (np.float32, np.float32, np.bool_, np.float32))
    look_up(ways(), pictures, moves((0.0, 0.0), (0.0, 0.0)), source, np.full(SIZE, True), near, x, y, known, finer)
    assert finer[4, 4] == 0, "nothing beside it is of its picture"
    finer[4, 4] = 1
    assert np.allclose(finer, 1, atol=1e-3), "of those beside it that are as near one is enough"


def test_crevices_are_filled_with_what_is_beside_them_and_as_near() -> None:
    shape = (1, *SIZE)
    colors, near = np.zeros((1, 3, *SIZE), np.float32), np.full(shape, 0.5, np.float32)
    colors[0, :, :, 20:] = 1.0
    known, sure = np.ones(shape, np.bool_), np.ones(shape, np.bool_)
    known[0, 5:8, 4:12] = False  # three pixels wide
    known[0, 12:20, 4:12] = False  # a hole
    known[0, 22] = False
    sure[0, 22] = False
    kept, real = known.copy(), known.copy()
    real[0, :, 20:] = False
    near[0, 6, 30] = 2.0
    known[0, 6, 30] = False
    close_crevices(colors, known, kept, real, near, sure)
    assert known[0, 5:8, 4:12].all() and kept[0, 6, 6] and real[0, 6, 6] and (colors[0, :, 5:8, 4:12] == 0).all()
    assert not known[0, 15, 7], "what is wider is no crevice"
    assert not known[0, 22].any(), "nobody is sure how near that is"
    assert not known[0, 6, 30], "what is beside it is far behind it"


def product(one: np.ndarray, factor: float) -> float:
    total = 0.0
    for each in one:
        total += factor * each
    return total


def test_compiled_functions_are_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is nowhere to keep it."""
    for kept in (True, False):
        if not kept:
            monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
        made: Any = compiled(product)
        assert made(np.arange(4.0), 2.0) == 12 and len(made.signatures) == 1
