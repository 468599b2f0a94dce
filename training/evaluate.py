"""Measures a player against the reference game, on evaluation seeds: same first frames, same actions, side by side.

    simworld evaluate --world small --suite quick --out evaluation

What is measured is told in `measures`, `probing`, `prompting`, `stepping` and `trusting`. Written are figures.json, report.md
with plots, and contact sheets, the truth above the dream.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from simworld.frames import FPS
from simworld.training import measures
from simworld.training.measures import Found
from simworld.training.players import Dream, Player, make_player
from simworld.training.probes import Probes, load_probes
from simworld.training.probing import following, likeness
from simworld.training.prompting import prompting
from simworld.training.report import write_report, write_sheet
from simworld.training.rewarding import rewarding
from simworld.training.stepping import stepping
from simworld.training.trusting import trusting
from simworld.training.truth import FIRST_SEED


@dataclass(frozen=True)
class Suite:
    """How much is measured. clips: of the short measures, two or more. away: seconds of looking away. long_clips: of those
    that stand for `stand` and play for `play` seconds, 0 for none. places: clips that dreams go on from in places that they
    were told of, 0 for none. prompts: classes of each kind that are asked for, 0 for none, in plays that walk for `walk`
    seconds. step_clips: on which numbers of steps are compared, 0 for none. task_plays: of each task whose rewards are looked
    for, for `task_seconds` each."""

    clips: int
    away: tuple[float, ...]
    long_clips: int
    stand: float
    play: float
    places: int
    prompts: int
    walk: float
    step_clips: int
    task_plays: int = 1
    task_seconds: int = 6


SUITES = {
    "quick": Suite(3, (3,), 1, stand=6, play=4, places=0, prompts=1, walk=1, step_clips=1, task_seconds=4),
    "full": Suite(16, (3, 10, 30), 2, stand=60, play=600, places=16, prompts=20, walk=8, step_clips=16, task_plays=16),
}


def evaluate(
    world: str = "small",
    suite: str | Suite = "quick",
    num_steps: int = 4,
    device: str = "cpu",
    out: str | None = None,
    num_seeds: int | None = None,
    json_path: str | None = None,
    sheet_path: str | None = None,
    probes: str | None = None,
) -> dict[str, Any]:
    """All figures of a world, of "game" (the ceiling) or of "copy-last-frame" (the floor), written to the folder `out` where
    given, and alone to `json_path`, as soon as they are known, the contact sheet of the horizon to `sheet_path`. `num_seeds`:
    evaluation seeds, a clip of each, of every measure, where not the suite's number. `probes`: the folder of those to read
    with, else the shipped ones. PSNR in dB and SSIM in [-1, 1], means over clips. ValueError for a world or a suite that
    there is not."""
    if isinstance(suite, str):
        if suite not in SUITES:
            raise ValueError(f"suite is {suite!r}; it must be one of {', '.join(SUITES)}")
        suite = SUITES[suite]
    if num_seeds is not None:
        if num_seeds < 2:
            raise ValueError(f"seeds is {num_seeds}; at least 2 are needed, for actions are shuffled between clips")
        few = {name: min(num_seeds, getattr(suite, name)) for name in ("long_clips", "step_clips", "task_plays")}
        suite = replace(suite, clips=num_seeds, **few)
    readers = load_probes(Path(probes) if probes else None)
    player = make_player(world, num_steps, device)
    figures: dict[str, Any] = {"world": world, "num_steps": num_steps, "clips": suite.clips, "first_seed": FIRST_SEED}
    sheets: dict[str, np.ndarray] = {}
    for name, measure in _measures(player, suite, readers):
        found = measure()
        figures[name] = found.figures if isinstance(found, Found) else found
        if isinstance(found, Found):
            sheets[name] = found.sheet
        for path in _wanted_paths(out, json_path):
            _write(path, figures)
    if out:
        write_report(Path(out), figures, sheets)
    if sheet_path:
        write_sheet(Path(sheet_path), sheets["horizon"])
    return figures


def _wanted_paths(out: str | None, json_path: str | None) -> list[Path]:
    """Where the figures are written."""
    paths = [Path(out) / "figures.json"] if out else []
    return [*paths, Path(json_path)] if json_path else paths


def _write(path: Path, figures: dict[str, Any]) -> None:
    """Write the figures that there are so far, aside first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.tmp")
    aside.write_text(json.dumps(figures, indent=2) + "\n")
    os.replace(aside, path)


def _measures(player: Player, suite: Suite, probes: Probes) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is measured of the player, by name, in order: functions to `Found`, or to figures alone."""
    clips, few, away = suite.clips, suite.long_clips, suite.away
    moving = measures.moving_play(player, clips)
    dream, ceiling = player.roll(moving), None
    if isinstance(player, Dream):
        ceiling = measures.reconstructed(player, moving)
        yield "reconstruction", partial(measures.reconstruction, moving, ceiling)
    yield "horizon", partial(measures.horizon, moving, dream, player.stride, ceiling)
    yield "following", partial(following, moving, dream, probes)
    yield "likeness", partial(likeness, player, moving, dream, probes)
    if isinstance(player, Dream):
        yield "shuffled_action_ratio", partial(measures.shuffled_action_ratio, player, moving)
        if suite.step_clips:
            yield "steps", partial(stepping, player, moving.first(suite.step_clips))
        if player.gauge is not None:
            yield "trust", partial(trusting, player, player.gauge, moving, away[0])
    for seconds in away:
        yield f"return_after_{seconds:g}s", partial(measures.returning, player, clips, seconds)
    yield "walk_and_reverse", partial(measures.retracing, player, clips)
    for must in ("break", "place"):
        for seconds in away[:2]:
            yield f"{must}_lasts_{seconds:g}s", partial(measures.lasting, player, clips, seconds, must)
    if suite.places and isinstance(player, Dream) and player.net.sight is not None:
        yield "in_places_horizon", partial(_horizon_in_places, player, suite.places)
        for must in ("break", "place"):
            for seconds in away[:2]:
                lasts = partial(measures.lasting, player, suite.places, seconds, must, in_places=True)
                yield f"in_places_{must}_lasts_{seconds:g}s", lasts
        if few:
            yield "in_places_standing_still", partial(measures.standing, player, few, suite.stand, in_places=True)
    if few:
        yield "standing_still", partial(measures.standing, player, few, suite.stand)
        yield "long_play", partial(measures.long_play, player, few, suite.play)
    if isinstance(player, Dream) and player.judge is not None:
        yield "tasks", partial(rewarding, player, player.judge, suite.task_plays, suite.task_seconds)
    if suite.prompts:
        yield "prompts", partial(prompting, player, probes.scenes, suite.prompts, round(suite.walk * FPS))


def _horizon_in_places(player: Dream, clips: int) -> Found:
    truth = measures.moving_play(player, clips, in_places=True)
    return measures.horizon(truth, player.roll(truth), player.stride)
