"""Captions: what is to be seen and done in a game right now, said in one of many ways.

`see(game)` reads the facts off the game's state; `caption(game, rng)` chooses some of them and a wording. Wordings are
data, in captions.json, each list in two parts: "train", and "held_out", which is said only on demand and never in
training, to measure whether prompts unlike any training caption work. Knows no pictures.
"""

import functools
import importlib.resources
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simworld.actions import CAMERA, SLOT
from simworld.env.voxel import animals, interact
from simworld.env.voxel.blocks import (
    ACACIA_LEAVES,
    AIMABLE,
    BIRCH_LEAVES,
    BIRCH_LOG,
    BLOCKS,
    BLUE_FLOWER,
    BOX,
    CACTUS,
    ICE,
    LANTERN,
    LEAVES,
    LOG,
    RED_FLOWER,
    SNOWY_LEAVES,
    SOLID,
    SPRUCE_LEAVES,
    WATER,
    YELLOW_FLOWER,
)
from simworld.env.voxel.physics import EYE, GROUND, IN_WATER, PITCH, VY, YAW, X, Y, Z, block_at
from simworld.env.voxel.sight import SKY, survey

if TYPE_CHECKING:
    from simworld.env.voxel.game import Game

TIMES: tuple[tuple[str, float], ...] = (
    ("sunrise", 0.035), ("morning", 0.19), ("noon", 0.31), ("afternoon", 0.46), ("sunset", 0.535), ("night", 0.7),
    ("midnight", 0.8), ("night", 0.965), ("sunrise", 1.0),
)  # fmt: skip
"""The name of a time of day and where in [0, 1) it ends."""
SIGHTS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("trees", (LOG, LEAVES, BIRCH_LOG, BIRCH_LEAVES, SPRUCE_LEAVES, SNOWY_LEAVES, ACACIA_LEAVES), 0.08),
    ("water", (WATER,), 0.08),
    ("cactus", (CACTUS,), 0.015),
    ("flowers", (RED_FLOWER, YELLOW_FLOWER, BLUE_FLOWER), 0.02),
    ("ice", (ICE,), 0.03),
    ("lantern", (LANTERN,), 0.012),
)
"""What is worth a word: its name, its blocks, and the share of the view that it must fill."""
MASS_NOUNS = frozenset(
    {"dirt", "grass", "stone", "sand", "snow", "leaves", "planks", "cobblestone", "ice", "bricks", "gravel", "glass"}
    | {"clay", "bedrock", "sandstone", "tiles", "ore", "wool"}
)
"""Last words of block names that take no article."""
ANIMAL_NAMES = ("pig", "sheep", "cow", "chicken")
SIGHT_DISTANCE = 40.0
ANIMAL_DISTANCE = 20.0
SEEN = np.array([block.hardness > 0 or block.id == WATER for block in BLOCKS])

MENTION = {"place": 0.93, "time": 0.75, "falling": 0.85, "clear": 0.2, "near": 0.3, "doing": 0.22, "holding": 0.08}
"""How likely each fact is to be mentioned where it holds; "falling" is rain, snow or storm."""


@dataclass(frozen=True)
class Facts:
    """Keys of captions.json (`near`: several, in view), and the blocks that things are done to."""

    place: str
    time: str
    weather: str
    near: tuple[str, ...]
    doing: str
    target: str
    held: str


@functools.cache
def _wordings() -> dict[str, Any]:
    text = importlib.resources.files("simworld.env.voxel").joinpath("captions.json").read_text("utf-8")
    return dict(json.loads(text))


def time_name(time_of_day: float) -> str:
    """What a person calls a time of day in [0, 1): one of the names in TIMES."""
    return next(name for name, end in TIMES if time_of_day < end)


def see(game: "Game") -> Facts:
    """The facts of this moment."""
    body = game.body
    eye = (body[X], body[Y] + body[EYE], body[Z])
    ids, distances = survey(game.blocks, SEEN, BOX, eye, body[YAW], body[PITCH], SIGHT_DISTANCE)
    near = [name for name, blocks, share in SIGHTS if np.isin(ids, blocks).mean() >= share]
    near += _animals_in_view(game, eye) + _landmarks_in_view(game)
    place = game.biome
    if block_at(game.blocks, *eye) == WATER:
        place, near = "underwater", []
    elif not (ids == SKY).any() and distances.mean() < 9 and _roofed(game, eye):
        place = "cave"
    elif "trees" in near and (
        place == "snow" or (place in ("taiga", "forest", "birch forest") and game.weather.name == "snow")
    ):
        place = "snowy forest"
    target = ""
    if game.hit[interact.HIT]:
        _, x, y, z = game.hit[: interact.HIT_Z + 1]
        target = _with_article(BLOCKS[game.blocks[x & 255, y, z & 255]].name)
    held = _with_article(BLOCKS[game.held].name)
    return Facts(place, time_name(game.time_of_day), game.weather.name, tuple(near), _doing(game), target, held)


def caption(game: "Game", rng: np.random.Generator, held_out: bool = False) -> str:
    """A few words to two sentences on this moment of `game`, chosen by `rng`; `held_out`: in words never used else."""
    return phrase(see(game), rng, held_out)


