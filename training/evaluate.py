"""Measures a player against the reference game, on evaluation seeds: same first frames, same actions, side by side.

    simworld evaluate --world small --suite quick --out evaluation

What is measured is told in `measures`. Written are figures.json, report.md with a plot of the horizon, and for each measure
a contact sheet, the truth above the dream.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simworld.training import measures
from simworld.training.measures import Found
from simworld.training.players import Dream, Player, make_player
from simworld.training.report import write_report, write_sheet
from simworld.training.truth import FIRST_SEED, Truth


@dataclass(frozen=True)
class Suite:
    """How much is measured. clips: of the short measures, two or more. away: seconds of looking away. long_clips: of those
    that stand for `stand` and play for `play` seconds, 0 for none."""

    clips: int
    away: tuple[float, ...]
    long_clips: int
    stand: float
    play: float


SUITES = {
    "quick": Suite(clips=8, away=(3,), long_clips=4, stand=10, play=20),
    "full": Suite(clips=16, away=(3, 10, 30), long_clips=2, stand=60, play=600),
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
) -> dict[str, Any]:
    """All figures of a world, of "game" (the ceiling) or of "copy-last-frame" (the floor), written to the folder `out` where
    given, and alone to `json_path`, the contact sheet of the horizon to `sheet_path`. `num_seeds`: evaluation seeds, a clip
    of each, of every measure, where not the suite's number. PSNR in dB and SSIM in [-1, 1], means over clips.
    ValueError for a world or a suite that there is not."""
    if isinstance(suite, str):
        if suite not in SUITES:
            raise ValueError(f"suite is {suite!r}; it must be one of {', '.join(SUITES)}")
        suite = SUITES[suite]
    if num_seeds is not None:
        if num_seeds < 2:
            raise ValueError(f"seeds is {num_seeds}; at least 2 are needed, for actions are shuffled between clips")
        suite = replace(suite, clips=num_seeds, long_clips=min(num_seeds, suite.long_clips))
    player = make_player(world, num_steps, device)
    moving = measures.moving_play(player, suite.clips)
    found = {name: measure() for name, measure in _measures(player, suite, moving).items()}
    figures: dict[str, Any] = {"world": world, "num_steps": num_steps, "clips": suite.clips, "first_seed": FIRST_SEED}
    figures |= {name: one.figures for name, one in found.items()}
    if isinstance(player, Dream):
        figures["shuffled_action_ratio"] = measures.shuffled_action_ratio(player, moving)
    if out:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        write_report(folder, figures, {name: one.sheet for name, one in found.items()})
    for path in _wanted_paths(out, json_path):
        aside = path.with_name(f"{path.name}.tmp")
        aside.write_text(json.dumps(figures, indent=2) + "\n")
        os.replace(aside, path)
    if sheet_path:
        write_sheet(Path(sheet_path), found["horizon"].sheet)
    return figures


def _wanted_paths(out: str | None, json_path: str | None) -> list[Path]:
    """Where the figures are written."""
    paths = [Path(out) / "figures.json"] if out else []
    return [*paths, Path(json_path)] if json_path else paths


def _measures(player: Player, suite: Suite, moving: Truth) -> dict[str, Callable[[], Found]]:
    """What is measured of the player, by name, in order."""
    clips, few = suite.clips, suite.long_clips
    wanted: dict[str, Callable[[], Found]] = {}
    ceiling = None
    if isinstance(player, Dream):
        ceiling = measures.reconstructed(player, moving)
        wanted["reconstruction"] = lambda: measures.reconstruction(moving, ceiling)
    wanted["horizon"] = lambda: measures.horizon(player, moving, ceiling)
    for seconds in suite.away:
        wanted[f"return_after_{seconds:g}s"] = lambda seconds=seconds: measures.returning(player, clips, seconds)  # type: ignore[misc]
    wanted["walk_and_reverse"] = lambda: measures.retracing(player, clips)
    for must in ("break", "place"):
        for seconds in suite.away[:2]:
            wanted[f"{must}_lasts_{seconds:g}s"] = lambda must=must, seconds=seconds: measures.lasting(  # type: ignore[misc]
                player, clips, seconds, must
            )
    if few:
        wanted["standing_still"] = lambda: measures.standing(player, few, suite.stand)
        wanted["long_play"] = lambda: measures.long_play(player, few, suite.play)
    return wanted
