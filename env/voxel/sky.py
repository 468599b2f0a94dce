"""The sky: where sun and moon stand, what colour everything is lit with, and what a ray that meets nothing sees.

Knows no blocks. `sky_state(...)` makes the record, once a frame; compiled code reads it by the slots below and asks
`sky_base`, `sky_color` for directions. Colours are linear mixes in 0 to 1.
"""

import math
from functools import cache

import numpy as np
from numba import njit
from numpy import float32 as f32

from simworld.env.voxel.noise import fractal

(SUN, ZENITH, HORIZON, GLOW, SUNLIGHT, AMBIENT, CLOUD_COLOR) = range(0, 21, 3)
"""First of three slots each: direction to the sun; then colours."""
(STARS, CLOUDS, DRIFT, FOG_START, FOG_END, RAIN, SNOW, STEP, MOONLIGHT, SUN_DISC, DAYLIGHT) = range(21, 32)
"""Single slots: star brightness 0..1, cloud cover 0..1, cloud drift in blocks, fog distances in blocks, rain and snow 0..1,
step (for things that fall or wave), brightness of moon and sun disc 0..1, daylight 0..1."""
SKY_SIZE = 32

WEATHERS: tuple[str, ...] = ("clear", "rain", "snow", "storm")
SUN_TILT = 0.35
CLOUD_HEIGHT = 105.0
_STEP_PERIOD = 1 << 20

# Colours by height of the sun (its sine): zenith, horizon; glow around a low sun, sunlight; ambient light, clouds.
_HEIGHTS = np.array([-0.35, -0.12, 0.0, 0.12, 0.4, 1.0])
_PALETTE = np.array([
    [
        (0.030, 0.050, 0.140), (0.085, 0.120, 0.260),
        (0.08, 0.11, 0.25), (0.08, 0.11, 0.18),
        (0.290, 0.350, 0.530), (0.14, 0.17, 0.30),
    ],
    [
        (0.075, 0.100, 0.270), (0.270, 0.220, 0.380),
        (0.62, 0.34, 0.36), (0.10, 0.09, 0.12),
        (0.330, 0.350, 0.500), (0.32, 0.27, 0.40),
    ],
    [
        (0.190, 0.260, 0.520), (0.720, 0.500, 0.440),
        (1.00, 0.56, 0.26), (0.46, 0.22, 0.09),
        (0.460, 0.420, 0.470), (0.88, 0.60, 0.52),
    ],
    [
        (0.270, 0.430, 0.760), (0.830, 0.740, 0.680),
        (1.00, 0.72, 0.40), (0.66, 0.42, 0.20),
        (0.540, 0.510, 0.520), (1.00, 0.84, 0.74),
    ],
    [
        (0.290, 0.530, 0.900), (0.690, 0.840, 0.960),
        (0.90, 0.90, 0.86), (0.58, 0.50, 0.38),
        (0.620, 0.640, 0.660), (1.00, 0.99, 0.97),
    ],
    [
        (0.260, 0.520, 0.930), (0.680, 0.850, 0.980),
        (0.80, 0.90, 0.96), (0.52, 0.49, 0.42),
        (0.640, 0.660, 0.680), (1.00, 1.00, 1.00),
    ],
])  # fmt: skip
_GREY = np.array([0.46, 0.50, 0.56])


