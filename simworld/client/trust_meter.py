"""How sure the world says that it is of what it shows, now and in the last seconds. Decides nothing; where the world says
nothing, shows nothing."""

from collections.abc import Sequence
from itertools import islice

import pygame

from simworld.client import theme
from simworld.client.requests import Chunk

_CHUNKS = 80
"""So many of the latest chunks are shown."""
_SURE = (140, 214, 150)


def draw(screen: pygame.Surface, past: Sequence[Chunk], shown: Chunk, room: pygame.Rect) -> None:
    """Draw into the upper right corner of `room`, if it is wide enough: a bar for each chunk of the past up to the one shown,
    the higher the surer."""
    if "trust" not in shown.info:
        return
    size = max(12, theme.text_size(screen) * 4 // 5)
    wide = max(2, size // 6)
    words = theme.text(_words(shown), size, theme.INK)
    width = max(_CHUNKS * wide, words.get_width()) + size
    height = theme.line_height(size)
    area = pygame.Rect(0, room.top, width, height + size * 7 // 2)
    area.right = room.right
    if area.left < room.left:
        return
    theme.lay_panel(screen, area)
    inside = area.inflate(-size, -size // 2)
    screen.blit(words, inside.topleft, words.get_rect(width=inside.width))
    tallest = inside.height - height
    chunks = (chunk for chunk in reversed(past) if chunk.number <= shown.number)
    for number, chunk in enumerate(islice(chunks, min(_CHUNKS, inside.width // wide))):
        trust = float(chunk.info.get("trust", 0.0))
        tall = max(1, round(tallest * trust))
        screen.fill(_colour(trust), (inside.right - (number + 1) * wide, inside.bottom - tall, wide - 1, tall))


def _words(shown: Chunk) -> str:
    words = f"sure to {100 * float(shown.info['trust']):.0f} %"
    if "expected_psnr" in shown.info:
        words += f" · about {float(shown.info['expected_psnr']):.0f} dB"
    if "psnr" in shown.info:  # the truth is there to compare
        words += f", truly {float(shown.info['psnr']):.0f}"
    return words


def _colour(trust: float) -> pygame.Color:
    """From warning over yellow to green."""
    low, high, share = (theme.WARNING, theme.ACCENT, 2 * trust) if trust < 0.5 else (theme.ACCENT, _SURE, 2 * trust - 1)
    return pygame.Color(low).lerp(high, min(1.0, max(0.0, share)))
