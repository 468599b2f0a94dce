"""How all that is written over the picture looks: few colours, dark glass panels, one kind of letters. Knows no contents.

Sizes derive from the height of the screen, so that the same text is readable at any size.
"""

from functools import lru_cache

import pygame

from simworld.client import lettering

INK = (240, 242, 245)
QUIET = (170, 178, 190)
ACCENT = (255, 209, 102)
WARNING = (255, 140, 110)
GLASS, DARK_GLASS = (12, 16, 24, 168), (12, 16, 24, 225)

_FINENESS = 2
"""Text is drawn this much larger and scaled down: at its own size its letters would snap to whole pixels, unevenly."""

_Colour = tuple[int, int, int]


def text_size(screen: pygame.Surface) -> int:
    """The font size for ordinary text on `screen`."""
    return max(13, round(screen.get_height() / 30))


def width(content: str, size: int) -> int:
    """Pixels that `content` takes on one line."""
    return lettering.width(content, _fine(size)) // _FINENESS


def line_height(size: int) -> int:
    """Pixels from one line to the next."""
    return lettering.line_height(_fine(size)) // _FINENESS


def fresh_text(content: str, size: int, colour: _Colour = INK) -> pygame.Surface:
    """`content` on one line, with a soft shadow so that it can be read on any picture. For what changes often."""
    printable = "".join(letter for letter in content if letter.isprintable())
    face, shadow = (lettering.render(printable, _fine(size), ink) for ink in (colour, (0, 0, 0)))
    surface = pygame.Surface((face.get_width() + _FINENESS, face.get_height() + _FINENESS), pygame.SRCALPHA)
    shadow.set_alpha(150)
    surface.blit(shadow, (_FINENESS, _FINENESS))
    surface.blit(face, (0, 0))
    return pygame.transform.smoothscale(surface, (surface.get_width() // _FINENESS, surface.get_height() // _FINENESS))


@lru_cache(maxsize=128)
def text(content: str, size: int, colour: _Colour = INK) -> pygame.Surface:
    """The same, remembered: for what is drawn again and again."""
    return fresh_text(content, size, colour)


@lru_cache(maxsize=32)
def panel(width: int, height: int, radius: int, glass: tuple[int, int, int, int] = GLASS) -> pygame.Surface:
    """A sheet of dark glass with round corners."""
    surface = pygame.Surface((width, height), pygame.SRCALPHA)
    pygame.draw.rect(surface, glass, surface.get_rect(), border_radius=radius)
    return surface


def lay_panel(screen: pygame.Surface, area: pygame.Rect, glass: tuple[int, int, int, int] = GLASS) -> None:
    """Lay a panel on `area` of `screen`."""
    screen.blit(panel(area.width, area.height, max(4, text_size(screen) // 2), glass), area)


def wrapped(content: str, size: int, most: int) -> list[str]:
    """`content` in lines no wider than `most` pixels; a word wider than that has a line of its own, cut."""
    lines: list[str] = []
    line = ""
    for word in content.split():
        longer = f"{line} {word}" if line else word
        if line and width(longer, size) > most:
            lines.append(line)
            longer = word
        while width(longer, size) > most and len(longer) > 1:
            longer = longer[: max(1, len(longer) * 7 // 8 - 1)] + "…"
        line = longer
    return [*lines, line] if line else lines


@lru_cache(maxsize=256)
def shortened(content: str, size: int, most: int) -> str:
    """`content`, cut with an ellipsis where it is wider than `most` pixels."""
    if width(content, size) <= most:
        return content
    while content and width(content + "…", size) > most:
        content = content[: max(0, len(content) - max(1, len(content) // 12))]
    return content.rstrip() + "…"


def _fine(size: int) -> int:
    """The size of letters before they are scaled down."""
    return round(size * 1.3 * _FINENESS)
