"""A line of text that is being typed: a cursor, the usual editing keys, the clipboard. Knows nothing of what it is for."""

import contextlib
from collections.abc import Callable

import pygame

from simworld.client import theme


class TextField:
    """hint: shown while nothing is typed. allowed: which letters are taken. most: letters at most."""

    def __init__(self, hint: str, allowed: Callable[[str], bool] = str.isprintable, most: int = 2000) -> None:
        self.hint, self.text = hint, ""
        self._allowed, self._most = allowed, most
        self._cursor = 0

    def handle(self, event: pygame.Event) -> bool:
        """Take one event; False where it means nothing to a line of text."""
        if event.type == pygame.TEXTINPUT:
            self.insert(event.text)
            return True
        if event.type != pygame.KEYDOWN:
            return False
        match event.key:
            case pygame.K_v if event.mod & (pygame.KMOD_CTRL | pygame.KMOD_META):
                with contextlib.suppress(pygame.error):  # a clipboard that cannot be had pastes nothing
                    self.insert(" ".join(pygame.scrap.get_text().split()))
            case pygame.K_u if event.mod & pygame.KMOD_CTRL:
                self.put("")
            case pygame.K_BACKSPACE if self._cursor:
                self.text = self.text[: self._cursor - 1] + self.text[self._cursor :]
                self._cursor -= 1
            case pygame.K_DELETE:
                self.text = self.text[: self._cursor] + self.text[self._cursor + 1 :]
            case pygame.K_LEFT:
                self._cursor = max(0, self._cursor - 1)
            case pygame.K_RIGHT:
                self._cursor = min(len(self.text), self._cursor + 1)
            case pygame.K_HOME:
                self._cursor = 0
            case pygame.K_END:
                self._cursor = len(self.text)
            case _:
                return False
        return True

    def put(self, text: str) -> None:
        """Replace all of it; the cursor stands at the end."""
        self.text, self._cursor = text, len(text)

    def insert(self, text: str) -> None:
        """Type `text` where the cursor stands."""
        text = "".join(letter for letter in text if self._allowed(letter))[: max(0, self._most - len(self.text))]
        self.text = self.text[: self._cursor] + text + self.text[self._cursor :]
        self._cursor += len(text)

    def draw(self, screen: pygame.Surface, area: pygame.Rect, now: float, focused: bool = True) -> None:
        """Draw on a panel that fills `area`, scrolled so that the blinking cursor is seen."""
        size = theme.text_size(screen)
        theme.lay_panel(screen, area)
        edge = theme.ACCENT if focused else theme.QUIET
        pygame.draw.rect(screen, edge, area, 1, border_radius=max(4, size // 2))
        inside = area.inflate(-2 * size, 0)
        if not self.text:
            hint = theme.text(theme.shortened(self.hint, size, inside.width - size // 2), size, theme.QUIET)
            screen.blit(hint, hint.get_rect(midleft=(inside.left + size // 2, inside.centery)))
        # Only what may be seen around the cursor is measured and drawn: a prompt may be very long.
        before = self.text[max(0, self._cursor - 400) : self._cursor]
        shown = before + self.text[self._cursor : self._cursor + 200]
        cursor = theme.width(before, size)
        scroll = max(0, cursor - inside.width + size)
        line = theme.fresh_text(shown, size)
        place = line.get_rect(midleft=inside.midleft)
        screen.blit(line, place, pygame.Rect(scroll, 0, inside.width, line.get_height()))
        if focused and now % 1.0 < 0.6:
            x = inside.left + cursor - scroll
            pygame.draw.line(screen, theme.ACCENT, (x, area.top + size // 2), (x, area.bottom - size // 2), 2)
