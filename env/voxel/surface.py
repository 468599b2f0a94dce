"""What a point on a block looks like: texture, light that falls on it, outline and cracks of the block aimed at.

Knows the light field and the texture atlas, no cameras. Points are in blocks; faces are numbered as in `rays.py`.
"""

import math

import numpy as np
from numba import njit

from simworld.env.voxel.blocks import BOX, GLOW, OPAQUE
from simworld.env.voxel.light import OPEN_SKY, WALL
from simworld.env.voxel.sky import AMBIENT, SUN, SUNLIGHT

_CUBE = BOX[:, 0] + BOX[:, 1] >= 1.5
_HALF, _TALL = BOX[:, 0].astype(np.float64), BOX[:, 1].astype(np.float64)
_FACE_LIGHT = np.array([0.72, 0.72, 1.0, 0.5, 0.85, 0.85])
"""How much of the ambient light each face gets: sides are told apart even under a grey sky."""
_CAVE = 0.085
"""Ambient light where no sky is seen."""
_LANTERN = (1.12, 0.76, 0.40)


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def texel(
    texels: np.ndarray, means: np.ndarray, texture: int, u: float, v: float, footprint: float
) -> tuple[float, float, float]:
    """Colour of a texture at u, v in [0, 1) (v downwards) for a pixel that covers `footprint` of its side.

    Bilinear within a smaller copy that suits the footprint, sharpened when magnified, faded to the mean when tiny.
    """
    wide = footprint * 16.0
    if wide >= 7.0:
        return means[texture, 0], means[texture, 1], means[texture, 2]
    if wide < 1.5:
        side, base = 16, 0
    elif wide < 3.0:
        side, base = 8, 256
    else:
        side, base = 4, 320
    x, y = u * side - 0.5, v * side - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    soft = min(max(wide * side / 16.0, 0.2), 1.0)
    fx = min(max((x - x0 - 0.5) / soft + 0.5, 0.0), 1.0)
    fy = min(max((y - y0 - 0.5) / soft + 0.5, 0.0), 1.0)
    i, j = int(x0) & (side - 1), int(y0) & (side - 1)
    i1, j1 = (i + 1) & (side - 1), (j + 1) & (side - 1)
    a, b, c, d = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    p, q, s, w = base + j * side + i, base + j * side + i1, base + j1 * side + i, base + j1 * side + i1
    fade = min(max((wide - 2.0) / 5.0, 0.0), 1.0)
    keep = 1 - fade
    red = texels[texture, p, 0] * a + texels[texture, q, 0] * b
    red += texels[texture, s, 0] * c + texels[texture, w, 0] * d
    green = texels[texture, p, 1] * a + texels[texture, q, 1] * b
    green += texels[texture, s, 1] * c + texels[texture, w, 1] * d
    blue = texels[texture, p, 2] * a + texels[texture, q, 2] * b
    blue += texels[texture, s, 2] * c + texels[texture, w, 2] * d
    return (
        keep * red + fade * means[texture, 0],
        keep * green + fade * means[texture, 1],
        keep * blue + fade * means[texture, 2],
    )


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def illuminate(sky: np.ndarray, face: int, day: float, glow: float, open_share: float) -> tuple[float, float, float]:
    """Light on a face: `day` and `glow` 0..1 as the cells before it have them, `open_share` 0..1 of them not walled."""
    if face < 2:
        normal = sky[SUN] if face == 0 else -sky[SUN]
    elif face < 4:
        normal = sky[SUN + 1] if face == 2 else -sky[SUN + 1]
    else:
        normal = sky[SUN + 2] if face == 4 else -sky[SUN + 2]
    if sky[SUN + 1] < -0.1:
        # The moon stands opposite the sun.
        normal = -normal
    corner = 0.55 + 0.45 * open_share
    bright = (_CAVE + (1 - _CAVE) * day * (0.4 + 0.6 * day)) * _FACE_LIGHT[face] * corner
    sun = max(normal, 0.0) * min(max((day - 0.62) / 0.3, 0.0), 1.0) * corner
    lamp = glow * glow * corner
    r = sky[AMBIENT] * bright + sky[SUNLIGHT] * sun
    g = sky[AMBIENT + 1] * bright + sky[SUNLIGHT + 1] * sun
    b = sky[AMBIENT + 2] * bright + sky[SUNLIGHT + 2] * sun
    r += lamp * _LANTERN[0] * max(1 - r, 0.0)
    g += lamp * _LANTERN[1] * max(1 - g, 0.0)
    b += lamp * _LANTERN[2] * max(1 - b, 0.0)
    return r, g, b


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def light_at(light: np.ndarray, sky: np.ndarray, face: int, x: int, y: int, z: int) -> tuple[float, float, float]:
    """Light on a face in the midst of cell (x, y, z), without corners; light is flat uint8 as in `light.py`."""
    height = light.shape[0] >> 16
    value = OPEN_SKY << 4
    if 0 <= y < height:
        value = int(np.int64(light[((x & 255) * height + y) << 8 | (z & 255)]))
    if value == WALL:
        value = 0
    return illuminate(sky, face, (value >> 4) / OPEN_SKY, (value & 15) / OPEN_SKY, 1.0)


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def _light_on(
    light: np.ndarray, sky: np.ndarray, face: int, x: int, y: int, z: int, px: float, py: float, pz: float
) -> tuple[float, float, float]:
    """Smooth light at point p on a face of the cube in cell (x, y, z): the four cells before it, weighted by nearness.
    Walls among them count as dark corners, which is all the ambient occlusion there is."""
    height = light.shape[0] >> 16
    # The four cells lie before the face: two of the three coordinates vary.
    if face < 2:
        fixed, a, b = x + 1 - 2 * face, py - 0.5, pz - 0.5
    elif face < 4:
        fixed, a, b = y + 5 - 2 * face, px - 0.5, pz - 0.5
    else:
        fixed, a, b = z + 9 - 2 * face, px - 0.5, py - 0.5
    a0, b0 = int(math.floor(a)), int(math.floor(b))
    fa, fb = a - a0, b - b0
    day, glow, opened = 0.0, 0.0, 0.0
    for corner in range(4):
        ca, cb = corner & 1, corner >> 1
        weight = (fa if ca else 1 - fa) * (fb if cb else 1 - fb)
        if face < 2:
            cx, cy, cz = fixed, a0 + ca, b0 + cb
        elif face < 4:
            cx, cy, cz = a0 + ca, fixed, b0 + cb
        else:
            cx, cy, cz = a0 + ca, b0 + cb, fixed
        if cy >= height or cy < 0:
            day += weight * OPEN_SKY
            opened += weight
            continue
        value = int(np.int64(light[((cx & 255) * height + cy) << 8 | (cz & 255)]))
        if value != WALL:
            day += weight * (value >> 4)
            glow += weight * (value & 15)
            opened += weight
    share = 1.0 / (max(opened, 0.05) * OPEN_SKY)
    return illuminate(sky, face, day * share, glow * share, opened)


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def crack_at(cracks: np.ndarray, u: float, v: float, progress: float) -> float:
    """How dark the cracks are at u, v of a face when `progress` 0..1 of the digging is done: 0 none to 1."""
    x, y = u * 16 - 0.5, v * 16 - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    dark = 0.0
    for corner in range(4):
        i, j = int(x0) + (corner & 1), int(y0) + (corner >> 1)
        weight = (fx if corner & 1 else 1 - fx) * (fy if corner >> 1 else 1 - fy)
        dark += weight * min(max((progress - cracks[j & 15, i & 15]) * 8.0, 0.0), 1.0)
    return min(1.6 * dark, 1.0)


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def surface(
    texels: np.ndarray, means: np.ndarray, faces: np.ndarray, cracks: np.ndarray,
    light: np.ndarray, sky: np.ndarray, target: np.ndarray, crack: float,
    block: int, face: int, x: int, y: int, z: int, px: float, py: float, pz: float, footprint: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Colour r, g, b (may exceed 1) of point p on a face of `block` in cell (x, y, z), seen by a pixel as wide as
    `footprint` blocks there; texels, means, faces, cracks are those of `textures.atlas`."""
    lx, ly, lz = px - x, py - y, pz - z
    half, tall = _HALF[block], _TALL[block]
    if not _CUBE[block]:
        lx, ly, lz = (lx - 0.5) / (2 * half) + 0.5, ly / tall, (lz - 0.5) / (2 * half) + 0.5
    if face < 2:
        u, v, texture = lz, 1 - ly, faces[block, 1]
    elif face < 4:
        u, v, texture = lx, lz, faces[block, 0 if face == 2 else 2]
    else:
        u, v, texture = lx, 1 - ly, faces[block, 1]
    u, v = min(max(u, 0.0), 0.9999), min(max(v, 0.0), 0.9999)
    r, g, b = texel(texels, means, texture, u, v, footprint)
    if GLOW[block] > 0:
        lr, lg, lb = 1.16, 1.08, 0.92
    elif _CUBE[block]:
        lr, lg, lb = _light_on(light, sky, face, x, y, z, px, py, pz)
    else:
        # A plant is lit as its own cell is; an opaque box such as a cactus as the cell before it.
        out = 1 if OPAQUE[block] else 0
        nx = out * ((face == 0) - (face == 1))
        ny = out * ((face == 2) - (face == 3))
        nz = out * ((face == 4) - (face == 5))
        lr, lg, lb = light_at(light, sky, face, x + nx, y + ny, z + nz)
    r, g, b = r * lr, g * lg, b * lb
    if target[0] and (x - target[1]) & 255 == 0 and y == target[2] and (z - target[3]) & 255 == 0:
        rim = min(u, v, 1 - u, 1 - v)
        line = min(max((0.03 + 0.7 * footprint - rim) / max(footprint, 0.02), 0.0), 1.0) * 0.62
        if crack > 0:
            line = max(line, 0.78 * crack_at(cracks, u, v, crack))
        r, g, b = r * (1 - line), g * (1 - line), b * (1 - line)
    return r, g, b
