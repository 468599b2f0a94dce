"""What players may say: other words, phrases, and words mistyped find those that captions use."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simworld.env.thesaurus as module
from simworld.env.thesaurus import meanings, moment, of_hour, of_weather, said_of_the_scene, words
from simworld.env.voxel import captions

FOREST, DESERT, NOON, DUSK = "forest woods leafy oak", "desert dunes", "noon midday day", "sunset dusk evening"


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [
        ("A JUNGLE!", {FOREST}),
        ("a forest at noon", {FOREST, NOON}),
        ("the dessert", {DESERT}),
        ("wodland in the golden  hour", {DUSK, FOREST}),
        ("it is raining cats and dogs", {"rains raining rainy shower"}),
        ("snow", {"snowy snow winter snowfall snowing snows"}),
        ("snowy weather", {"snowfall snowing snows snow"}),
        ("a lake in the desrt", {DESERT, "water"}),
        ("water everywhere", {"ocean sea"}),
        ("water", {"ocean sea", "water"}),
        ("nigth", {"night"}),
        ("store the first light", {DUSK}),
        ("trunks of white", {"birch"}),
        ("the bark is pale", {"birch"}),
        ("white birds upon the trunks", set()),
        ("deep in a forest by a river", {FOREST, "water"}),
        ("yellow flowers in the grass", {"flowers", "grass grassy", "plains plain grassland meadow field"}),
        ("a sea of trees", {FOREST, "trees"}),
        ("a sea of sand", {DESERT}),
        ("miles of golden sand", {DESERT, "sand sandy"}),
        ("a purple dragon", set()),
        ("", set()),
    ],
)
def test_what_is_said_finds_the_words_that_mean_it(prompt: str, meant: set[str]) -> None:
    assert meanings(prompt) == {frozenset(words(entry)) for entry in meant}


def test_some_words_name_an_hour() -> None:
    prompts = {"the desert at dawn": 0.0, "sun is rising": 0.0, "sunrize": 0.0, "in the afternoon": 0.4, "dusk": None, "": None}
    assert {prompt: moment(prompt) for prompt in prompts} == prompts
    for hour, named in json.loads(Path(module.__file__).with_name("thesaurus.json").read_text())["moments"].items():
        for said in named:
            assert moment(said) == float(hour) and any(map(of_hour, meanings(said))), said


def test_weather_is_told_from_the_rest() -> None:
    prompts = {"a downpour at night": True, "snow": True, "a snowy forest": False, "": False}
    assert {prompt: any(map(of_weather, meanings(prompt))) for prompt in prompts} == prompts
    assert said_of_the_scene(words("a birch forest at noon, by a well")) == 3


def test_every_word_that_it_leads_to_is_one_of_the_games_captions() -> None:
    for entries in json.loads(Path(module.__file__).with_name("thesaurus.json").read_text()).values():
        for entry in entries:
            assert set(words(entry)) <= _said(), entry


def test_whatever_the_game_can_be_asked_for_is_understood() -> None:
    rng = np.random.default_rng(0)
    for kind in ("place", "time", "weather"):
        for name in _captions()[kind]:
            if name not in ("cave", "underwater"):  # no picture to start from shows them
                for _ in range(20):
                    asked = captions.ask(kind, name, rng)
                    assert any(meaning & _said() for meaning in meanings(asked)), asked


def _captions() -> dict[str, Any]:
    return dict(json.loads(Path(captions.__file__).with_name("captions.json").read_text()))


def _said() -> set[str]:
    """All words of captions but of those wordings that none has."""

    def texts(part: Any) -> list[str]:
        if not isinstance(part, dict):
            return [text for each in part for text in ([each] if isinstance(each, str) else each)]
        return [text for name, each in part.items() if name != "held_out" for text in texts(each)]

    return set(words(" ".join(texts(_captions()))))
