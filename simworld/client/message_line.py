"""The line near the bottom that says what happened; it fades. Knows only what it is told."""

import pygame

from simworld.client import theme

_SECONDS = 4.0
_FADE_SECONDS = 0.6
_MOST_LINES = 4


class MessageLine:
    """Shows the last thing said, longer when there is more to read."""

    def __init__(self) -> None:
        self.text = ""
        self._until = 0.0

    def say(self, text: str, now: float) -> None:
        """Show `text` from `now` (seconds) on."""
        self.text = text
        self._until = now + _SECONDS + len(text) / 30

    def clear(self) -> None:
        """Show nothing until the next `say`."""
        self.text = ""

    def draw(self, screen: pygame.Surface, now: float, bottom: int) -> None:
        """Draw the lines so that they end above `bottom`."""
        left = self._until - now
        if not self.text or left <= 0:
            return
        size = theme.text_size(screen)
        lines = theme.wrapped(self.text, size, screen.get_width() * 4 // 5)[:_MOST_LINES]
        pictures = [theme.text(line, size) for line in lines]
        height = theme.line_height(size)
        area = pygame.Rect(
            0, 0, max(picture.get_width() for picture in pictures) + 2 * size, height * len(lines) + size
        )
        area.midbottom = (screen.get_width() // 2, bottom)
        sheet = pygame.Surface(area.size, pygame.SRCALPHA)
        sheet.blit(theme.panel(*area.size, max(4, size // 2)), (0, 0))
        for row, picture in enumerate(pictures):
            sheet.blit(picture, picture.get_rect(midtop=(area.width // 2, size // 2 + row * height)))
        sheet.set_alpha(round(255 * min(1.0, left / _FADE_SECONDS)))
        screen.blit(sheet, area)
