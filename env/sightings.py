"""Sightings: what is seen of a place from several spots, with how near things are, and how a file keeps it."""

import io
import lzma
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from simworld.model.compiled import compiled
from simworld.model.lattice import WHOLE, Lattice, cast
from simworld.model.projection import NOTHING

FIELDS = ("frames", "near", "places", "views")
LATTICE = "lattice"
QUALITY = 40
"""Of pictures in AVIF: a third smaller than WebP, and sharper."""
FAITHFUL = {"subsampling": "4:4:4", "speed": 2, "advanced": {"tune": "psnr"}}
"""How they are made: colours as fine as light, and as like as can be, not as pleasing."""
LOOKS = 32
"""Pixels of the squares by whose colours a sighting is found."""
FREE = 6.0
"""Blocks: who looks farther has an open view."""
COARSE = 2
"""Of every so many pixels each way a file tells how near it is."""
FARTHEST, NEAREST = 1 / 100, 10.0
"""In 1 / blocks: what a file tells at most; each of its 255 steps is 3 %."""
ACROSS = 4
"""Pictures beside each other in a file."""
AS_BLOCKS, SKY = 0, 255
"""What it says instead where pixels are as near as blocks are, and of the sky where there are blocks."""
ALIKE = 0.02
"""What is off by less, relatively, is as near as blocks are."""


@dataclass(frozen=True)
class Sightings:
    """Of n pictures. frames: uint8 [n, h, w, 3]. near: float32 [n, h, w], one over how far away each pixel is, in blocks along
    the view's axis, 0 for the sky, below 0 where that is not known. places: float32 [n, 3] of the eye, (right, ahead, above) of
    where a player's eye is, in blocks, as the player faces. views: float32 [n, 2], [pitch, yaw] in degrees, yaw to the right
    of where the player faces. lattice: the blocks that the place is made of, None where nobody has told them yet."""

    frames: np.ndarray
    near: np.ndarray
    places: np.ndarray
    views: np.ndarray
    lattice: Lattice | None = None

    def __len__(self) -> int:
        return len(self.frames)


def checked(value: Any, size: tuple[int, int]) -> Sightings:
    """A dict of `FIELDS`, and maybe a lattice, as `Sightings` describes them, of pictures of height × width `size`. ValueError
    that names the field which is not."""
    if not isinstance(value, dict) or set(value) - {LATTICE} != set(FIELDS):
        raise ValueError(f"reset option seen must be a dict of {', '.join(FIELDS)}, and maybe {LATTICE}")
    lattice = value.get(LATTICE)
    if not isinstance(lattice, Lattice | None):
        raise ValueError(f"reset option seen: {LATTICE} is a {type(lattice).__name__}; it must be a Lattice, or None")
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
    near, places, views = (parts[name].astype(np.float32) for name in FIELDS[1:])
    return Sightings(parts["frames"], near, places, views, lattice)


def packed(seen: Sightings, field_of_view: float) -> tuple[bytes, bytes]:
    """The frames, as one tall AVIF picture, and how near they are where their lattice tells otherwise, as a WebP picture
    without loss."""
    near, blocks = (part[:, ::COARSE, ::COARSE] for part in (seen.near, _near_blocks(seen, field_of_view)))
    steps = 254 / math.log(NEAREST / FARTHEST)
    codes = (np.rint(np.log(near.clip(FARTHEST, NEAREST) / FARTHEST) * steps) + 1).clip(max=SKY - 1)
    codes = np.where(near > 0, codes, SKY)
    codes = np.where(np.abs(near - blocks) <= ALIKE * near, AS_BLOCKS, codes).astype(np.uint8)
    return to_avif(_sheet(seen.frames), QUALITY), to_webp(_sheet(codes), lossless=True, quality=100)


