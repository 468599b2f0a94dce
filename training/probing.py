"""What the probes read off dreams: which actions they follow, and how like true clips they are. Both have the same reading of
true frames beside them: the ceiling, the floor.
"""

from typing import Any

import numpy as np
import torch

from simworld.training.action_reader import REACH
from simworld.training.clip_features import frechet_distance
from simworld.training.players import Player
from simworld.training.probes import Probes
from simworld.training.readings import ActionScores, action_scores
from simworld.training.truth import FIRST_SEED, Truth, play_truth

OTHER_SEEDS = FIRST_SEED + 500_000
"""Evaluation seeds of the true clips that dreams are compared with, none of which they go on from."""
MORE = 2
"""So many times as many true clips as dreamt ones, for a steadier distance."""


def following(truth: Truth, dream: np.ndarray, probes: Probes) -> dict[str, Any]:
    """How well the actions of moving play are read off the dream, beside how well they are read off the truth: F1 of each key,
    the mean over keys of F1 as a share of the ceiling's, and the camera's error in degrees a frame."""
    known = truth.known
    before = truth.frames[:, known - 1 - REACH : known]
    actions = truth.actions[:, known - 1 :]
    scores: list[ActionScores] = []
    for frames in (dream, truth.frames[:, known:]):
        keys, camera = probes.actions.read(torch.from_numpy(np.concatenate([before, frames], 1)))
        scores.append(action_scores(keys[:, REACH:], camera[:, REACH:], actions))
    dreamt, true = scores
    figures = {
        "keys_share_of_ceiling": round(dreamt.share_of(true), 4),
        "keys_f1": round(dreamt.mean_f1, 4),
        "keys_f1_ceiling": round(true.mean_f1, 4),
        "camera_degrees": dreamt.camera_error,
        "camera_degrees_ceiling": true.camera_error,
        "camera_degrees_turning": dreamt.moving_camera_error,
        "camera_degrees_turning_ceiling": true.moving_camera_error,
        "keys": {name: {"f1": dreamt.f1[name], "ceiling": true.f1[name], "held": true.count[name]} for name in true.f1},
    }
    return figures if true.f1 else {name: value for name, value in figures.items() if name.startswith("camera")}


def likeness(player: Player, truth: Truth, dream: np.ndarray, probes: Probes) -> dict[str, float]:
    """Fréchet distance of the dream's clips, and of the truth's own, to clips of other worlds: by as much as the first is
    above the second the dream is unlike true play."""
    b, t = dream.shape[:2]
    others = play_truth(MORE * b, t, *player.size, first_seed=OTHER_SEEDS)
    reference, dreamt, true = (
        probes.clips(torch.from_numpy(np.ascontiguousarray(frames)))
        for frames in (others.frames, dream, truth.frames[:, truth.known :])
    )
    return {
        "distance": round(frechet_distance(dreamt, reference), 3),
        "floor": round(frechet_distance(true, reference), 3),
        "windows": len(dreamt),
    }
