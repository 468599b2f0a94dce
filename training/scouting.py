"""Scouting: what dreams are told of places of the game, as of the places that come with a world: what they look like from many
spots that one can walk to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from simworld.model import sampler
from simworld.model.album import Album, given_album
from simworld.model.checkpoint import load_world
from simworld.model.daylight import lit
from simworld.model.masonry import lattice_of
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.model.world import World
from simworld.training.lane import DAYLIGHT, NUM_TRAINING_SEEDS, WEATHERS
from simworld.training.stream import VOXEL_BIOMES, VOXEL_GAME, load

VOXEL_SCOUT, VOXEL_PANORAMA = "simworld.env.voxel.scout:", "simworld.env.panoramas:panorama"
SPOTS, RADIUS = 84, 28.0
"""From so many spots, within so many blocks, the shipped places were seen."""
INSIDE = 0.06
"""Blocks: whose eye is nearer to something than so is in it."""


@dataclass(frozen=True)
class Scouted:
    """Of a place. frames: uint8 [n, h, w, 3]. near: float32 [n, h, w]. places: float32 [n, 3]. views: float32 [n, 2], all as
    `env.sightings` has them. around: uint8 [p, 2p, 3], what lies around. pitch: how far down the player looks, degrees.
    daylight: float32 [5], as `WorldEnv.reset` has it."""

    frames: np.ndarray
    near: np.ndarray
    places: np.ndarray
    views: np.ndarray
    around: np.ndarray
    pitch: float
    daylight: np.ndarray


@lru_cache(maxsize=1)
def world_and_game(name: str) -> tuple[World, Any]:
    """A world, and the game in pictures of its size; the same ones as long as the same is asked for."""
    with torch.inference_mode(False):  # whoever asks first, its weights are packed alike
        world = load_world(find_world(name), fastest_dtype("cpu"))
    return world, load(VOXEL_GAME)(world.config.height, world.config.width)


def go_anywhere(game: Any, rng: np.random.Generator) -> None:
    """Begin the game anew in a training world: in any biome and weather, by day or night."""
    game.reset(int(rng.integers(NUM_TRAINING_SEEDS)))
    weather = str(rng.choice(list(WEATHERS), p=list(WEATHERS.values())))
    hour = float(rng.random() * (DAYLIGHT if rng.random() < DAYLIGHT else 1))
    game.set_conditions(biome=str(rng.choice(load(VOXEL_BIOMES))), time_of_day=hour, weather=weather, respawn=True)


def scouted(game: Any, num_spots: int = SPOTS, radius: float = RADIUS) -> Scouted:
    """What the game looks like from where the player is and from spots about; it is as it was afterwards."""
    seen = load(VOXEL_SCOUT + "scout")(game, num_spots, radius)
    around, daylight = load(VOXEL_PANORAMA)(game), load(VOXEL_SCOUT + "daylight")(game)
    return Scouted(seen.frames, seen.near, seen.places, seen.views, around, float(game.pose[4]), daylight)


def tell(world: World, context: sampler.Context, places: Sequence[Scouted], all_told: Sequence[bool] | None = None) -> None:
    """Tell dreams that have begun in such places what lies around, and those of `all_told`, or all, what was scouted."""
    albums = dict[int, Album]()
    for place in places:
        if id(place) not in albums:
            albums[id(place)] = _album(world, place)
    told = [True] * len(places) if all_told is None else all_told
    each = [albums[id(place)] if tell else Album() for place, tell in zip(places, told, strict=True)]
    around = torch.from_numpy(np.stack([place.around for place in places])).to(world.device)
    pitch = torch.tensor([place.pitch for place in places], device=world.device)
    daylight = torch.from_numpy(np.stack([place.daylight for place in places])).to(world.device)
    sampler.surround(world, context, around, pitch, each, lit(daylight, world.day))


def _album(world: World, place: Scouted) -> Album:
    parts = (place.frames, place.near, place.places, place.views)
    frames, near, places, views = (torch.from_numpy(part).to(world.device) for part in parts)
    field_of_view = world.config.autoencoder.field_of_view
    lattice, around = lattice_of(near, places, views, field_of_view), torch.from_numpy(place.around).to(world.device)
    wet = lit(torch.from_numpy(place.daylight)[None], 0).is_wet
    return given_album(frames, near, places, views, field_of_view, lattice, around, wet)
