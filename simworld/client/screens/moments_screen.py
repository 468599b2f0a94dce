"""All remembered moments of a world, to go back to: each may be gone to again and again, and so has several futures."""

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pygame

from simworld.client import theme, worlds
from simworld.client.moments import Moment
from simworld.client.screens.grid import Grid, Tile

if TYPE_CHECKING:
    from simworld.client.app import App

_BACKGROUND = (10, 13, 20)


class MomentsScreen:
    """A grid of them, the latest first, each with the moment that it came after. Esc closes it."""

    def __init__(self, app: "App") -> None:
        moments = app.keeper.moments.found(worlds.title(app.options))
        names = {moment.name: _clock(moment) for moment in moments}
        self._grid = Grid([moment_tile(app, moment, names.get(moment.about.parent)) for moment in moments])

    def handle(self, event: pygame.Event) -> bool:
        """As the grid; Esc goes back."""
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_ESCAPE, pygame.K_BACKSPACE):
            return False
        self._grid.handle(event)
        return True

    def draw(self, screen: pygame.Surface, now: float) -> None:
        """Draw over all of `screen`."""
        screen.fill(_BACKGROUND)
        size = theme.text_size(screen)
        screen.blit(theme.text("Remembered moments", round(size * 1.5)), (size * 3 // 2, size))
        few = self._grid.tiles
        words = "Enter goes there · Delete forgets it · Esc" if few else "none yet: F5 in play remembers one · Esc"
        hint = theme.text(words, max(11, size * 4 // 5), theme.QUIET)
        screen.blit(hint, hint.get_rect(topright=(screen.get_width() - size * 3 // 2, round(size * 1.4))))
        room = screen.get_rect().inflate(-3 * size, 0)
        room.top, room.height = round(size * 3.6), screen.get_height() - round(size * 4.2)
        self._grid.draw(screen, room, now)


def moment_tile(app: "App", moment: Moment, parent: str | None = None) -> Tile:
    """A tile that goes to `moment`. parent: the clock time of the one it came after."""
    about = moment.about
    prompt = f" · {about.prompt}" if about.prompt else f" · seed {about.seed}"
    after = f" · after {parent}" if parent else ""
    played = f"{int(about.seconds) // 60}:{int(about.seconds) % 60:02d}"
    return Tile(
        f"{_clock(moment)}{prompt}",
        lambda: app.go_to(moment),
        f"{'' if about.kept else 'where you left · '}{played} played{after}",
        moment.picture[None],
        lambda: app.keeper.moments.forget(moment),
    )


def _clock(moment: Moment) -> str:
    made = datetime.fromtimestamp(moment.about.made)
    today = datetime.fromtimestamp(time.time()).date()
    return f"{made:%H:%M:%S}" if made.date() == today else f"{made:%-d %b %H:%M}"
