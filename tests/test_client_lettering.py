"""Text of all scripts: never an error, as wide as it is said to be, and drawn in the direction in which it is read."""

from collections.abc import Iterator

import pygame
import pytest

from simworld.client import lettering, theme

SCRIPTS = ["", " ", "a plain line", "café ½", "שלום עולם and back", "مرحبا ok", "雪の森 – 숲"]
ODDITIES = ["🌋☃️👩‍👩‍👧 \u202eturned\u202c", "e\u0301\u0301\u0301", "\U0010ffff"]


@pytest.fixture(autouse=True)
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    pygame.font.init()
    yield
    lettering._font.cache_clear()  # they must not outlive the module that made them
    pygame.quit()


@pytest.mark.parametrize("text", [*SCRIPTS, *ODDITIES])
def test_any_text_is_drawn_as_wide_as_it_is_said_to_be(text: str) -> None:
    drawn = lettering.render(text, 40, (255, 255, 255))
    assert drawn.get_width() == pytest.approx(lettering.width(text, 40), abs=2 + len(text))
    assert drawn.get_height() <= 1.5 * lettering.line_height(40)
    assert theme.text(text, 20).get_height() > 0
    assert theme.width(theme.shortened(text * 40, 20, 100), 20) <= 110


def test_hebrew_runs_from_right_to_left_and_words_keep_their_order() -> None:
    runs = lettering._runs("go שלום עולם on")
    assert "".join(part for _, backwards, part in runs if not backwards).split() == ["go", "on"]
    assert [runs[0][1], runs[1][1], runs[-1][1]] == [False, True, False]
    if all(number > 0 for number, backwards, _ in runs if backwards):  # a font that has it was found
        ink = pygame.surfarray.array_alpha(lettering.render("שי", 80, (255, 255, 255))).sum(1)
        assert ink[: len(ink) // 3].sum() < ink[-len(ink) // 3 :].sum(), "the second letter, a small one, stands at the left"
