"""Close-ups: what is shown of places of the game that were seen from some spots, and what the game shows. `train_grain` learns
from it.

A store is a folder: `frames.npy` and `truth.npy` uint8 [n, h, w, 3], `near.npy` float16 [n, h, w] and `spots.npy` int16
[n, h, w], as in `Closeups`; memory-mapped, and written aside until all is there. Places and eyes are a function of the seed
alone.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from simworld.model.album import given_album
from simworld.model.eye import looked_up, nothing_known
from simworld.model.faces import seen_faces, spots
from simworld.model.masonry import lattice_of
from simworld.model.pixels import to_uint8
from simworld.model.projection import NOTHING
from simworld.model.registration import averaged
from simworld.model.scenery import Shown
from simworld.model.world import World
from simworld.tasks import turned
from simworld.training.ahead import made_ahead
from simworld.training.array_store import Items, Layout, kept
from simworld.training.scouting import INSIDE, RADIUS, VOXEL_SCOUT, go_anywhere, world_and_game
from simworld.training.stream import load

NAMES = ("frames", "truth", "near", "spots")
ASIDE = 0.3
"""Blocks to each side of the middles of cells in which eyes are."""
LEVEL, TILT, STEEPEST = 14.0, 22.0, (-40.0, 80.0)
"""Degrees that eyes look down: their mean, how much they differ, and at most."""
WIDE = 33
"""Pixels about, whose mean is seen where nothing is known."""


@dataclass(kw_only=True)
class CloseupsConfig:
    """`num_pictures`, `num_eyes` of each place, which is known from up to `num_spots` spots within `radius` blocks."""

    folder: str = "runs/closeups"
    world: str = "small"
    num_pictures: int = 12_000
    num_eyes: int = 40
    num_spots: int = 56
    radius: float = RADIUS
    num_workers: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Closeups:
    """frames: what is shown, restored. truth: what the game shows. near: how near that is, below 0 where it is not known.
    spots: as `faces.spots` tells."""

    frames: np.ndarray
    truth: np.ndarray
    near: np.ndarray
    spots: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)


def closeups(config: CloseupsConfig) -> Closeups:
    """The store of `config`, filled first where there is none. ValueError for a store of fewer pictures."""

    def begin() -> tuple[Layout, Items]:
        world, _ = world_and_game(config.world)
        size = (world.config.height, world.config.width)
        pictures: Layout = {name: ((*size, 3), np.uint8) for name in NAMES[:2]}
        layout = {**pictures, "near": (size, np.float16), "spots": (size, np.int16)}
        return layout, made_ahead(partial(seen_close, config), config.num_workers)

    return Closeups(*kept(Path(config.folder), NAMES, config.num_pictures, "pictures", begin))


@torch.inference_mode()
def seen_close(config: CloseupsConfig, number: int) -> list[tuple[np.ndarray, ...]]:
    """The pictures of a place of this number; none where it is not made of blocks."""
    world, game = world_and_game(config.world)
    rng = np.random.default_rng([config.seed, number])
    go_anywhere(game, rng)
    field_of_view = world.config.autoencoder.field_of_view
    seen = load(VOXEL_SCOUT + "scout")(game, int(rng.integers(config.num_spots // 4, config.num_spots + 1)), config.radius)
    frames, near, places, views = (torch.from_numpy(part) for part in (seen.frames, seen.near, seen.places, seen.views))
    lattice = lattice_of(near, places, views, field_of_view)
    if lattice is None:
        return []
    album = given_album(frames, near, places, views, field_of_view, lattice)
    heading = float(load(VOXEL_SCOUT + "daylight")(game)[1])
    cells = load(VOXEL_SCOUT + "reached")(game, config.radius)
    yaw = float(game.pose[3])
    found: list[tuple[np.ndarray, ...]] = []
    for _ in range(config.num_eyes):
        aside, up, onward = cells[rng.integers(len(cells))] - cells[0]
        place = np.array([*turned(-aside, onward, -yaw), up], np.float32)
        place[:2] += rng.uniform(-ASIDE, ASIDE, 2)
        view = np.array([np.clip(rng.normal(LEVEL, TILT), *STEEPEST), rng.uniform(-180, 180)], np.float32)
        truth, depth = load(VOXEL_SCOUT + "look_from")(game, place, view)
        if depth.min() < INSIDE:
            continue
        eye = torch.from_numpy(place)[None, None], torch.from_numpy(view)[None, None]
        _, shown = looked_up([album], nothing_known(world, 1), *eye, torch.zeros(1, 2), field_of_view)
        assert shown.sure is not None, "there is a lattice"
        known, faces = (torch.where(part, shown.near, NOTHING)[0, :, 0] for part in (shown.sure | shown.known, shown.sure))
        where = spots(*seen_faces(lattice, eye[0][0], eye[1][0], faces, field_of_view), lattice.turn, heading)
        picture = to_uint8(_restored(world, shown)[0, 0])
        found.append((picture.numpy(), truth, known[0].half().numpy(), where[0].short().numpy()))
    return found


def _restored(world: World, shown: Shown) -> torch.Tensor:
    """What is shown, and about as it is where that is not known, restored where the world can."""
    known, colors = shown.known.flatten(0, 1).float(), shown.colors.flatten(0, 1)
    about, much = averaged(known * colors, WIDE), averaged(known, WIDE)
    colors = torch.where(known > 0, colors, about / much.clamp(min=1e-3)).clamp(-1, 1)
    frames = colors.movedim(1, -1)[None]
    return frames if world.restorer is None else world.restorer(frames, shown)
