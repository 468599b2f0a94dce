"""The camera: one picture of the world as a player sees it.

Knows no game rules: it is told where the eye is and what is held. `render(...)` casts a ray a pixel, three more where an
outline runs through the pixel, then draws animals, falling weather and the hand over it. One thread, no GIL.
"""

import math

import numpy as np
from numba import njit
from numpy import float32 as f32
from numpy import int32 as i32

from simworld.env.voxel.blocks import BLOCKS
from simworld.env.voxel.figures import draw_animal, draw_hand
from simworld.env.voxel.particles import draw_drops, draw_stars
from simworld.env.voxel.rays import AXIS, DX, DY, DZ, END, HEIGHT, IX, IY, IZ, LANES, LENGTH, VX, VY, VZ, T, glide, leap, trace
from simworld.env.voxel.sky import (
    AMBIENT,
    FOG_END,
    FOG_START,
    SKY_SIZE,
    STEP,
    SUN,
    SUNLIGHT,
    cloud_map,
    sky_base,
    sky_color,
    sky_tones,
)
from simworld.env.voxel.surface import BLOCK, BLUE, CELL_X, CELL_Y, CELL_Z, FACE, GREEN, RED, SURFACE_SLOTS, light_at, shade
from simworld.env.voxel.terrain import Terrain
from simworld.env.voxel.textures import atlas

