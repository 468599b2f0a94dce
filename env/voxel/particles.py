"""Stars, raindrops and snowflakes: many small soft spots added to a picture of the land.

Knows no weather rules. Few, large and faint: a network has to reproduce them, and the mood of bad weather is carried by
sky, fog and light.
"""

import math

import numpy as np
from numba import njit

from simworld.env.voxel.light import OPEN_SKY, WALL
from simworld.env.voxel.sky import DAYLIGHT, RAIN, SNOW, STARS, STEP, SUN

_RNG = np.random.default_rng(11)
_NUM_STARS = 120
_DIRECTIONS = _RNG.normal(size=(_NUM_STARS, 3))
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=1, keepdims=True)
_MAGNITUDES = 0.4 + 0.6 * _RNG.random(_NUM_STARS) ** 3
_NUM_DROPS = 80
_PLACES = _RNG.random((_NUM_DROPS, 4))
_BOX_SIZE = 14.0
_BOX_HEIGHT = 12.0
_RAIN_SPEED, _SNOW_SPEED = 0.55, 0.07


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def draw_stars(picture: np.ndarray, openness: np.ndarray, sky: np.ndarray, axes: np.ndarray, tan_y: float) -> None:
    """Add the stars, which turn with the sun, where openness float32 [h, w] (0 land or cloud, 1 clear sky) lets them."""
    if sky[STARS] <= 0.01:
        return
    high, wide = openness.shape
    pixel = 2 * tan_y / high
    angle = math.atan2(sky[SUN + 1], sky[SUN])
    c, s = math.cos(angle), math.sin(angle)
    # Two thirds of a pixel, but never smaller than what makes a pleasant dot in a large picture.
    spread = max(0.62, 0.0042 / pixel)
    reach = int(2.2 * spread) + 1
    for star in range(_NUM_STARS):
        x, y, z = _DIRECTIONS[star]
        x, y = c * x - s * y, s * x + c * y
        ahead = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
        if ahead < 0.2 or y < 0.03:
            continue
        column = (x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]) / ahead / pixel + wide / 2 - 0.5
        row = high / 2 - (x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]) / ahead / pixel - 0.5
        if column < -2 or row < -2 or column > wide + 1 or row > high + 1:
            continue
        bright = 0.8 * _MAGNITUDES[star] * sky[STARS] * min(y * 6, 1.0)
        for i in range(max(int(row) - reach, 0), min(int(row) + reach + 2, high)):
            for j in range(max(int(column) - reach, 0), min(int(column) + reach + 2, wide)):
                far = (i - row) ** 2 + (j - column) ** 2
                add = bright * math.exp(-far / (2 * spread * spread)) * openness[i, j]
                picture[i, j, 0] += 0.92 * add
                picture[i, j, 1] += 0.95 * add
                picture[i, j, 2] += add


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def draw_drops(
    picture: np.ndarray, depth: np.ndarray, light: np.ndarray, sky: np.ndarray, eye: np.ndarray, axes: np.ndarray, tan_y: float
) -> None:
    """Add rain streaks or snowflakes that fall through the world around the eye, where the sky is open above them.
    depth float32 [h, w] hides those behind the land; light is flat uint8 as in `light.py`."""
    snow = sky[SNOW] > sky[RAIN]
    amount = sky[SNOW] if snow else sky[RAIN]
    if amount <= 0.02:
        return
    high, wide = depth.shape
    height = light.shape[0] >> 16
    pixel = 2 * tan_y / high
    count = int(_NUM_DROPS * amount)
    fall = sky[STEP] * (_SNOW_SPEED if snow else _RAIN_SPEED)
    tone = (0.35 + 0.65 * sky[DAYLIGHT]) * (0.97 if snow else 0.74)
    for drop in range(count):
        x, y, z = _PLACES[drop, 0] * _BOX_SIZE, _PLACES[drop, 1] * _BOX_HEIGHT - fall, _PLACES[drop, 2] * _BOX_SIZE
        if snow:
            x += 0.5 * math.sin(0.03 * sky[STEP] + 6.28 * _PLACES[drop, 3])
        # A box of drops moves with the eye; each drop stays in its place in the world until it leaves the box.
        x = (x - eye[0] + 0.5 * _BOX_SIZE) % _BOX_SIZE - 0.5 * _BOX_SIZE
        y = (y - eye[1] + 0.5 * _BOX_HEIGHT) % _BOX_HEIGHT - 0.5 * _BOX_HEIGHT
        z = (z - eye[2] + 0.5 * _BOX_SIZE) % _BOX_SIZE - 0.5 * _BOX_SIZE
        ahead = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
        if ahead < 1.2:
            continue
        cx, cy, cz = int(math.floor(x + eye[0])), int(math.floor(y + eye[1])), int(math.floor(z + eye[2]))
        if 0 <= cy < height:
            value = int(np.int64(light[((cx & 255) * height + cy) << 8 | (cz & 255)]))
            if value == WALL or value >> 4 < OPEN_SKY:
                continue
        column = (x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]) / ahead / pixel + wide / 2 - 0.5
        row = high / 2 - (x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]) / ahead / pixel - 0.5
        long = 0.05 / ahead / pixel if snow else 0.42 / ahead / pixel
        thick = max(0.06 / ahead / pixel, 0.85) if snow else max(0.014 / ahead / pixel, 0.6)
        long = max(long, thick)
        edge = min((0.5 * _BOX_SIZE - ahead) * 0.6, 1.0)
        alpha = (0.8 if snow else 0.42) * max(edge, 0.0) * min((ahead - 1.2) * 1.5, 1.0)
        if alpha <= 0 or column < -4 or column > wide + 4:
            continue
        for i in range(max(int(row - 2 * long) - 1, 0), min(int(row + 2 * long) + 2, high)):
            for j in range(max(int(column - 2 * thick) - 1, 0), min(int(column + 2 * thick) + 2, wide)):
                if depth[i, j] < ahead:
                    continue
                far = ((i - row) / long) ** 2 + ((j - column) / thick) ** 2
                keep = alpha * math.exp(-far)
                picture[i, j, 0] += (tone * 0.96 - picture[i, j, 0]) * keep
                picture[i, j, 1] += (tone * 0.99 - picture[i, j, 1]) * keep
                picture[i, j, 2] += (tone * 1.03 - picture[i, j, 2]) * keep
