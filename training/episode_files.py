"""Episodes on disk, in VPT's layout: NAME.mp4 (H.264, 20 fps) + NAME.jsonl (one line a frame) + NAME.meta.json.

Files are written under other names (`.tmp`) and take their own when whole, meta.json last: an episode either is there
or is not, whenever the writer dies. Actions come back bit for bit, frames within codec loss; H.264 needs even sizes, so
an odd frame's last row or column is doubled in the file and cut off in reading. A pair as VPT publishes it, without
meta.json, is read as it is. Knows no env and no network.

    with EpisodeWriter("recordings/first", {"source": "my game"}) as writer:
        writer.prompt("a forest at dawn")
        writer.append(frame, action)                  # and so on, frame by frame
    episode = read_episode("recordings/first")
    file = EpisodeFile("recordings/first"); file.frames(100, 132)      # a part, without reading the rest
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from simworld.actions import ACTION_SIZE
from simworld.episode import Episode, Prompt
from simworld.frames import FPS
from simworld.training.vpt import LogLines, is_exact, read_index, read_log

VIDEO, LOG, META = ".mp4", ".jsonl", ".meta.json"
FORMAT_VERSION = 1
CODEC_OPTIONS = {"crf": "18", "preset": "veryfast", "g": "10", "bf": "0"}
"""Good quality, and a key frame every half second, for quick reading from anywhere."""


class EpisodeWriter:
    """Writes one episode frame by frame; `finish` (or the end of the `with`) makes it appear, an exception discards it.

    path: folder and NAME without ending; the folder is made. meta: JSON values that say where the episode comes from.
    An episode of that name is replaced when this one is finished.
    """

    def __init__(self, path: str | Path, meta: dict[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.meta = dict(meta or {})
        json.dumps(self.meta)  # what cannot be written must fail now, not after the play
        self.num_frames = 0
        self.prompts: list[Prompt] = []
        self._lines = LogLines()
        self._has_rewards: bool | None = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._video = av.open(str(_aside(self.path, VIDEO)), "w", format="mp4")
        self._log = _aside(self.path, LOG).open("w", encoding="utf-8")
        self._stream: Any = None
        self._open = True

    def append(
        self, frame: np.ndarray, action: np.ndarray, *, reward: float | None = None, pose: np.ndarray | None = None
    ) -> None:
        """Add a frame, uint8 [h, w, 3], and the action vector float32 [25] that is done while seeing it.

        reward: earned by this action; in all frames or in none. pose: (x, y, z, yaw, pitch), kept in the log.
        ValueError for a frame of another size or type than the first, or an action or reward that cannot be written.
        """
        frame = np.asarray(frame)
        shape = (self.height, self.width, 3) if self._stream else frame.shape
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or frame.shape != shape or 0 in shape:
            wanted = shape if self._stream else "(h, w, 3)"
            raise ValueError(f"{self.path}: frame {self.num_frames} is {frame.dtype} {frame.shape}; not uint8 {wanted}")
        if np.shape(action) != (ACTION_SIZE,):
            raise ValueError(f"{self.path}: action {self.num_frames} has shape {np.shape(action)}, not ({ACTION_SIZE},)")
        if self._has_rewards not in (None, reward is not None):
            raise ValueError(f"{self.path}: frame {self.num_frames}: rewards must be given for all frames or for none")
        line = self._lines.line(np.asarray(action, np.float32), reward, pose)
        self._has_rewards = reward is not None
        if self._stream is None:
            self._start(*frame.shape[:2])
        odd = ((0, self.height % 2), (0, self.width % 2), (0, 0))
        picture = av.VideoFrame.from_ndarray(np.pad(frame, odd, mode="edge"), format="rgb24")
        picture.pts = self.num_frames
        self._video.mux(self._stream.encode(picture))
        self._log.write(line)
        self.num_frames += 1

    def prompt(self, text: str) -> None:
        """`text` describes the play from the next frame on."""
        if self.prompts and self.prompts[-1].start == self.num_frames:
            self.prompts.pop()
        if not self.prompts or self.prompts[-1].text != text:
            self.prompts.append(Prompt(self.num_frames, text))

    def finish(self, *, terminated: bool = False, truncated: bool = False) -> None:
        """Complete the files and give them their names. ValueError for an episode without frames."""
        if self.num_frames == 0:
            self.discard()
            raise ValueError(f"{self.path}: an episode needs at least one frame")
        self._video.mux(self._stream.encode(None))
        self._video.close()
        self._log.close()
        self._open = False
        meta = {
            "version": FORMAT_VERSION,
            "fps": FPS,
            "num_frames": self.num_frames,
            "height": self.height,
            "width": self.width,
            "terminated": terminated,
            "truncated": truncated,
            "prompts": [[prompt.start, prompt.text] for prompt in self.prompts if prompt.start < self.num_frames],
            "meta": self.meta,
        }
        _aside(self.path, META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        _ending(self.path, META).unlink(missing_ok=True)  # of an episode that is replaced
        for ending in (VIDEO, LOG, META):
            _sync(_aside(self.path, ending))
            _aside(self.path, ending).replace(_ending(self.path, ending))
            _sync(self.path.parent)

    def discard(self) -> None:
        """Leave nothing of an unfinished episode."""
        if self._open:
            self._open = False
            with contextlib.suppress(av.FFmpegError):  # a video without frames cannot be closed properly
                self._video.close()
            self._log.close()
            for ending in (VIDEO, LOG, META):
                _aside(self.path, ending).unlink(missing_ok=True)

    def __enter__(self) -> "EpisodeWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self.discard()
        elif self._open:
            self.finish()

    def _start(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._stream = self._video.add_stream("libx264", rate=FPS, options=CODEC_OPTIONS)
        self._stream.height, self._stream.width = height + height % 2, width + width % 2
        self._stream.pix_fmt = "yuv420p"


class EpisodeFile:
    """One recorded episode, opened: what is small is read at once, frames on demand; threads may share it.

    path: as for the writer, or any of the episode's files. Attributes: `actions` float32 [T, 25], `rewards` float32 [T]
    or None, `prompts`, `meta`, `terminated`, `truncated`; `len` is T. FileNotFoundError where the video or the log is
    missing; ValueError where one cannot be read, where they differ in length by more than a frame (by one, as VPT's do,
    the shorter counts), or where a recording of SimWorld was never finished.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = _name(Path(path))
        self.video, log_path = _ending(self.path, VIDEO), _ending(self.path, LOG)
        for needed in (self.video, log_path):
            if not needed.is_file():
                raise FileNotFoundError(f"{needed} is missing; an episode needs {VIDEO} and {LOG} side by side")
        log = read_log(log_path)
        self._times = _frame_times(self.video)
        num_frames = min(len(self._times), len(log.actions))
        if abs(len(self._times) - len(log.actions)) > 1:
            raise ValueError(
                f"{self.video} has {len(self._times)} frames but {log_path.name} has {len(log.actions)} lines; "
                "they must be equally many, or differ by one"
            )
        self.actions = log.actions[:num_frames]
        self.rewards = None if log.rewards is None else log.rewards[:num_frames]
        stored = _read_meta(self.path) if _ending(self.path, META).is_file() else {}
        if log.exact and not stored:
            raise ValueError(f"{self.path} was never finished ({_ending(self.path, META).name} is missing); record it anew")
        self.prompts = [Prompt(start, text) for start, text in stored.get("prompts", []) if start < num_frames]
        self.meta: dict[str, Any] = stored.get("meta", {"source": "vpt", "fps": FPS})
        self.terminated, self.truncated = bool(stored.get("terminated")), bool(stored.get("truncated"))
        self._crop = (slice(stored.get("height")), slice(stored.get("width")))

    def __len__(self) -> int:
        return len(self.actions)

    def frames(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Frames `start` to `stop` (not included), uint8 [stop - start, h, w, 3]; all of them by default.

        ValueError where the span does not lie in the episode or cannot be decoded.
        """
        stop = len(self) if stop is None else stop
        if not 0 <= start < stop <= len(self):
            raise ValueError(f"{self.video}: frames {start}..{stop} asked for; it has frames 0..{len(self)}")
        wanted = {int(time): slot for slot, time in enumerate(self._times[start:stop])}
        frames: np.ndarray | None = None
        num_decoded = 0
        with _open_video(self.video) as container, _decoding(self.video):
            container.seek(int(self._times[start]), stream=container.streams.video[0], backward=True)
            for picture in container.decode(video=0):
                if picture.pts in wanted:
                    rgb = picture.to_ndarray(format="rgb24")[self._crop]
                    if frames is None:
                        frames = np.empty((stop - start, *rgb.shape), np.uint8)
                    frames[wanted[picture.pts]] = rgb
                    num_decoded += 1
                    if num_decoded == stop - start:
                        return frames
        raise ValueError(f"{self.video}: only {num_decoded} of frames {start}..{stop} can be decoded; the file is damaged")


def read_episode(path: str | Path) -> Episode:
    """The whole episode in memory. Takes paths and raises errors as `EpisodeFile` does."""
    file = EpisodeFile(path)
    return Episode(file.frames(), file.actions, file.rewards, file.terminated, file.truncated, file.prompts, dict(file.meta))


def write_episode(path: str | Path, episode: Episode) -> None:
    """Write `episode` as the files of `path` (folder and NAME without ending)."""
    with EpisodeWriter(path, episode.meta) as writer:
        prompts = {prompt.start: prompt.text for prompt in episode.prompts}
        for t, (frame, action) in enumerate(zip(episode.frames, episode.actions, strict=True)):
            if t in prompts:
                writer.prompt(prompts[t])
            writer.append(frame, action, reward=None if episode.rewards is None else float(episode.rewards[t]))
        writer.finish(terminated=episode.terminated, truncated=episode.truncated)


def is_whole(path: str | Path) -> bool:
    """Whether a finished episode lies at `path`: all three files, or a pair that SimWorld did not write."""
    name = _name(Path(path))
    if not (_ending(name, VIDEO).is_file() and _ending(name, LOG).is_file()):
        return False
    return _ending(name, META).is_file() or not is_exact(_ending(name, LOG))


def num_frames_of(path: str | Path) -> int:
    """`len(EpisodeFile(path))`, found without reading the actions."""
    name = _name(Path(path))
    if _ending(name, META).is_file():
        return int(_read_meta(name)["num_frames"])
    with _ending(name, LOG).open("rb") as log:
        num_lines = sum(1 for line in log if line.strip())
    return min(num_lines, len(_frame_times(_ending(name, VIDEO))))


def list_episodes(folder: str | Path) -> list[Path]:
    """The whole episodes in a folder and the folders below it, sorted, or those of a VPT index file that are there.

    Paths are without ending. FileNotFoundError where `folder` does not exist.
    """
    folder = Path(folder)
    if folder.is_file():
        videos = read_index(folder)
    elif folder.is_dir():
        videos = sorted(folder.rglob("*" + VIDEO))
    else:
        raise FileNotFoundError(f"{folder} is missing; it must be a folder of episodes or a VPT index file")
    return [_name(video) for video in videos if is_whole(video)]


def _name(path: Path) -> Path:
    for ending in (VIDEO, LOG, META):
        if path.name.endswith(ending):
            return path.with_name(path.name.removesuffix(ending))
    return path


def _ending(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _aside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending + ".tmp")


def _sync(path: Path) -> None:
    """Wait until a file or folder has reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_meta(path: Path) -> dict[str, Any]:
    meta_path = _ending(path, META)
    try:
        meta = json.loads(meta_path.read_text(encoding="utf-8"))
        version = meta["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{meta_path}: not an episode's meta file ({error}); record the episode anew") from None
    if version != FORMAT_VERSION:
        raise ValueError(f"{meta_path}: format version {version}; this SimWorld reads version {FORMAT_VERSION}")
    return meta


@contextlib.contextmanager
def _decoding(video: Path) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{video}: not a readable video ({error}); it must be an mp4 of {FPS} frames a second") from None


@contextlib.contextmanager
def _open_video(video: Path) -> Iterator[Any]:
    with _decoding(video):
        container = av.open(str(video))
    with container:
        yield container


def _frame_times(video: Path) -> np.ndarray:
    """When each frame is shown, int64 [num_frames] in the video's own time base, without decoding any."""
    with _open_video(video) as container, _decoding(video):
        stream = container.streams.video[0]
        rate = float(stream.average_rate or 0)
        times = [packet.pts for packet in container.demux(stream) if packet.pts is not None and not packet.is_discard]
    if not times:
        raise ValueError(f"{video}: holds no frames; it must be an mp4 of {FPS} frames a second")
    if len(times) > 1 and abs(rate / FPS - 1) > 0.05:
        raise ValueError(f"{video}: runs at {rate:g} frames a second; it must run at {FPS}, one log line a frame")
    return np.sort(np.array(times, np.int64))
