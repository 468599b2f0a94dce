"""What the game knows and a picture does not say: how far away each pixel is, and where the player stands. `train_sight` learns
from it.

A store is a folder: `frames.npy` uint8 [n, s, h, w, 3] and `near.npy` float16 [n, s, h, w], of every `EVERY`-th frame of n
clips; `actions.npy` float32 [n, t, 25] and `poses.npy` float32 [n, t, 5], of every frame; arrays are memory-mapped, and written
aside until all is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simworld.actions import ACTION_SIZE
from simworld.training.array_store import store, stored
from simworld.training.data import DataConfig
from simworld.training.lane import CLIPS_PER_WALK, WALKS_PER_WORLD, Lane
from simworld.training.stream import VOXEL_BIOMES, VOXEL_BOT, VOXEL_GAME, load

VOXEL_PLAYERS = (VOXEL_BOT, "simworld.env.voxel.bot:BlindBot", "simworld.env.voxel.darter:Darter")
"""They play in turn: one who sees, one who runs into what others walk around, and one in haste."""
EVERY = 7
"""Frames from one that is kept to the next."""
POSE_SIZE = 5
"""Of the eye: x, y, z in blocks, yaw and pitch in degrees, as Minecraft counts them."""
ARRAYS = ("frames", "near", "actions", "poses")


@dataclass(frozen=True)
class Sights:
    """frames: uint8 [n, s, h, w, 3], every `EVERY`-th from the first. near: float16 [n, s, h, w], one over how far away each
    pixel is, in blocks along the view's axis, 0 for the sky. actions: float32 [n, t, 25], `actions[:, i]` leads on from frame
    i. poses: float32 [n, t, 5], those of the eye."""

    frames: np.ndarray
    near: np.ndarray
    actions: np.ndarray
    poses: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)


class _Seer:
    """A game that notes what it knows at each frame, and draws only those that are kept."""

    def __init__(self, height: int, width: int) -> None:
        self._game = load(VOXEL_GAME)(height, width)
        self._blank = np.zeros((height, width, 3), np.uint8)
        self.near: list[np.ndarray] = []
        self.poses: list[np.ndarray] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._game, name)

    def render(self) -> np.ndarray:
        self.poses.append(self._game.eye_pose)
        if (len(self.poses) - 1) % EVERY:
            return self._blank
        frame, depth = self._game.look()
        self.near.append(np.where(depth < 1e8, 1 / depth, 0).astype(np.float16))
        return np.asarray(frame)


def sights(config: DataConfig) -> Sights:
    """The store in `config.folder`, played first where there is none. ValueError for any source but the game, which alone knows
    depth, or for a store of another size."""
    folder = Path(config.folder)
    arrays = stored(folder, ARRAYS)
    if arrays is None:
        if config.source != "voxel":
            raise ValueError(f"sight is learned from the game's own depth: data.source is {config.source!r}, not 'voxel'")
        t, size = config.clip_frames, (config.height, config.width)
        kept = -(-t // EVERY)
        shapes = ((kept, *size, 3), (kept, *size), (t, ACTION_SIZE), (t, POSE_SIZE))
        types = (np.uint8, np.float16, np.float32, np.float32)
        layout = {name: (shape, dtype) for name, shape, dtype in zip(ARRAYS, shapes, types, strict=True)}
        store(folder, layout, _play(config), config.num_clips)
        arrays = stored(folder, ARRAYS)
        assert arrays is not None, "they have just been written"
    sights = Sights(*arrays)
    if sights.frames.shape[2:4] != (config.height, config.width) or len(sights) < config.num_clips:
        raise ValueError(
            f"{folder} holds {len(sights)} clips of {sights.frames.shape[2]}×{sights.frames.shape[3]} pixels, not "
            f"{config.num_clips} of {config.height}×{config.width}; use another folder"
        )
    return sights


def _play(config: DataConfig) -> Iterator[tuple[np.ndarray, ...]]:
    """Clips of one world after another: frames, near, actions, poses."""
    bots, biomes = [load(player) for player in VOXEL_PLAYERS], load(VOXEL_BIOMES)
    frames = np.empty((config.clip_frames, config.height, config.width, 3), np.uint8)
    seer = _Seer(config.height, config.width)
    number = 0
    while True:
        lane = Lane(
            lambda *_: seer, bots[number % len(bots)],  # type: ignore[arg-type]  # it has all that the game has
            biomes=biomes, height=config.height, width=config.width,
            clip_frames=config.clip_frames, seed=config.seed, lane=WALKS_PER_WORLD * number,
        )  # fmt: skip
        for index in range(CLIPS_PER_WALK * WALKS_PER_WORLD):
            seer.near, seer.poses = [], []
            actions, _, _ = lane.play(index, frames)
            actions = np.concatenate([actions, np.zeros_like(actions[:1])])
            yield frames[::EVERY], np.stack(seer.near), actions, np.stack(seer.poses)
        number += 1
