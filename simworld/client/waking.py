"""The picture shown while the world loads: a dusk of blocks under stars, drawn by rule. Knows no world, no window."""

import numpy as np

HEIGHT, WIDTH = 96, 160
_NIGHT, _DUSK, _GLOW = np.array([14, 18, 44.0]), np.array([88, 62, 108.0]), np.array([250, 150, 92.0])
_RIDGES = ((60, 9, (52, 44, 82)), (72, 7, (33, 32, 58)), (84, 5, (17, 20, 36)))
"""Far to near: height of the ridge's line, roughness, colour."""


class Waking:
    """Always the same place; the stars twinkle and the ridges pass by with time."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self._stars = rng.integers(0, (WIDTH, HEIGHT // 2), (70, 2))
        self._phase = rng.uniform(0, 2 * np.pi, 70)
        self._ridges = [_blocky(rng, line, rough) for line, rough, _ in _RIDGES]
        down = np.linspace(0, 1.25, HEIGHT)[:, None]
        sky = np.where(down < 0.6, _NIGHT + (_DUSK - _NIGHT) * down / 0.6, _DUSK + (_GLOW - _DUSK) * (down - 0.6) / 0.5)
        self._sky = np.repeat(sky[:, None], WIDTH, 1)

    def picture(self, seconds: float) -> np.ndarray:
        """uint8 [96, 160, 3] at `seconds` after the start."""
        picture = self._sky.copy()
        twinkle = 0.35 + 0.3 * np.sin(2 * seconds + self._phase)
        x, y = self._stars.T
        picture[y, x] += (np.array([210, 215, 235.0]) - picture[y, x]) * twinkle[:, None]
        rows = np.arange(HEIGHT)[:, None]
        for speed, ridge, (_, _, colour) in zip((1, 3, 7), self._ridges, _RIDGES, strict=True):
            line = np.roll(ridge, -int(speed * seconds))[:WIDTH]
            picture[rows >= line] = colour
        return np.clip(picture, 0, 255).astype(np.uint8)


def _blocky(rng: np.random.Generator, line: int, rough: int) -> np.ndarray:
    """The upper edge of a ridge in blocks of 4 pixels, for 512 columns that join at their ends."""
    steps = np.cumsum(rng.integers(-1, 2, 128))
    hills = steps - np.linspace(0, steps[-1], 128)
    return np.repeat(line - np.clip(np.rint(hills), -rough // 2, rough).astype(int) * 2, 4)
