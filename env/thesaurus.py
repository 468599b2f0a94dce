"""What players may say for what captions say: other words for places, hours, weather and what stands about (`thesaurus.json`),
and words mistyped.

In the file, a key is words of captions that mean the same; its list, what else is said for it, in words and phrases.
"""

import json
import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import cache
from pathlib import Path

Meaning = frozenset[str]
"""The words of captions, any of which says it."""
LEAST_LETTERS, LIKENESS = 5, 0.8
"""A word of so many letters that is so much like one that is known is that one, mistyped (`difflib`'s ratio)."""


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def meanings(prompt: str) -> set[Meaning]:
    """What a prompt says that a world is to show; nothing of what is not understood."""
    synonyms, found = _synonyms(), []
    text = f" {' '.join(words(prompt))} "
    for phrase in synonyms:
        if " " in phrase and f" {phrase} " in text:
            text = text.replace(f" {phrase} ", " ")
            found.append(phrase)
    for word in text.split():
        if word in synonyms:
            found.append(word)
        elif len(word) >= LEAST_LETTERS:
            found += get_close_matches(word, synonyms, 1, LIKENESS)
    return {synonyms[said] for said in found}


def of_weather(meaning: Meaning) -> bool:
    """Whether it is about the weather."""
    return any(meaning >= said for said in _kinds()["weather"])


def said_of_the_scene(caption: Collection[str]) -> int:
    """How many different things a caption of these words says of the place, the hour and the weather."""
    return sum(not meaning.isdisjoint(caption) for kind, entries in _kinds().items() if kind != "things" for meaning in entries)


@cache
def _entries() -> dict[str, dict[str, list[str]]]:
    return dict(json.loads(Path(__file__).with_name("thesaurus.json").read_text()))


@cache
def _kinds() -> dict[str, list[Meaning]]:
    return {kind: [frozenset(entry.split()) for entry in entries] for kind, entries in _entries().items()}


@cache
def _synonyms() -> dict[str, Meaning]:
    """For each word and phrase what it means: all that it may mean, where that is not clear."""
    meant: dict[str, Meaning] = {}
    for entries in _entries().values():
        for entry, others in entries.items():
            for said in (*entry.split(), *others):
                meant[said] = meant.get(said, frozenset()) | frozenset(entry.split())
    return meant