def sky_state(time_of_day: float, weather: str, intensity: float, step: int) -> np.ndarray:
    """The record float32 [32] for a moment: time_of_day in [0, 1) (0 sunrise, 0.25 noon, 0.5 sunset, 0.75 midnight),
    weather of `WEATHERS` with its intensity in [0, 1], step (moves clouds, rain, snow and waves).

    Raises ValueError for another weather or an intensity outside [0, 1].
    """
    if weather not in WEATHERS:
        raise ValueError(f"weather {weather!r} is unknown; it must be one of {', '.join(WEATHERS)}")
    if not 0 <= intensity <= 1:
        raise ValueError(f"weather intensity is {intensity}; it must be in [0, 1]")
    sky = np.zeros(SKY_SIZE, np.float32)
    angle = 2 * math.pi * (time_of_day % 1.0)
    height = math.sin(angle)
    sun = np.array([math.cos(angle), height, SUN_TILT * max(height, 0.0) + 0.15])
    sky[SUN : SUN + 3] = sun / np.linalg.norm(sun)
    place = float(np.interp(height, _HEIGHTS, np.arange(len(_HEIGHTS))))
    below = min(int(place), len(_HEIGHTS) - 2)
    colors = _PALETTE[below] + (place - below) * (_PALETTE[below + 1] - _PALETTE[below])
    zenith, horizon, glow, sunlight, ambient, clouds = colors
    daylight = float(np.interp(height, [-0.2, 0.3], [0.0, 1.0]))
    cover = 0.36
    gloom = 0.0 if weather == "clear" else intensity
    if gloom:
        dark = {"rain": 0.98, "snow": 1.3, "storm": 0.68}[weather]
        grey = _GREY * dark * (0.26 + 0.74 * daylight) * np.array([1.0, 1.0, 1.03])
        zenith = zenith + gloom * (0.82 * grey - zenith)
        horizon = horizon + gloom * (1.08 * grey - horizon)
        glow = glow + 0.85 * gloom * (1.08 * grey - glow)
        sunlight = sunlight * (1 - 0.85 * gloom)
        # By day the missing sun darkens all; the night is dark enough to be left alone.
        dim = 1 + ({"rain": 0.98, "snow": 1.12, "storm": 0.76}[weather] - 1) * (0.3 + 0.7 * daylight)
        ambient = ambient * (1 + gloom * (dim - 1))
        clouds = clouds + gloom * (0.92 * grey - clouds)
        cover += 0.4 * gloom
    sky[ZENITH : CLOUD_COLOR + 3] = np.concatenate([zenith, horizon, glow, sunlight, ambient, clouds])
    sky[STARS] = np.interp(height, [-0.3, -0.05], [1, 0]) * (1 - gloom)
    sky[CLOUDS] = cover
    sky[DRIFT] = (step % _STEP_PERIOD) * 0.03
    thick = {"clear": 0.0, "rain": 0.4, "snow": 0.55, "storm": 0.55}[weather] * gloom
    sky[FOG_START], sky[FOG_END] = 26 * (1 - thick), 64 * (1 - 0.55 * thick)
    sky[RAIN] = gloom if weather in ("rain", "storm") else 0
    sky[SNOW] = gloom if weather == "snow" else 0
    sky[STEP] = step % _STEP_PERIOD
    sky[MOONLIGHT] = np.interp(height, [-0.25, 0.0], [1, 0]) * (1 - gloom)
    sky[SUN_DISC] = np.interp(height, [-0.12, 0.0], [0, 1]) * (1 - gloom)
    sky[DAYLIGHT] = daylight
    return sky


