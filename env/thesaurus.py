"""What players may say for what captions say: other words for places, hours, weather and what stands about (`thesaurus.json`),
and words mistyped.

In the file, a key is words of captions that mean the same; its list, what else is said for it, in words and phrases. `alone`
has what stands for a place where none is named; `together`, words of which one of the first, not far from one of the second,
names a place; `nearly`, what comes near to it; `moments`, the words for hours that name one exactly, under what share of a day
from sunrise on it is; `nothing`, words that are not others mistyped, and what is but said so (`a sea of trees`).
"""

import json
import re
from collections.abc import Collection
from functools import cache
from itertools import product
from pathlib import Path
from string import ascii_lowercase

Meaning = frozenset[str]
"""The words of captions, any of which says it."""
LEAST_LETTERS = 5
"""A word of so many letters that is nearly one that is known is that one, mistyped."""
TOGETHER = 2
"""Words up to so far apart belong together."""


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def meanings(prompt: str) -> set[Meaning]:
    """What a prompt says that a world is to show; nothing of what is not understood."""
    synonyms = _synonyms()
    meant = {synonyms[said] for said in _understood(prompt) if synonyms[said]} | _together(prompt)
    if not any(meaning >= place for meaning in meant for place in _kinds()["places"]):
        meant |= {place for thing, place in _pairs("alone").items() if thing in meant}
    return meant


def moment(prompt: str) -> float | None:
    """The hour that a prompt names exactly, as a share of a day from sunrise on; None where it names none so."""
    hours = {said: float(hour) for hour, named in _entries()["moments"].items() for said in named}
    return next((hours[said] for said in _understood(prompt) if said in hours), None)


def of_weather(meaning: Meaning) -> bool:
    """Whether it is about the weather."""
    return any(meaning >= said for said in _kinds()["weather"])


def of_hour(meaning: Meaning) -> bool:
    """Whether it is about the hour."""
    return any(meaning >= said for said in _kinds()["hours"])


def said_of_the_scene(caption: Collection[str]) -> int:
    """How many different things a caption of these words says of the place, the hour and the weather."""
    kinds = _kinds()
    return sum(not meaning.isdisjoint(caption) for kind in ("places", "hours", "weather") for meaning in kinds[kind])


def nearly(meaning: Meaning) -> Meaning | None:
    """What comes near to it where there is none; None for nothing."""
    return _pairs("nearly").get(meaning)


def _together(prompt: str) -> set[Meaning]:
    """What is meant by two words of a prompt that belong together, in whatever order."""
    text, together = words(prompt), _entries()["together"]
    close = {frozenset(pair) for far in range(1, TOGETHER + 1) for pair in zip(text, text[far:], strict=False)}
    pairs = {place: map(frozenset, product(*map(str.split, sides))) for place, sides in together.items()}
    return {frozenset(place.split()) for place, belonging in pairs.items() if not close.isdisjoint(belonging)}


def _understood(prompt: str) -> list[str]:
    """The words and phrases of a prompt that mean something, as they are written."""
    synonyms, found = _synonyms(), []
    text = f" {' '.join(words(prompt))} "
    for phrase in _phrases():
        if f" {phrase} " in text:
            text = text.replace(f" {phrase} ", " ")
            found.append(phrase)
    for word in text.split():
        if word in synonyms:
            found.append(word)
        elif len(word) >= LEAST_LETTERS:
            found += sorted(said for said in _slips(word) & synonyms.keys() if len(said) >= LEAST_LETTERS)[:1]
    return found


def _slips(word: str) -> set[str]:
    """What may have been meant where a letter, not the first, was forgotten, typed too much, for another or after the next."""
    parts = [(word[:place], word[place:]) for place in range(1, len(word) + 1)]
    others = {a + letter + b[skipped:] for a, b in parts for letter in ascii_lowercase for skipped in (0, 1)}
    return others | {a + b[1:] for a, b in parts} | {a + b[1::-1] + b[2:] for a, b in parts}


@cache
def _entries() -> dict[str, dict[str, list[str]]]:
    return dict(json.loads(Path(__file__).with_name("thesaurus.json").read_text()))


@cache
def _kinds() -> dict[str, list[Meaning]]:
    return {kind: [frozenset(entry.split()) for entry in entries] for kind, entries in _entries().items()}


@cache
def _pairs(kind: str) -> dict[Meaning, Meaning]:
    """Of meanings another one each."""
    return {frozenset(one.split()): frozenset(other.split()) for one, (other,) in _entries()[kind].items()}


@cache
def _synonyms() -> dict[str, Meaning]:
    """For each word and phrase what it means: all that it may mean, where that is not clear."""
    meant: dict[str, Meaning] = {}
    for kind, entries in _entries().items():
        for entry, others in entries.items() if kind not in ("alone", "together", "nearly", "moments") else ():
            for said in (*entry.split(), *others):
                meant[said] = meant.get(said, frozenset()) | frozenset(entry.split())
    return meant


@cache
def _phrases() -> list[str]:
    """Of these those of several words, the longest first."""
    return sorted((said for said in _synonyms() if " " in said), key=len, reverse=True)
