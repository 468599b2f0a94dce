"""A film of the last seconds of play, as GIF and MP4, written by a thread of its own beside the screenshots."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from simworld.client.screenshot import fresh_name
from simworld.client.video import Video
from simworld.frames import FPS

SECONDS = 5
_GIF_EVERY = 2
"""A GIF has ten pictures a second: its times are in hundredths, and it is large enough as it is."""
_FITTING_HEIGHT = 288


def keep(frames: Sequence[np.ndarray], folder: Path, tell: Callable[[str], None]) -> threading.Thread:
    """Write `frames`, uint8 [h, w, 3], 20 a second, into `folder`; `tell` hears from the thread, in a line, what came of it."""

    def write() -> None:
        try:
            stem = fresh_name(folder, (".mp4", ".gif"))
            with Video(stem.with_suffix(".mp4")) as video:
                for frame in frames:
                    video.write(frame)
            write_gif(stem.with_suffix(".gif"), frames)
            tell(f"saved {stem.name}.mp4 and .gif")
        except (OSError, ValueError) as error:
            tell(f"no film: {error}")

    thread = threading.Thread(target=write, name="clip")
    thread.start()
    return thread


def write_gif(path: Path, frames: Sequence[np.ndarray]) -> None:
    """An endless GIF of every other frame, enlarged to about 288 pixels high; aside and renamed."""
    scale = max(1, _FITTING_HEIGHT // frames[0].shape[0])
    pictures = [Image.fromarray(frame.repeat(scale, 0).repeat(scale, 1)) for frame in frames[::_GIF_EVERY]]
    aside = path.with_name(path.name + ".tmp")
    first, *rest = pictures
    first.save(aside, "GIF", save_all=True, append_images=rest, duration=1000 * _GIF_EVERY // FPS, loop=0)
    os.replace(aside, path)
