"""The camera: one picture of the world as a player sees it.

Knows no game rules: it is told where the eye is and what is held. `render(...)` casts a ray a pixel, three more where an
outline runs through the pixel, then draws animals, falling weather and the hand over it. One thread, no GIL.
"""

import math

import numpy as np
from numba import njit

from simworld.env.voxel.blocks import BLOCKS
from simworld.env.voxel.figures import draw_animal, draw_hand
from simworld.env.voxel.particles import draw_drops, draw_stars
from simworld.env.voxel.rays import leap, trace
from simworld.env.voxel.sky import AMBIENT, FOG_END, FOG_START, SKY_SIZE, STEP, SUN, SUNLIGHT, cloud_map, sky_base, sky_color
from simworld.env.voxel.surface import light_at, surface
from simworld.env.voxel.terrain import Terrain
from simworld.env.voxel.textures import atlas

FIELD_OF_VIEW = 70.0
"""Vertical, in degrees."""
VIEW = 64.0
"""How far rays go, in blocks; the fog is closed there."""
_TILE = 4
_DEEP = (0.075, 0.25, 0.47)
_FAINT = 0.06
"""Contrast of an outline that nobody would see as a staircase."""
_NO_KEY = -1


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def _shine(sky: np.ndarray) -> tuple[float, float, float]:
    """The light on open water: what deep water is multiplied with."""
    return (
        sky[AMBIENT] + 0.5 * sky[SUNLIGHT],
        sky[AMBIENT + 1] + 0.5 * sky[SUNLIGHT + 1],
        sky[AMBIENT + 2] + 0.5 * sky[SUNLIGHT + 2],
    )


@njit(nogil=True, cache=True, fastmath=True, forceinline=True)
def _see(
    blocks: np.ndarray, skip: np.ndarray, light: np.ndarray,
    texels: np.ndarray, means: np.ndarray, faces: np.ndarray, cracks: np.ndarray, clouds: np.ndarray,
    sky: np.ndarray, target: np.ndarray, crack: float,
    ex: float, ey: float, ez: float, dx: float, dy: float, dz: float, start: float, pixel: float,
) -> tuple[float, float, float, float, int, float, float]:  # fmt: skip
    """What one ray sees: r, g, b, t of the land (1e9: sky), a key that tells faces apart, t of the water's surface (1e9:
    none), how open the sky is. d has length one along the view axis."""
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    end = VIEW / length
    t, block, face, x, y, z, water_t, water_face, wet, glass = trace(blocks, skip, ex, ey, ez, dx, dy, dz, start, end)
    scale = 1 / length
    nx, ny, nz = dx * scale, dy * scale, dz * scale
    key, openness, depth = _NO_KEY, 0.0, 1e9
    fog_r, fog_g, fog_b = 0.0, 0.0, 0.0
    away = t * length
    fog = min(max((away - sky[FOG_START]) / (sky[FOG_END] - sky[FOG_START]), 0.0), 1.0)
    fog = fog * fog * (2 - fog)
    if fog > 0.0 or water_t >= 0:
        fog_r, fog_g, fog_b = sky_base(sky, nx, ny, nz)
    if block > 0 and fog < 1.0:
        depth = t
        px, py, pz = ex + dx * t, ey + dy * t, ez + dz * t
        cosine = abs(nx) if face < 2 else abs(ny) if face < 4 else abs(nz)
        footprint = pixel * t * (0.4 + 0.6 / max(cosine, 0.08))
        r, g, b = surface(texels, means, faces, cracks, light, sky, target, crack, block, face, x, y, z, px, py, pz, footprint)
        plane = x if face < 2 else y if face < 4 else z
        key = face | (plane & 255) << 3 | block << 11
        r, g, b = r + (fog_r - r) * fog, g + (fog_g - g) * fog, b + (fog_b - b) * fog
    else:
        if block > 0:
            depth = t
        r, g, b, openness = sky_color(sky, clouds, ex, ey, ez, nx, ny, nz, pixel)
    if glass > 0:
        r, g, b = r + (0.8 - r) * glass * 0.5, g + (0.9 - g) * glass * 0.5, b + (0.95 - b) * glass * 0.5
    surface_t = 1e9
    if water_t >= 0 or wet > 0:
        lr, lg, lb = _shine(sky)
        wet *= length
        deep_r, deep_g, deep_b = _DEEP[0] * lr, _DEEP[1] * lg, _DEEP[2] * lb
        if water_face < 0:
            murk = 1 - math.exp(-0.12 * wet)
            r, g, b = r * 0.72, g * 0.88, b * 0.98
            r, g, b = r + (1.3 * deep_r - r) * murk, g + (1.5 * deep_g - g) * murk, b + (1.35 * deep_b - b) * murk
        else:
            surface_t = water_t
            murk = 1 - 0.8 * math.exp(-0.28 * wet)
            r, g, b = r + (deep_r - r) * murk, g + (deep_g - g) * murk, b + (deep_b - b) * murk
            wx, wz, beat = ex + dx * water_t, ez + dz * water_t, 0.07 * sky[STEP]
            near = max(1 - water_t * length / 28.0, 0.0)
            wave = math.sin(1.3 * wx + 0.7 * wz + beat) + math.sin(0.9 * wz - 0.8 * wx + 0.83 * beat)
            if water_face == 2:
                miss = 1 - min(abs(ny), 1.0)
                miss = miss * miss
                mirror = 0.06 + 0.62 * miss * miss
                sr, sg, sb = sky_base(sky, nx, abs(ny), nz)
                r, g, b = r + (sr - r) * mirror, g + (sg - g) * mirror, b + (sb - b) * mirror
                glint = max(nx * sky[SUN] - ny * sky[SUN + 1] + nz * sky[SUN + 2], 0.0)
                glint = glint**40 * 0.5
                r, g, b = r + sky[SUNLIGHT] * glint, g + sky[SUNLIGHT + 1] * glint, b + sky[SUNLIGHT + 2] * glint
            ripple = 1 + 0.045 * wave * near
            r, g, b = r * ripple, g * ripple, b * ripple
            mist = min(max((water_t * length - sky[FOG_START]) / (sky[FOG_END] - sky[FOG_START]), 0.0), 1.0)
            mist = mist * mist * (2 - mist)
            r, g, b = r + (fog_r - r) * mist, g + (fog_g - g) * mist, b + (fog_b - b) * mist
            key = 1 << 20 | (key & 7)
            openness = 0.0
    return r, g, b, depth, key, surface_t, openness


