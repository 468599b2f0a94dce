"""The F1 sheet: every key and what it does, generated from the action table and the client's commands, as they are bound."""

from itertools import groupby

import pygame

from simworld.actions import ACTIONS
from simworld.client import theme
from simworld.client.keymap import COMMANDS, KeyMap, label

_MOUSE: tuple[tuple[str, str], ...] = (("mouse", "look around (click to catch it)"), ("wheel", "next or previous block"))


def action_keys(keymap: KeyMap) -> list[tuple[str, str]]:
    """(key, meaning) of every action that a player can do, the row of hotbar keys as one line."""
    rows = []
    shown = [key for key in ACTIONS if key.name != "ESC"]
    for hotbar, keys in groupby(shown, lambda key: key.name.startswith("hotbar.")):
        found = list(keys)
        if hotbar:
            first, last = (label(keymap.binding(key.name)) for key in (found[0], found[-1]))
            rows.append((f"{first} – {last}", "hold another block"))
        else:
            rows += [(label(keymap.binding(key.name)), key.meaning) for key in found]
    return [*rows, *_MOUSE]


def client_keys(keymap: KeyMap) -> list[tuple[str, str]]:
    """(key, meaning) of all that the window does."""
    commands = [(label(keymap.binding(command.name)), command.meaning) for command in COMMANDS]
    return [*commands, ("Esc", "menu: settings, keys, other worlds, quit")]


def draw(screen: pygame.Surface, keymap: KeyMap) -> None:
    """Draw the sheet in the middle of `screen`, in two columns, as large as fits."""
    columns = [action_keys(keymap), client_keys(keymap)]
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
