"""How right the probes' readings are: keys by F1, the camera in degrees, scenes by the share that is told right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simworld.actions import CAMERA, KEYS
from simworld.training.scene_reader import SceneReader
from simworld.training.showing import CLEARLY, View, classes

LEAST_HELD = 20
"""A key that is held in fewer frames is not scored."""
TURNED = 0.5
"""Degrees a frame from which on the camera turns."""


@dataclass(frozen=True)
class ActionScores:
    """f1 and count: of the keys that were held often enough, in frames. camera_error: mean of pitch's and yaw's absolute
    error in degrees a frame; moving_camera_error: the same where the camera turned."""

    f1: dict[str, float]
    count: dict[str, int]
    camera_error: float
    moving_camera_error: float

    @property
    def mean_f1(self) -> float:
        """Over the scored keys; 0 where none was."""
        return float(np.mean(list(self.f1.values()))) if self.f1 else 0.0

    def share_of(self, ceiling: "ActionScores") -> float:
        """The mean over keys of F1, each as a share of the ceiling's; 0 where none was scored."""
        shares = [self.f1[name] / ceiling.f1[name] for name in self.f1 if ceiling.f1.get(name)]
        return float(np.mean(shares)) if shares else 0.0


def action_scores(keys: Tensor, camera: Tensor, actions: np.ndarray) -> ActionScores:
    """Readings, bool [b, t, 23] and float [b, t, 2], against the true actions [b, t, 25]."""
    said, held = keys.flatten(0, 1).cpu().numpy(), actions[..., : CAMERA.start].reshape(-1, len(KEYS)) > 0
    hits, both = (said & held).sum(0), said.sum(0) + held.sum(0)
    scored = [slot for slot in range(len(KEYS)) if held[:, slot].sum() >= LEAST_HELD]
    apart = np.abs(camera.cpu().numpy() - actions[..., CAMERA])
    turned = np.abs(actions[..., CAMERA]).max(-1) >= TURNED
    return ActionScores(
        {KEYS[slot]: round(float(2 * hits[slot] / both[slot]), 4) for slot in scored},
        {KEYS[slot]: int(held[:, slot].sum()) for slot in scored},
        round(float(apart.mean()), 4),
        round(float(apart[turned].mean()) if turned.any() else 0.0, 4),
    )


def scene_scores(reader: SceneReader, views: Sequence[View]) -> dict[str, float]:
    """For each kind of fact the share of the pictures that clearly show it of which it is told right; names that the reader
    does not know are left out."""
    found = reader.read(torch.from_numpy(np.stack([view.frame for view in views])))
    scores = {}
    for kind, names in classes().items():
        known = reader.config.classes[kind]
        told = [known[place] for place in found[kind].argmax(-1).tolist()]
        right = []
        for one, view in zip(told, views, strict=True):
            shares = view.shares[kind]
            true = names[int(shares.argmax())]
            if shares.max() >= CLEARLY and true in known:
                right.append(one == true)
        scores[kind] = round(float(np.mean(right)), 4)
    return scores