@cache
def cloud_map() -> np.ndarray:
    """Cloud density, float32 [256, 256] about -1 to 1, periodic; one texel is 4 blocks of sky."""
    rng = np.random.default_rng(4)
    return fractal(rng, 20, 2) + 0.3 * fractal(rng, 6, 1)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def sky_tones(sky: np.ndarray) -> tuple[f32, ...]:
    """What `sky_base` needs of the record: zenith, horizon, glow, and the level part of the direction to the sun."""
    sx, sz = sky[SUN], sky[SUN + 2]
    long = math.sqrt(max(sx * sx + sz * sz, f32(1e-6)))
    return (
        sky[ZENITH], sky[ZENITH + 1], sky[ZENITH + 2],
        sky[HORIZON], sky[HORIZON + 1], sky[HORIZON + 2],
        sky[GLOW], sky[GLOW + 1], sky[GLOW + 2],
        sx / long, sz / long,
    )  # fmt: skip


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def sky_base(tones: tuple[f32, ...], dx: f32, dy: f32, dz: f32) -> tuple[f32, f32, f32]:
    """Colour of the plain sky, and of fog, towards the unit vector (dx, dy, dz): no discs, no clouds."""
    one, half = f32(1), f32(0.5)
    up = max(dy, f32(0))
    low = (one - up) * (one - up)
    side = low * f32(0.85)
    low = low * low * (one - f32(0.35) * up)
    toward = half + half * (dx * tones[9] + dz * tones[10]) / math.sqrt(max(dx * dx + dz * dz, f32(1e-6)))
    side = toward * toward * side
    r = tones[0] + (tones[3] - tones[0]) * low
    g = tones[1] + (tones[4] - tones[1]) * low
    b = tones[2] + (tones[5] - tones[2]) * low
    return r + (tones[6] - r) * side, g + (tones[7] - g) * side, b + (tones[8] - b) * side


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _disc(dx: float, dy: float, dz: float, sx: float, sy: float, sz: float, size: float, blur: float) -> float:
    """Cover 0..1 of a square disc of half-width `size` (radians) around the unit vector (sx, sy, sz)."""
    along = dx * sx + dy * sy + dz * sz
    if along < 0.9:
        return 0.0
    flat = math.sqrt(sx * sx + sz * sz) + 1e-6
    # The side axis lies level, the other is at right angles to it and to the disc's direction.
    a = (dx * sz - dz * sx) / flat
    b = (dy - along * sy) / flat
    far = max(abs(a), abs(b))
    cover = min(max((size + blur - far) / (2 * blur), 0.0), 1.0)
    return cover * cover * (3 - 2 * cover)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def sky_color(
    sky: np.ndarray, clouds: np.ndarray, ex: float, ey: float, ez: float, dx: float, dy: float, dz: float, pixel: float
) -> tuple[f32, f32, f32, float]:
    """What an eye at (ex, ey, ez) sees of the sky towards the unit vector (dx, dy, dz); `pixel` is a pixel's angle in
    radians. Returns r, g, b and how clear the sky is there (0 hidden by cloud or disc, 1 open), for stars."""
    r, g, b = sky_base(sky_tones(sky), f32(dx), f32(dy), f32(dz))
    sx, sy, sz = sky[SUN], sky[SUN + 1], sky[SUN + 2]
    along = dx * sx + dy * sy + dz * sz
    clear = 1.0
    blur = max(0.7 * pixel, 0.006)
    if along > 0 and sky[SUN_DISC] > 0:
        halo = along**24 * 0.28 * sky[SUN_DISC]
        r += (sky[GLOW] + 0.15 - r) * halo
        g += (sky[GLOW + 1] + 0.12 - g) * halo
        b += (sky[GLOW + 2] + 0.05 - b) * halo
        disc = _disc(dx, dy, dz, sx, sy, sz, 0.075, blur) * sky[SUN_DISC]
        r += (1.0 - r) * disc
        g += (0.97 - g) * disc
        b += (0.80 - b) * disc
        clear -= disc
    elif along < 0 and sky[MOONLIGHT] > 0:
        halo = along**16 * 0.12 * sky[MOONLIGHT]
        r += halo * 0.5
        g += halo * 0.6
        b += halo * 0.8
        disc = _disc(dx, dy, dz, -sx, -sy, -sz, 0.058, blur) * sky[MOONLIGHT]
        r += (0.90 - r) * disc
        g += (0.93 - g) * disc
        b += (0.99 - b) * disc
        clear -= disc
    if dy > 0.02:
        # A layer that bends down to the horizon: far clouds do not shrink to thin, flickering streaks.
        far = (CLOUD_HEIGHT - ey) / (dy + 0.14)
        u = (ex + dx * far + sky[DRIFT]) * 0.25
        v = (ez + dz * far) * 0.25
        fade = min((dy - 0.02) * 4.0, 1.0)
        u0, v0 = math.floor(u), math.floor(v)
        fu, fv = u - u0, v - v0
        i, j = int(u0) & 255, int(v0) & 255
        i1, j1 = (i + 1) & 255, (j + 1) & 255
        top = clouds[i, j] * (1 - fu) + clouds[i1, j] * fu
        thick = top * (1 - fv) + (clouds[i, j1] * (1 - fu) + clouds[i1, j1] * fu) * fv
        thick = min(max((thick + sky[CLOUDS] - 0.42) * 1.9, 0.0), 1.0)
        cover = thick * (2 - thick) * 0.86 * fade
        # Thick middles are a little darker than the rims.
        shade = 1 - 0.14 * thick
        r += (sky[CLOUD_COLOR] * shade - r) * cover
        g += (sky[CLOUD_COLOR + 1] * shade - g) * cover
        b += (sky[CLOUD_COLOR + 2] * shade - b) * cover
        clear *= 1 - cover
    return r, g, b, max(clear, 0.0)
