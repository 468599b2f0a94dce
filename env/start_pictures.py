"""Pictures that come with a world, to start from, with what lies around them: one is found by the words of a prompt."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from simworld.env.sightings import Sightings, Unpacked, from_file, looks, unpacked, unpacked_lattice
from simworld.env.thesaurus import Meaning, meanings, moment, nearly, of_hour, of_weather, said_of_the_scene, words
from simworld.model.autoencoder import AutoencoderConfig
from simworld.model.checkpoint import read_tensors

NUM_ALIKE = 4
"""So many pictures look most like another one."""
CLEAR = "clear"
"""What captions say of a sky that is meant where nobody asks for another one."""
SAME_LIGHT, MOST_SAME_LIGHT = 0.25, 5
"""Such a share of the places, and so many at most, count as lying in the same light: a quarter of the shipped ones share an
hour."""
NEARLY = 0.5
"""So much counts what comes near to what is meant."""
SAME_HEIGHT, LIKE_HEIGHT = 0.05, 0.25
"""Sines of the sun's height: what differs less counts as equal, and as alike. Places are shown best at an hour that were
seen when the sun stood alike, else when it stood highest, for then all is seen."""
SKY = 0.2
"""So much of what is high up in the pictures of a place is held to be sky."""
OPEN = 0.5
"""Of a view that is open, so much is not close by."""
HAND = (slice(1, None), slice(3, None))
"""Rows and columns of `looks` in which a player's hand may be."""


@dataclass(frozen=True)
class Start:
    """frame: uint8 (h, w, 3). around: what lies around it, uint8 (p, 2p, 3), all directions at equal angles (an
    equirectangular panorama) with the frame's heading in its middle, or None. pitch: how far the frame looks down, degrees.
    bearing: of a task's goal, in degrees to the right, None where there is none. daylight: float32
    (5,), as `WorldEnv.reset` has it, None where nobody has told. unpack: tells what the place looks like from elsewhere,
    as it takes a moment; None where nobody has looked. spot: of those from where it looks most like something else, (right,
    ahead, above, yaw); None where nobody asked."""

    frame: np.ndarray
    around: np.ndarray | None = None
    pitch: float = 0.0
    bearing: float | None = None
    unpack: Callable[[], Unpacked] | None = None
    spot: np.ndarray | None = None
    daylight: np.ndarray | None = None

    @cached_property
    def seen(self) -> Sightings | None:
        """What the place looks like from elsewhere."""
        return None if self.unpack is None else self.unpack().told()

    def options(self) -> dict[str, Any]:
        """The env's reset options that begin here."""
        options: dict[str, Any] = {"frames": self.frame[None], "pitch": self.pitch}
        for name in ("bearing", "daylight"):
            if getattr(self, name) is not None:
                options[name] = getattr(self, name)
        if self.seen is not None:
            options["seen"] = vars(self.seen)
        return options if self.around is None else {**options, "around": self.around}


