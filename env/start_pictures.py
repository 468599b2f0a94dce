"""Pictures that come with a world, to start from: one of them is found by the words of a prompt."""

import math
import re
from collections import Counter
from pathlib import Path

import numpy as np

from simworld.model.checkpoint import read_tensors


class StartPictures:
    """frames: uint8 (n, h, w, 3), and n captions, each of many wordings; none where `path` does not exist."""

    def __init__(self, path: Path, height: int, width: int) -> None:
        self.frames = np.zeros((0, height, width, 3), np.uint8)
        self._words: list[set[str]] = []
        if path.exists():
            tensors, header = read_tensors(path)
            self.frames = tensors["frames"].numpy()
            self._words = [_words(caption) for caption in header["captions"]]

    def nearest(self, prompt: str, seed: int) -> np.ndarray | None:
        """The picture whose captions have most of the prompt's words, where a word counts more the fewer have it; `seed`
        chooses among equals. None where there is no picture."""
        known = Counter(word for words in self._words for word in words)
        rarity = {word: math.log((1 + len(self._words)) / count) for word, count in known.items()}
        scores = [sum(rarity[word] for word in _words(prompt) & words) for words in self._words]
        best = [number for number, score in enumerate(scores) if score == max(scores)]
        return self.frames[best[seed % len(best)]] if best else None


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
