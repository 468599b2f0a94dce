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
    stem = f"simworld-{datetime.now():%Y-%m-%d-%H%M%S}"
    path, count = folder / f"{stem}.png", 1
    while path.exists():
        count += 1
        path = folder / f"{stem}-{count}.png"
    aside = path.with_name(path.name + ".tmp")
    aside.write_bytes(buffer.getvalue())
    os.replace(aside, path)
    return path
