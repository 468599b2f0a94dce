"""What players wish for, in words: a prompt for one place, hour or weather, and the game's conditions for the same.

In the words of training and in words held out; and the script of the plays in which they are typed. Games are known by name
only, as in `stream`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from simworld.training.showing import HOURS, KINDS
from simworld.training.stream import VOXEL_BIOMES, load
from simworld.training.truth import Moment, Truth

VOXEL_WORDS = "simworld.env.voxel.captions:ask"
WORDINGS = ("train", "held_out")
TIMES = {"day": 0.2, "low sun": 0.5, "night": 0.7}
"""The game's clock at the hours that can be told apart."""
FADE, LOOK, TURN, ROUND = 20, 20, 3.0, 2.25
"""Frames after which a wish must have come true, and of looking about, by so many degrees a frame; and by how many a walk
bends, that it may not lead out of the place."""


@dataclass(frozen=True)
class Wish:
    """That the scene's `kind` be `name`, in the words of `prompt`, which are `wording`."""

    kind: str
    name: str
    wording: str
    prompt: str

    @property
    def conditions(self) -> dict[str, Any]:
        """What the game's `set_conditions` takes to grant it."""
        if self.kind == "time":
            return {"time_of_day": TIMES[self.name]}
        return {"biome" if self.kind == "place" else "weather": self.name}


def wishes(classes: dict[str, list[str]], most: int) -> list[Wish]:
    """For each kind of fact up to `most` of its classes, in both sorts of wording; of places those that the game can begin
    at. A snowy forest is no wish: the captions call so white woods and, while snow falls, green ones."""
    ask, rng = load(VOXEL_WORDS), np.random.default_rng(0)
    classes = {**classes, "place": [name for name in classes["place"] if name in load(VOXEL_BIOMES)]}
    made = []
    for kind in KINDS:
        for name in classes[kind][:most]:
            said = [hour for hour, called in HOURS.items() if called == name] if kind == "time" else [name]
            for wording in WORDINGS:
                words = ask(kind, str(rng.choice(said)), rng, wording == "held_out")
                made.append(Wish(kind, name, wording, words))
    return made


def script(walk: int) -> tuple[Moment, ...]:
    """What is done once a prompt is typed, with `walk` frames of walking."""
    return (
        Moment("fade", FADE),
        Moment("look", LOOK, (0, TURN)),
        Moment("walk", walk, (0, ROUND), keys=("forward",)),
        Moment("turn", LOOK, (0, -TURN)),
    )


def looks(truth: Truth) -> dict[str, slice]:
    """The frames, after the known ones, in which it is looked for what was wished for, by the moment of the script."""
    ends = {moment: truth.ends[moment] - truth.known + 1 for moment in ("look", "turn")}
    return {moment: slice(end - LOOK, end) for moment, end in ends.items()}