class StartPictures:
    """frames: uint8 (n, h, w, 3), and n captions, each of many wordings; none where `path` does not exist. In the file,
    `frames` are as they are, or n AVIF pictures, one after another, of `frames_sizes` bytes each; so is `around`, what lies
    around them, of `sizes`; `pitch` and, where tasks have a goal, `bearing` are n angles; `daylight` n rows;
    `seen_frames` and `seen_near` hold n AVIF and WebP pictures, of `seen_frames_sizes` and `seen_near_sizes` bytes, as
    `sightings.packed` makes them, `seen_places`, `seen_views`, `seen_looks` and `seen_open` one row for each of their
    `seen_numbers` pictures; `lattices`, of `lattices_sizes` bytes, and `lattices_lie`, a row for each, hold their blocks, as
    `sightings.packed_lattice` makes them. field_of_view: of the pictures, degrees."""

    def __init__(self, path: Path, height: int, width: int, field_of_view: float = AutoencoderConfig.field_of_view) -> None:
        self.frames = np.zeros((0, height, width, 3), np.uint8)
        self._field_of_view = field_of_view
        self._daylight: np.ndarray | None = None
        self._around: list[bytes] = []
        self._pitch = np.zeros(0, np.float32)
        self._bearing: np.ndarray | None = None
        self._seen: list[tuple[bytes, bytes, np.ndarray, np.ndarray]] = []
        self._lattices: list[tuple[bytes, np.ndarray]] = []
        self._looks: list[np.ndarray] = []
        self._open: list[np.ndarray] = []
        self._words: list[set[str]] = []
        if path.exists():
            tensors, header = read_tensors(path)
            self.frames = tensors["frames"].numpy()
            if "frames_sizes" in tensors:
                self.frames = np.stack([from_file(file) for file in _split(tensors["frames"], tensors["frames_sizes"])])
            self._pitch = tensors["pitch"].numpy() if "pitch" in tensors else np.zeros(len(self.frames), np.float32)
            self._bearing = tensors["bearing"].numpy() if "bearing" in tensors else None
            self._daylight = tensors["daylight"].numpy() if "daylight" in tensors else None
            if "around" in tensors:
                self._around = _split(tensors["around"], tensors["sizes"])
            if "seen_frames" in tensors:
                files = (_split(tensors[f"seen_{name}"], tensors[f"seen_{name}_sizes"]) for name in ("frames", "near"))
                ends = tensors["seen_numbers"].cumsum(0).tolist()[:-1]
                rows = (np.split(tensors[f"seen_{name}"].numpy(), ends) for name in ("places", "views"))
                self._seen = list(zip(*files, *rows, strict=True))
                self._looks, self._open = (np.split(tensors[f"seen_{name}"].numpy(), ends) for name in ("looks", "open"))
            if "lattices" in tensors:
                packed = _split(tensors["lattices"], tensors["lattices_sizes"])
                self._lattices = list(zip(packed, tensors["lattices_lie"].numpy(), strict=True))
            self._words = [set(words(caption)) for caption in header["captions"]]

    def __getitem__(self, number: int) -> Start:
        """Start `number`, its surroundings unpacked."""
        around = from_file(self._around[number]) if self._around else None
        bearing = None if self._bearing is None else float(self._bearing[number])
        unpack = partial(self._sightings, number) if self._seen else None
        daylight = None if self._daylight is None else self._daylight[number]
        return Start(self.frames[number], around, float(self._pitch[number]), bearing, unpack, daylight=daylight)

    def _sightings(self, number: int) -> Unpacked:
        lattice = unpacked_lattice(*self._lattices[number]) if self._lattices else None
        return unpacked(*self._seen[number], lattice, self._field_of_view)

    @property
    def most_seen(self) -> int:
        """Sightings of the start that has most."""
        return max((len(places) for _, _, places, _ in self._seen), default=0)

    def nearest(
        self,
        prompt: str,
        seed: int = 0,
        like: np.ndarray | None = None,
        light: np.ndarray | None = None,
        hour: float | None = None,
    ) -> Start | None:
        """A start whose captions say most of what the prompt means (`thesaurus`), where what is meant counts more the fewer say
        it; under a clear sky where no weather is meant, and with as little else as there is. Of these one in such a `light`,
        (3,), as `light_of` tells, and one of the few that look most like `like`, uint8 (h, w, 3), where they are given. `hour`:
        at which it will be shown, where that can be any: what the captions say of the hour does not count then, but that it was
        seen at about this one. `seed` chooses among equals. None where there is none."""
        meant, hours = meanings(prompt), None if hour is None else self._daylight
        scores = self._scores({meaning for meaning in meant if hours is None or not of_hour(meaning)})
        best = [number for number, score in enumerate(scores) if score == max(scores)]
        if not best:
            return None
        if self.knows(prompt):
            if not any(of_weather(meaning) for meaning in meant):
                best = [number for number in best if CLEAR in self._words[number]] or best
            if hours is not None and hour is not None:
                height = np.sin(2 * np.pi * hours[best, 0])
                between = np.abs(height - math.sin(2 * math.pi * hour))
                unlike = np.where(between < LIKE_HEIGHT, between, 2 - height)
                best, light = [best[place] for place in (unlike < unlike.min() + SAME_HEIGHT).nonzero()[0]], None
            said = [said_of_the_scene(self._words[number]) for number in best]
            best = [number for number, much in zip(best, said, strict=True) if much == min(said)]
        if light is not None and self._looks:
            apart = [float(np.square(light_of(self._looks[number]) - light).sum()) for number in best]
            best = [best[place] for place in np.argsort(apart)[: min(math.ceil(SAME_LIGHT * len(best)), MOST_SAME_LIGHT)]]
        if like is not None:
            return self._alike(best, like, seed)
        return self[best[seed % len(best)]]

    def _alike(self, numbers: list[int], like: np.ndarray, seed: int) -> Start:
        """One of these starts, or of the spots about it with an open view into the place, that look most like it."""
        wanted = _without_hand(looks(like[None]))
        found: list[tuple[float, int, np.ndarray | None]] = []
        for number in numbers:
            if not self._seen:
                apart = np.square(_without_hand(looks(self.frames[number][None])) - wanted).mean()
                found.append((float(apart), number, None))
                continue
            *_, places, views = self._seen[number]
            yaw = np.deg2rad(views[:, 1])
            inward = places[:, 0] * np.sin(yaw) + places[:, 1] * np.cos(yaw) <= 0
            apart = np.square(_without_hand(self._looks[number]) - wanted).mean((1, 2))
            spots, good = np.concatenate([places, views[:, 1:]], 1), inward & (self._open[number] > OPEN)
            found += [(float(apart[row]), number, spots[row]) for row in (good if good.any() else inward).nonzero()[0]]
        nearest = sorted(found, key=lambda one: one[0])[:NUM_ALIKE]
        _, number, spot = nearest[seed % len(nearest)]
        return replace(self[number], spot=spot)

    def hour(self, prompt: str) -> float | None:
        """The hour that the prompt means: the one that it names, else the one at which most of the starts are seen whose
        captions say it. None where it means none, or nobody has told the hours."""
        if self._daylight is None:
            return None
        if (named := moment(prompt)) is not None:
            return named
        hours = [meaning for meaning in meanings(prompt) if of_hour(meaning)]
        seen = [
            float(row[0]) for said, row in zip(self._words, self._daylight, strict=True) if any(said & each for each in hours)
        ]
        return max(seen, key=seen.count, default=None)

    def knows(self, prompt: str) -> bool:
        """Whether any caption says something that the prompt means."""
        return max(self._scores(meanings(prompt)), default=0.0) > 0

    def _scores(self, meant: set[Meaning]) -> list[float]:
        """Of each start, how much its captions say of what is meant; summed exactly, for sets have another order each time."""
        counts = {meaning: sum(not meaning.isdisjoint(said) for said in self._words) for meaning in meant}
        rarity = {meaning: math.log((1 + len(self._words)) / count) for meaning, count in counts.items() if count}
        return [math.fsum(rarity[meaning] * _said(meaning, said) for meaning in rarity) for said in self._words]


