"""Periodic noise: smooth random maps that meet themselves at the edge, so that the world has no seam.

Knows only numbers, no blocks. `fractal` draws a height-like map, `levels` spreads any map evenly over 0 to 1,
`solid_noise` fills a volume (caves), `scatter` is the hash behind every "one in so many" of the terrain.
"""

import math

import numpy as np
from numba import njit

SIZE = 256
"""Side of the world in blocks; every map here has this period."""


@njit(cache=True, nogil=True)
def scatter(seed: int, x: int, y: int) -> float:
    """A uniform number in [0, 1) that depends on the three integers only."""
    h = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(x + 1) * np.uint64(0xC2B2AE3D27D4EB4F)
    h ^= np.uint64(y + 1) * np.uint64(0x165667B19E3779F9)
    h = (h ^ (h >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    h = (h ^ (h >> np.uint64(29))) * np.uint64(0xD6E8FEB86659FD93)
    return float((h ^ (h >> np.uint64(32))) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, nogil=True)
def _add_gradient_noise(out: np.ndarray, angles: np.ndarray, weight: float) -> None:
    """Add one octave of gradient noise, whose lattice is angles [cells, cells] in radians, to out [SIZE, SIZE]."""
    cells = angles.shape[0]
    step = cells / SIZE
    for x in range(SIZE):
        fx = x * step
        x0 = int(fx)
        u = fx - x0
        x1 = (x0 + 1) % cells
        su = u * u * u * (u * (u * 6 - 15) + 10)
        for z in range(SIZE):
            fz = z * step
            z0 = int(fz)
            v = fz - z0
            z1 = (z0 + 1) % cells
            sv = v * v * v * (v * (v * 6 - 15) + 10)
            a = math.cos(angles[x0, z0]) * u + math.sin(angles[x0, z0]) * v
            b = math.cos(angles[x1, z0]) * (u - 1) + math.sin(angles[x1, z0]) * v
            c = math.cos(angles[x0, z1]) * u + math.sin(angles[x0, z1]) * (v - 1)
            d = math.cos(angles[x1, z1]) * (u - 1) + math.sin(angles[x1, z1]) * (v - 1)
            top = a + (b - a) * su
            out[x, z] += weight * 1.5 * (top + (c + (d - c) * su - top) * sv)


def fractal(rng: np.random.Generator, cells: int, octaves: int) -> np.ndarray:
    """Gradient noise, float32 [SIZE, SIZE], about -1 to 1, with `cells` hills across the world in its first octave."""
    out = np.zeros((SIZE, SIZE), np.float32)
    for octave in range(octaves):
        _add_gradient_noise(out, rng.uniform(0, 2 * np.pi, (cells << octave, cells << octave)), 0.5**octave)
    return out


def levels(field: np.ndarray) -> np.ndarray:
    """The same map with its values replaced by their rank, float32 in [0, 1): a threshold q selects a share q of the area."""
    ranks = np.empty(field.size, np.float32)
    ranks[np.argsort(field, axis=None, kind="stable")] = np.arange(field.size, dtype=np.float32) / field.size
    return ranks.reshape(field.shape)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smooth rise between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def solid_noise(rng: np.random.Generator, cells: int, cells_y: int) -> np.ndarray:
    """The random lattice of a volume, float32 [cells, cells_y, cells] in [-1, 1], for `sample_solid`."""
    return rng.uniform(-1, 1, (cells, cells_y, cells)).astype(np.float32)


@njit(cache=True, nogil=True)
def sample_solid(lattice: np.ndarray, x: float, y: float, z: float) -> float:
    """Smooth value of a `solid_noise` lattice at lattice coordinates, which wrap on all axes."""
    ix, iy, iz = int(x), int(y), int(z)
    u, v, w = x - ix, y - iy, z - iz
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    nx, ny, nz = lattice.shape
    x0, y0, z0 = ix % nx, iy % ny, iz % nz
    x1, y1, z1 = (ix + 1) % nx, (iy + 1) % ny, (iz + 1) % nz
    a = lattice[x0, y0, z0] * (1 - w) + lattice[x0, y0, z1] * w
    b = lattice[x0, y1, z0] * (1 - w) + lattice[x0, y1, z1] * w
    c = lattice[x1, y0, z0] * (1 - w) + lattice[x1, y0, z1] * w
    d = lattice[x1, y1, z0] * (1 - w) + lattice[x1, y1, z1] * w
    return (a * (1 - v) + b * v) * (1 - u) + (c * (1 - v) + d * v) * u
