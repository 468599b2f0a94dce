"""Sightings: what is seen of a place from several spots, with how near things are, and how a file keeps it."""

import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

FIELDS = ("frames", "near", "places", "views")
QUALITY = 75
"""Of the pictures, in WebP."""
COARSE = 2
"""Of every so many pixels each way a file tells how near it is."""
FARTHEST, NEAREST = 1 / 100, 10.0
"""In 1 / blocks: what a file tells at most; each of its 255 steps is 3 %."""


@dataclass(frozen=True)
class Sightings:
    """Of n pictures. frames: uint8 [n, h, w, 3]. near: float32 [n, h, w], one over how far away each pixel is, in blocks along
    the view's axis, 0 for the sky, below 0 where that is not known. places: float32 [n, 3] of the eye, (right, ahead, above) of
    where a player's eye is, in blocks, as the player faces. views: float32 [n, 2], [pitch, yaw] in degrees, yaw to the right
    of where the player faces."""

    frames: np.ndarray
    near: np.ndarray
    places: np.ndarray
    views: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)


def checked(value: Any, size: tuple[int, int]) -> Sightings:
    """A dict of `FIELDS`, as `Sightings` describes them, of pictures of height × width `size`. ValueError that names the field
    which is not."""
    if not isinstance(value, dict) or set(value) != set(FIELDS):
        raise ValueError(f"reset option seen must be a dict of {', '.join(FIELDS)}")
    parts = {name: np.asarray(value[name]) for name in FIELDS}
    n = len(parts["frames"]) if parts["frames"].ndim else 0
    shapes = {"frames": (n, *size, 3), "near": (n, *size), "places": (n, 3), "views": (n, 2)}
    for name, shape in shapes.items():
        if parts[name].shape != shape or n == 0:
            raise ValueError(f"reset option seen: {name} has shape {parts[name].shape}; of {n} pictures it must be {shape}")
        kind = np.integer if name == "frames" else np.number
        if not np.issubdtype(parts[name].dtype, kind) or not np.isfinite(parts[name]).all():
            raise ValueError(f"reset option seen: {name} is {parts[name].dtype}, or not finite")
    if parts["frames"].dtype != np.uint8:
        raise ValueError(f"reset option seen: frames are {parts['frames'].dtype}; they must be uint8")
    return Sightings(parts["frames"], *(parts[name].astype(np.float32) for name in FIELDS[1:]))


def packed(seen: Sightings) -> tuple[bytes, bytes]:
    """The frames and how near they are, each as one tall WebP picture."""
    steps = 254 / math.log(NEAREST / FARTHEST)
    near = seen.near[:, ::COARSE, ::COARSE]
    codes = np.rint(np.log(near.clip(FARTHEST, NEAREST) / FARTHEST) * steps) + 1
    codes = np.where(near > 0, codes, 0).astype(np.uint8)
    tall = seen.frames.reshape(-1, *seen.frames.shape[2:]), codes.reshape(-1, codes.shape[2])
    return to_webp(tall[0], quality=QUALITY), to_webp(tall[1], lossless=True, quality=100)


def unpacked(frames: bytes, near: bytes, places: np.ndarray, views: np.ndarray) -> Sightings:
    """The sightings that were packed, seen from `places` towards `views`."""
    n = len(places)
    pictures, codes = from_webp(frames), from_webp(near)[..., 0]
    pictures = pictures.reshape(n, -1, *pictures.shape[1:])
    codes = codes.reshape(n, -1, codes.shape[1]).repeat(COARSE, 1).repeat(COARSE, 2)
    codes = codes[:, : pictures.shape[1], : pictures.shape[2]]
    steps = 254 / math.log(NEAREST / FARTHEST)
    told = np.where(codes > 0, FARTHEST * np.exp((codes.astype(np.float32) - 1) / steps), 0)
    return Sightings(pictures, told.astype(np.float32), places, views)


def to_webp(picture: np.ndarray, **how: Any) -> bytes:
    """A picture, uint8 (h, w, 3) or (h, w), as a WebP file, as small as can be."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", method=6, **how)
    return file.getvalue()


def from_webp(file: bytes) -> np.ndarray:
    """The picture of a WebP file, uint8 (h, w, 3)."""
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB"))
