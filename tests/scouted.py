"""Places of the game as dreams are told of them, for tests of what is read off them."""

from typing import Any

import torch
from torch import Tensor

from simworld.env.voxel.game import Game
from simworld.env.voxel.scout import scout


def scouted(size: tuple[int, int], seed: int, spots: int, radius: float, **conditions: Any) -> tuple[Game, tuple[Tensor, ...]]:
    """A game in such conditions, and what its place looks like: frames, near, places and views, as in `Sightings`."""
    game = Game(*size)
    game.reset(seed)
    game.set_conditions(**conditions, respawn=True)
    seen = scout(game, spots, radius)
    return game, tuple(torch.from_numpy(part) for part in (seen.frames, seen.near, seen.places, seen.views))
