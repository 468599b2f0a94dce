"""A video file of the pictures shown: H.264 in mp4 at 20 a second, written aside and renamed when it is whole."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np

from simworld.frames import FPS

_FITTING_HEIGHT = 480


class Video:
    """Writes `path`, which appears when the `with` block ends, also after an error, with the pictures until then.

    scale: video pixels per picture pixel, by repetition; None chooses it so that the video is about 480 pixels high.
    ValueError if the path does not end in .mp4 or its folder does not exist.
    """

    def __init__(self, path: str | Path, scale: int | None = None) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise ValueError(f"video {path}: the name must end in .mp4")
        if not self.path.parent.is_dir():
            raise ValueError(f"video {path}: there is no folder {self.path.parent}")
        self._scale = scale
        self._aside = self.path.with_name(self.path.name + ".tmp")
        self._container: av.container.OutputContainer | None = None
        self._stream: av.VideoStream | None = None

    def write(self, frame: np.ndarray) -> None:
        """Append one picture, uint8 [h, w, 3]; all have the size of the first."""
        if self._scale is None:
            self._scale = max(1, _FITTING_HEIGHT // frame.shape[0])
        picture = frame.repeat(self._scale, 0).repeat(self._scale, 1)
        # H.264 halves the colour's resolution, so sides must be even: repeat a last odd row or column.
        picture = np.pad(picture, [(0, picture.shape[0] % 2), (0, picture.shape[1] % 2), (0, 0)], "edge")
        if self._container is None or self._stream is None:
            self._container = av.open(str(self._aside), "w", format="mp4")
            self._stream = self._container.add_stream("libx264", rate=Fraction(FPS))
            self._stream.height, self._stream.width = picture.shape[:2]
            self._stream.pix_fmt = "yuv420p"
            self._stream.options = {"crf": "18", "preset": "veryfast"}
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))

    def __enter__(self) -> "Video":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is None or self._stream is None:
            return
        self._container.mux(self._stream.encode())
        self._container.close()
        self._aside.replace(self.path)