def phrase(facts: Facts, rng: np.random.Generator, held_out: bool = False) -> str:
    """Say some of the facts in words."""
    say = _speaker(rng, held_out)

    def mention(fact: str) -> bool:
        return bool(rng.random() < MENTION[fact])

    told = [
        *(["place"] if mention("place") else []),
        *(["time"] if mention("time") else []),
        *(["weather"] if mention("clear" if facts.weather == "clear" else "falling") else []),
    ] or ["place"]
    core = _core(told, facts.place, facts.time, facts.weather, say)
    if facts.near and mention("near"):
        names = list(rng.permutation(facts.near)[: int(rng.integers(1, 3))])
        core = say("more", "near").format(core=core, near=" and ".join(say("near", name) for name in names))
    if mention("holding"):
        core = say("more", "holding").format(core=core, holding=say("holding").format(held=facts.held))
    if mention("doing"):
        doing = say("doing", facts.doing).format(held=facts.held, target=facts.target)
        core = say("more", "doing").format(core=core, doing=doing)
        return ". ".join(part[:1].upper() + part[1:] for part in core.split(". "))
    return core if rng.random() < 0.7 else core[:1].upper() + core[1:]


def ask(kind: str, name: str, rng: np.random.Generator, held_out: bool = False) -> str:
    """Words for one fact alone, as a player types them: `kind` is "place", "time" or "weather", `name` one of its keys in
    captions.json. ValueError for another."""
    if kind not in ("place", "time", "weather") or name not in _wordings()[kind]:
        raise ValueError(f"there are no words for {kind} {name!r} in captions.json")
    facts = {"place": "plains", "time": "noon", "weather": "clear", kind: name}
    return _core([kind], facts["place"], facts["time"], facts["weather"], _speaker(rng, held_out))


def _speaker(rng: np.random.Generator, held_out: bool) -> Callable[..., str]:
    """Chooses one of the wordings under a path of keys."""

    def say(*path: str) -> str:
        choices: Any = _wordings()
        for key in path:
            choices = choices[key]
        return str(rng.choice(choices["held_out" if held_out else "train"]))

    return say


def _core(told: list[str], place: str, time: str, weather: str, say: Callable[..., str]) -> str:
    """The facts that are `told` of place, time and weather, in words."""
    a = say("place", place)
    bare = a.split(" ", 1)[1] if a.startswith(("a ", "an ", "the ")) else a
    return say("core", " ".join(told)).format(
        a=a,
        bare=bare,
        the=f"the {bare}",
        at=say("time", time, "at"),
        tnoun=say("time", time, "noun"),
        wnoun=say("weather", weather, "noun"),
        wadv=say("weather", weather, "adverb"),
        wadj=say("weather", weather, "adjective"),
        wclause=say("weather", weather, "clause"),
    )


def _with_article(name: str) -> str:
    if name.split(" ")[-1] in MASS_NOUNS:
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _roofed(game: "Game", eye: tuple[float, float, float]) -> bool:
    x, y, z = (int(math.floor(at)) for at in eye)
    above = game.blocks[x & 255, max(0, y) :, z & 255]
    return int(SOLID[above].sum()) >= 3


def _in_view(game: "Game", x: float, z: float) -> float:
    """Distance to a column if it lies ahead, else infinity."""
    away_x, away_z = x - game.body[X], z - game.body[Z]
    bearing = math.degrees(math.atan2(-away_x, away_z))
    aside = (bearing - game.body[YAW] + 180) % 360 - 180
    return math.hypot(away_x, away_z) if abs(aside) < 40 and abs(game.body[PITCH]) < 35 else math.inf


def _animals_in_view(game: "Game", eye: tuple[float, float, float]) -> list[str]:
    names: set[str] = set()
    hit = np.zeros(interact.HIT_SIZE, np.int64)
    for animal in game.herd[game.herd[:, animals.KIND] >= 0]:
        distance = _in_view(game, animal[X], animal[Z])
        if distance > ANIMAL_DISTANCE:
            continue
        way = np.array([animal[X], animal[Y] + 0.6, animal[Z]]) - np.array(eye)
        length = float(np.linalg.norm(way))
        direction = (float(way[0]) / length, float(way[1]) / length, float(way[2]) / length)
        if interact.trace(game.blocks, AIMABLE, BOX, eye, direction, length, hit) >= length - 0.5:
            names.add(ANIMAL_NAMES[int(animal[animals.KIND])])
    return ["animals"] if len(names) > 2 else sorted(names)


def _landmarks_in_view(game: "Game") -> list[str]:
    names = set()
    for name, x, _, z in game.terrain.landmarks:
        away_x = (x - game.body[X] + 128) % 256 - 128
        away_z = (z - game.body[Z] + 128) % 256 - 128
        if _in_view(game, game.body[X] + away_x, game.body[Z] + away_z) < SIGHT_DISTANCE:
            names.add(name)
    return sorted(names)


def _doing(game: "Game") -> str:
    """What the player is up to, judged by the last action and what came of it."""
    action, body = game.last_action, game.body

    def held(key: str) -> bool:
        return bool(action[SLOT[key]])

    if game.placed:
        return "placing"
    if held("attack"):
        return "breaking" if game.hit[interact.HIT] else "swinging"
    if body[IN_WATER] > 0:
        return "swimming"
    if body[GROUND] == 0 and body[VY] < -0.6:
        return "falling"
    if body[GROUND] == 0 and held("jump"):
        return "jumping"
    if held("sneak"):
        return "sneaking"
    if held("forward"):
        return "sprinting" if held("sprint") else "walking"
    if held("back"):
        return "backing"
    if held("left") != held("right"):
        return "strafing"
    if body[PITCH] < -35:
        return "looking up"
    if body[PITCH] > 55:
        return "looking down"
    return "looking" if np.abs(action[CAMERA]).max() > 1.0 else "standing"
