"""What players may say: other words, phrases, and words mistyped find those that captions use."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simworld.env.thesaurus as module
from simworld.env.thesaurus import meanings, words
from simworld.env.voxel import captions

SAID = {"forest", "woods", "desert", "noon", "day", "dusk", "sunset", "rain", "rains", "the", "a", "at", "high"}


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("A JUNGLE!", [{"forest", "woods"}]),
        ("a forest at noon", [{"forest"}, {"noon"}]),
        ("the dessert", [{"desert"}]),
        ("wodland in the golden  hour", [{"dusk", "sunset"}, {"forest", "woods"}]),
        ("it is raining cats and dogs", [{"rain", "rains"}]),
        ("the high night", []),
        ("a purple dragon", []),
        ("", []),
    ],
)
def test_what_is_said_finds_the_words_that_mean_it(prompt: str, meant: list[set[str]]) -> None:
    assert meanings(prompt, SAID) == meant


def test_every_word_that_it_leads_to_is_one_of_the_games_captions() -> None:
    for entry in json.loads(Path(module.__file__).with_name("thesaurus.json").read_text()):
        assert set(words(entry)) <= _said(), entry


def test_whatever_the_game_can_be_asked_for_is_understood() -> None:
    rng = np.random.default_rng(0)
    for kind in ("place", "time", "weather"):
        for name in _captions()[kind]:
            if name not in ("cave", "underwater"):  # no picture to start from shows them
                for _ in range(20):
                    asked = captions.ask(kind, name, rng)
                    assert meanings(asked, _said()), asked


def _captions() -> dict[str, Any]:
    return dict(json.loads(Path(captions.__file__).with_name("captions.json").read_text()))


def _said() -> set[str]:
    """All words of captions but of those wordings that none has."""

    def texts(part: Any) -> list[str]:
        if not isinstance(part, dict):
            return [text for each in part for text in ([each] if isinstance(each, str) else each)]
        return [text for name, each in part.items() if name != "held_out" for text in texts(each)]

    return set(words(" ".join(texts(_captions()))))
