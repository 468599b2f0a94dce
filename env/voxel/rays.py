"""Rays through the world of blocks: where each of a bundle enters something.

Knows cells, no colours. A ray is o + t d; d need not be of length one, t is in units of d. A bundle is `LANES` rays of one
origin that lie side by side in a flat float32 array, a slot a quantity, so that one instruction moves them all. It goes
three ways: `leap` takes all its rays as far as nothing can be, `glide` each of them through empty cells up to the first
that is not, `trace` a single one from there to what it hits. Follows Amanatides and Woo,
"A Fast Voxel Traversal Algorithm for Ray Tracing" (1987), with jumps over empty space by the `skip` field of `light.py`.
Faces are numbered by their normal: 0 +x, 1 -x, 2 +y (top), 3 -y, 4 +z, 5 -z; -1 is none.
"""

import math

import numpy as np
from numba import njit
from numpy import float32 as f32
from numpy import int32 as i32

from simworld.env.voxel.blocks import BOX, GLASS, WATER

WATER_TOP = 0.875
"""Height of the water's surface in its cell, where no water lies above."""
GLASS_RIM = 0.09
HEIGHT = 64
"""Height of the world in cells; the index arithmetic is written for 64."""
LANES = 16
"""Rays in a bundle."""
(DX, DY, DZ, LENGTH, VX, VY, VZ, END, T, IX, IY, IZ, AXIS, _INDEX, _JUMP) = range(0, 15 * LANES, LANES)
"""First lanes of a ray's slots: d, its length, 1 / d, the t at which it ends; the t it has come to, the cell it is in there,
counted from the eye's column (x and z) and the world's floor (y), and the axis along which it came in (-1: it began there)."""
RAY_SLOTS = 15
_SEEN_DEPTH = 12.0
"""Water deeper than this hides what is below; twice as far is seen from within it."""
_MOST_STEPS = 200
_CUBE = BOX[:, 0] + BOX[:, 1] >= 1.5
_HALF, _TALL = BOX[:, 0].astype(np.float64), BOX[:, 1].astype(np.float64)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _enter_box(
    ox: float, oy: float, oz: float,
    ix: float, iy: float, iz: float,
    vx: float, vy: float, vz: float,
    half: float, tall: float,
) -> tuple[float, int]:  # fmt: skip
    """Where a ray (origin o, 1 / direction v) enters the box that stands in the middle of cell i: (t, face), or (-1, -1)."""
    tx0, tx1 = (ix + 0.5 - half - ox) * vx, (ix + 0.5 + half - ox) * vx
    ty0, ty1 = (iy - oy) * vy, (iy + tall - oy) * vy
    tz0, tz1 = (iz + 0.5 - half - oz) * vz, (iz + 0.5 + half - oz) * vz
    nx, ny, nz = min(tx0, tx1), min(ty0, ty1), min(tz0, tz1)
    near = max(nx, ny, nz)
    far = min(max(tx0, tx1), max(ty0, ty1), max(tz0, tz1))
    if near > far or near < 0:
        return -1.0, -1
    if near == nx:
        return near, 1 if vx > 0 else 0
    if near == ny:
        return near, 3 if vy > 0 else 2
    return near, 5 if vz > 0 else 4


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def trace(
    blocks: np.ndarray, skip: np.ndarray,
    ox: float, oy: float, oz: float,
    dx: float, dy: float, dz: float,
    vx: float, vy: float, vz: float,
    t: float, end: float, face: int, ix: int, iy: int, iz: int,
) -> tuple[float, int, int, int, int, int, float, int, float, float]:  # fmt: skip
    """Follow a ray from t, where it enters cell i (not wrapped) through `face`, to t = end; v is 1 / d; blocks and skip are
    flat uint8 of [256, HEIGHT, 256] cells.

    Returns t of the hit (`end` if none), block (0 if none), face, cell x, y, z (not wrapped), t at which water was first
    entered (-1: never), face of that water (-1: the ray began in it), length of t within water, cover 0..1 of glass.
    """
    # Time to cross a block sideways, and a layer: what a flat and a cubic jump are worth.
    level, steep = min(abs(vx), abs(vz)), abs(vy)
    nearest = min(level, steep)
    wet = False
    water_t, water_face, water_length, wet_from, glass = -1.0, -1, 0.0, 0.0, 0.0
    for _ in range(_MOST_STEPS):
        if t >= end or iy < 0 or iy >= HEIGHT:
            break
        index = np.uint32((ix & 255) << 14 | iy << 8 | (iz & 255))
        jump = int(np.int64(skip[index]))
        wide, tall = jump & 15, jump & 15
        if jump == 0:
            wide, tall = 1, 1
            block = blocks[index]
            if block == WATER:
                if not wet:
                    y = oy + dy * t - iy
                    enters, at = face, t
                    open_above = iy + 1 < HEIGHT and blocks[index + np.uint32(256)] != WATER
                    inside = True
                    if open_above and y > WATER_TOP:
                        at = (iy + WATER_TOP - oy) * vy
                        enters = 2
                        inside = dy < 0 and at < end
                        if inside:
                            px, pz = ox + dx * at, oz + dz * at
                            inside = ix <= px <= ix + 1 and iz <= pz <= iz + 1
                    if inside:
                        wet, wet_from = True, at
                        if water_t < 0:
                            water_t, water_face = at, enters
                elif t - wet_from > (_SEEN_DEPTH if water_face >= 0 else 2 * _SEEN_DEPTH):
                    break
            else:
                if wet:
                    wet = False
                    water_length += t - wet_from
                if block == GLASS:
                    px, py, pz = ox + dx * t - ix, oy + dy * t - iy, oz + dz * t - iz
                    a, b = (py, pz) if face < 2 else (px, pz) if face < 4 else (px, py)
                    if min(a, b, 1 - a, 1 - b) < GLASS_RIM and face >= 0:
                        return t, block, face, ix, iy, iz, water_t, water_face, water_length, glass
                    glass = min(glass + 0.13, 0.4)
                elif _CUBE[block]:
                    return t, block, face, ix, iy, iz, water_t, water_face, water_length, glass
                else:
                    at, enters = _enter_box(ox, oy, oz, ix, iy, iz, vx, vy, vz, _HALF[block], _TALL[block])
                    if enters >= 0:
                        return at, block, enters, ix, iy, iz, water_t, water_face, water_length, glass
        else:
            flat = jump >> 4
            if min(flat * level, steep) > wide * nearest:
                wide, tall = flat, 1
            if wet:
                wet = False
                water_length += t - wet_from
        edge_x = ix + wide if vx > 0 else ix + 1 - wide
        edge_y = iy + tall if vy > 0 else iy + 1 - tall
        edge_z = iz + wide if vz > 0 else iz + 1 - wide
        tx, ty, tz = (edge_x - ox) * vx, (edge_y - oy) * vy, (edge_z - oz) * vz
        if tx < ty and tx < tz:
            t = tx
            ix = edge_x if vx > 0 else edge_x - 1
            face = 1 if vx > 0 else 0
            if wide > 1:
                iy, iz = int(math.floor(oy + dy * t)), int(math.floor(oz + dz * t))
        elif ty < tz:
            t = ty
            iy = edge_y if vy > 0 else edge_y - 1
            face = 3 if vy > 0 else 2
            if wide > 1:
                ix, iz = int(math.floor(ox + dx * t)), int(math.floor(oz + dz * t))
        else:
            t = tz
            iz = edge_z if vz > 0 else edge_z - 1
            face = 5 if vz > 0 else 4
            if wide > 1:
                ix, iy = int(math.floor(ox + dx * t)), int(math.floor(oy + dy * t))
    if wet:
        water_length += min(t, end) - wet_from
    return end, 0, -1, ix, iy, iz, water_t, water_face, water_length, glass


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def _leave(o: float, slow: float, fast: float, low: float, high: float, t: float) -> float:
    """When the first of the positions o + t s, s from `slow` to `fast`, leaves low..high; `t` (now) if one is outside."""
    out = 1e9
    if fast > 1e-9:
        out = (high - o) / fast
    elif o + fast * t > high:
        return t
    if slow < -1e-9:
        out = min(out, (low - o) / slow)
    elif o + slow * t < low:
        return t
    return out


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy", forceinline=True)
def leap(
    skip: np.ndarray,
    ox: float, oy: float, oz: float,
    dx: float, dy: float, dz: float,
    sx: float, sy: float, sz: float,
    end: float,
) -> float:  # fmt: skip
    """How far all rays of a bundle may go unseen: every ray whose direction differs from d by at most s in each axis meets
    nothing before the t returned. `skip` is flat uint8 of [256, HEIGHT, 256] cells."""
    t = 0.0
    for _ in range(24):
        x, y, z = math.floor(ox + dx * t), math.floor(oy + dy * t), math.floor(oz + dz * t)
        if y >= HEIGHT:
            # Above the world all is empty down to its top.
            out = _leave(oy, dy - sy, dy + sy, HEIGHT, 1e9, t)
        elif y < 0:
            return t
        else:
            jump = int(np.int64(skip[np.uint32((int(x) & 255) << 14 | int(y) << 8 | (int(z) & 255))]))
            if jump == 0:
                return t
            cube, flat = jump & 15, jump >> 4
            out = _leave(ox, dx - sx, dx + sx, x + 1 - cube, x + cube, t)
            out = min(out, _leave(oy, dy - sy, dy + sy, y + 1 - cube, y + cube, t))
            out = min(out, _leave(oz, dz - sz, dz + sz, z + 1 - cube, z + cube, t))
            thin = _leave(ox, dx - sx, dx + sx, x + 1 - flat, x + flat, t)
            thin = min(thin, _leave(oy, dy - sy, dy + sy, y, y + 1, t))
            thin = min(thin, _leave(oz, dz - sz, dz + sz, z + 1 - flat, z + flat, t))
            out = max(out, thin)
        if out >= end:
            return end
        if out <= t + 0.1:
            return max(t, out)
        t = out
    return t


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def glide(skip: np.ndarray, rays: np.ndarray, ox: f32, oy: f32, oz: f32, x0: i32, z0: i32) -> None:
    """Move the rays of a bundle through empty cells until each is about to enter one that is not, or has come to its end.

    o is the origin seen from column (x0, z0), the eye's. Three loops, so that only the one that looks cells up has to take
    the lanes one by one.
    """
    zero, one = f32(0), f32(1)
    for _ in range(_MOST_STEPS):
        for k in range(LANES):
            ix, iy, iz = i32(rays[IX + k]) + x0, i32(rays[IY + k]), i32(rays[IZ + k]) + z0
            rays[_INDEX + k] = f32((ix & i32(255)) << i32(14) | (iy & i32(63)) << i32(8) | (iz & i32(255)))
        for k in range(LANES):
            rays[_JUMP + k] = f32(skip[np.uint32(rays[_INDEX + k])])
        moving = zero
        for k in range(LANES):
            t, jump = rays[T + k], rays[_JUMP + k]
            ix, iy, iz = rays[IX + k], rays[IY + k], rays[IZ + k]
            vx, vy, vz = rays[VX + k], rays[VY + k], rays[VZ + k]
            go = (jump > zero) & (t < rays[END + k]) & (iy >= zero) & (iy < f32(HEIGHT))
            flat = np.floor(jump * f32(1 / 16))
            cube = jump - f32(16) * flat
            # What a flat and a cubic jump are worth: the time to cross a layer is the most that a flat one lasts.
            level, steep = min(abs(vx), abs(vz)), abs(vy)
            thin = min(flat * level, steep) > cube * min(level, steep)
            wide = flat if thin else cube
            tall = one if thin else cube
            edge_x = ix + wide if vx > zero else ix + one - wide
            edge_y = iy + tall if vy > zero else iy + one - tall
            edge_z = iz + wide if vz > zero else iz + one - wide
            tx, ty, tz = (edge_x - ox) * vx, (edge_y - oy) * vy, (edge_z - oz) * vz
            after = min(tx, min(ty, tz))
            through_x = tx <= after
            through_y = (not through_x) & (ty <= after)
            through_z = (not through_x) & (not through_y)
            next_x = np.floor(ox + rays[DX + k] * after) if wide > one else ix
            next_y = np.floor(oy + rays[DY + k] * after) if wide > one else iy
            next_z = np.floor(oz + rays[DZ + k] * after) if wide > one else iz
            next_x = (edge_x if vx > zero else edge_x - one) if through_x else next_x
            next_y = (edge_y if vy > zero else edge_y - one) if through_y else next_y
            next_z = (edge_z if vz > zero else edge_z - one) if through_z else next_z
            axis = zero if through_x else (one if through_y else f32(2))
            rays[T + k] = after if go else t
            rays[IX + k] = next_x if go else ix
            rays[IY + k] = next_y if go else iy
            rays[IZ + k] = next_z if go else iz
            rays[AXIS + k] = axis if go else rays[AXIS + k]
            moving += one if go else zero
        if moving == zero:
            return
