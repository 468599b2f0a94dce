"""Prompts typed in play: how often they bring about what they say, and how long that stays; wordings that training used, and
wordings that it never used, apart.

For each place, hour and weather that the scene reader tells apart, a player in some other scene types a prompt for it, waits,
looks about, walks in a circle and looks about again. What the reader says of the same script in the game itself, where it
clearly shows what was asked for, is the ceiling.
"""

from dataclasses import replace

import numpy as np
import torch

from simworld.training.measures import Found, sheet_of
from simworld.training.players import Game, Player
from simworld.training.scene_reader import SceneReader
from simworld.training.showing import KINDS
from simworld.training.truth import Truth, play_script
from simworld.training.wishes import FADE, WORDINGS, Wish, looks, script, wishes

SPARE = 6
"""So many clips more than are needed, to choose from."""


def prompting(player: Player, reader: SceneReader, most: int, walk: int) -> Found:
    """Of up to `most` classes a kind: in what share of the plays the reader sees what was asked for after a second
    (triggered), and after `walk` more frames of walking (kept), in wordings of training and held out, and in the game under
    these conditions (the ceiling); and for each kind how often it was triggered. The sheet has the game above the dream."""
    asked = wishes(reader.config.classes, most)
    truth = _elsewhere(reader, asked, player, walk)
    shown = {"": player.prompted(truth, asked), "ceiling": Game(player.size).prompted(truth, asked)}
    figures: dict[str, float] = {"prompts": len(asked)}
    for which, frames in shown.items():
        for moment, look in looks(truth).items():
            right = _right(reader, frames[:, look], asked)
            name = "triggered" if moment == "look" else "kept"
            for wording in WORDINGS:
                chosen = [one for one, wish in zip(right, asked, strict=True) if wish.wording == wording]
                figures[_named(name, wording, which)] = _share(chosen)
            for kind in KINDS if moment == "look" else ():
                chosen = [one for one, wish in zip(right, asked, strict=True) if wish.kind == kind]
                figures[_named("triggered", kind, which)] = _share(chosen)
    places = [truth.known - 1, truth.known + FADE - 1, truth.ends["look"], truth.ends["walk"], truth.ends["turn"]]
    wanted = replace(truth, frames=np.concatenate([truth.frames[:, : truth.known], shown["ceiling"]], 1))
    return Found(figures, sheet_of(wanted, shown[""], places, len(asked)))


def _named(*parts: str) -> str:
    return "_".join(part for part in parts if part)


def _share(right: list[bool]) -> float:
    return round(float(np.mean(right)), 3)


def _told(reader: SceneReader, frames: np.ndarray) -> dict[str, list[str]]:
    """What each clip shows, all its frames taken together, by kind."""
    found = reader.read(torch.from_numpy(np.ascontiguousarray(frames[:, ::4])))
    best = {kind: part.clamp(min=1e-3).log().mean(1).argmax(-1).tolist() for kind, part in found.items()}
    return {kind: [reader.config.classes[kind][place] for place in places] for kind, places in best.items()}


def _right(reader: SceneReader, frames: np.ndarray, asked: list[Wish]) -> list[bool]:
    """Whether each of the clips shows what was asked for."""
    told = _told(reader, frames)
    return [told[wish.kind][number] == wish.name for number, wish in enumerate(asked)]


def _elsewhere(reader: SceneReader, asked: list[Wish], player: Player, walk: int) -> Truth:
    """A clip for each wish to begin in, one that does not show already what it asks for."""
    truth = play_script(script(walk), len(asked) + SPARE, *player.size, player.known)
    told = _told(reader, truth.frames[:, truth.known - 1 : truth.known])
    fits = [{number for number, name in enumerate(told[wish.kind]) if name != wish.name} for wish in asked]
    left, places = set(range(len(truth.frames))), [0] * len(asked)
    for number in sorted(range(len(asked)), key=lambda number: len(fits[number])):  # the choosiest first
        places[number] = min(left & fits[number] or left)
        left.remove(places[number])
    chosen = np.array(places)
    captions = [truth.captions[number] for number in chosen]
    return Truth(truth.frames[chosen], truth.actions[chosen], captions, truth.known, truth.ends)
