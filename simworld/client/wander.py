"""The wanderer: a scripted player that moves like a person and needs only the pictures of a world, so it can play a dream.

Legs, head and hands each follow their own little plans, frame by frame at 20 a second. Eyes, where they are shown anything,
tell whether there is a way ahead; where there is none, the legs stop and the head turns to where it is more open. Knows no
env and no window.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA, SLOT, from_vector
from simworld.client.player import Sample
from simworld.frames import fit

_STEEPEST = 60.0
"""Degrees of pitch that the wanderer keeps within, up and down."""
_LEVEL = 20.0
"""Who looks farther up or down, in degrees, sees no horizon and does not judge the way."""
_OPEN = 0.095
"""A view less open than this is closed, ..."""
_USUAL = 0.65
"""... unless it is more than this share of how open views have been lately: in mist and at night all look closed."""
_LATELY = 200
"""Frames that it takes to get used to a place."""
_SOON = 4
"""Frames that a view is closed until the wanderer does something about it."""
_PATIENCE = 60
"""Frames that it goes on regardless, after half a turn in vain."""


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
    """Equal seeds and pictures wander equally; open views change nothing. Starts by looking straight ahead."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._pitch = 0.0
        self._wanted_pitch: float | None = None
        self._usual, self._light = _OPEN / _USUAL, 0.0
        self._lean = 0.0
        self._closed = 0
        self._searched = 0.0
        self._afloat = False
        self._legs = self._walk()
        self._head = self._look()
        self._hands = self._work()

    def sample(self, num_frames: int, frame: np.ndarray | None = None) -> Sample:
        """The next `num_frames` frames as one action: keys pressed in any of them, the camera's mean. `frame`, uint8
        [h, w, 3], is what the wanderer sees now; without, it is blind."""
        if frame is not None:
            self._see(frame, num_frames)
        vector = np.zeros(ACTION_SIZE, np.float32)
        for _ in range(num_frames):
            for key in (*self._held_back(next(self._legs)), *next(self._hands)):
                vector[SLOT[key]] = 1
            vector[CAMERA] += np.array(next(self._head), np.float32) / num_frames
        return Sample(from_vector(vector))

    def _see(self, frame: np.ndarray, num_frames: int) -> None:
        """Count for how many frames the way has been closed, and keep in mind on which side it is more open."""
        view = fit(frame, 96, 160).astype(np.float32)
        ground = view[54:90, 40:100]
        water = float((ground[..., 2] > 1.3 * ground[..., :2].max(-1)).mean())
        self._afloat = water > 0.5
        # On land the way leads to the light; a swimmer looks for land, not for the sky over the sea.
        left, right = (
            _openness(side) * (1 if self._afloat else float(side.mean())) + 1e-6 for side in (view[:44, :54], view[:44, -54:])
        )
        self._lean += 0.3 * ((right - left) / (right + left) - self._lean)
        if self._wanted_pitch is not None or abs(self._pitch) > _LEVEL:
            self._closed, self._searched = min(self._closed, 0), 0.0
            return
        way = view[:58, 52:108]
        light = float(way.mean()) + 1
        share = num_frames / _LATELY
        self._light += (light - self._light) * (share if self._light else 1)
        ahead = _openness(way) * (1 - 0.3 * water) * min(1, light / self._light)
        self._usual += (ahead - self._usual) * share
        enough = min(_OPEN, _USUAL * self._usual) * (1.2 if self._stuck else 1)
        if ahead < enough:
            self._closed += num_frames
        else:
            self._closed, self._searched = 0, 0.0

    @property
    def _stuck(self) -> bool:
        return self._closed >= _SOON

    def _held_back(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """Who has no way ahead does not press on, and who works stands still."""
        if self._wanted_pitch is not None:
            return ()
        return tuple(key for key in keys if key not in ("forward", "sprint")) if self._stuck else keys

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
        """Smooth turns, mostly small, now and then right round, with still moments and slow drifts between them. Who is
        stuck turns to the more open side, until there is a way or half a turn is done."""
        rng, side = self._rng, 1.0
        yield from ((0.0, 0.0),) * 10
        while True:
            turn = float(rng.normal(0, 28) if rng.random() < 0.85 else rng.choice((-1, 1)) * rng.uniform(90, 180))
            goal = self._wanted_pitch if self._wanted_pitch is not None else float(rng.normal(1, 6))
            if self._stuck:
                side = side if self._searched else float(np.copysign(1, self._lean))
                turn, goal = side * float(rng.uniform(45, 75)), float(rng.normal(0, 2))
                self._searched += abs(turn)
            nod = float(np.clip(goal, -_STEEPEST, _STEEPEST)) - self._pitch
            frames = int(rng.integers(7, 14) + (abs(turn) + abs(nod)) / rng.uniform(6, 14))
            # Minimum jerk: the way hands and eyes move.
            t = np.linspace(0, 1, frames + 1)
            shares = np.diff(10 * t**3 - 15 * t**4 + 6 * t**5)
            yield from ((self._nodded(nod * share), turn * share) for share in shares)
            if self._searched > 150:
                self._closed, self._searched = -_PATIENCE, 0.0
            if self._stuck:
                continue
            drift = float(rng.normal(0, 0.25)) if rng.random() < 0.6 else 0.0
            for _ in range(int(rng.integers(5, 45))):
                yield 0.0, drift
                wanted, near = (0.0, _LEVEL) if self._wanted_pitch is None else (self._wanted_pitch, 5)
                if self._stuck or abs(wanted - self._pitch) > near:
                    break

    def _nodded(self, degrees: float) -> float:
        self._pitch += degrees
        return degrees

    def _work(self) -> Iterator[tuple[str, ...]]:
        """Mostly empty hands; every quarter of a minute or so a look down to dig, or to put a block down, where there is
        ground."""
        rng = self._rng
        while True:
            yield from ((),) * int(rng.integers(160, 420))
            while self._stuck or self._afloat:
                yield ()
            self._wanted_pitch = float(rng.uniform(22, 42))
            yield from ((),) * 22
            if rng.random() < 0.5:
                yield from (("attack",),) * int(rng.integers(16, 44))
            else:
                yield (f"hotbar.{rng.integers(1, 10)}",)
                for _ in range(int(rng.integers(1, 4))):
                    yield from (*((("use",),) * 2), *(((),) * 10))
            self._wanted_pitch = None


def _openness(part: np.ndarray) -> float:
    """How open a part of a view looks, float32 [h, w, 3], from 0 (a wall, a hole, mist) to 0.3: it has detail below the sky,
    differs from top to bottom, as sky and land do, and is not black."""
    grey, rows = part.mean(-1), part.mean(1)
    low = grey[len(grey) * 3 // 5 :]
    detail = (np.abs(np.diff(low, axis=0)).mean() + np.abs(np.diff(low, axis=1)).mean()) / (low.mean() + 10)
    contrast = np.abs(rows - rows.mean(0)).mean() / (grey.mean() + 10)
    return float(np.sqrt(detail * contrast) * (grey > 20).mean())
