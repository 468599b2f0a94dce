"""A menu: a title over rows that do something or change something, worked by keys, mouse and wheel. Knows no play.

Pygame's fonts and the client's theme are enough for it: pygame_gui would add 44 MB, a second look, and sizes in fixed
pixels that do not follow the window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pygame

from simworld.client import theme

_DIMMING = (6, 8, 12, 150)


@dataclass(frozen=True)
class Row:
    """label: what it is. act: done when it is chosen. value: what it is set to now; change: goes one step down (-1) or up (1).
    hint: a line about it, shown while it is selected."""

    label: str
    act: Callable[[], None] | None = None
    value: Callable[[], str] | None = None
    change: Callable[[int], None] | None = None
    hint: Callable[[], str] | str = ""


class Menu:
    """`rows` may be a function, asked anew for every picture. Esc closes it, unless `lasting`."""

    def __init__(
        self, title: str, rows: Sequence[Row] | Callable[[], Sequence[Row]], note: str = "", lasting: bool = False
    ) -> None:
        self.title, self.note, self.lasting = title, note, lasting
        self.selected = 0
        self._rows = rows if callable(rows) else lambda: rows
        self._first = 0
        self._areas: dict[int, pygame.Rect] = {}
        self._lowering: dict[int, pygame.Rect] = {}

    def handle(self, event: pygame.Event) -> bool:
        """Arrow keys, W S, Tab and Enter; the mouse selects by moving, the left button chooses; Esc or Backspace goes back."""
        rows = self._rows()
        self.selected = min(self.selected, len(rows) - 1)
        if event.type == pygame.KEYDOWN:
            match event.key:
                case pygame.K_ESCAPE | pygame.K_BACKSPACE:
                    return self.lasting
                case pygame.K_UP | pygame.K_w:
                    self.selected = (self.selected - 1) % len(rows)
                case pygame.K_DOWN | pygame.K_s | pygame.K_TAB:
                    self.selected = (self.selected + 1) % len(rows)
                case pygame.K_LEFT | pygame.K_a:
                    _change(rows[self.selected], -1)
                case pygame.K_RIGHT | pygame.K_d:
                    _change(rows[self.selected], 1)
                case pygame.K_RETURN | pygame.K_KP_ENTER | pygame.K_SPACE:
                    _choose(rows[self.selected], 1)
        elif event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
            self._point(event, rows)
        elif event.type == pygame.MOUSEWHEEL:
            self.selected = min(max(self.selected - event.y, 0), len(rows) - 1)
        return True

    def draw(self, screen: pygame.Surface, now: float) -> None:
        """Draw in the middle of `screen`; rows that find no place are scrolled to."""
        rows = self._rows()
        self.selected = min(self.selected, len(rows) - 1)
        screen.blit(theme.panel(*screen.get_size(), 0, _DIMMING), (0, 0))
        size = theme.text_size(screen)
        height = round(theme.line_height(size) * 1.45)
        head, foot = round(size * 3.4), round(size * 2.6)
        most = max(1, (screen.get_height() - head - foot - 2 * size) // height)
        shown = min(len(rows), most)
        self._first = min(max(self._first, self.selected - shown + 1), self.selected, len(rows) - shown)
        self._first = max(self._first, 0)
        area = pygame.Rect(0, 0, min(self._width(rows, size), screen.get_width() - size), head + shown * height + foot)
        area.center = screen.get_rect().center
        theme.lay_panel(screen, area, theme.DARK_GLASS)
        title = theme.text(self.title, round(size * 1.5))
        screen.blit(title, title.get_rect(midtop=(area.centerx, area.top + size)))
        self._areas, self._lowering = {}, {}
        for place in range(shown):
            number = self._first + place
            line = pygame.Rect(area.left + size, area.top + head + place * height, area.width - 2 * size, height)
            self._areas[number] = line
            value = self._draw_row(screen, rows[number], line, number == self.selected, size)
            if value is not None:
                self._lowering[number] = pygame.Rect(value.left - 3 * size // 2, line.top, 3 * size // 2, height)
        hint = rows[self.selected].hint
        words = (hint() if callable(hint) else hint) or self.note
        if words:
            small = max(11, size * 4 // 5)
            picture = theme.text(theme.shortened(words, small, area.width - 2 * size), small, theme.QUIET)
            screen.blit(picture, picture.get_rect(midbottom=(area.centerx, area.bottom - size * 3 // 4)))
        _draw_scroll_marks(screen, area, head, foot, self._first > 0, self._first + shown < len(rows), size)

    def _draw_row(self, screen: pygame.Surface, row: Row, line: pygame.Rect, selected: bool, size: int) -> pygame.Rect | None:
        """Returns where its value stands, if it has one."""
        if selected:
            screen.blit(theme.panel(line.width, line.height, max(3, size // 3), (*theme.ACCENT, 46)), line)
        colour = theme.ACCENT if selected else theme.INK
        label = theme.text(row.label, size, colour)
        if row.value is None:
            screen.blit(label, label.get_rect(center=line.center))
            return None
        screen.blit(label, label.get_rect(midleft=(line.left + size // 2, line.centery)))
        value = theme.text(row.value(), size, theme.INK if selected else theme.QUIET)
        right = line.right - size // 2 - (size if row.change else 0)
        place = value.get_rect(midright=(right, line.centery))
        screen.blit(value, place)
        if row.change and selected:
            for x, way in ((place.left - size * 3 // 4, -1), (place.right + size * 3 // 4, 1)):
                tip = size // 3
                points = [(x + way * tip, line.centery), (x - way * tip // 2, line.centery - tip)]
                pygame.draw.polygon(screen, theme.ACCENT, [*points, (x - way * tip // 2, line.centery + tip)])
        return place

    def _width(self, rows: Sequence[Row], size: int) -> int:
        labels = max(theme.width(row.label, size) for row in rows)
        values = max((theme.width(row.value(), size) + 4 * size for row in rows if row.value), default=0)
        hints = max(theme.width(row.hint, max(11, size * 4 // 5)) if isinstance(row.hint, str) else 0 for row in rows)
        title = theme.width(self.title, round(size * 1.5))
        return max(labels + values + 4 * size, title + 4 * size, hints + 3 * size, 17 * size)

    def _point(self, event: pygame.Event, rows: Sequence[Row]) -> None:
        for number, line in self._areas.items():
            if line.collidepoint(event.pos) and number < len(rows):
                self.selected = number
                if event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
                    lowering = self._lowering.get(number)
                    _choose(rows[number], -1 if lowering and lowering.collidepoint(event.pos) else 1)


def _choose(row: Row, way: int) -> None:
    if row.act is not None:
        row.act()
    else:
        _change(row, way)


def _change(row: Row, way: int) -> None:
    if row.change is not None:
        row.change(way)


def _draw_scroll_marks(
    screen: pygame.Surface, area: pygame.Rect, head: int, foot: int, above: bool, below: bool, size: int
) -> None:
    tip = size // 3
    for shown, y, way in ((above, area.top + head - tip, -1), (below, area.bottom - foot + tip, 1)):
        if shown:
            x = area.centerx
            pygame.draw.polygon(screen, theme.QUIET, [(x - tip, y), (x + tip, y), (x, y + way * tip)])
