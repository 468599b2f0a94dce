"""Where the eye went between two pictures of the game, told by how what it saw moved."""

import numpy as np
import pytest
import torch

from simworld.env.voxel.game import Game
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.env.voxel.scout import look_from
from simworld.model.projection import NOTHING
from simworld.model.tracking import GUESS, tracked

WENT = ((0.1, 0.2, 0.0, 0.0, 0.0), (-0.15, 0.05, 0.12, 3.0, -8.0), (0.0, -0.2, -0.1, -2.0, 5.0))
"""Blocks to the right, ahead and up; degrees down and to the right."""


@pytest.fixture(scope="module")
def game() -> Game:
    game = Game()
    game.reset(4, biome="forest", time_of_day=0.2, weather="clear")
    return game


def looked(game: Game, place: np.ndarray, view: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture from there, and how near what it shows is."""
    frame, depth = look_from(game, place, view)
    near = np.where(depth < 1e8, 1 / np.maximum(depth, 1e-3), 0).astype(np.float32)
    return torch.from_numpy(frame).movedim(-1, 0)[None] / 127.5 - 1, torch.from_numpy(near)[None, None]


def told(game: Game, cover: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Where eyes are held to be that went so, and where they are. cover: something fixed to the camera hides a third of all."""
    start, level = np.zeros(3, np.float32), np.array([8.0, 0.0], np.float32)
    before, near = looked(game, start, level)
    shown, free = [], torch.ones(1, 1, *near.shape[2:], dtype=torch.bool)
    for right, ahead, above, down, aside in WENT:
        place, view = np.array([right, ahead, above], np.float32), level + np.array([down, aside], np.float32)
        shown.append((looked(game, place, view)[0][0], torch.from_numpy(place), torch.from_numpy(view)))
    after, places, views = (torch.stack(part) for part in zip(*shown, strict=True))
    if cover:
        free[..., 60:, 50:] = False
        near = torch.where(free, near, NOTHING)
        before, after = (torch.where(free, part, 0.7) for part in (before, after))
    b = len(WENT)
    eye = torch.zeros(b, 3), torch.from_numpy(level).expand(b, 2)
    parts = (part.expand(b, -1, -1, -1) for part in (before, near))
    return tracked(*parts, after, free.expand(b, -1, -1, -1), eye, (torch.zeros(b, 3), views), FIELD_OF_VIEW), places


@pytest.mark.parametrize("cover", [False, True])
def test_the_eye_is_where_it_sees_what_it_saw_before(game: Game, cover: bool) -> None:
    """Who was held to have stood still is off by 0.2 blocks at most, and by 0.1 in the mean."""
    found, true = told(game, cover)
    apart = (found - true).abs()
    assert apart.max() < 0.09 and apart.mean() < 0.02, found


def test_who_sees_nothing_near_is_where_they_are_held_to_be() -> None:
    nothing, free = torch.zeros(1, 1, 32, 48), torch.ones(1, 1, 32, 48, dtype=torch.bool)
    picture, guess = torch.rand(1, 3, 32, 48), (torch.tensor([[GUESS, 0.0, -0.3]]), torch.zeros(1, 2))
    found = tracked(picture, nothing, picture.flip(2), free, (torch.zeros(1, 3), torch.zeros(1, 2)), guess, FIELD_OF_VIEW)
    assert torch.allclose(found, guess[0])
