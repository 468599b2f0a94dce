"""A picture of the player's own to start from: an image of any size, or a panorama of all that lies around."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from simworld.frames import fit

LEAST_SIDE = 16
"""Pixels that a picture must have each way."""
MOST_ROWS = 540
"""A panorama finer than this is made coarser; no picture shows more of it."""


@dataclass(frozen=True)
class GivenStart:
    """picture: uint8 (h, w, 3). around: whether it shows all directions at equal angles (an equirectangular panorama)."""

    picture: np.ndarray
    around: bool = False

    def options(self, height: int, width: int) -> dict[str, Any]:
        """The reset options that let a dream of height × width pictures begin here: cropped to its shape and scaled."""
        if not self.around:
            return {"frames": fit(self.picture, height, width)[None]}
        rows = min(MOST_ROWS, self.picture.shape[0])
        return {"around": fit(self.picture, rows, 2 * rows)}


def read_start(image: str | None, panorama: str | None) -> GivenStart | None:
    """The start in the file `image` or `panorama`, None where neither is given. ValueError for both, for a file that is no
    picture, or one of an impossible size."""
    if image and panorama:
        raise ValueError("play: give --image or --panorama, not both: a dream begins in one place")
    path = image or panorama
    if not path:
        return None
    try:
        with Image.open(Path(path)) as opened:
            picture = np.asarray(opened.convert("RGB"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; give a picture, for example a .png or .jpg") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: cannot be read as a picture ({error}); give a whole .png or .jpg") from None
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(f"{path}: {height}×{width} pixels are too few; a picture must have {LEAST_SIDE} each way")
    if panorama and abs(width / height - 2) > 0.05:
        raise ValueError(f"{path}: {height}×{width} pixels; a panorama of all directions is twice as wide as high")
    return GivenStart(picture, around=bool(panorama))
