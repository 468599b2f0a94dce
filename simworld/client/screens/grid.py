"""A grid of pictures to choose from, some of them moving, with a line of words under each. Knows no play."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pygame

from simworld.client import theme

_PICTURES_A_SECOND = 12
_EMPTY = (26, 30, 40)


@dataclass(eq=False)
class Tile:
    """caption: its name. act: done when it is chosen. note: a smaller line. frames: uint8 [t, h, w, 3], none yet if None; of
    several a film is shown. forget: deletes it, where that can be done."""

    caption: str
    act: Callable[[], None]
    note: str = ""
    frames: np.ndarray | None = None
    forget: Callable[[], None] | None = None
    surfaces: dict[tuple[int, int, int], pygame.Surface] = field(default_factory=dict)

    def show(self, frames: np.ndarray) -> None:
        """It shows these from now on."""
        self.frames = frames
        self.surfaces.clear()


class Grid:
    """`tiles`, `columns` side by side; those that find no place are scrolled to. `selected` is the number of one."""

    def __init__(self, tiles: Sequence[Tile], columns: int = 4, aspect: float = 0.6) -> None:
        self.tiles, self.columns, self.aspect = list(tiles), columns, aspect
        self.selected = 0
        self._top_row = 0
        self._areas: dict[int, pygame.Rect] = {}

    def handle(self, event: pygame.Event) -> bool:
        """Arrow keys, Enter and Delete; the mouse selects by moving, the left button chooses. False where the event was
        not for the grid, as an arrow up from its first row."""
        if event.type == pygame.KEYDOWN:
            return self._press(event.key)
        if event.type == pygame.MOUSEWHEEL:
            self.selected = min(max(self.selected - event.y * self.columns, 0), max(0, len(self.tiles) - 1))
            return True
        if event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
            for number, area in self._areas.items():
                if area.collidepoint(event.pos) and number < len(self.tiles):
                    self.selected = number
                    if event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
                        self.tiles[number].act()
                    return True
        return False

    def draw(self, screen: pygame.Surface, room: pygame.Rect, now: float, focused: bool = True) -> None:
        """Draw inside `room`."""
        size = theme.text_size(screen)
        small = max(11, size * 3 // 4)
        gap = size // 2
        width = (room.width - gap * (self.columns - 1)) // self.columns
        height = round(width * self.aspect)
        words = theme.line_height(small) * 2 + gap // 2
        fitting = max(1, (room.height + gap) // (height + words + gap))
        row = self.selected // self.columns
        self._top_row = max(0, min(max(self._top_row, row - fitting + 1), row))
        self._areas = {}
        screen.set_clip(room.inflate(2 * gap, 2 * gap))  # of the row after those that fit as much as there is room for
        for number in range(self._top_row * self.columns, min(len(self.tiles), (self._top_row + fitting + 1) * self.columns)):
            down, across = divmod(number - self._top_row * self.columns, self.columns)
            area = pygame.Rect(room.left + across * (width + gap), room.top + down * (height + words + gap), width, height)
            self._areas[number] = area.inflate(0, words).move(0, words // 2)
            self._draw_tile(screen, self.tiles[number], area, now, small, focused and number == self.selected)
        screen.set_clip(None)
        more = -(-len(self.tiles) // self.columns) - self._top_row - fitting
        for shown, y, way in ((self._top_row > 0, room.top - gap, -1), (more > 0, room.bottom + gap, 1)):
            if shown:
                x, tip = room.centerx, gap
                base = y - way * tip // 2
                pygame.draw.polygon(screen, theme.ACCENT, [(x - tip, base), (x + tip, base), (x, base + way * tip)])

    def _press(self, key: int) -> bool:
        last = len(self.tiles) - 1
        match key:
            case pygame.K_LEFT:
                self.selected = max(0, self.selected - 1)
            case pygame.K_RIGHT:
                self.selected = min(last, self.selected + 1)
            case pygame.K_UP if self.selected >= self.columns:
                self.selected -= self.columns
            case pygame.K_DOWN:
                self.selected = min(last, self.selected + self.columns)
            case pygame.K_RETURN | pygame.K_KP_ENTER | pygame.K_SPACE if self.tiles:
                self.tiles[self.selected].act()
            case pygame.K_DELETE if self.tiles and self.tiles[self.selected].forget is not None:
                forget = self.tiles[self.selected].forget
                assert forget is not None
                forget()
                self.tiles.pop(self.selected)
                self.selected = max(0, min(self.selected, len(self.tiles) - 1))
            case _:
                return False
        return True

    def _draw_tile(
        self, screen: pygame.Surface, tile: Tile, area: pygame.Rect, now: float, small: int, selected: bool
    ) -> None:
        surface = _picture(tile, area, now, screen)
        if surface is None:
            pygame.draw.rect(screen, _EMPTY, area, border_radius=4)
            dots = theme.text("." * (1 + int(2 * now) % 3), small * 2, theme.QUIET)
            screen.blit(dots, dots.get_rect(center=area.center))
        else:
            screen.blit(surface, area)
        if selected:
            pygame.draw.rect(screen, theme.ACCENT, area.inflate(6, 6), 3, border_radius=5)
        y = area.bottom + small // 3
        for words, colour in ((tile.caption, theme.ACCENT if selected else theme.INK), (tile.note, theme.QUIET)):
            if words:
                line = theme.text(theme.shortened(words, small, area.width), small, colour)
                screen.blit(line, (area.left, y))
                y += theme.line_height(small)


def _picture(tile: Tile, area: pygame.Rect, now: float, screen: pygame.Surface) -> pygame.Surface | None:
    """The tile's picture of now, as large as `area`; each is scaled once."""
    if tile.frames is None:
        return None
    number = int(now * _PICTURES_A_SECOND) % len(tile.frames)
    key = (number, area.width, area.height)
    if key not in tile.surfaces:
        if len(tile.surfaces) > len(tile.frames):
            tile.surfaces.clear()
        frame = tile.frames[number]
        height, width = frame.shape[:2]
        whole = pygame.image.frombuffer(np.ascontiguousarray(frame).tobytes(), (width, height), "RGB").convert(screen)
        scale = max(area.width / width, area.height / height)  # what juts out is cut off
        large = pygame.transform.smoothscale(whole, (max(1, round(width * scale)), max(1, round(height * scale))))
        cut = pygame.Rect((0, 0), area.size)
        cut.center = large.get_rect().center
        tile.surfaces[key] = large.subsurface(cut.clip(large.get_rect())).copy()
    return tile.surfaces[key]
