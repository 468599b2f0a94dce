"""The wanderer: a scripted player that moves like a person and needs nothing from the world, so it can play a dream.

Legs, head and hands each follow their own little plans, frame by frame at 20 a second. Knows no env and no window.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA, SLOT, from_vector
from simworld.client.player import Sample

_STEEPEST = 60.0
"""Degrees of pitch that the wanderer keeps within, up and down."""


@dataclass(frozen=True)
class _Gait:
    """`keys` held for a number of `frames` in a range; `share`: how often; `jump_chance` per frame."""

    keys: tuple[str, ...]
    frames: tuple[int, int]
    share: float
    jump_chance: float = 0.0


_GAITS = (
    _Gait(("forward",), (30, 140), 0.45, 0.03),
    _Gait(("forward", "sprint"), (30, 90), 0.17, 0.05),
    _Gait(("forward", "jump"), (20, 60), 0.08),  # bounds, and strokes where it has fallen into water
    _Gait(("forward", "left"), (8, 25), 0.05),
    _Gait(("forward", "right"), (8, 25), 0.05),
    _Gait(("back",), (8, 25), 0.05),
    _Gait((), (15, 60), 0.15),
)


class Wanderer:
    """Equal seeds wander equally. Starts by looking straight ahead."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._pitch = 0.0
        self._wanted_pitch: float | None = None
        self._legs = self._walk()
        self._head = self._look()
        self._hands = self._work()

    def sample(self, num_frames: int) -> Sample:
        """The next `num_frames` frames as one action: keys pressed in any of them, the camera's mean."""
        vector = np.zeros(ACTION_SIZE, np.float32)
        for _ in range(num_frames):
            for key in (*next(self._legs), *next(self._hands)):
                vector[SLOT[key]] = 1
            vector[CAMERA] += np.array(next(self._head), np.float32) / num_frames
        return Sample(from_vector(vector))

    def _walk(self) -> Iterator[tuple[str, ...]]:
        """One gait after another, with jumps of a few frames in some of them."""
        rng = self._rng
        shares = np.array([gait.share for gait in _GAITS])
        while True:
            gait = _GAITS[rng.choice(len(_GAITS), p=shares / shares.sum())]
            jumping = 0
            for _ in range(int(rng.integers(*gait.frames))):
                jumping = max(jumping - 1, 0) or int(rng.integers(3, 8)) * (rng.random() < gait.jump_chance)
                yield (*gait.keys, "jump") if jumping else gait.keys

    def _look(self) -> Iterator[tuple[float, float]]:
        """Smooth turns, mostly small, now and then right round, with still moments and slow drifts between them."""
        rng = self._rng
        while True:
            turn = float(rng.normal(0, 28) if rng.random() < 0.85 else rng.choice((-1, 1)) * rng.uniform(90, 180))
            goal = self._wanted_pitch if self._wanted_pitch is not None else float(rng.normal(4, 9))
            nod = float(np.clip(goal, -_STEEPEST, _STEEPEST)) - self._pitch
            frames = int(rng.integers(7, 14) + (abs(turn) + abs(nod)) / rng.uniform(6, 14))
            # Minimum jerk: the way hands and eyes move.
            t = np.linspace(0, 1, frames + 1)
            shares = np.diff(10 * t**3 - 15 * t**4 + 6 * t**5)
            yield from ((self._nodded(nod * share), turn * share) for share in shares)
            drift = float(rng.normal(0, 0.25)) if rng.random() < 0.6 else 0.0
            for _ in range(int(rng.integers(5, 45))):
                yield 0.0, drift
                if self._wanted_pitch is not None and abs(self._wanted_pitch - self._pitch) > 5:
                    break

    def _nodded(self, degrees: float) -> float:
        self._pitch += degrees
        return degrees

    def _work(self) -> Iterator[tuple[str, ...]]:
        """Mostly empty hands; every ten seconds or so a look down to dig, or to put a block down."""
        rng = self._rng
        while True:
            yield from ((),) * int(rng.integers(100, 320))
            self._wanted_pitch = float(rng.uniform(25, 50))
            yield from ((),) * 22
            if rng.random() < 0.5:
                yield from (("attack",),) * int(rng.integers(20, 60))
            else:
                yield (f"hotbar.{rng.integers(1, 10)}",)
                for _ in range(int(rng.integers(1, 4))):
                    yield from (*((("use",),) * 2), *(((),) * 10))
            self._wanted_pitch = None
