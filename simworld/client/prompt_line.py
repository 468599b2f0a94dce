"""The line in which a prompt is typed. Knows no world: what was typed is returned to the caller."""

import pygame

from simworld.client import theme
from simworld.client.text_field import TextField

_HINT = "what should the world become?   Enter sends · Esc cancels · Up recalls"


class PromptLine:
    """Open while `open`; then it wants every keyboard event. Remembers what was sent, for the Up key."""

    def __init__(self) -> None:
        self.open = False
        self._field = TextField(_HINT)
        self._sent: list[str] = []
        self._recalled = 0

    @property
    def text(self) -> str:
        return self._field.text

    def start(self) -> None:
        """Open with nothing typed."""
        self.open = True
        self._recalled = len(self._sent)
        self._field.put("")
        pygame.key.start_text_input()
        pygame.key.set_repeat(400, 35)

    def handle(self, event: pygame.Event) -> str | None:
        """Take one event; returns the text when it is sent (it may be empty)."""
        if event.type == pygame.KEYDOWN:
            match event.key:
                case pygame.K_RETURN | pygame.K_KP_ENTER:
                    self._close()
                    text = self.text.strip()
                    if text:
                        self._sent.append(text)
                    return text
                case pygame.K_ESCAPE:
                    self._close()
                    return None
                case pygame.K_UP | pygame.K_DOWN:
                    step = -1 if event.key == pygame.K_UP else 1
                    self._recalled = min(max(self._recalled + step, 0), len(self._sent))
                    self._field.put(self._sent[self._recalled] if self._recalled < len(self._sent) else "")
                    return None
        self._field.handle(event)
        return None

    def draw(self, screen: pygame.Surface, now: float) -> int:
        """Draw the line along the bottom of `screen`; returns its top."""
        size = theme.text_size(screen)
        area = pygame.Rect(size, 0, screen.get_width() - 2 * size, round(size * 2.4))
        area.bottom = screen.get_height() - size
        self._field.draw(screen, area, now)
        return area.top - size // 2

    def _close(self) -> None:
        self.open = False
        pygame.key.stop_text_input()
        pygame.key.set_repeat(0)
