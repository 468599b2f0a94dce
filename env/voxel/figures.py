"""Animals and the hand: figures made of boxes, drawn into a finished picture of the land.

Knows no game rules. A figure is a few boxes in its own coordinates (x right, y up, z ahead, in blocks); legs and arms
swing around a pivot. Drawn with four rays a pixel, so that outlines are smooth; each box only where it can be seen.
"""

import math

import numpy as np
from numba import njit
from numpy import float32 as f32
from numpy import int32 as i32

from simworld.env.voxel.blocks import AIR, BOX
from simworld.env.voxel.surface import light_at, texel

ANIMAL_KINDS: tuple[str, ...] = ("pig", "sheep", "cow", "chicken")
"""Names by kind number, as in the entity record."""

_PINK, _SNOUT, _FLEECE, _FACE = (236, 160, 160), (206, 122, 128), (236, 232, 222), (196, 172, 148)
_HIDE, _PATCH, _HORN, _DARK = (98, 68, 48), (232, 228, 220), (204, 196, 176), (38, 32, 32)
_FEATHER, _BEAK, _COMB = (244, 242, 236), (240, 176, 48), (212, 52, 44)

# Each box: centre x y z, half size x y z, colour, leg swing (0 none, 1 or -1 in turn), pivot height of the swing.
_Part = tuple[float, float, float, float, float, float, tuple[int, int, int], float, float]


def _legs(x: float, z: float, thick: float, tall: float, color: tuple[int, int, int]) -> list[_Part]:
    return [(sx * x, tall / 2, sz * z, thick, tall / 2, thick, color, float(sx * sz), tall) for sx in (-1, 1) for sz in (-1, 1)]


def _eyes(x: float, y: float, z: float) -> list[_Part]:
    return [(sx * x, y, z, 0.05, 0.05, 0.02, _DARK, 0.0, 0.0) for sx in (-1, 1)]


_FIGURES: tuple[list[_Part], ...] = (
    [
        (0, 0.58, -0.05, 0.31, 0.26, 0.46, _PINK, 0, 0), (0, 0.70, 0.52, 0.25, 0.24, 0.2, _PINK, 0, 0),
        (0, 0.62, 0.74, 0.13, 0.09, 0.05, _SNOUT, 0, 0), *_eyes(0.16, 0.78, 0.72), *_legs(0.19, 0.3, 0.115, 0.34, _SNOUT),
    ],
    [
        (0, 0.82, -0.05, 0.38, 0.34, 0.52, _FLEECE, 0, 0), (0, 1.05, 0.56, 0.2, 0.2, 0.2, _FACE, 0, 0),
        (0, 1.18, 0.5, 0.23, 0.13, 0.2, _FLEECE, 0, 0), *_eyes(0.12, 1.08, 0.76), *_legs(0.2, 0.32, 0.12, 0.5, _FACE),
    ],
    [
        (0, 0.90, -0.08, 0.38, 0.33, 0.56, _HIDE, 0, 0), (0, 0.94, -0.3, 0.395, 0.2, 0.2, _PATCH, 0, 0),
        (0, 1.1, 0.22, 0.395, 0.14, 0.14, _PATCH, 0, 0), (0, 1.18, 0.62, 0.24, 0.24, 0.2, _HIDE, 0, 0),
        (0, 1.06, 0.83, 0.16, 0.1, 0.03, _PATCH, 0, 0), (-0.24, 1.44, 0.6, 0.05, 0.09, 0.05, _HORN, 0, 0),
        (0.24, 1.44, 0.6, 0.05, 0.09, 0.05, _HORN, 0, 0), *_eyes(0.15, 1.26, 0.82), *_legs(0.22, 0.36, 0.13, 0.58, _HIDE),
    ],
    [
        (0, 0.42, -0.02, 0.19, 0.19, 0.24, _FEATHER, 0, 0), (0, 0.72, 0.2, 0.12, 0.18, 0.11, _FEATHER, 0, 0),
        (0, 0.72, 0.36, 0.07, 0.05, 0.07, _BEAK, 0, 0), (0, 0.61, 0.32, 0.05, 0.06, 0.03, _COMB, 0, 0),
        (0, 0.93, 0.2, 0.03, 0.05, 0.09, _COMB, 0, 0), (-0.2, 0.43, 0, 0.03, 0.13, 0.18, _PATCH, 0, 0),
        (0.2, 0.43, 0, 0.03, 0.13, 0.18, _PATCH, 0, 0), *_eyes(0.1, 0.78, 0.31),
        (-0.09, 0.12, 0, 0.035, 0.12, 0.05, _BEAK, 1, 0.24), (0.09, 0.12, 0, 0.035, 0.12, 0.05, _BEAK, -1, 0.24),
    ],
)  # fmt: skip
_MOST_PARTS = max(len(parts) for parts in _FIGURES)
_PARTS = np.zeros((len(_FIGURES), _MOST_PARTS, 11))
for _kind, _boxes in enumerate(_FIGURES):
    for _row, _box in enumerate(_boxes):
        _PARTS[_kind, _row] = *_box[:6], *(channel / 255 for channel in _box[6]), _box[7], _box[8]
