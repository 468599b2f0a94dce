"""Pictures that come with a world, to start from, with what lies around them: one is found by the words of a prompt."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from simworld.env.sightings import Sightings, from_webp, unpacked
from simworld.model.checkpoint import read_tensors

NUM_ALIKE = 4
"""So many pictures look most like another one."""


@dataclass(frozen=True)
class Start:
    """frame: uint8 (h, w, 3). around: what lies around it, uint8 (p, 2p, 3), all directions at equal angles (an
    equirectangular panorama) with the frame's heading in its middle, or None. pitch: how far the frame looks down, degrees.
    bearing: of a task's goal, in degrees to the right, None where there is none. seen: what the place looks like from
    elsewhere."""

    frame: np.ndarray
    around: np.ndarray | None = None
    pitch: float = 0.0
    bearing: float | None = None
    seen: Sightings | None = None

    def options(self) -> dict[str, Any]:
        """The env's reset options that begin here."""
        options: dict[str, Any] = {"frames": self.frame[None], "pitch": self.pitch}
        if self.bearing is not None:
            options["bearing"] = self.bearing
        if self.seen is not None:
            options["seen"] = vars(self.seen)
        return options if self.around is None else {**options, "around": self.around}


class StartPictures:
    """frames: uint8 (n, h, w, 3), and n captions, each of many wordings; none where `path` does not exist. In the file,
    `frames` are as they are, or n WebP pictures, one after another, of `frames_sizes` bytes each; so is `around`, what lies
    around them, of `sizes`; `pitch` and, where tasks have a goal, `bearing` are n angles; `seen_frames` and `seen_near` hold n
    WebP pictures each, of `seen_frames_sizes` and `seen_near_sizes` bytes, as `sightings.packed` makes them, `seen_places` and
    `seen_views` one row for each of their `seen_numbers` pictures."""

    def __init__(self, path: Path, height: int, width: int) -> None:
        self.frames = np.zeros((0, height, width, 3), np.uint8)
        self._around: list[bytes] = []
        self._pitch = np.zeros(0, np.float32)
        self._bearing: np.ndarray | None = None
        self._seen: list[tuple[bytes, bytes, np.ndarray, np.ndarray]] = []
        self._words: list[set[str]] = []
        if path.exists():
            tensors, header = read_tensors(path)
            self.frames = tensors["frames"].numpy()
            if "frames_sizes" in tensors:
                self.frames = np.stack([from_webp(file) for file in _split(tensors["frames"], tensors["frames_sizes"])])
            self._pitch = tensors["pitch"].numpy() if "pitch" in tensors else np.zeros(len(self.frames), np.float32)
            self._bearing = tensors["bearing"].numpy() if "bearing" in tensors else None
            if "around" in tensors:
                self._around = _split(tensors["around"], tensors["sizes"])
            if "seen_frames" in tensors:
                files = (_split(tensors[f"seen_{name}"], tensors[f"seen_{name}_sizes"]) for name in ("frames", "near"))
                ends = tensors["seen_numbers"].cumsum(0).tolist()[:-1]
                rows = (np.split(tensors[f"seen_{name}"].numpy(), ends) for name in ("places", "views"))
                self._seen = list(zip(*files, *rows, strict=True))
            self._words = [_words(caption) for caption in header["captions"]]
        known = Counter(word for words in self._words for word in words)
        self._rarity = {word: math.log((1 + len(self._words)) / count) for word, count in known.items()}
        self._coarse = np.array([_coarse(frame) for frame in self.frames])

    def __getitem__(self, number: int) -> Start:
        """Start `number`, its surroundings unpacked."""
        around = from_webp(self._around[number]) if self._around else None
        bearing = None if self._bearing is None else float(self._bearing[number])
        seen = unpacked(*self._seen[number]) if self._seen else None
        return Start(self.frames[number], around, float(self._pitch[number]), bearing, seen)

    def nearest(self, prompt: str, seed: int = 0, like: np.ndarray | None = None) -> Start | None:
        """A start whose captions have most of the prompt's words, where a word counts more the fewer have it; of these,
        where `like` is given, uint8 (h, w, 3), one of the few that look most like it. `seed` chooses among equals. None where
        there is none."""
        scores = self._scores(prompt)
        best = [number for number, score in enumerate(scores) if score == max(scores)]
        if not best:
            return None
        if like is not None:
            apart = np.square(self._coarse[best] - _coarse(like)).mean((1, 2, 3))
            best = [best[number] for number in np.argsort(apart)[:NUM_ALIKE]]
        return self[best[seed % len(best)]]

    def knows(self, prompt: str) -> bool:
        """Whether any caption has a word of the prompt."""
        return max(self._scores(prompt), default=0.0) > 0

    def _scores(self, prompt: str) -> list[float]:
        asked = _words(prompt)
        return [sum(self._rarity[word] for word in asked & words) for words in self._words]


def detail(frame: np.ndarray) -> float:
    """How much there is to see in a frame, uint8 (h, w, 3): its mean gradient over its mean brightness, plus 10, of 255."""
    grey = frame.astype(np.float32).mean(-1)
    steepness = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return float(steepness / (grey.mean() + 10))


def _coarse(frame: np.ndarray) -> np.ndarray:
    """A frame by the mean colours of squares of 16 × 16 pixels, those at the right and lower border cut."""
    h, w, _ = frame.shape
    whole = frame[: h // 16 * 16, : w // 16 * 16].astype(np.float32)
    return whole.reshape(h // 16, 16, w // 16, 16, 3).mean((1, 3))


def _split(joined: Tensor, sizes: Tensor) -> list[bytes]:
    """Files of so many bytes each that lie one after another."""
    return [part.tobytes() for part in np.split(joined.numpy(), sizes.cumsum(0).tolist()[:-1])]


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