@njit(nogil=True, cache=True, fastmath=True)
def _draw(
    blocks: np.ndarray, skip: np.ndarray, light: np.ndarray,
    texels: np.ndarray, means: np.ndarray, faces: np.ndarray, cracks: np.ndarray, clouds: np.ndarray,
    eye: np.ndarray, yaw: float, pitch: float, sky: np.ndarray,
    entities: np.ndarray, held: int, swing: float, target: np.ndarray, crack: float, out: np.ndarray,
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
    depth = np.empty((high, wide), np.float32)
    keys = np.empty((high, wide), np.int32)
    water = np.empty((high, wide), np.float32)
    openness = np.empty((high, wide), np.float32)
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
            for i in range(ti * _TILE, min((ti + 1) * _TILE, high)):
                for j in range(tj * _TILE, min((tj + 1) * _TILE, wide)):
                    u = (j + 0.5 - wide / 2) * pixel
                    v = (high / 2 - i - 0.5) * pixel
                    r, g, b, t, key, surface_t, clear = _see(
                        blocks, skip, light, texels, means, faces, cracks, clouds, sky, target, crack, ex, ey, ez,
                        axes[2, 0] + u * axes[0, 0] + v * axes[1, 0],
                        axes[2, 1] + u * axes[0, 1] + v * axes[1, 1],
                        axes[2, 2] + u * axes[0, 2] + v * axes[1, 2],
                        starts[ti, tj], pixel,
                    )  # fmt: skip
                    picture[i, j, 0], picture[i, j, 1], picture[i, j, 2] = r, g, b
                    depth[i, j], keys[i, j], water[i, j], openness[i, j] = t, key, surface_t, clear
    # Where four pixels that meet show different faces, an outline runs: one ray through their common corner smooths it.
    smooth = picture.copy()
    for i in range(high - 1):
        for j in range(wide - 1):
            key = keys[i, j]
            if key == keys[i, j + 1] and key == keys[i + 1, j] and key == keys[i + 1, j + 1]:
                continue
            contrast = 0.0
            for channel in range(3):
                p, q = picture[i, j, channel], picture[i, j + 1, channel]
                s, w = picture[i + 1, j, channel], picture[i + 1, j + 1, channel]
                contrast = max(contrast, max(max(p, q), max(s, w)) - min(min(p, q), min(s, w)))
            if contrast < _FAINT:
                continue
            u, v = (j + 1 - wide / 2) * pixel, (high / 2 - i - 1) * pixel
            start = starts[i // _TILE, j // _TILE]
            if (j + 1) % _TILE == 0 or (i + 1) % _TILE == 0:
                other = starts[(i + 1) // _TILE, (j + 1) // _TILE]
                start = min(start, other)
            r, g, b, _t, _key, _surface, _open = _see(
                blocks, skip, light, texels, means, faces, cracks, clouds, sky, target, crack, ex, ey, ez,
                axes[2, 0] + u * axes[0, 0] + v * axes[1, 0],
                axes[2, 1] + u * axes[0, 1] + v * axes[1, 1],
                axes[2, 2] + u * axes[0, 2] + v * axes[1, 2],
                start, pixel,
            )  # fmt: skip
            for di in range(2):
                for dj in range(2):
                    smooth[i + di, j + dj, 0] += 0.15 * (r - picture[i + di, j + dj, 0])
                    smooth[i + di, j + dj, 1] += 0.15 * (g - picture[i + di, j + dj, 1])
                    smooth[i + di, j + dj, 2] += 0.15 * (b - picture[i + di, j + dj, 2])
    picture = smooth
    draw_stars(picture, openness, sky, axes, tan_y)
    for entity in range(entities.shape[0]):
        draw_animal(picture, depth, keys, water, light, sky, eye, axes, tan_y, entities[entity], 0.9 * sky[FOG_END])
    draw_drops(picture, depth, light, sky, eye, axes, tan_y)
    lr, lg, lb = light_at(light, sky, 2, int(math.floor(ex)), int(math.floor(ey)), int(math.floor(ez)))
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
) -> None:
    """Draw what the eye sees into out uint8 [h, w, 3].

    eye: x, y, z in blocks; yaw, pitch: degrees, Minecraft's way (yaw 0 faces +z and grows to the right, pitch 90 looks
    down); sky: the record of `sky_state`; entities: float [n, 8] = kind, x, y, z of the feet, yaw, walk phase (radians),
    scale, tint 0..1 (darker coat); held: block id, 0 for an empty hand; swing: 0..1 of the arm's stroke; target: int [4]
    = (1 if a block is aimed at, x, y, z); crack: 0..1 of the digging done.

    Raises ValueError for arrays of another shape or an unknown held block.
    """
    if out.ndim != 3 or out.shape[2] != 3 or out.dtype != np.uint8:
        raise ValueError(f"render: out is {out.dtype} {out.shape}; it must be uint8 (h, w, 3)")
    if np.shape(sky) != (SKY_SIZE,):
        raise ValueError(f"render: sky has shape {np.shape(sky)}; it must be the ({SKY_SIZE},) record of sky_state")
    if np.ndim(entities) != 2 or np.shape(entities)[1] != 8:
        raise ValueError(f"render: entities have shape {np.shape(entities)}; they must be (n, 8)")
    if not 0 <= held < len(BLOCKS):
        raise ValueError(f"render: held block {held} is unknown; ids go from 0 to {len(BLOCKS) - 1}")
    texels, means, faces, cracks = atlas()
    _draw(
        terrain.blocks.reshape(-1), terrain.skip.reshape(-1), terrain.light.reshape(-1),
        texels, means, faces, cracks, cloud_map(),
        np.asarray(eye, np.float64), float(yaw), float(pitch), np.asarray(sky, np.float32),
        np.asarray(entities, np.float32), int(held), float(swing), np.asarray(target, np.int64), float(crack), out,
    )  # fmt: skip
