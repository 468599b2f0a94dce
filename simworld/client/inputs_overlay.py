"""What is being sent to the world, as keycaps and a compass of the mouse, and how long each picture took. Decides nothing."""

from collections.abc import Mapping
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pygame

from simworld.client import theme
from simworld.client.controls import NUM_SLOTS
from simworld.client.keymap import KeyMap, label
from simworld.client.stats import Stats
from simworld.frames import FPS

_CAPS = (
    ("forward", 1.5, 0.0, 1.0),
    ("left", 0.5, 1.0, 1.0),
    ("back", 1.5, 1.0, 1.0),
    ("right", 2.5, 1.0, 1.0),
    ("sprint", 0.0, 2.0, 1.3),
    ("sneak", 1.35, 2.0, 1.3),
    ("jump", 2.7, 2.0, 1.8),
)
"""Action, column, row and width of each keycap, in keys."""
_SHORT = {"left shift": "shift", "left ctrl": "ctrl", "left button": "L", "right button": "R"}
_FULL_TURN = 12.0
"""Degrees a frame that reach the compass's rim."""
_BARS = 120
_TALLEST = 0.15
"""Seconds that fill the graph's height."""


class InputsOverlay:
    """Drawn while `visible`, along the lower edge: keys at the left, frame times at the right."""

    def __init__(self) -> None:
        self.visible = False

    def draw(
        self, screen: pygame.Surface, keymap: KeyMap, action: Mapping[str, Any], slot: int, stats: Stats, bottom: int
    ) -> None:
        """action: the one that is being sent. bottom: the y above which is room."""
        size = max(11, theme.text_size(screen) * 4 // 5)
        key = size * 2
        area = pygame.Rect(size // 2, 0, round(key * 4.5) + size + key * 3, key * 3 + size)
        area.bottom = bottom
        theme.lay_panel(screen, area)
        origin = area.left + size // 2, area.top + size // 2
        for name, column, row, wide in _CAPS:
            cap = pygame.Rect(round(origin[0] + column * key), round(origin[1] + row * key), round(wide * key) - 3, key - 3)
            binding = label(keymap.binding(name))
            _draw_cap(screen, cap, _SHORT.get(binding, binding), bool(action[name]), size)
        self._draw_mouse(screen, keymap, action, pygame.Rect(area.right - key * 3, origin[1], round(key * 2.7), key * 3), size)
        held = pygame.Rect(origin[0] + round(3.5 * key), origin[1], key - 3, key - 3)
        _draw_cap(screen, held, str(slot), any(action[f"hotbar.{number}"] for number in range(1, NUM_SLOTS + 1)), size)
        self._draw_times(screen, stats, size, bottom, area.right)

    def _draw_mouse(
        self, screen: pygame.Surface, keymap: KeyMap, action: Mapping[str, Any], area: pygame.Rect, size: int
    ) -> None:
        """Two buttons over a compass that points where the view turns."""
        half = area.width // 2
        for number, name in enumerate(("attack", "use")):
            cap = pygame.Rect(area.left + number * half, area.top, half - 3, size * 2 - 3)
            binding = label(keymap.binding(name))
            _draw_cap(screen, cap, _SHORT.get(binding, binding), bool(action[name]), size)
        radius = (area.height - size * 5 // 2) // 2
        centre = pygame.Vector2(area.centerx - 1, area.top + size * 9 // 4 + radius)
        pygame.draw.circle(screen, theme.QUIET, centre, radius, 1)
        pitch, yaw = np.asarray(action["camera"], float)
        turn = pygame.Vector2(float(yaw), float(pitch)) / _FULL_TURN
        if turn.length() > 1:
            turn.normalize_ip()
        if turn.length() > 0.01:
            pygame.draw.line(screen, theme.ACCENT, centre, centre + turn * radius, 3)
        pygame.draw.circle(screen, theme.ACCENT if turn.length() > 0.01 else theme.QUIET, centre, 3)

    def _draw_times(self, screen: pygame.Surface, stats: Stats, size: int, bottom: int, left: int) -> None:
        """A bar for each picture: how long after the one before it was shown; the line is what is wanted. Only where there is
        room right of `left`."""
        wide = max(2, size // 6)
        area = pygame.Rect(0, 0, _BARS * wide + size, size * 6)
        area.bottomright = screen.get_width() - size // 2, bottom
        if area.left < left:
            return
        theme.lay_panel(screen, area)
        inside = area.inflate(-size, -size // 2)
        times = list(islice(reversed(stats.flips), _BARS + 1))
        room = inside.height - theme.line_height(size)
        for number, (later, earlier) in enumerate(pairwise(times)):
            seconds = later - earlier
            height = max(1, round(room * min(seconds, _TALLEST) / _TALLEST))
            colour = theme.WARNING if seconds > 1.5 / FPS else theme.QUIET
            screen.fill(colour, (inside.right - (number + 1) * wide, inside.bottom - height, wide - 1, height))
        wanted = inside.bottom - round(room / FPS / _TALLEST)
        pygame.draw.line(screen, theme.ACCENT, (inside.left, wanted), (inside.right, wanted))
        last = f"{1000 * (times[0] - times[1]):.0f} ms" if len(times) > 1 else ""
        words = theme.fresh_text(f"picture to picture {last} · late {100 * stats.late_share:.1f} %", size, theme.INK)
        screen.blit(words, inside.topleft, words.get_rect(width=inside.width))


def _draw_cap(screen: pygame.Surface, cap: pygame.Rect, words: str, lit: bool, size: int) -> None:
    if lit:
        pygame.draw.rect(screen, theme.ACCENT, cap, border_radius=max(2, size // 4))
    else:
        pygame.draw.rect(screen, theme.QUIET, cap, 1, border_radius=max(2, size // 4))
    small = max(9, size * 4 // 5)
    picture = theme.text(theme.shortened(words, small, cap.width - 2), small, (20, 22, 28) if lit else theme.INK)
    screen.blit(picture, picture.get_rect(center=cap.center))
