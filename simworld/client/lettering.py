"""Letters of all scripts: text in Pygame's own font and, where that lacks a letter, in one of the system's that has it; what is
written from right to left is drawn so. Knows no colours and no screen.

A system without such fonts shows boxes. Looking for them takes a moment, once, and only where a text needs it.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

import pygame

_OTHERS = (
    "dejavusans",
    "notosans",
    "notosanscjksc,notosanscjkjp,notosanscjk,wenquanyizenhei,microsoftyahei,msgothic,hiraginosans,pingfang,droidsansfallback",
    "notosanshebrew,notosansarabic,arial,arialunicodems",
    "notosansdevanagari,nirmalaui,notosansthai",
    "symbola,notoemoji,segoeuisymbol,applesymbols,unifont",
)
"""Names of fonts that systems have, of each line the first that there is. Only those with outlines: letters are drawn in any
size."""
_NOWHERE = "\uffff"
"""A letter that no font has: what it looks like is how a font shows what it lacks."""
_TALLER = 0.8
_RIGHT_TO_LEFT = ("R", "AL", "AN")


def width(content: str, size: int) -> int:
    """Pixels that `content` takes on one line, in letters of `size`."""
    return sum(_font(number, size).size(part)[0] for number, _, part in _runs(content))


def line_height(size: int) -> int:
    """Pixels from one line to the next."""
    return _font(0, size).get_linesize()


def render(content: str, size: int, colour: tuple[int, int, int]) -> pygame.Surface:
    """`content` on one line."""
    parts = []
    for number, backwards, part in _runs(content):
        font = _font(number, size)
        font.set_direction(pygame.DIRECTION_RTL if backwards else pygame.DIRECTION_LTR)
        parts.append((font.render(part, True, colour), font.get_ascent()))
    if content.isascii():
        return parts[0][0]
    own = _font(0, size)
    # All stand on one line, and marks that tower over it are cut.
    line = pygame.Surface((sum(part.get_width() for part, _ in parts), own.get_height()), pygame.SRCALPHA)
    x = 0
    for drawn, ascent in parts:
        line.blit(drawn, (x, own.get_ascent() - ascent))
        x += drawn.get_width()
    return line


@lru_cache(maxsize=64)
def _runs(content: str) -> list[tuple[int, bool, str]]:
    """Parts of one font and one direction each, as they stand from left to right: the font's number, whether it runs from right
    to left, and the letters."""
    if content.isascii():
        return [(0, False, content)]
    kinds: list[tuple[int, bool]] = []
    words = re.findall(r"\s+|\S+", content)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.isspace():
            kinds += [(0, _backwards(following) and bool(kinds) and kinds[-1][1])] * len(word)
        else:
            whole = _with(word)
            kinds += [(_with(letter) or 0 if whole is None else whole, _backwards(word)) for letter in word]
    found = groupby(zip(kinds, content, strict=True), lambda pair: pair[0])
    runs = [(*kind, "".join(letter for _, letter in pairs)) for kind, pairs in found]
    ordered: list[tuple[int, bool, str]] = []
    for backwards, together in groupby(runs, lambda run: run[1]):
        stretch = list(together)
        ordered += stretch[::-1] if backwards else stretch
    return ordered


def _backwards(word: str) -> bool:
    return any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in word)


@lru_cache(maxsize=4096)
def _with(letters: str) -> int | None:
    """The number of the first font that has all of them, None where none does."""
    if not _lacks(0, letters):
        return 0
    return next((number for number in range(1, 1 + len(_paths())) if not _lacks(number, letters)), None)


def _lacks(number: int, letters: str) -> bool:
    shown = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Me", "Cf"))
    metrics = _font(number, 40).metrics(shown + _NOWHERE)
    return not metrics or None in metrics[:-1] or metrics[-1] in metrics[:-1]


@lru_cache(maxsize=1)
def _paths() -> list[str]:
    found = (pygame.font.match_font(names) for names in _OTHERS)
    return [path for path in found if path]


@lru_cache(maxsize=64)
def _font(number: int, size: int) -> pygame.Font:
    """Font 0 is Pygame's own; others are a little smaller, for their letters are taller."""
    return pygame.font.Font(None, size) if number == 0 else pygame.font.Font(_paths()[number - 1], round(size * _TALLER))
