"""What a point on a block looks like: texture, light that falls on it, outline and cracks of the block aimed at.

Knows the light field and the texture atlas, no cameras. Faces are numbered as in `rays.py`, whose bundles `shade` colours:
loops of plain arithmetic, which run for all lanes at once, between loops that look things up lane by lane.
"""

import math

import numpy as np
from numba import njit
from numpy import float32 as f32
from numpy import int32 as i32

from simworld.env.voxel.blocks import BOX, GLOW, OPAQUE
from simworld.env.voxel.light import OPEN_SKY, WALL
from simworld.env.voxel.rays import DX, DY, DZ, LANES, LENGTH, RAY_SLOTS, T
from simworld.env.voxel.sky import AMBIENT, SUN, SUNLIGHT

(BLOCK, FACE, CELL_X, CELL_Y, CELL_Z, RED, GREEN, BLUE) = range(RAY_SLOTS * LANES, (RAY_SLOTS + 8) * LANES, LANES)
"""First lanes of the slots that `shade` reads (block hit, face, cell as in `rays.py`) and fills (its colour)."""
_OWN = (RAY_SLOTS + 8) * LANES
(_TEXTURE, _SLIM, _LOW, _LAMP, _U, _V, _WIDTH) = range(_OWN, _OWN + 7 * LANES, LANES)
(_TEXEL, _LIGHT) = range(_OWN + 7 * LANES, _OWN + 15 * LANES, 4 * LANES)
(_FX, _FY, _FA, _FB, _FADE, _CLEAR) = range(_OWN + 15 * LANES, _OWN + 21 * LANES, LANES)
(_CORNER, _MEAN) = range(_OWN + 21 * LANES, _OWN + 45 * LANES, 12 * LANES)
SURFACE_SLOTS = RAY_SLOTS + 8 + 36
"""Slots of a bundle after those of its rays and surfaces are counted."""
_CUBE = BOX[:, 0] + BOX[:, 1] >= 1.5
_SHAPE = np.stack([0.5 / BOX[:, 0], 1 / BOX[:, 1], GLOW > 0], 1).astype(np.float32)
"""By block: how many times slimmer and lower than a cube it is, and whether it glows."""
_SIDE = np.array([1, 1, 0, 2, 1, 1])
"""By face: column of its texture in the atlas."""
_FACE_LIGHT = np.array([0.72, 0.72, 1.0, 0.5, 0.85, 0.85], np.float32)
"""How much of the ambient light each face gets: sides are told apart even under a grey sky."""
_CAVE = 0.085
"""Ambient light where no sky is seen."""
_LANTERN = (1.12, 0.76, 0.40)
_GLOWING = (1.16, 1.08, 0.92)
"""The light on a block that glows."""
_OUTSIDE = OPEN_SKY << 4
"""Light above and below the world."""


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
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


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _sunny(sky: np.ndarray, face: int) -> f32:
    """How squarely sun or moon shine on a face, 0..1."""
    normal = sky[SUN + (face >> 1)]
    # The moon stands opposite the sun.
    if (face & 1 == 1) != (sky[SUN + 1] < -0.1):
        normal = -normal
    return max(normal, f32(0))


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _illuminate(ambient: f32, sunlight: f32, lantern: f32, share: f32, sunny: f32, day: f32, glow: f32, opened: f32) -> f32:
    """One channel of the light on a face that gets `share` of the ambient light and `sunny` of the sunlight: `day` and
    `glow` 0..1 as the cells before it have them, `opened` 0..1 of them not walled."""
    corner = f32(0.55) + f32(0.45) * opened
    bright = (f32(_CAVE) + f32(1 - _CAVE) * day * (f32(0.4) + f32(0.6) * day)) * share * corner
    sun = sunny * min(max((day - f32(0.62)) * f32(1 / 0.3), f32(0)), f32(1)) * corner
    bright = ambient * bright + sunlight * sun
    return bright + glow * glow * corner * lantern * max(f32(1) - bright, f32(0))


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def light_at(light: np.ndarray, sky: np.ndarray, face: int, x: int, y: int, z: int) -> tuple[f32, f32, f32]:
    """Light on a face in the midst of cell (x, y, z), without corners; light is flat uint8 as in `light.py`."""
    value = _cell_light(light, x, y, z)
    day, glow = f32((value >> 4) / OPEN_SKY), f32((value & 15) / OPEN_SKY)
    sunny, share, one = _sunny(sky, face), _FACE_LIGHT[face], f32(1)
    return (
        _illuminate(sky[AMBIENT], sky[SUNLIGHT], f32(_LANTERN[0]), share, sunny, day, glow, one),
        _illuminate(sky[AMBIENT + 1], sky[SUNLIGHT + 1], f32(_LANTERN[1]), share, sunny, day, glow, one),
        _illuminate(sky[AMBIENT + 2], sky[SUNLIGHT + 2], f32(_LANTERN[2]), share, sunny, day, glow, one),
    )


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _cell_light(light: np.ndarray, x: int | i32, y: int, z: int | i32) -> int:
    """Light of a cell, none in a wall."""
    height = light.shape[0] >> 16
    value = _OUTSIDE
    if 0 <= y < height:
        value = int(np.int64(light[((x & 255) * height + y) << 8 | (z & 255)]))
    return 0 if value == WALL else value


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _crack_at(cracks: np.ndarray, u: float, v: float, progress: float) -> float:
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


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _cell(x: i32, y: i32, z: i32) -> f32:
    """Flat index of a cell whose x and z are in place already; -1 above and below the world."""
    return f32(x | y << i32(8) | z) if y == y & i32(63) else f32(-1)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _place(rays: np.ndarray, ox: f32, oy: f32, oz: f32, x0: i32, z0: i32, pixel: f32) -> None:
    """Where on its face each ray of a bundle has hit, and which four texels and four cells of light lie around."""
    half, one, zero = f32(0.5), f32(1), f32(0)
    for k in range(LANES):
        t, dx, dy, dz = rays[T + k], rays[DX + k], rays[DY + k], rays[DZ + k]
        face = rays[FACE + k]
        sideways, level = face < f32(2), (face >= f32(2)) & (face < f32(4))
        px, py, pz = ox + dx * t, oy + dy * t, oz + dz * t
        cx, cy, cz = rays[CELL_X + k], rays[CELL_Y + k], rays[CELL_Z + k]
        lx, lz = (px - cx - half) * rays[_SLIM + k] + half, (pz - cz - half) * rays[_SLIM + k] + half
        ly = (py - cy) * rays[_LOW + k]
        u = min(max(lz if sideways else lx, zero), f32(0.9999))
        v = min(max(lz if level else one - ly, zero), f32(0.9999))
        along = abs(dx if sideways else (dy if level else dz))
        cosine = along / rays[LENGTH + k]
        footprint = pixel * t * (f32(0.4) + f32(0.6) / max(cosine, f32(0.08)))
        rays[_U + k], rays[_V + k], rays[_WIDTH + k] = u, v, footprint
        # Bilinear within a smaller copy that suits the footprint, as in `texel`.
        wide = footprint * f32(16)
        fine, middling = wide < f32(1.5), wide < f32(3)
        side = f32(16) if fine else (f32(8) if middling else f32(4))
        base = zero if fine else (f32(256) if middling else f32(320))
        tx, ty = u * side - half, v * side - half
        i, j = np.floor(tx), np.floor(ty)
        soft = min(max(wide * side * f32(1 / 16), f32(0.2)), one)
        rays[_FX + k] = min(max((tx - i - half) / soft + half, zero), one)
        rays[_FY + k] = min(max((ty - j - half) / soft + half, zero), one)
        rays[_FADE + k] = min(max((wide - f32(2)) * f32(0.2), zero), one)
        i1, j1 = (i + one if i + one < side else zero), (j + one if j + one < side else zero)
        i, j = (i if i >= zero else side - one), (j if j >= zero else side - one)
        rays[_TEXEL + k] = base + j * side + i
        rays[_TEXEL + LANES + k] = base + j * side + i1
        rays[_TEXEL + 2 * LANES + k] = base + j1 * side + i
        rays[_TEXEL + 3 * LANES + k] = base + j1 * side + i1
        # The four cells lie before the face: two of the three coordinates vary.
        a, b = (py if sideways else px) - half, (pz if sideways or level else py) - half
        a0, b0 = np.floor(a), np.floor(b)
        rays[_FA + k], rays[_FB + k] = a - a0, b - b0
        front = (cx if sideways else (cy if level else cz)) + (one - f32(4) * (face * half - np.floor(face * half)))
        x = i32(front if sideways else a0)
        y = i32(a0 if sideways else (front if level else b0))
        z = i32(b0 if sideways or level else front)
        x1 = x if sideways else x + i32(1)
        y1 = y if level else y + i32(1)
        z1 = z + i32(1) if sideways or level else z
        x, x1 = ((x + x0) & i32(255)) << i32(14), ((x1 + x0) & i32(255)) << i32(14)
        z, z1 = (z + z0) & i32(255), (z1 + z0) & i32(255)
        # One step along a, then along b: x or y first, y or z second.
        rays[_LIGHT + k] = _cell(x, y, z)
        rays[_LIGHT + LANES + k] = _cell(x, y1, z) if sideways else _cell(x1, y, z)
        rays[_LIGHT + 2 * LANES + k] = _cell(x, y, z1) if sideways or level else _cell(x, y1, z)
        rays[_LIGHT + 3 * LANES + k] = _cell(x1, y1, z1)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _look_up(
    rays: np.ndarray, texels: np.ndarray, means: np.ndarray, cracks: np.ndarray, light: np.ndarray,
    target: np.ndarray, crack: float, x0: i32, z0: i32,
) -> None:  # fmt: skip
    """Fetch the texels and the cells of light that `_place` found, and how much outline and cracks leave of the colour."""
    aimed, aim_y = target[0] != 0, f32(target[2])
    aim_x, aim_z = f32((target[1] - x0 + 128 & 255) - 128), f32((target[3] - z0 + 128 & 255) - 128)
    for k in range(LANES):
        texture = np.uint32(rays[_TEXTURE + k])
        for channel in range(3):
            rays[_MEAN + channel * LANES + k] = means[texture, channel]
            for corner in range(4):
                place = np.uint32(rays[_TEXEL + corner * LANES + k])
                rays[_CORNER + (3 * corner + channel) * LANES + k] = texels[texture, place, channel]
        block = np.uint32(rays[BLOCK + k])
        if not _CUBE[block]:
            # A plant is lit as its own cell is; an opaque box such as a cactus as the cell before it.
            face, out = int(rays[FACE + k]), 1 if OPAQUE[block] else 0
            x, y, z = x0 + int(rays[CELL_X + k]), int(rays[CELL_Y + k]), z0 + int(rays[CELL_Z + k])
            nx = out * ((face == 0) - (face == 1))
            ny = out * ((face == 2) - (face == 3))
            nz = out * ((face == 4) - (face == 5))
            value = _cell_light(light, x + nx, y + ny, z + nz)
            for corner in range(4):
                rays[_LIGHT + corner * LANES + k] = value
        else:
            for corner in range(4):
                cell = rays[_LIGHT + corner * LANES + k]
                rays[_LIGHT + corner * LANES + k] = light[np.uint32(cell)] if cell >= 0 else _OUTSIDE
        rays[_CLEAR + k] = 1.0
        if aimed and rays[CELL_X + k] == aim_x and rays[CELL_Y + k] == aim_y and rays[CELL_Z + k] == aim_z:
            u, v, footprint = rays[_U + k], rays[_V + k], rays[_WIDTH + k]
            rim = min(u, v, 1 - u, 1 - v)
            line = min(max((0.03 + 0.7 * footprint - rim) / max(footprint, 0.02), 0.0), 1.0) * 0.62
            if crack > 0:
                line = max(line, 0.78 * _crack_at(cracks, u, v, crack))
            rays[_CLEAR + k] = 1 - line


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _blend(rays: np.ndarray, k: int, channel: int, a: f32, b: f32, c: f32, d: f32, fade: f32) -> f32:
    """One channel of the texture from its four texels, weighted a to d, and its mean."""
    first = _CORNER + channel * LANES + k
    color = rays[first] * a + rays[first + 3 * LANES] * b + rays[first + 6 * LANES] * c + rays[first + 9 * LANES] * d
    return color + (rays[_MEAN + channel * LANES + k] - color) * fade


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _mix(rays: np.ndarray, sky: np.ndarray) -> None:
    """Colour of each ray of a bundle: texture times smooth light, from the four cells before the face by nearness."""
    ar, ag, ab = sky[AMBIENT], sky[AMBIENT + 1], sky[AMBIENT + 2]
    sr, sg, sb = sky[SUNLIGHT], sky[SUNLIGHT + 1], sky[SUNLIGHT + 2]
    # The moon stands opposite the sun.
    side = f32(-1) if sky[SUN + 1] < -0.1 else f32(1)
    sun_x, sun_y, sun_z = side * sky[SUN], side * sky[SUN + 1], side * sky[SUN + 2]
    shares = _FACE_LIGHT[0], _FACE_LIGHT[2], _FACE_LIGHT[3], _FACE_LIGHT[4]
    zero, one, wall = f32(0), f32(1), f32(WALL)
    for k in range(LANES):
        fa, fb = rays[_FA + k], rays[_FB + k]
        a, b, c, d = (one - fa) * (one - fb), fa * (one - fb), (one - fa) * fb, fa * fb
        p, q, s, w = rays[_LIGHT + k], rays[_LIGHT + LANES + k], rays[_LIGHT + 2 * LANES + k], rays[_LIGHT + 3 * LANES + k]
        # Walls among them count as dark corners, which is all the ambient occlusion there is.
        a, b = (zero if p == wall else a), (zero if q == wall else b)
        c, d = (zero if s == wall else c), (zero if w == wall else d)
        sixteenth = f32(1 / 16)
        day_p, day_q, day_s, day_w = (
            np.floor(p * sixteenth), np.floor(q * sixteenth), np.floor(s * sixteenth), np.floor(w * sixteenth)
        )  # fmt: skip
        opened = a + b + c + d
        day = a * day_p + b * day_q + c * day_s + d * day_w
        glow = a * p + b * q + c * s + d * w - f32(16) * day
        scale = one / (max(opened, f32(0.05)) * f32(OPEN_SKY))
        day, glow = day * scale, glow * scale
        face, lamp = rays[FACE + k], rays[_LAMP + k]
        sideways, level = face < f32(2), (face >= f32(2)) & (face < f32(4))
        backward = face * f32(0.5) > np.floor(face * f32(0.5))
        sunny = sun_x if sideways else (sun_y if level else sun_z)
        sunny = max(-sunny if backward else sunny, zero)
        share = shares[0] if sideways else ((shares[2] if backward else shares[1]) if level else shares[3])
        lr = _illuminate(ar, sr, f32(_LANTERN[0]), share, sunny, day, glow, opened)
        lg = _illuminate(ag, sg, f32(_LANTERN[1]), share, sunny, day, glow, opened)
        lb = _illuminate(ab, sb, f32(_LANTERN[2]), share, sunny, day, glow, opened)
        lr = lr + (f32(_GLOWING[0]) - lr) * lamp
        lg = lg + (f32(_GLOWING[1]) - lg) * lamp
        lb = lb + (f32(_GLOWING[2]) - lb) * lamp
        fx, fy, fade, clear = rays[_FX + k], rays[_FY + k], rays[_FADE + k], rays[_CLEAR + k]
        a, b, c, d = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
        rays[RED + k] = _blend(rays, k, 0, a, b, c, d, fade) * lr * clear
        rays[GREEN + k] = _blend(rays, k, 1, a, b, c, d, fade) * lg * clear
        rays[BLUE + k] = _blend(rays, k, 2, a, b, c, d, fade) * lb * clear


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def shade(
    rays: np.ndarray, texels: np.ndarray, means: np.ndarray, faces: np.ndarray, cracks: np.ndarray,
    light: np.ndarray, sky: np.ndarray, target: np.ndarray, crack: float,
    ox: f32, oy: f32, oz: f32, x0: i32, z0: i32, pixel: f32,
) -> None:  # fmt: skip
    """Colour (it may exceed 1) of what each ray of a bundle has hit at its t, seen by pixels `pixel` wide at distance one;
    o, x0, z0 as in `glide`; texels, means, faces, cracks are those of `textures.atlas`."""
    for k in range(LANES):
        block = np.uint32(rays[BLOCK + k])
        rays[_TEXTURE + k] = faces[block, _SIDE[np.uint32(rays[FACE + k])]]
        rays[_SLIM + k], rays[_LOW + k], rays[_LAMP + k] = _SHAPE[block, 0], _SHAPE[block, 1], _SHAPE[block, 2]
    _place(rays, ox, oy, oz, x0, z0, pixel)
    _look_up(rays, texels, means, cracks, light, target, crack, x0, z0)
    _mix(rays, sky)
