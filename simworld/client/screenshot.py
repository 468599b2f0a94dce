"""Screenshots: the picture alone, without what the client draws over it, as a PNG."""

import io
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pygame


def save(frame: np.ndarray, scale: int, folder: Path) -> Path:
    """Write `frame`, uint8 [h, w, 3], `scale` times enlarged into `folder`, under a name made of the time.

    Never over an older file; aside and renamed. OSError if it cannot be written.
    """
    height, width = frame.shape[:2]
    picture = pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB")
    buffer = io.BytesIO()
    pygame.image.save(pygame.transform.scale_by(picture, scale), buffer, "screenshot.png")
    path = fresh_name(folder, (".png",)).with_suffix(".png")
    aside = path.with_name(path.name + ".tmp")
    aside.write_bytes(buffer.getvalue())
    os.replace(aside, path)
    return path


def fresh_name(folder: Path, endings: tuple[str, ...]) -> Path:
    """A path in `folder`, without ending, made of the time, that exists with none of the `endings`."""
    stem = f"simworld-{datetime.now():%Y-%m-%d-%H%M%S}"
    path, count = folder / stem, 1
    while any(path.with_suffix(ending).exists() for ending in endings):
        count += 1
        path = folder / f"{stem}-{count}"
    return path