@dataclass(frozen=True)
class Unpacked:
    """Sightings of which it takes a moment to tell how near they are. frames, places, views, lattice: as in `Sightings`. codes:
    of nearness, uint8 (n, rows, columns), for every `COARSE`-th pixel each way."""

    frames: np.ndarray
    codes: np.ndarray
    places: np.ndarray
    views: np.ndarray
    lattice: Lattice | None
    field_of_view: float

    def told(self, num: int | None = None, spot: np.ndarray | None = None) -> Sightings:
        """The sightings; where `num` is given and the blocks are known, it is told only of so many how near they are, of those
        that were seen from nearest to a spot, (right, ahead, above), and `NOTHING` of the others."""
        apart = np.linalg.norm(self.places - (0 if spot is None else spot), axis=1)
        some = np.sort(np.argsort(apart, kind="stable")[: num if self.lattice is not None else None])
        frames, codes = self.frames[some], self.codes[some]
        whole = np.empty(frames.shape[:3], np.uint8)
        seen = Sightings(frames, np.zeros(whole.shape, np.float32), self.places[some], self.views[some], self.lattice)
        steps = 254 / math.log(NEAREST / FARTHEST)
        told = (FARTHEST * np.exp((np.arange(256) - 1) / steps)).astype(np.float32)
        told[SKY] = 0
        _refine(codes, frames, whole)
        near = np.full(self.frames.shape[:3], NOTHING, np.float32)
        near[some] = np.where(whole == AS_BLOCKS, _near_blocks(seen, self.field_of_view), told[whole])
        return Sightings(self.frames, near, self.places, self.views, self.lattice)


def unpacked(
    frames: bytes, near: bytes, places: np.ndarray, views: np.ndarray, lattice: Lattice | None, field_of_view: float
) -> Unpacked:
    """The sightings that were packed, of a place of such blocks, seen from `places` towards `views`."""
    n = len(places)
    pictures, codes = _unsheet(from_file(frames), n), _unsheet(from_file(near), n)[..., 0]
    return Unpacked(pictures, codes, places, views, lattice, field_of_view)


