"""Strolls: some of somebody's play, chunk after chunk, by which sight learns where keys lead: what stands around a player, what
keys it holds, how it has just moved, and where it goes next. Knows no network.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from simworld.model.motion import WALKING
from simworld.model.obstacles import obstacles
from simworld.model.sight import RECENT
from simworld.training.sights import EVERY, Sights

LONGEST_STEP = 1.5
"""Blocks; who moves farther in a frame's time was put elsewhere."""
STUMBLES, MOST_STUMBLES, LEAST_PACE = 0.06, 0.3, 0.1
"""In so many chunks, but in no more strolls, somebody who walked, so many blocks a frame or faster, is stopped by something."""
LOOKED_BACK = 3
"""So many of the last kept pictures tell what stands around the player."""
MISTOLD = 0.1
"""By how much their nearness is told wrongly, as a standard deviation of its logarithm."""


@dataclass
class Stretch:
    """A chunk of n strolls. near: of each pixel of the last kept picture. around: what `obstacles` tells. actions: before the
    chunk and in it. moved, steps: (right, ahead, up) of the r frames before and of the chunk's. yaw, pitch: before it, in
    degrees. known: 1 where the steps count, else 0."""

    near: Float[Tensor, "n 1 h w"]
    around: Float[Tensor, "n directions bands"]
    actions: Float[Tensor, "n m a"]
    moved: Float[Tensor, "n r 3"]
    steps: Float[Tensor, "n r 3"]
    yaw: Float[Tensor, " n"]
    pitch: Float[Tensor, " n"]
    known: Float[Tensor, " n"]

    def to(self, device: str) -> "Stretch":
        """The same, there."""
        return Stretch(**{name: part.to(device) for name, part in vars(self).items()})


class Strolls:
    """Those of a store, in chunks of r frames, seen with a camera of `field_of_view` degrees."""

    def __init__(self, store: Sights, r: int, field_of_view: float) -> None:
        self.store, self.r, self.field_of_view = store, r, field_of_view
        self.stumbles = stumbles(store, r)

    def drawn(self, rng: np.random.Generator, num: int, num_chunks: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Clips of strolls of so many chunks, and the frames before them: drawn evenly, but for a share in which somebody
        stumbles. ValueError where clips are shorter than that."""
        last = self.store.poses.shape[1] - 1 - self.r * num_chunks
        if last < 0:
            raise ValueError(f"clips have {self.store.poses.shape[1]} frames; strolls of {num_chunks} chunks need more")
        clips, begins = (rng.integers(size, size=num) for size in (len(self.store), last + 1))
        if len(self.stumbles):
            stumble = rng.random(num) < min(MOST_STUMBLES, STUMBLES * num_chunks)
            chosen = self.stumbles[rng.integers(len(self.stumbles), size=num)]
            before = (chosen[:, 1] - self.r * rng.integers(num_chunks, size=num)).clip(0, last)
            clips, begins = np.where(stumble, chosen[:, 0], clips), np.where(stumble, before, begins)
        return clips, begins

    def stretch(
        self, clips: np.ndarray, begins: np.ndarray, rng: np.random.Generator, lift: Float[Tensor, " n"] | None = None
    ) -> Stretch:
        """The chunks after frames `begins` of clips. lift: by how many blocks the player is held to stand higher than it does.
        What stands around is told from the last kept pictures, whose nearness is told as wrongly as sight tells it."""
        store, r = self.store, self.r
        earlier = (begins[:, None] // EVERY - np.arange(LOOKED_BACK)).clip(0)
        near = torch.from_numpy(store.near[clips[:, None], earlier]).float()[:, :, None]
        mistold = near * torch.from_numpy(np.exp(rng.normal(0, MISTOLD, (*earlier.shape, 1, 1, 1)))).float()
        at = np.concatenate([begins[:, None], earlier * EVERY], 1)
        x, up, z, yaw, pitch = torch.from_numpy(store.poses[clips[:, None], at]).float().unbind(-1)
        places, views = torch.stack([-x, z, up], -1), torch.stack([pitch, yaw], -1)
        if lift is not None:
            places[:, 0, 2] += lift
        around = obstacles(mistold, places[:, 1:], views[:, 1:], places[:, 0], yaw[:, 0], self.field_of_view)
        actions, ways = [], []
        for clip, begin in zip(clips, begins, strict=True):
            lead, poses, wanted = store.actions[clip], store.poses[clip], np.arange(begin - RECENT, begin + r)
            actions.append(np.where((wanted >= 0)[:, None], lead[wanted.clip(0)], 0))
            ways.append(way(poses[np.arange(begin - r, begin + r + 1).clip(0)], poses[begin, 3]))
        went = torch.from_numpy(np.stack(ways)).float()
        known = (went.norm(dim=-1).amax(1) < LONGEST_STEP).float()
        told = torch.from_numpy(np.stack(actions))
        return Stretch(near[:, 0], around, told, went[:, :r], went[:, r:], yaw[:, 0], pitch[:, 0], known)


def stumbles(store: Sights, r: int) -> np.ndarray:
    """Where somebody who walked is brought to a stop with a key held: int64 [n, 2] of clips and the frames before it."""
    places = np.array(store.poses[..., [0, 2]], np.float64)
    paces = np.linalg.norm(np.diff(places, axis=1), axis=-1)  # n t-1
    mean = np.stack([paces[:, start : paces.shape[1] - r + 1 + start] for start in range(r)]).mean(0)
    walks = np.any(np.array(store.actions[..., WALKING]) > 0, axis=-1)
    before, after = mean[:, :-r], mean[:, r:]
    stopped = (before > LEAST_PACE) & (before < LONGEST_STEP / 2) & (after < before / 2) & walks[:, r : r + after.shape[1]]
    return np.argwhere(stopped) + np.array([0, r])


def way(poses: Float[np.ndarray, "t 5"], yaw: float) -> Float[np.ndarray, "t_less_one 3"]:
    """The steps between poses of the game, (right, ahead, up) for who faces `yaw`."""
    x, up, z = np.diff(poses[:, :3].astype(np.float64), axis=0).T
    sin, cos = np.sin(np.deg2rad(yaw)), np.cos(np.deg2rad(yaw))
    return np.stack([-x * cos - z * sin, z * cos - x * sin, up], -1)
