"""What lies over the picture: the crosshair in its middle and, for a moment, the hotbar when a slot is chosen."""

import pygame

from simworld.client import theme
from simworld.client.controls import NUM_SLOTS

_SECONDS = 1.6
_FADE_SECONDS = 0.5
_DARK, _LIGHT = (24, 26, 30), (250, 250, 250)
_BRIGHT = 420
"""The sum of red, green and blue above which the crosshair is dark."""


def draw_crosshair(screen: pygame.Surface, area: pygame.Rect) -> None:
    """A small cross in the middle of the picture's `area`, dark on light and light on dark."""
    arm, thick = max(5, area.height // 64), max(2, area.height // 280)
    across = pygame.Rect(0, 0, 2 * arm, thick)
    above, below = pygame.Rect(0, 0, thick, arm - thick // 2), pygame.Rect(0, 0, thick, arm - thick // 2)
    across.center = area.center
    above.midbottom, below.midtop = across.midtop, across.midbottom
    for bar in (across, above, below):
        visible = bar.clip(screen.get_rect())
        if visible.size != (0, 0):
            red, green, blue, *_ = pygame.transform.average_color(screen, visible)
            screen.fill(_DARK if red + green + blue > _BRIGHT else _LIGHT, visible)


class SlotRow:
    """Nine numbered squares at the bottom; the chosen one is lit. Appears when the choice changes, then fades."""

    def __init__(self) -> None:
        self._slot = 1
        self._changed = float("-inf")

    def draw(self, screen: pygame.Surface, slot: int, now: float) -> int:
        """Draw, if it is to be seen, and return the y above which the rest of the screen is free."""
        if slot != self._slot:
            self._slot, self._changed = slot, now
        size = theme.text_size(screen)
        bottom = screen.get_height() - size
        left = self._changed + _SECONDS - now
        if left <= 0:
            return bottom
        side = round(size * 1.9)
        sheet = pygame.Surface((side * NUM_SLOTS, side), pygame.SRCALPHA)
        sheet.blit(theme.panel(*sheet.get_size(), max(4, size // 2)), (0, 0))
        for number in range(1, NUM_SLOTS + 1):
            square = pygame.Rect((number - 1) * side, 0, side, side)
            label = theme.text(str(number), size, theme.ACCENT if number == slot else theme.QUIET)
            sheet.blit(label, label.get_rect(center=square.center))
            if number == slot:
                pygame.draw.rect(sheet, theme.ACCENT, square.inflate(-4, -4), 2, border_radius=max(3, size // 3))
        sheet.set_alpha(round(255 * min(1.0, left / _FADE_SECONDS)))
        area = sheet.get_rect(midbottom=(screen.get_width() // 2, bottom))
        screen.blit(sheet, area)
        return area.top - size // 2
