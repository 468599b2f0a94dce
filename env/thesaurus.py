"""What players may say for what captions say: other words for places, hours, weather and what stands about (`thesaurus.json`),
and words mistyped.

In the file a key is words of captions that mean the same; its list, what else is said for it, in words and phrases.
"""

import json
import re
from collections.abc import Collection
from difflib import get_close_matches
from functools import cache
from pathlib import Path

LEAST_LETTERS, LIKENESS = 5, 0.8
"""A word of so many letters that is so much like one that is known is that one, mistyped (`difflib`'s ratio)."""


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return re.findall(r"[a-z]+", text.lower())


def meanings(prompt: str, said: Collection[str]) -> list[frozenset[str]]:
    """For each word and phrase of `prompt` that says what a world is to show, those of the words `said` that mean it: the word
    itself where it is among them. What is not understood has none."""
    synonyms, found = _synonyms(), []
    text = f" {' '.join(words(prompt))} "
    for phrase in synonyms:
        if " " in phrase and f" {phrase} " in text:
            text = text.replace(f" {phrase} ", " ")
            found.append(synonyms[phrase])
    for word in text.split():
        near = [word] if word in synonyms else []
        if not near and word not in said and len(word) >= LEAST_LETTERS:
            near = get_close_matches(word, [one for one in synonyms if " " not in one], 1, LIKENESS)
        for meant in near:
            found.append(frozenset({meant}) if meant in said else synonyms[meant])
    return list(dict.fromkeys(alike & frozenset(said) for alike in found if alike & frozenset(said)))


@cache
def _synonyms() -> dict[str, frozenset[str]]:
    """For each word and phrase of the thesaurus, the words of captions that mean the same."""
    entries = json.loads(Path(__file__).with_name("thesaurus.json").read_text())
    meant: dict[str, frozenset[str]] = {}
    for captions, others in entries.items():
        for word in (*captions.split(), *others):
            meant[word] = meant.get(word, frozenset()) | frozenset(captions.split())
    return meant
