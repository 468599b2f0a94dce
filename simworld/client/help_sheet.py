"""The F1 sheet: every key and what it does, generated from the action table and the client's own keys."""

from itertools import groupby

import pygame

from simworld.actions import ACTIONS
from simworld.client import theme

CLIENT_KEYS: tuple[tuple[str, str], ...] = (
    ("mouse", "look around (click to catch it)"),
    ("wheel", "next or previous block"),
    ("T", "type a prompt: the world changes"),
    ("R", "a new world"),
    ("F1", "this help"),
    ("F2", "screenshot"),
    ("F3", "figures"),
    ("F5, F9", "remember this moment, come back to it"),
    ("Esc", "free the mouse, then quit"),
)
_BUTTONS = {"mouse 1": "left button", "mouse 2": "middle button", "mouse 3": "right button"}


def action_keys() -> list[tuple[str, str]]:
    """(key, meaning) of every action that a player can do, the row of hotbar keys as one line."""
    rows = []
    shown = [key for key in ACTIONS if key.name != "ESC"]
    for hotbar, keys in groupby(shown, lambda key: key.name.startswith("hotbar.")):
        found = list(keys)
        if hotbar:
            rows.append((f"{found[0].binding} – {found[-1].binding}", "hold another block"))
        else:
            rows += [
                (_BUTTONS.get(key.binding, key.binding.upper() if len(key.binding) == 1 else key.binding), key.meaning)
                for key in found
            ]
    return rows


def draw(screen: pygame.Surface) -> None:
    """Draw the sheet in the middle of `screen`, in two columns, as large as fits."""
    columns = [action_keys(), list(CLIENT_KEYS)]
    num_rows = max(len(column) for column in columns)
    size = theme.text_size(screen)
    while size > 9 and (
        _height(size, num_rows) > screen.get_height() - size or _width(size, columns) > screen.get_width() - size
    ):
        size -= 1
    area = pygame.Rect(0, 0, _width(size, columns), _height(size, num_rows))
    area.center = screen.get_rect().center
    theme.lay_panel(screen, area, theme.DARK_GLASS)
    x = area.left + 2 * size
    for title, column in zip(("in the world", "in the window"), columns, strict=True):
        key_width = _key_width(size, column)
        screen.blit(theme.text(title, size, theme.QUIET), (x, area.top + size))
        for row, (key, meaning) in enumerate(column):
            y = area.top + round(size * 2.8) + row * _row_height(size)
            screen.blit(theme.text(key, size, theme.ACCENT), (x, y))
            screen.blit(theme.text(meaning, size), (x + key_width, y))
        x += _column_width(size, column) + 2 * size


def _row_height(size: int) -> int:
    return round(theme.line_height(size) * 1.2)


def _key_width(size: int, column: list[tuple[str, str]]) -> int:
    return max(theme.width(key, size) for key, _ in column) + size


def _column_width(size: int, column: list[tuple[str, str]]) -> int:
    return _key_width(size, column) + max(theme.width(meaning, size) for _, meaning in column)


def _width(size: int, columns: list[list[tuple[str, str]]]) -> int:
    return sum(_column_width(size, column) for column in columns) + 2 * size * (len(columns) + 1)


def _height(size: int, num_rows: int) -> int:
    return num_rows * _row_height(size) + round(size * 4)
