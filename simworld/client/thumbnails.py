"""Small films of files that a play can start from. Reads as little as it can; a file that is none has no film."""

from pathlib import Path

import av
import numpy as np

from simworld.client.given_start import VIDEOS, read_file
from simworld.frames import fit

_HEIGHT, _WIDTH = 96, 160
_FRAMES, _EVERY = 24, 2


def read_thumbnail(path: Path) -> np.ndarray | None:
    """uint8 [t, 96, 160, 3]: the first two seconds of a clip, or a picture; None where it cannot be read."""
    try:
        if path.suffix.lower() not in VIDEOS:
            return fit(read_file(path).picture, _HEIGHT, _WIDTH)[None]
        with av.open(str(path)) as container:
            frames = []
            for number, frame in enumerate(container.decode(video=0)):
                if number % _EVERY == 0:
                    frames.append(fit(frame.to_ndarray(format="rgb24"), _HEIGHT, _WIDTH))
                if len(frames) == _FRAMES:
                    break
        return np.stack(frames) if frames else None
    except (ValueError, OSError, IndexError, av.FFmpegError):
        return None