def _said(meaning: Meaning, said: set[str]) -> float:
    """How much of a meaning words say."""
    other = nearly(meaning)
    return float(not meaning.isdisjoint(said)) or NEARLY * float(other is not None and not other.isdisjoint(said))


def detail(frame: np.ndarray) -> float:
    """How much there is to see in a frame, uint8 (h, w, 3), beside the hand: its mean gradient over its mean brightness, plus
    10, of 255."""
    h, w, _ = frame.shape
    grey = frame.astype(np.float32).mean(-1)
    grey[h * 2 // 5 :, w * 3 // 5 :] = np.nan
    steepness = np.nanmean(np.abs(np.diff(grey, axis=0))) + np.nanmean(np.abs(np.diff(grey, axis=1)))
    return float(steepness / (np.nanmean(grey) + 10))


def light_of(squares: np.ndarray) -> np.ndarray:
    """The mean colour of the sky in pictures of a place, of which these are the `looks`, uint8 [n, rows, columns, 3]: of the
    brightest of what is high up. float32 (3,)."""
    high = squares[:, 0].reshape(-1, 3).astype(np.float32)
    return np.asarray(high[high.sum(1).argsort()[-max(1, round(SKY * len(high))) :]].mean(0))


def _without_hand(squares: np.ndarray) -> np.ndarray:
    """`looks`, uint8 [n, rows, columns, 3], without those of the hand: float32 [n, m, 3]."""
    rest = np.ones(squares.shape[1:3], bool)
    rest[HAND] = False
    return squares[:, rest].astype(np.float32)


def _split(joined: Tensor, sizes: Tensor) -> list[bytes]:
    """Files of so many bytes each that lie one after another."""
    return [part.tobytes() for part in np.split(joined.numpy(), sizes.cumsum(0).tolist()[:-1])]
