"""What a picture of the reference game shows, by the game's own account: which place, which hour, which weather.

A place is what lies in view, not the ground under the player's feet: of the picture's pixels that are near enough to be made
out, the share that belongs to each biome. Who looks across a river from a meadow into a desert is shown a desert. Games are
known by name only, as in `stream`; no network is known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simworld.training.lane import WEATHERS
from simworld.training.stream import VOXEL_BIOMES, load

KINDS = ("place", "time", "weather")
VOXEL_FACTS = "simworld.env.voxel.captions:see"
VOXEL_FIELD_OF_VIEW = "simworld.env.voxel.render:FIELD_OF_VIEW"
HOURS = {
    "sunrise": "low sun",
    "morning": "day",
    "noon": "day",
    "afternoon": "day",
    "sunset": "low sun",
    "night": "night",
    "midnight": "night",
}
"""The game's names of hours by what can be told apart in a picture that does not show the sun."""
CAVE, UNDERWATER = "cave", "underwater"
"""Places that hide hour and weather. What is seen under water is the sea: rivers look the same from below."""
OCEAN, BEACH = "ocean", "beach"
"""As much sea as there is beach in view is a part of the beach."""
EVERY = 4
"""Pixels from one whose place is looked up to the next, to the side and down."""
FAR = 48.0
"""Blocks away from which on a place is lost in the fog."""
NEAR, WALLED = 2.0, 0.5
"""A picture more than half of which is nearer than two blocks shows a wall, and tells of nothing."""
CLEARLY = 0.6
"""The share from which on something is shown."""


@dataclass(frozen=True)
class View:
    """frame: uint8 [h, w, 3]. shares: for each kind of fact float32 [classes], that sum to 1, or to 0 where the picture does
    not tell."""

    frame: np.ndarray
    shares: dict[str, np.ndarray]

    @property
    def tells(self) -> bool:
        """Whether it tells of anything."""
        return any(share.any() for share in self.shares.values())


def classes() -> dict[str, list[str]]:
    """For each kind of fact the names that are told apart."""
    return {"place": [*load(VOXEL_BIOMES), CAVE], "time": list(dict.fromkeys(HOURS.values())), "weather": list(WEATHERS)}


def view(game: Any) -> View:
    """What the game shows now."""
    frame, depth = game.look()
    facts = load(VOXEL_FACTS)(game)
    told: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    if facts.place in (CAVE, UNDERWATER):
        told["place"] = {CAVE if facts.place == CAVE else OCEAN: 1.0}
    elif (depth < NEAR).mean() < WALLED:
        told = {"place": _places(game, depth), "time": {HOURS[facts.time]: 1.0}, "weather": {facts.weather: 1.0}}
    names = classes()
    return View(frame, {kind: np.array([told[kind].get(name, 0) for name in names[kind]], np.float32) for kind in KINDS})


def show(views: Sequence[View], kind: str, name: str) -> bool:
    """Whether the pictures, taken together, clearly show that the `kind` of their scene is `name`."""
    return share(views, kind, name) >= CLEARLY


def share(views: Sequence[View], kind: str, name: str) -> float:
    """How much of the pictures, taken together, shows that the `kind` of their scene is `name`, from 0 to 1."""
    return float(np.mean([view.shares[kind] for view in views], 0)[classes()[kind].index(name)])


def _places(game: Any, depth: np.ndarray) -> dict[str, float]:
    """The share of each biome among what a picture shows that is not too far away; of a few pixels. Empty where all is far."""
    height, width = depth.shape
    rows, columns = np.arange(EVERY // 2, height, EVERY), np.arange(EVERY // 2, width, EVERY)
    pixel = 2 * math.tan(math.radians(load(VOXEL_FIELD_OF_VIEW) / 2)) / height
    right, down = (columns + 0.5 - width / 2) * pixel, (rows[:, None] + 0.5 - height / 2) * pixel
    x, _, z, yaw, pitch = game.eye_pose
    yaw, pitch = math.radians(yaw), math.radians(pitch)
    away = depth[np.ix_(rows, columns)].astype(np.float64)
    ahead = away * (math.cos(pitch) - down * math.sin(pitch))
    found_x = x - ahead * math.sin(yaw) - away * right * math.cos(yaw)
    found_z = z + ahead * math.cos(yaw) - away * right * math.sin(yaw)
    cells = [np.floor(found[away < FAR]).astype(np.int64) % len(game.terrain.biome) for found in (found_x, found_z)]
    biomes: tuple[str, ...] = load(VOXEL_BIOMES)
    counts = np.bincount(game.terrain.biome[cells[0], cells[1]], minlength=len(biomes))
    shares = dict(zip(biomes, (counts / max(1, counts.sum())).tolist(), strict=True))
    shore = min(shares[OCEAN], shares[BEACH])
    return {**shares, OCEAN: shares[OCEAN] - shore, BEACH: shares[BEACH] + shore}
