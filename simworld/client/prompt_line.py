"""The line in which a prompt is typed. Knows no world: what was typed is returned to the caller."""

import contextlib

import pygame

from simworld.client import theme

_HINT = "what should the world become?   Enter sends · Esc cancels · Up recalls"


class PromptLine:
    """Open while `open`; then it wants every keyboard event. Remembers what was sent, for the Up key."""

    def __init__(self) -> None:
        self.open = False
        self.text = ""
        self._cursor = 0
        self._sent: list[str] = []
        self._recalled = 0

    def start(self) -> None:
        """Open with nothing typed."""
        self.open = True
        self._recalled = len(self._sent)
        self._put("")
        pygame.key.start_text_input()
        pygame.key.set_repeat(400, 35)

    def handle(self, event: pygame.Event) -> str | None:
        """Take one event; returns the text when it is sent (it may be empty)."""
        if event.type == pygame.TEXTINPUT:
            self._insert(event.text)
        elif event.type == pygame.KEYDOWN:
            match event.key:
                case pygame.K_RETURN | pygame.K_KP_ENTER:
                    self._close()
                    text = self.text.strip()
                    if text:
                        self._sent.append(text)
                    return text
                case pygame.K_ESCAPE:
                    self._close()
                case pygame.K_v if event.mod & (pygame.KMOD_CTRL | pygame.KMOD_META):
                    with contextlib.suppress(pygame.error):  # a clipboard that cannot be had pastes nothing
                        self._insert(" ".join(pygame.scrap.get_text().split()))
                case pygame.K_u if event.mod & pygame.KMOD_CTRL:
                    self._put("")
                case _:
                    self._edit(event.key)
        return None

    def _edit(self, key: int) -> None:
        match key:
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
            case pygame.K_UP | pygame.K_DOWN:
                step = -1 if key == pygame.K_UP else 1
                self._recalled = min(max(self._recalled + step, 0), len(self._sent))
                self._put(self._sent[self._recalled] if self._recalled < len(self._sent) else "")

    def draw(self, screen: pygame.Surface, now: float) -> int:
        """Draw the line along the bottom of `screen`, scrolled so that the blinking cursor is seen; returns its top."""
        size = theme.text_size(screen)
        area = pygame.Rect(size, 0, screen.get_width() - 2 * size, round(size * 2.4))
        area.bottom = screen.get_height() - size
        theme.lay_panel(screen, area)
        pygame.draw.rect(screen, theme.ACCENT, area, 1, border_radius=max(4, size // 2))
        inside = area.inflate(-2 * size, 0)
        if not self.text:
            hint = theme.text(_HINT, size, theme.QUIET)
            place = hint.get_rect(midleft=(inside.left + size // 2, inside.centery))
            screen.blit(hint, place, hint.get_rect(width=inside.width))
        # Only what may be seen around the cursor is measured and drawn: a prompt may be very long.
        before = self.text[max(0, self._cursor - 400) : self._cursor]
        shown = before + self.text[self._cursor : self._cursor + 200]
        cursor = theme.width(before, size)
        scroll = max(0, cursor - inside.width + size)
        line = theme.fresh_text(shown, size)
        screen.blit(
            line, line.get_rect(midleft=inside.midleft), pygame.Rect(scroll, 0, inside.width, line.get_height())
        )
        if now % 1.0 < 0.6:
            x = inside.left + cursor - scroll
            pygame.draw.line(screen, theme.ACCENT, (x, area.top + size // 2), (x, area.bottom - size // 2), 2)
        return area.top - size // 2

    def _insert(self, text: str) -> None:
        text = "".join(letter for letter in text if letter.isprintable())
        self.text = self.text[: self._cursor] + text + self.text[self._cursor :]
        self._cursor += len(text)

    def _put(self, text: str) -> None:
        self.text, self._cursor = text, len(text)

    def _close(self) -> None:
        self.open = False
        pygame.key.stop_text_input()
        pygame.key.set_repeat(0)