_COUNT = np.array([len(parts) for parts in _FIGURES])
_SHADE = np.array([0.78, 0.78, 1.06, 0.55, 0.9, 0.9])
_SUBPIXEL = np.array([-0.25, 0.25])
_NONE, _FAR = -1, 1e9


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _cast_rays(
    near: np.ndarray, seen: np.ndarray, first: int, i0: int, i1: int, j0: int, j1: int,
    up: float, right: float, step: float,
    ox: f32, oy: f32, oz: f32, hx: f32, hy: f32, hz: f32,
    ax: float, ay: float, az: float, rx: f32, ry: f32, rz: f32, ux: float, uy: float, uz: float,
) -> None:  # fmt: skip
    """`_cast_box` for rays i0 to i1 down, j0 to j1 across, plain arithmetic that runs for many at once: the first ray of all
    goes `up` and `right`, the next is `step` on; a face seen is noted as `first` + face."""
    zero, one, tiny, distance = f32(0), f32(1), f32(1e-9), f32(step)
    for i in range(i0, i1):
        v = up - (i - i0) * step
        near_row, seen_row = near[i, j0:j1], seen[i, j0:j1]
        px, py, pz = f32(ax + right * rx + v * ux), f32(ay + right * ry + v * uy), f32(az + right * rz + v * uz)
        for j in range(j1 - j0):
            u = f32(j) * distance
            dx, dy, dz = px + u * rx, py + u * ry, pz + u * rz
            dx, dy, dz = dx if abs(dx) > tiny else tiny, dy if abs(dy) > tiny else tiny, dz if abs(dz) > tiny else tiny
            vx, vy, vz = one / dx, one / dy, one / dz
            wx, wy, wz = abs(vx) * hx, abs(vy) * hy, abs(vz) * hz
            mx, my, mz = -ox * vx, -oy * vy, -oz * vz
            enter = max(mx - wx, max(my - wy, mz - wz))
            leave = min(mx + wx, min(my + wy, mz + wz))
            hit = (enter > zero) & (enter <= leave) & (enter < near_row[j])
            through_x, through_y = enter == mx - wx, enter == my - wy
            forward = vx > zero if through_x else (vy > zero if through_y else vz > zero)
            face = i32(0) if through_x else (i32(2) if through_y else i32(4))
            face += i32(first) + (i32(1) if forward else i32(0))
            near_row[j] = enter if hit else near_row[j]
            seen_row[j] = face if hit else seen_row[j]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _cast_box(
    near: np.ndarray, seen: np.ndarray, part: int, top: int, left: int, high: int, wide: int, pixel: float,
    ox: float, oy: float, oz: float, hx: float, hy: float, hz: float,
    ax: float, ay: float, az: float, rx: float, ry: float, rz: float, ux: float, uy: float, uz: float,
) -> None:  # fmt: skip
    """Cast four rays a pixel at the box of half size h around the origin, and keep what is nearer than before.

    near float32 [2 rows, 2 columns] is t of the rays, seen int32 alike is 8 * part + face (_NONE: nothing); they begin at
    row `top`, column `left` of a picture of `high` by `wide`. The eye is at o; a ray is a (ahead) + u r (right) + v u (up).
    """
    rows, columns = near.shape[0] // 2, near.shape[1] // 2
    first_row, last_row, first_column, last_column = 1e9, -1e9, 1e9, -1e9
    # What a point has of a, r and u: its products with the dual axes.
    adx, ady, adz = ry * uz - rz * uy, rz * ux - rx * uz, rx * uy - ry * ux
    rdx, rdy, rdz = uy * az - uz * ay, uz * ax - ux * az, ux * ay - uy * ax
    udx, udy, udz = ay * rz - az * ry, az * rx - ax * rz, ax * ry - ay * rx
    scale = 1 / (ax * adx + ay * ady + az * adz)
    for corner in range(8):
        x = (hx if corner & 1 else -hx) - ox
        y = (hy if corner & 2 else -hy) - oy
        z = (hz if corner & 4 else -hz) - oz
        ahead = (x * adx + y * ady + z * adz) * scale
        if ahead < 0.05:
            # Beside or behind the eye: the corners say nothing about where the box is seen.
            first_row, last_row, first_column, last_column = -1e9, 1e9, -1e9, 1e9
            break
        column = (x * rdx + y * rdy + z * rdz) * scale / (ahead * pixel) + wide / 2
        row = high / 2 - (x * udx + y * udy + z * udz) * scale / (ahead * pixel)
        first_row, last_row = min(first_row, row), max(last_row, row)
        first_column, last_column = min(first_column, column), max(last_column, column)
    i0, i1 = int(max(first_row - top, 0.0)), int(min(last_row - top + 1, float(rows)))
    j0, j1 = int(max(first_column - left, 0.0)), int(min(last_column - left + 1, float(columns)))
    _cast_rays(
        near, seen, 8 * part, 2 * i0, 2 * i1, 2 * j0, 2 * j1,
        (high / 2 - top - i0 - 0.25) * pixel, (left + j0 - wide / 2 + 0.25) * pixel, 0.5 * pixel,
        f32(ox), f32(oy), f32(oz), f32(hx), f32(hy), f32(hz), ax, ay, az, f32(rx), f32(ry), f32(rz), ux, uy, uz,
    )  # fmt: skip


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def draw_animal(
    picture: np.ndarray, depth: np.ndarray, keys: np.ndarray, water: np.ndarray, light: np.ndarray, sky: np.ndarray,
    eye: np.ndarray, axes: np.ndarray, tan_y: float, entity: np.ndarray, fog_end: float,
) -> None:  # fmt: skip
    """Draw one entity record (kind, x, y, z, yaw, walk phase, scale, tint) with its soft shadow.

    picture float32 [h, w, 3]; depth float32 [h, w] of the land along the view axis, keys int32 [h, w] whose lowest 3 bits
    are the face seen, water float32 [h, w] depth of the water's surface (huge where none); axes float64 [3, 3]: right, up
    and forward of the camera; what is beyond `fog_end` is left away and what is near it fades.
    """
    high, wide = depth.shape
    kind = min(max(int(entity[0]), 0), _COUNT.shape[0] - 1)
    scale = entity[6]
    # The nearest image of the animal on the torus.
    ax = (entity[1] - eye[0] + 128.0) % 256.0 - 128.0
    ay = entity[2] - eye[1]
    az = (entity[3] - eye[2] + 128.0) % 256.0 - 128.0
    my = ay + 0.65 * scale
    ahead = ax * axes[2, 0] + my * axes[2, 1] + az * axes[2, 2]
    radius = 1.0 * scale
    away = math.sqrt(ax * ax + my * my + az * az)
    if ahead < -radius or away > fog_end:
        return
    right = ax * axes[0, 0] + my * axes[0, 1] + az * axes[0, 2]
    up = ax * axes[1, 0] + my * axes[1, 1] + az * axes[1, 2]
    pixel = 2 * tan_y / high
    # Outside the pyramid of sight, with all of its shadow.
    edge, margin = tan_y * wide / high, 1.5 * radius
    if abs(right) > edge * ahead + margin * math.sqrt(1 + edge * edge):
        return
    if abs(up) > tan_y * ahead + margin * math.sqrt(1 + tan_y * tan_y):
        return
    j0, j1, i0, i1 = 0, wide, 0, high
    if ahead > radius + 0.3:
        reach = radius * 1.1 / (ahead - radius) / pixel
        column, row = wide / 2 + right / ahead / pixel, high / 2 - up / ahead / pixel
        j0, j1 = int(max(column - reach, 0)), int(min(column + reach + 1, wide))
        i0, i1 = int(max(row - reach, 0)), int(min(row + reach + 1, high))
        if i0 >= i1 or j0 >= j1:
            return
    yaw = math.radians(entity[4])
    rx, rz, fx, fz = -math.cos(yaw), -math.sin(yaw), -math.sin(yaw), math.cos(yaw)
    cell_x, cell_y, cell_z = int(math.floor(ax + eye[0])), int(math.floor(entity[2] + 0.5)), int(math.floor(az + eye[2]))
    lr, lg, lb = light_at(light, sky, 2, cell_x, cell_y, cell_z)
    haze = min(max((away - 0.6 * fog_end) / (0.4 * fog_end), 0.0), 1.0)
    swing = 0.65 * math.sin(entity[5])
    coat = 1.0 - 0.4 * min(max(entity[7], 0.0), 1.0)
    ox, oy, oz = -(ax * rx + az * rz) / scale, -ay / scale, -(ax * fx + az * fz) / scale
    # The axes of the camera in the figure's own frame.
    frame = np.empty((3, 3))
    for axis in range(3):
        frame[axis, 0] = (axes[axis, 0] * rx + axes[axis, 2] * rz) / scale
        frame[axis, 1] = axes[axis, 1] / scale
        frame[axis, 2] = (axes[axis, 0] * fx + axes[axis, 2] * fz) / scale
    near = np.full((2 * (i1 - i0), 2 * (j1 - j0)), f32(_FAR))
    seen = np.full((2 * (i1 - i0), 2 * (j1 - j0)), i32(_NONE))
    for part in range(_COUNT[kind]):
        box = _PARTS[kind, part]
        s, c = math.sin(swing * box[9]), math.cos(swing * box[9])
        py, pz = oy - box[10], oz - box[2]
        py, pz = c * py + s * pz + box[10] - box[1], c * pz - s * py
        _cast_box(
            near, seen, part, i0, j0, high, wide, pixel, ox - box[0], py, pz, box[3], box[4], box[5],
            frame[2, 0], c * frame[2, 1] + s * frame[2, 2], c * frame[2, 2] - s * frame[2, 1],
            frame[0, 0], c * frame[0, 1] + s * frame[0, 2], c * frame[0, 2] - s * frame[0, 1],
            frame[1, 0], c * frame[1, 1] + s * frame[1, 2], c * frame[1, 2] - s * frame[1, 1],
        )  # fmt: skip
    for i in range(i0, i1):
        for j in range(j0, j1):
            if depth[i, j] < ahead - margin:
                continue
            cover, r, g, b, nearest = 0.0, 0.0, 0.0, 0.0, _FAR
            for sub in range(4):
                at_row, at_column = 2 * (i - i0) + (sub >> 1), 2 * (j - j0) + (sub & 1)
                t = near[at_row, at_column]
                if t >= min(depth[i, j], _FAR):
                    continue
                what = seen[at_row, at_column]
                box = _PARTS[kind, what >> 3]
                shade = _SHADE[what & 7] * (coat if box[6] > 0.3 else 1.0)
                cover += 0.25
                nearest = min(nearest, t)
                r += 0.25 * box[6] * shade * lr
                g += 0.25 * box[7] * shade * lg
                b += 0.25 * box[8] * shade * lb
            if cover < 1.0 and keys[i, j] & 7 == 2 and depth[i, j] < 1e8:
                u, v = (j + 0.5 - wide / 2) * pixel, (high / 2 - i - 0.5) * pixel
                gx = (axes[2, 0] + u * axes[0, 0] + v * axes[1, 0]) * depth[i, j] - ax
                gy = (axes[2, 1] + u * axes[0, 1] + v * axes[1, 1]) * depth[i, j] - ay
                gz = (axes[2, 2] + u * axes[0, 2] + v * axes[1, 2]) * depth[i, j] - az
                if -0.6 < gy < 0.2:
                    middle = 1 - (gx * gx + gz * gz) / (0.45 * scale * scale * (0.25 if kind == 3 else 1.0))
                    if middle > 0:
                        dark = 1 - 0.38 * middle * (1 - haze)
                        for channel in range(3):
                            picture[i, j, channel] *= dark
            if cover > 0:
                keep = cover * (1 - haze)
                # Below the surface the land's own colour, which is water's, shows through.
                if nearest > water[i, j]:
                    keep *= 0.4
                over = keep / cover
                picture[i, j, 0] = picture[i, j, 0] * (1 - keep) + r * over
                picture[i, j, 1] = picture[i, j, 1] * (1 - keep) + g * over
                picture[i, j, 2] = picture[i, j, 2] * (1 - keep) + b * over


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def draw_hand(
    picture: np.ndarray, texels: np.ndarray, means: np.ndarray, faces: np.ndarray,
    held: int, swing: float, tan_y: float, lr: f32, lg: f32, lb: f32,
) -> None:  # fmt: skip
    """Draw the held block (id, AIR for an empty hand) and the arm at the lower right, under light l (r, g, b);
    swing 0..1 is where in its stroke the arm is. In camera coordinates: right, up, ahead."""
    high, wide, _ = picture.shape
    pixel = 2 * tan_y / high
    edge = tan_y * wide / high
    stroke = math.sin(math.pi * math.sqrt(swing)) if swing > 0 else 0.0
    rise = math.sin(math.pi * swing * swing) if swing > 0 else 0.0
    # Held near the picture's corner, whatever its shape; a stroke goes inwards, up and ahead.
    cx, cy, cz = min(0.80 * edge, 0.98) - 0.36 * stroke, -0.56 + 0.22 * stroke - 0.1 * rise, 1.15 + 0.2 * stroke
    turn, tilt = math.radians(-4.0 + 22.0 * stroke), math.radians(-4.0 + 30.0 * stroke)
    ct, st, cp, sp = math.cos(turn), math.sin(turn), math.cos(tilt), math.sin(tilt)
    size = 0.40
    half, tall = BOX[held, 0] * size, BOX[held, 1] * size
    ax, ay, az = cx + 0.10, cy - 0.36 - 0.04 * stroke, cz - 0.10
    if held == AIR:
        ay += 0.18
    j0 = int(max((cx - 0.62) / (cz + 0.3) / pixel + wide / 2, 0))
    i0 = int(max(high / 2 - (cy + 0.5) / (cz - 0.4) / pixel, 0))
    foot = pixel * cz / size * 1.2
    near = np.full((2 * (high - i0), 2 * (wide - j0)), f32(_FAR))
    seen = np.full((2 * (high - i0), 2 * (wide - j0)), i32(_NONE))
    # Into the block's own frame: tilt about the right axis, then turn about its up axis.
    oy, oz = -cp * cy + sp * cz, -cp * cz - sp * cy
    x, y, z = -ct * cx + st * oz, oy + (0.5 * size - 0.5 * tall), ct * oz + st * cx
    if held != AIR:
        _cast_box(
            near, seen, 0, i0, j0, high, wide, pixel, x, y, z, half, 0.5 * tall, half,
            st * cp, -sp, ct * cp, ct, 0.0, -st, st * sp, cp, ct * sp,
        )  # fmt: skip
    # The arm: a long box that points ahead and a little inwards.
    mx, my, mz = -0.25, 0.42, 0.87
    pz = -0.96 * az + 0.28 * ax
    _cast_box(
        near, seen, 1, i0, j0, high, wide, pixel,
        -0.96 * ax - 0.28 * az, my * -pz + mz * -ay, mz * pz + my * -ay + mx, 0.085, 0.085, 0.42,
        0.28, -0.96 * my, 0.96 * mz, 0.96, 0.28 * my, -0.28 * mz, 0.0, mz, my,
    )  # fmt: skip
    for i in range(i0, high):
        for j in range(j0, wide):
            cover, r, g, b = 0.0, 0.0, 0.0, 0.0
            for sub in range(4):
                at_row, at_column = 2 * (i - i0) + (sub >> 1), 2 * (j - j0) + (sub & 1)
                what = seen[at_row, at_column]
                if what == _NONE:
                    continue
                side = what & 7
                if what >= 8:
                    tr, tg, tb = 0.86, 0.66, 0.52
                else:
                    t = near[at_row, at_column]
                    u = (j + 0.5 + _SUBPIXEL[sub & 1] - wide / 2) * pixel
                    v = (high / 2 - i - 0.5 - _SUBPIXEL[sub >> 1]) * pixel
                    ez = cp + sp * v
                    lx = (x + (ct * u + st * ez) * t) / (2 * half) + 0.5
                    ly = (y + (cp * v - sp) * t) / tall + 0.5
                    lz = (z + (ct * ez - st * u) * t) / (2 * half) + 0.5
                    if side < 2:
                        tu, tv, texture = lz, 1 - ly, faces[held, 1]
                    elif side < 4:
                        tu, tv, texture = lx, lz, faces[held, 0 if side == 2 else 2]
                    else:
                        tu, tv, texture = lx, 1 - ly, faces[held, 1]
                    tr, tg, tb = texel(texels, means, texture, min(max(tu, 0.0), 0.9999), min(max(tv, 0.0), 0.9999), foot)
                shade = 0.25 * _SHADE[side]
                r += tr * shade * lr
                g += tg * shade * lg
                b += tb * shade * lb
                cover += 0.25
            if cover > 0:
                picture[i, j, 0] = picture[i, j, 0] * (1 - cover) + r
                picture[i, j, 1] = picture[i, j, 1] * (1 - cover) + g
                picture[i, j, 2] = picture[i, j, 2] * (1 - cover) + b
