"""What the player sees in play: the picture and what lies over it, and the dusk while a world wakes. Decides nothing."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pygame

from simworld.client import help_sheet, reticle, theme, trust_meter
from simworld.client.screens.start_screen import StartScreen
from simworld.client.session import Picture
from simworld.client.waking import Waking

if TYPE_CHECKING:
    from simworld.client.app import App

_LEAST = (120, 80)
"""In a window smaller than this only the picture is drawn."""


class View:
    """Draws `app` as it is now."""

    def __init__(self) -> None:
        self._slots = reticle.SlotRow()
        self._waking = Waking()

    def draw(self, app: "App", picture: Picture | None, now: float) -> None:
        """Draw and flip."""
        window = app.window
        if picture is None or isinstance(app.screens.top, StartScreen):
            window.show(self._waking.picture(now - app.started), fill=True)
        else:
            window.show(picture.frame)
        screen = window.screen
        if screen.get_width() >= _LEAST[0] and screen.get_height() >= _LEAST[1]:
            if app.screens.open:
                app.screens.draw(screen, now)
                app.messages.draw(screen, now, screen.get_height() - theme.text_size(screen))
            elif picture is None:
                self._draw_waking(app, now)
            else:
                self._draw_over(app, picture, now)
        pygame.display.flip()

    def _draw_over(self, app: "App", picture: Picture, now: float) -> None:
        screen = app.window.screen
        halves = app.halves()
        for area in halves:
            reticle.draw_crosshair(screen, area)
        if len(halves) == 2:
            _draw_names(screen, halves, ("the game", "the dream"))
        if app.prompt_line.open:
            free = app.prompt_line.draw(screen, now)
        else:
            free = self._slots.draw(screen, app.controls.slot, now)
        app.messages.draw(screen, now, free)
        self._draw_labels(app, now)
        if app.help_open:
            help_sheet.draw(screen, app.keymap)
        else:
            if app.inputs.visible:
                action = app.session.last_action
                app.inputs.draw(screen, app.keymap, action, app.controls.slot, app.session.stats, free)
            if app.hud.visible:
                left = app.hud.draw(screen, app.session, picture.chunk.info, app.options.world, now)
                size = theme.text_size(screen)
                room = pygame.Rect(left, size // 2, screen.get_width() - size // 2 - left, screen.get_height())
                if len(halves) == 2:
                    room.top += 2 * size  # below the names
                trust_meter.draw(screen, app.session.history, picture.chunk, room)

    def _draw_labels(self, app: "App", now: float) -> None:
        """What is going on, at the top: going back in time, recording, watching the bot."""
        labels = []
        rewinding = app.session.rewinding
        if rewinding is not None:
            end = " · no farther" if rewinding.at_end else ""
            labels.append((f"« {rewinding.seconds:.1f} s back{end}", theme.ACCENT))
        elif not app.session.settled and app.returning:
            labels.append(("going on from here …", theme.ACCENT))
        if app.keeper.recording is not None:
            seconds = int(app.keeper.recording.seconds)
            labels.append((f"recording {seconds // 60}:{seconds % 60:02d}", theme.WARNING))
        if app.replay is not None:
            labels.append((f"replaying · {100 * (1 - app.replay.left):.0f} %", theme.QUIET))
        if app.watching:
            who = "the world plays itself" if app.options.auto else "the bot plays"
            labels.append((f"{who} · any key takes over", theme.QUIET))
        screen = app.window.screen
        size = theme.text_size(screen)
        y = size // 2
        for words, colour in labels:
            line = theme.fresh_text(words, size, colour)
            area = line.get_rect(midtop=(app.window.area.centerx, y)).inflate(size, size // 2)
            area.top = y
            if colour == theme.WARNING:  # with a red dot
                area.width += size
            theme.lay_panel(screen, area)
            if colour == theme.WARNING:
                pygame.draw.circle(screen, theme.WARNING, (area.left + size * 4 // 5, area.centery), size // 3)
            screen.blit(line, line.get_rect(midright=(area.right - size // 2, area.centery)))
            y = area.bottom + size // 3

    def _draw_waking(self, app: "App", now: float) -> None:
        window = app.window
        screen, size = window.screen, theme.text_size(window.screen)
        title = theme.text("SimWorld", size * 3)
        middle = window.area.top + window.area.height * 2 // 5
        screen.blit(title, title.get_rect(midbottom=(window.area.centerx, middle)))
        dots = "." * (1 + int(2 * (now - app.started)) % 3)
        line = theme.text("waking the world", size, theme.INK)
        place = line.get_rect(midtop=(window.area.centerx, middle + size // 2))
        screen.blit(line, place)
        screen.blit(theme.text(dots, size, theme.INK), place.topright)
        if app.help_open:
            help_sheet.draw(screen, app.keymap)


def _draw_names(screen: pygame.Surface, areas: list[pygame.Rect], names: tuple[str, ...]) -> None:
    """Over each of several worlds its name, in the upper right corner, and a line between them."""
    size = theme.text_size(screen)
    for area, name in zip(areas, names, strict=True):
        label = theme.text(name, size, theme.INK)
        place = label.get_rect(topright=(area.right - size, area.top + size * 2 // 3))
        theme.lay_panel(screen, place.inflate(size, size // 2))
        screen.blit(label, place)
    for left, right in pairwise(areas):
        pygame.draw.line(screen, (8, 10, 14), (right.left, left.top), (right.left, left.bottom), max(2, size // 6))
