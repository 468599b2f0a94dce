"""Actions as a few choices: which key of each group is held, and which bin a turn of the camera falls into, as in VPT.

What learners and the policy inside a world choose among. Camera turns are quantised as in VPT (arXiv 2206.11795): 11 bins from
-10 to 10 degrees a frame, by the mu-law, finer near 0. Knows no window, file or network.
"""

from collections.abc import Sequence

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA, KEYS, SLOT

BINS, MOST, MU = 11, 10.0, 10.0
"""VPT's quantisation of a camera angle: bins, degrees of the outermost, and how much finer those near 0 are."""

GROUPS: tuple[tuple[str, ...], ...] = (
    ("forward", "back"),
    ("left", "right"),
    ("sprint", "sneak"),
    ("jump",),
    ("attack",),
    ("use",),
    tuple(f"hotbar.{number}" for number in range(1, 10)),
)
"""Of each group at most one key is held, as in VPT; the keys of menus are left out."""


def to_bins(degrees: np.ndarray) -> np.ndarray:
    """The bin, int in 0..10, of each angle; beyond 10 degrees the outermost."""
    share = np.clip(np.asarray(degrees, np.float64) / MOST, -1, 1)
    curved = np.sign(share) * np.log1p(MU * np.abs(share)) / np.log1p(MU)
    return np.rint((curved + 1) / 2 * (BINS - 1)).astype(np.int64)


def from_bins(bins: np.ndarray) -> np.ndarray:
    """The angle, in degrees, of each bin."""
    curved = np.asarray(bins) / (BINS - 1) * 2 - 1
    return np.sign(curved) * (np.power(1 + MU, np.abs(curved)) - 1) / MU * MOST


class Factors:
    """For each group of keys which one is held, 0 for none, then the bins of pitch and yaw: `sizes` says how many of each there
    are. ValueError for groups with unknown keys, or with one key twice."""

    def __init__(self, groups: Sequence[Sequence[str]] = GROUPS) -> None:
        names = [name for group in groups for name in group]
        if len(set(names)) != len(names) or not set(names) <= set(KEYS):
            raise ValueError(f"groups of keys {list(groups)}; each key may be in one of them, and must be one of {list(KEYS)}")
        self.groups = groups
        self.sizes = [len(group) + 1 for group in groups] + [BINS, BINS]

    def vector(self, choice: Sequence[int] | np.ndarray) -> np.ndarray:
        """The action vector, float32 [25], that a choice of each stands for."""
        vector = np.zeros(ACTION_SIZE, np.float32)
        for group, held in zip(self.groups, choice, strict=False):
            if held:
                vector[SLOT[group[int(held) - 1]]] = 1
        vector[CAMERA] = from_bins(np.asarray(choice[-2:]))
        return vector

    def choice(self, vector: np.ndarray) -> np.ndarray:
        """The choices, int [n], that come nearest to an action vector: where two keys of a group are held, the first."""
        held = [next((number for number, name in enumerate(group, 1) if vector[SLOT[name]]), 0) for group in self.groups]
        return np.array([*held, *to_bins(vector[CAMERA])], np.int64)