FIELD_OF_VIEW = 70.0
"""Vertical, in degrees."""
VIEW = 64.0
"""How far rays go, in blocks; the fog is closed there."""
_TILE = 4
"""Side in pixels of the squares whose rays make a bundle (`rays.py`)."""
_DEEP = (0.075, 0.25, 0.47)
_FAINT = 0.06
"""Contrast of an outline that nobody would see as a staircase."""
NOBODY = -1
"""What is held where no hand is to be seen."""
_NO_KEY = -1
_OWN = SURFACE_SLOTS * LANES
(_COLUMN, _ROW, _WATER, _WATER_FACE, _WET, _GLASS, _KEY, _DEPTH, _OPENNESS) = range(_OWN, _OWN + 9 * LANES, LANES)
_SLOTS = SURFACE_SLOTS + 9
"""Slots of a bundle: those of rays and surfaces, then where in the picture a ray goes and what it sees there."""


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _shine(sky: np.ndarray) -> tuple[float, float, float]:
    """The light on open water: what deep water is multiplied with."""
    return (
        sky[AMBIENT] + 0.5 * sky[SUNLIGHT],
        sky[AMBIENT + 1] + 0.5 * sky[SUNLIGHT + 1],
        sky[AMBIENT + 2] + 0.5 * sky[SUNLIGHT + 2],
    )


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _fog(sky: np.ndarray, away: float) -> float:
    """How much of the fog's colour lies over what is `away` blocks off, 0..1."""
    fog = min(max((away - sky[FOG_START]) / (sky[FOG_END] - sky[FOG_START]), 0.0), 1.0)
    return fog * fog * (2 - fog)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _aim(rays: np.ndarray, axes: np.ndarray, pixel: f32, ox: f32, oy: f32, oz: f32) -> None:
    """Send a bundle out: from its columns, rows (from the picture's middle) and t the rest of its rays' slots."""
    rx, ry, rz = f32(axes[0, 0]), f32(axes[0, 1]), f32(axes[0, 2])
    ux, uy, uz = f32(axes[1, 0]), f32(axes[1, 1]), f32(axes[1, 2])
    ax, ay, az = f32(axes[2, 0]), f32(axes[2, 1]), f32(axes[2, 2])
    one, tiny, top = f32(1), f32(1e-9), f32(HEIGHT)
    for k in range(LANES):
        u, v, t = rays[_COLUMN + k] * pixel, rays[_ROW + k] * pixel, rays[T + k]
        dx, dy, dz = ax + u * rx - v * ux, ay + u * ry - v * uy, az + u * rz - v * uz
        dx, dy, dz = (dx if abs(dx) > tiny else tiny), (dy if abs(dy) > tiny else tiny), (dz if abs(dz) > tiny else tiny)
        rays[DX + k], rays[DY + k], rays[DZ + k] = dx, dy, dz
        rays[VX + k], rays[VY + k], rays[VZ + k] = one / dx, one / dy, one / dz
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        rays[LENGTH + k], end = length, f32(VIEW) / length
        # What looks down from above the world enters it by its top.
        above = oy + dy * t >= top
        t = ((top - oy) / dy if dy < f32(0) else end) if above else t
        rays[END + k], rays[T + k] = end, t
        rays[IX + k], rays[IZ + k] = np.floor(ox + dx * t), np.floor(oz + dz * t)
        rays[IY + k] = top - one if above else np.floor(oy + dy * t)
        rays[AXIS + k] = one if above else -one


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _haze(rays: np.ndarray, sky: np.ndarray) -> None:
    """Lay the fog over what a bundle has hit."""
    tones = sky_tones(sky)
    first, per_block, one, zero = sky[FOG_START], f32(1) / (sky[FOG_END] - sky[FOG_START]), f32(1), f32(0)
    for k in range(LANES):
        dx, dy, dz = rays[DX + k], rays[DY + k], rays[DZ + k]
        length = rays[LENGTH + k]
        scale = one / length
        fog = min(max((rays[T + k] * length - first) * per_block, zero), one)
        fog = fog * fog * (f32(2) - fog)
        fog_r, fog_g, fog_b = sky_base(tones, dx * scale, dy * scale, dz * scale)
        r, g, b = rays[RED + k], rays[GREEN + k], rays[BLUE + k]
        rays[RED + k], rays[GREEN + k], rays[BLUE + k] = r + (fog_r - r) * fog, g + (fog_g - g) * fog, b + (fog_b - b) * fog


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _wade(
    rays: np.ndarray, k: int, r: f32, g: f32, b: f32, sky: np.ndarray,
    ex: float, ez: float, nx: float, ny: float, nz: float, length: float,
) -> tuple[f32, f32, f32]:  # fmt: skip
    """The colour r, g, b behind water as ray k sees it, that goes along the unit vector n and has `length`."""
    lr, lg, lb = _shine(sky)
    wet, water_t, water_face = rays[_WET + k] * length, rays[_WATER + k], rays[_WATER_FACE + k]
    deep_r, deep_g, deep_b = _DEEP[0] * lr, _DEEP[1] * lg, _DEEP[2] * lb
    if water_face < 0:
        rays[_WATER + k] = 1e9
        murk = 1 - math.exp(-0.12 * wet)
        r, g, b = r * 0.72, g * 0.88, b * 0.98
        return r + (1.3 * deep_r - r) * murk, g + (1.5 * deep_g - g) * murk, b + (1.35 * deep_b - b) * murk
    rays[_KEY + k] = 1 << 20 | (int(rays[_KEY + k]) & 7)
    rays[_OPENNESS + k] = 0.0
    murk = 1 - 0.8 * math.exp(-0.28 * wet)
    r, g, b = r + (deep_r - r) * murk, g + (deep_g - g) * murk, b + (deep_b - b) * murk
    wx, wz, beat = ex + nx * length * water_t, ez + nz * length * water_t, 0.07 * sky[STEP]
    near = max(1 - water_t * length / 28.0, 0.0)
    wave = math.sin(1.3 * wx + 0.7 * wz + beat) + math.sin(0.9 * wz - 0.8 * wx + 0.83 * beat)
    tones = sky_tones(sky)
    if water_face == 2:
        miss = 1 - min(abs(ny), 1.0)
        miss = miss * miss
        mirror = 0.06 + 0.62 * miss * miss
        sr, sg, sb = sky_base(tones, f32(nx), f32(abs(ny)), f32(nz))
        r, g, b = r + (sr - r) * mirror, g + (sg - g) * mirror, b + (sb - b) * mirror
        glint = max(nx * sky[SUN] - ny * sky[SUN + 1] + nz * sky[SUN + 2], 0.0)
        glint = glint**40 * 0.5
        r, g, b = r + sky[SUNLIGHT] * glint, g + sky[SUNLIGHT + 1] * glint, b + sky[SUNLIGHT + 2] * glint
    ripple = 1 + 0.045 * wave * near
    r, g, b = r * ripple, g * ripple, b * ripple
    mist = _fog(sky, water_t * length)
    fog_r, fog_g, fog_b = sky_base(tones, f32(nx), f32(ny), f32(nz))
    return r + (fog_r - r) * mist, g + (fog_g - g) * mist, b + (fog_b - b) * mist


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _see(
    rays: np.ndarray, blocks: np.ndarray, skip: np.ndarray, light: np.ndarray,
    texels: np.ndarray, means: np.ndarray, faces: np.ndarray, cracks: np.ndarray, clouds: np.ndarray,
    sky: np.ndarray, target: np.ndarray, crack: float, eye: np.ndarray, axes: np.ndarray, pixel: float,
) -> None:  # fmt: skip
    """What a bundle sees: from its columns, rows and first t, colours, depth of the land (1e9: sky), a key that tells faces
    apart, depth of the water's surface (1e9: none), how open the sky is. Depths are along the view axis."""
    ex, ey, ez = eye[0], eye[1], eye[2]
    x0, z0 = int(math.floor(ex)), int(math.floor(ez))
    ox, oy, oz = f32(ex - x0), f32(ey), f32(ez - z0)
    _aim(rays, axes, f32(pixel), ox, oy, oz)
    glide(skip, rays, ox, oy, oz, i32(x0), i32(z0))
    land = False
    for k in range(LANES):
        axis = int(rays[AXIS + k])
        face = 2 * axis + (rays[DX + axis * LANES + k] > 0) if axis >= 0 else -1
        t, block, face, x, y, z, water_t, water_face, wet, glass = trace(
            blocks, skip, ex, ey, ez, rays[DX + k], rays[DY + k], rays[DZ + k], rays[VX + k], rays[VY + k], rays[VZ + k],
            rays[T + k], rays[END + k], face, x0 + int(rays[IX + k]), int(rays[IY + k]), z0 + int(rays[IZ + k]),
        )  # fmt: skip
        face, land = max(face, 0), land or block > 0
        rays[T + k], rays[BLOCK + k], rays[FACE + k] = t, block, face
        rays[CELL_X + k], rays[CELL_Y + k], rays[CELL_Z + k] = x - x0, y, z - z0
        rays[_WATER + k], rays[_WATER_FACE + k], rays[_WET + k], rays[_GLASS + k] = water_t, water_face, wet, glass
        plane = x if face < 2 else y if face < 4 else z
        rays[_KEY + k] = face | (plane & 255) << 3 | block << 11
        rays[_OPENNESS + k] = 0.0
        rays[_DEPTH + k] = t if block > 0 else 1e9
    if land:
        shade(rays, texels, means, faces, cracks, light, sky, target, crack, ox, oy, oz, i32(x0), i32(z0), f32(pixel))
        _haze(rays, sky)
    for k in range(LANES):
        length = rays[LENGTH + k]
        hidden = rays[BLOCK + k] == 0 or rays[T + k] * length >= sky[FOG_END]
        if not hidden and rays[_WATER + k] < 0 and rays[_WET + k] == 0 and rays[_GLASS + k] == 0:
            rays[_WATER + k] = 1e9
            continue
        nx, ny, nz = rays[DX + k] / length, rays[DY + k] / length, rays[DZ + k] / length
        r, g, b = rays[RED + k], rays[GREEN + k], rays[BLUE + k]
        if hidden:
            r, g, b, rays[_OPENNESS + k] = sky_color(sky, clouds, ex, ey, ez, nx, ny, nz, pixel)
            rays[_KEY + k] = _NO_KEY
        glass = rays[_GLASS + k] * 0.5
        if glass > 0:
            r, g, b = r + (0.8 - r) * glass, g + (0.9 - g) * glass, b + (0.95 - b) * glass
        if rays[_WATER + k] >= 0 or rays[_WET + k] > 0:
            r, g, b = _wade(rays, k, r, g, b, sky, ex, ez, nx, ny, nz, length)
        else:
            rays[_WATER + k] = 1e9
        rays[RED + k], rays[GREEN + k], rays[BLUE + k] = r, g, b


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _is_outline(picture: np.ndarray, keys: np.ndarray, i: int, j: int) -> bool:
    """Whether pixel (i, j) and those right of and below it show several faces of colours that differ."""
    key = keys[i, j]
    if key == keys[i, j + 1] and key == keys[i + 1, j] and key == keys[i + 1, j + 1]:
        return False
    contrast = f32(0)
    for channel in range(3):
        p, q = picture[i, j, channel], picture[i, j + 1, channel]
        s, w = picture[i + 1, j, channel], picture[i + 1, j + 1, channel]
        contrast = max(contrast, max(max(p, q), max(s, w)) - min(min(p, q), min(s, w)))
    return bool(contrast >= _FAINT)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _draw(
    blocks: np.ndarray, skip: np.ndarray, light: np.ndarray,
    texels: np.ndarray, means: np.ndarray, faces: np.ndarray, cracks: np.ndarray, clouds: np.ndarray,
    eye: np.ndarray, yaw: float, pitch: float, sky: np.ndarray,
    entities: np.ndarray, held: int, swing: float, target: np.ndarray, crack: float, out: np.ndarray, depth: np.ndarray,
) -> None:  # fmt: skip
    high, wide, _ = out.shape
    tan_y = math.tan(math.radians(FIELD_OF_VIEW / 2))
    pixel = 2 * tan_y / high
    sy, cy = math.sin(math.radians(yaw)), math.cos(math.radians(yaw))
    sp, cp = math.sin(math.radians(pitch)), math.cos(math.radians(pitch))
    axes = np.empty((3, 3))
    axes[0, 0], axes[0, 1], axes[0, 2] = -cy, 0.0, -sy
    axes[1, 0], axes[1, 1], axes[1, 2] = -sy * sp, cp, cy * sp
    axes[2, 0], axes[2, 1], axes[2, 2] = -sy * cp, -sp, cy * cp
    ex, ey, ez = eye[0], eye[1], eye[2]
    picture = np.empty((high, wide, 3), np.float32)
    keys = np.empty((high, wide), np.int32)
    water = np.empty((high, wide), np.float32)
    openness = np.empty((high, wide), np.float32)
    rays = np.zeros(_SLOTS * LANES, np.float32)
    tiles_wide = (wide + _TILE - 1) // _TILE
    starts = np.empty(((high + _TILE - 1) // _TILE, tiles_wide))
    half = 0.5 * _TILE * pixel
    spread_x = half * (abs(axes[0, 0]) + abs(axes[1, 0])) + 1e-6
    spread_y = half * (abs(axes[0, 1]) + abs(axes[1, 1])) + 1e-6
    spread_z = half * (abs(axes[0, 2]) + abs(axes[1, 2])) + 1e-6
    for ti in range(starts.shape[0]):
        for tj in range(tiles_wide):
            u = (tj * _TILE + 0.5 * _TILE - wide / 2) * pixel
            v = (high / 2 - ti * _TILE - 0.5 * _TILE) * pixel
            dx = axes[2, 0] + u * axes[0, 0] + v * axes[1, 0]
            dy = axes[2, 1] + u * axes[0, 1] + v * axes[1, 1]
            dz = axes[2, 2] + u * axes[0, 2] + v * axes[1, 2]
            start = leap(skip, ex, ey, ez, dx, dy, dz, spread_x, spread_y, spread_z, VIEW) - 1e-4
            starts[ti, tj] = max(start, 0.0)
            for k in range(LANES):
                rays[_COLUMN + k] = tj * _TILE + k % _TILE + 0.5 - wide / 2
                rays[_ROW + k] = ti * _TILE + k // _TILE + 0.5 - high / 2
                rays[T + k] = starts[ti, tj]
            _see(rays, blocks, skip, light, texels, means, faces, cracks, clouds, sky, target, crack, eye, axes, pixel)
            for k in range(LANES):
                i, j = ti * _TILE + k // _TILE, tj * _TILE + k % _TILE
                if i < high and j < wide:
                    picture[i, j, 0], picture[i, j, 1], picture[i, j, 2] = rays[RED + k], rays[GREEN + k], rays[BLUE + k]
                    depth[i, j], keys[i, j] = rays[_DEPTH + k], rays[_KEY + k]
                    water[i, j], openness[i, j] = rays[_WATER + k], rays[_OPENNESS + k]
    # Where four pixels that meet show different faces, an outline runs: one ray through their common corner smooths it.
    smooth = picture.copy()
    corners = np.empty((LANES, 2), np.int64)
    waiting = 0
    for i in range(high - 1):
        for j in range(wide - 1):
            if _is_outline(picture, keys, i, j):
                start = starts[i // _TILE, j // _TILE]
                if (j + 1) % _TILE == 0 or (i + 1) % _TILE == 0:
                    start = min(start, starts[(i + 1) // _TILE, (j + 1) // _TILE])
                rays[_COLUMN + waiting], rays[_ROW + waiting], rays[T + waiting] = j + 1 - wide / 2, i + 1 - high / 2, start
                corners[waiting] = i, j
                waiting += 1
            if waiting == LANES or (waiting > 0 and i == high - 2 and j == wide - 2):
                _see(rays, blocks, skip, light, texels, means, faces, cracks, clouds, sky, target, crack, eye, axes, pixel)
                for k in range(waiting):
                    for di in range(2):
                        for dj in range(2):
                            a, b = corners[k, 0] + di, corners[k, 1] + dj
                            for channel in range(3):
                                smooth[a, b, channel] += 0.15 * (rays[RED + channel * LANES + k] - picture[a, b, channel])
                waiting = 0
    picture = smooth
    draw_stars(picture, openness, sky, axes, tan_y)
    for entity in range(entities.shape[0]):
        draw_animal(picture, depth, keys, water, light, sky, eye, axes, tan_y, entities[entity], 0.9 * sky[FOG_END])
    draw_drops(picture, depth, light, sky, eye, axes, tan_y)
    for i in range(high):
        for j in range(wide):
            depth[i, j] = min(depth[i, j], water[i, j])
    lr, lg, lb = light_at(light, sky, 2, int(math.floor(ex)), int(math.floor(ey)), int(math.floor(ez)))
    if held != NOBODY:
        draw_hand(picture, texels, means, faces, held, swing, tan_y, lr, lg, lb)
    for i in range(high):
        for j in range(wide):
            for channel in range(3):
                out[i, j, channel] = np.uint8(min(max(picture[i, j, channel], 0.0), 1.0) * 255.0 + 0.5)


def render(
    terrain: Terrain,
    eye: np.ndarray,
    yaw: float,
    pitch: float,
    sky: np.ndarray,
    entities: np.ndarray,
    held: int,
    swing: float,
    target: np.ndarray,
    crack: float,
    out: np.ndarray,
) -> np.ndarray:
    """Draw what the eye sees into out uint8 [h, w, 3]. Returns how far away it is, the hand left aside: blocks along the
    view's axis, float32 [h, w], 1e9 for the sky.

    eye: x, y, z in blocks; yaw, pitch: degrees, Minecraft's way (yaw 0 faces +z and grows to the right, pitch 90 looks
    down); sky: the record of `sky_state`; entities: float [n, 8] = kind, x, y, z of the feet, yaw, walk phase (radians),
    scale, tint 0..1 (darker coat); held: block id, 0 for an empty hand, `NOBODY` for none; swing: 0..1 of the arm's stroke;
    target: int [4] = (1 if a block is aimed at, x, y, z); crack: 0..1 of the digging done.

    Raises ValueError for arrays of another shape or an unknown held block.
    """
    if out.ndim != 3 or out.shape[2] != 3 or out.dtype != np.uint8:
        raise ValueError(f"render: out is {out.dtype} {out.shape}; it must be uint8 (h, w, 3)")
    if np.shape(sky) != (SKY_SIZE,):
        raise ValueError(f"render: sky has shape {np.shape(sky)}; it must be the ({SKY_SIZE},) record of sky_state")
    if np.ndim(entities) != 2 or np.shape(entities)[1] != 8:
        raise ValueError(f"render: entities have shape {np.shape(entities)}; they must be (n, 8)")
    if held != NOBODY and not 0 <= held < len(BLOCKS):
        raise ValueError(f"render: held block {held} is unknown; ids go from 0 to {len(BLOCKS) - 1}")
    texels, means, faces, cracks = atlas()
    depth = np.empty(out.shape[:2], np.float32)
    _draw(
        terrain.blocks.reshape(-1), terrain.skip.reshape(-1), terrain.light.reshape(-1),
        texels, means, faces, cracks, cloud_map(),
        np.asarray(eye, np.float64), float(yaw), float(pitch), np.asarray(sky, np.float32),
        np.asarray(entities, np.float32), int(held), float(swing), np.asarray(target, np.int64), float(crack), out, depth,
    )  # fmt: skip
    return depth
