"""A start of the player's own: a picture or a clip of any size, or a panorama of all that lies around."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, UnidentifiedImageError

from simworld.frames import FPS, fit

LEAST_SIDE = 16
"""Pixels that a picture must have each way."""
MOST_ROWS = 540
"""A panorama finer than this is made coarser; no picture shows more of it."""
VIDEO_SECONDS = 2.0
"""So much of a clip's end is gone on from; no world remembers more in pictures."""
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")
"""Files that are read as clips."""
_MOST_SIDE = 640
"""Pictures of a clip larger than this are halved as they are read."""


@dataclass(frozen=True)
class GivenStart:
    """picture: uint8 (h, w, 3). around: whether it shows all directions at equal angles (an equirectangular panorama).
    before: uint8 (t, h, w, 3), what led to it, 20 pictures a second, None for nothing."""

    picture: np.ndarray
    around: bool = False
    before: np.ndarray | None = None

    def options(self, height: int, width: int) -> dict[str, Any]:
        """The reset options that let a dream of height × width pictures begin here: cropped to its shape and scaled."""
        if self.around:
            rows = min(MOST_ROWS, self.picture.shape[0])
            return {"around": fit(self.picture, rows, 2 * rows)}
        frames = self.picture[None] if self.before is None else np.concatenate([self.before, self.picture[None]])
        return {"frames": fit(frames, height, width)}


def read_start(image: str | None, panorama: str | None, video: str | None = None) -> GivenStart | None:
    """The start in the file `image`, `panorama` or `video`, None where none is given. ValueError for several, for a file
    that is none, or one of an impossible size."""
    given = [path for path in (image, panorama, video) if path]
    if len(given) > 1:
        raise ValueError("play: give one of --image, --panorama and --video: a dream begins in one place")
    if not given:
        return None
    if video:
        return _read_video(Path(video))
    picture = _read_picture(Path(given[0]))
    height, width = picture.shape[:2]
    if panorama and abs(width / height - 2) > 0.05:
        raise ValueError(f"{panorama}: {height}×{width} pixels; a panorama of all directions is twice as wide as high")
    return GivenStart(picture, around=bool(panorama))


def read_file(path: Path) -> GivenStart:
    """The start in a file whose name says what it is, as it is dropped onto the window. ValueError as `read_start`."""
    return _read_video(path) if path.suffix.lower() in VIDEOS else GivenStart(_read_picture(path))


def _read_picture(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as opened:
            picture = np.asarray(opened.convert("RGB"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file; give a picture, for example a .png or .jpg") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: cannot be read as a picture ({error}); give a whole .png or .jpg") from None
    return _large_enough(picture, path)


def _read_video(path: Path) -> GivenStart:
    """The last seconds of a clip, at 20 pictures a second whatever it runs at."""
    if not path.exists():
        raise ValueError(f"{path}: no such file; give a clip, for example an .mp4")
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.duration and stream.time_base:
                end = float(stream.duration * stream.time_base)
                container.seek(int(max(0.0, end - 2 * VIDEO_SECONDS) * av.time_base))
            shown = [(float(frame.time or 0.0), frame) for frame in _last_frames(container)]
            if not shown:
                raise ValueError(f"{path}: holds no pictures; give a clip, for example an .mp4")
            wanted = np.arange(shown[-1][0], max(shown[0][0], shown[-1][0] - VIDEO_SECONDS) - 1e-6, -1 / FPS)[::-1]
            times = np.array([time for time, _ in shown])
            nearest = [int(np.abs(times - time).argmin()) for time in wanted]
            frames = np.stack([_picture_of(shown[number][1]) for number in nearest])
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path}: cannot be read as a clip ({error}); give a whole .mp4") from None
    _large_enough(frames[-1], path)
    return GivenStart(frames[-1], before=frames[:-1] if len(frames) > 1 else None)


def _last_frames(container: Any) -> list[Any]:
    """The frames of the last seconds; older ones are let go while reading, for a clip may be long."""
    kept: list[Any] = []
    for frame in container.decode(video=0):
        kept.append(frame)
        while float(kept[-1].time or 0.0) - float(kept[0].time or 0.0) > VIDEO_SECONDS + 1 / FPS:
            kept.pop(0)
        if len(kept) > 400:  # a clip without times
            kept.pop(0)
    return kept


def _picture_of(frame: Any) -> np.ndarray:
    shrink = max(1, -(-max(frame.width, frame.height) // _MOST_SIDE))
    return frame.to_ndarray(format="rgb24", width=frame.width // shrink, height=frame.height // shrink)


def _large_enough(picture: np.ndarray, path: Path) -> np.ndarray:
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise ValueError(f"{path}: {height}×{width} pixels are too few; a picture must have {LEAST_SIDE} each way")
    return picture