@compiled
def _refine(codes: np.ndarray, pictures: np.ndarray, whole: np.ndarray) -> None:
    """Codes of all pixels, of those of every `COARSE`-th each way: of those about it that whose pixel has its colour most."""
    _, rows, columns = codes.shape
    for picture, i, j in np.ndindex(whole.shape):
        least = 1 << 30
        for row in range(i // COARSE, min((i + COARSE - 1) // COARSE, rows - 1) + 1):
            for column in range(j // COARSE, min((j + COARSE - 1) // COARSE, columns - 1) + 1):
                unlike = 0
                for channel in range(3):
                    here = np.int64(pictures[picture, i, j, channel])
                    unlike += abs(here - pictures[picture, row * COARSE, column * COARSE, channel])
                if unlike < least:
                    least, whole[picture, i, j] = unlike, codes[picture, row, column]


def _sheet(pictures: np.ndarray) -> np.ndarray:
    """n pictures in rows of `ACROSS`, for formats know no picture that is very high; the last row is filled up with zeros."""
    full = np.pad(pictures, [(0, -len(pictures) % ACROSS)] + [(0, 0)] * (pictures.ndim - 1))
    return np.concatenate([np.concatenate(list(row), 1) for row in full.reshape(-1, ACROSS, *full.shape[1:])])


def _unsheet(sheet: np.ndarray, n: int) -> np.ndarray:
    """The n pictures of a sheet."""
    rows = np.split(sheet, -(-n // ACROSS))
    return np.stack([picture for row in rows for picture in np.split(row, ACROSS, 1)][:n])


def _near_blocks(seen: Sightings, field_of_view: float) -> np.ndarray:
    """How near the blocks are that sightings see, float32 [n, h, w], 0 where they see none."""
    size, threads = (seen.near.shape[1], seen.near.shape[2]), torch.get_num_threads()

    def part(eyes: tuple[Tensor, Tensor]) -> np.ndarray:
        told = cast([seen.lattice], eyes[0][None], eyes[1][None], size, field_of_view)
        return np.zeros((len(eyes[0]), *size), np.float32) if told is None else told.near[0].numpy().clip(min=0)

    with ThreadPoolExecutor(threads) as pool:
        eyes = (torch.from_numpy(np.array(each)).tensor_split(threads) for each in (seen.places, seen.views))
        return np.concatenate(list(pool.map(part, zip(*eyes, strict=True))))


def packed_lattice(lattice: Lattice | None) -> tuple[bytes, np.ndarray]:
    """Which cells are filled, which of these with whole blocks, and how high and broad the others are, as xz has it; and how
    they lie, float32 (7,): turn, corner, and the numbers of cells. Nothing and zeros where there is no lattice."""
    if lattice is None:
        return b"", np.zeros(7, np.float32)
    lie = np.array([lattice.turn, *lattice.corner.tolist(), *lattice.high.shape], np.float32)
    high, broad = lattice.high.cpu().numpy(), lattice.broad.cpu().numpy()
    filled = high[high > 0]
    parts = np.packbits(high > 0), np.packbits(filled == WHOLE), filled[filled != WHOLE], broad[high > 0][filled != WHOLE]
    return lzma.compress(b"".join(part.tobytes() for part in parts), preset=9), lie


def unpacked_lattice(file: bytes, lie: np.ndarray) -> Lattice | None:
    """The lattice that was packed."""
    if not file:
        return None
    parts, shape = np.frombuffer(lzma.decompress(file), np.uint8), lie[4:].astype(int)
    number = int(shape.prod())
    solid, parts = np.unpackbits(parts, count=number) > 0, parts[-(-number // 8) :]
    whole, parts = np.unpackbits(parts, count=int(solid.sum())) > 0, parts[-(-int(solid.sum()) // 8) :]
    cells = np.where(solid, WHOLE, 0).astype(np.uint8), np.full(number, WHOLE, np.uint8)
    others = np.flatnonzero(solid)[~whole]
    for part, told in zip(cells, np.split(parts, 2), strict=True):
        part[others] = told
    high, broad = (torch.from_numpy(part.reshape(shape)) for part in cells)
    return Lattice(float(lie[0]), torch.from_numpy(lie[1:4].copy()), high, broad)


def looks(frames: np.ndarray) -> np.ndarray:
    """Pictures by the mean colours of squares of `LOOKS` pixels, those at the right and lower border cut: uint8 [n, h, w, 3] to
    uint8 [n, h / LOOKS, w / LOOKS, 3]."""
    n, h, w, _ = frames.shape
    whole = frames[:, : h // LOOKS * LOOKS, : w // LOOKS * LOOKS].astype(np.float32)
    return np.rint(whole.reshape(n, h // LOOKS, LOOKS, w // LOOKS, LOOKS, 3).mean((2, 4))).astype(np.uint8)


def openness(near: np.ndarray) -> np.ndarray:
    """How much of each picture, of `near` as `Sightings` has it, is farther than `FREE` blocks away: float32 [n], 0 to 1."""
    return (near < 1 / FREE).mean((1, 2), dtype=np.float32)


def to_avif(picture: np.ndarray, quality: int = QUALITY) -> bytes:
    """A picture, uint8 (h, w, 3), as an AVIF file, as like as can be."""
    return to_file(picture, "AVIF", quality=quality, **FAITHFUL)


def to_webp(picture: np.ndarray, **how: Any) -> bytes:
    """A picture, uint8 (h, w, 3) or (h, w), as a WebP file, as small as can be."""
    return to_file(picture, "WEBP", method=6, **how)


def to_file(picture: np.ndarray, kind: str, **how: Any) -> bytes:
    """A picture, uint8 (h, w, 3) or (h, w), as a file of such a kind."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **how)
    return file.getvalue()


def from_file(file: bytes) -> np.ndarray:
    """The picture of a WebP or AVIF file, uint8 (h, w, 3)."""
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGB"))
