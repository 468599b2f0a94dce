"""The first screen: a gallery of starts, most of them dreamt while one looks, a prompt, a seed, and which world to be in.

Tiles come from four sources: prompts, which the worker previews one after another; plays that were left; own recordings
and screenshots in this folder; and chance.
"""

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from simworld.client import theme, worlds
from simworld.client.requests import Preview, Previewed, Ready, Reset
from simworld.client.screens.grid import Grid, Tile
from simworld.client.screens.moments_screen import moment_tile
from simworld.client.session import draw_seed
from simworld.client.text_field import TextField
from simworld.client.thumbnails import read_thumbnail

if TYPE_CHECKING:
    from simworld.client.app import App

SUGGESTIONS = (
    "open plains at noon",
    "a snowy forest at night",
    "a desert at sunset",
    "a beach at dawn",
    "a swamp in the rain",
    "mountains under a clear sky",
    "a birch forest in the morning",
    "a village on the plains",
)
_HINT = "describe a world, or choose one below   ·   Tab suggests"
_NUM_GAMES = 7
_PREVIEW_CHUNKS = 10
_MOST_RECENT, _MOST_FILES = 3, 2
_SETTLING_SECONDS = 0.7
"""A world is loaded when the choice has rested so long."""
_DARK = (8, 10, 16, 190)
_NEXT = {"world": "prompt", "prompt": "seed", "seed": "grid", "grid": "world"}


class StartScreen:
    """Esc goes back to the play, where there is one, or quits."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._worlds = worlds.found()
        if app.options.world not in self._worlds:
            self._worlds.insert(0, app.options.world)
        self._world = self._worlds.index(app.options.world)
        self._change_at: float | None = None
        self._prompt = TextField(_HINT)
        self._seed = TextField("seed", allowed=str.isdecimal, most=9)
        self._suggested = -1
        self._focus = "grid"
        self._areas: dict[str, pygame.Rect] = {}
        self._previews: list[tuple[Tile, Preview]] = []
        self._asked: Preview | None = None
        self._grid = Grid([])
        pygame.key.start_text_input()
        pygame.key.set_repeat(400, 35)
        if app.session.world is not None:
            self.ready(app.session.world)
        else:
            self._fill(None)

    def ready(self, world: Ready) -> None:
        """The chosen world is made: its starts are shown."""
        self._fill(world)
        self._ask_next()

    def previewed(self, answer: Previewed) -> None:
        """A start has been looked at."""
        for tile, preview in self._previews:
            if preview is answer.request:
                tile.show(answer.frames)
                told = [str(answer.info[name]) for name in ("biome", "weather") if name in answer.info]
                if told and not preview.start.prompt and tile.caption.startswith("seed"):
                    tile.caption = " · ".join(told)
        self._previews = [(tile, preview) for tile, preview in self._previews if preview is not answer.request]
        self._ask_next()

    def refused(self) -> None:
        """A start cannot be looked at; the next may."""
        self._previews = [(tile, preview) for tile, preview in self._previews if preview is not self._asked]
        self._ask_next()

    def handle(self, event: pygame.Event) -> bool:
        """Up, Down and Tab move between the parts; typing goes to the prompt; Enter starts."""
        if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self.leave()
            if self._app.has_play:
                return False
            self._app.quit()
        elif event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN, pygame.MOUSEWHEEL):
            self._point(event)
        elif event.type == pygame.KEYDOWN:
            self._press(event)
        elif event.type == pygame.TEXTINPUT:
            self._type(event)
        return True

    def leave(self) -> None:
        """Nothing is typed here any more."""
        pygame.key.stop_text_input()
        pygame.key.set_repeat(0)

    def draw(self, screen: pygame.Surface, now: float) -> None:
        """Draw over all of `screen`."""
        if self._change_at is not None and now >= self._change_at:
            self._change_at = None
            self._app.change_world(self._worlds[self._world])
            self._fill(None)
        size = theme.text_size(screen)
        screen.blit(theme.panel(*screen.get_size(), 0, _DARK), (0, 0))
        edge, width = round(size * 1.4), screen.get_width()
        screen.blit(theme.text("SimWorld", size * 2), (edge, size))
        self._draw_world(screen, pygame.Rect(width // 2, size, width // 2 - edge, size * 2), size)
        bar = pygame.Rect(edge, round(size * 3.8), width - 2 * edge, round(size * 2.2))
        seed = pygame.Rect(0, bar.top, size * 8, bar.height)
        seed.right = bar.right
        prompt = pygame.Rect(bar.left, bar.top, seed.left - size // 2 - bar.left, bar.height)
        takes = self._app.session.world is None or self._app.session.world.takes_prompts
        self._prompt.hint = _HINT if takes else "this world is a game: it takes no prompts"
        self._prompt.draw(screen, prompt, now, self._focus == "prompt")
        self._seed.draw(screen, seed, now, self._focus == "seed")
        self._areas |= {"prompt": prompt, "seed": seed}
        room = pygame.Rect(edge, bar.bottom + size, bar.width, screen.get_height() - bar.bottom - round(size * 2))
        self._grid.draw(screen, room, now, self._focus == "grid")

    def _draw_world(self, screen: pygame.Surface, area: pygame.Rect, size: int) -> None:
        focused = self._focus == "world"
        name = self._worlds[self._world]
        kind = "game" if name in worlds.GAMES else "dream"
        waking = self._app.session.world is None or self._change_at is not None
        words = f"{name} · {'waking …' if waking else kind}"
        label = theme.text(theme.shortened(words, size, area.width - 4 * size), size, theme.ACCENT if focused else theme.INK)
        place = label.get_rect(midright=(area.right - 2 * size, area.centery))
        frame = place.inflate(4 * size, size)
        theme.lay_panel(screen, frame)
        if focused:
            pygame.draw.rect(screen, theme.ACCENT, frame, 1, border_radius=max(4, size // 2))
        screen.blit(label, place)
        tip = size // 3
        for x, way in ((frame.left + size, -1), (frame.right - size, 1)):
            base = [(x - way * tip, place.centery - tip), (x - way * tip, place.centery + tip)]
            pygame.draw.polygon(screen, theme.ACCENT if focused else theme.QUIET, [(x + way * tip, place.centery), *base])
        self._areas["world"] = frame

    def _fill(self, world: Ready | None) -> None:
        """All tiles anew, as far as it is known what the world can do."""
        app = self._app
        surprise = Reset(draw_seed(), "")
        tiles = [Tile("surprise me", partial(self._start, surprise), "anything at all")]
        recent = app.keeper.moments.found(self._worlds[self._world])[:_MOST_RECENT]
        tiles += [moment_tile(app, moment) for moment in recent]
        self._previews = []
        if world is not None:
            self._add_preview(tiles[0], surprise)
            if world.takes_pictures:
                tiles += self._own_files()
            if world.takes_prompts:
                starts = [Reset(number + 1, prompt) for number, prompt in enumerate(SUGGESTIONS)]
            else:
                starts = [Reset(seed) for seed in range(1, _NUM_GAMES + 1)]
            for start in starts:
                tile = Tile(start.prompt or f"seed {start.seed}", partial(self._start, start), f"seed {start.seed}")
                tiles.append(tile)
                self._add_preview(tile, start)
        # First a still picture of each, then the films.
        self._previews.sort(key=lambda wanted: wanted[1].num_chunks)
        selected = self._grid.selected
        self._grid = Grid(tiles)
        self._grid.selected = min(selected, len(tiles) - 1)

    def _own_files(self) -> list[Tile]:
        """What this folder has to start from: the latest recordings and screenshots; read by a thread."""
        here = Path.cwd()
        found = [
            *_latest(here / "recordings", "*.mp4"),
            *_latest(here, "simworld-*.png"),
        ]
        tiles = [Tile(path.stem, partial(self._start, Reset(draw_seed(), "", path)), "go on from this") for path in found]

        def read() -> None:
            for tile, path in zip(tiles, found, strict=True):
                frames = read_thumbnail(path)
                if frames is not None:
                    tile.show(frames)

        threading.Thread(target=read, name="thumbnails", daemon=True).start()
        return tiles

    def _add_preview(self, tile: Tile, start: Reset) -> None:
        self._previews += [(tile, Preview(start, 0)), (tile, Preview(start, _PREVIEW_CHUNKS))]

    def _ask_next(self) -> None:
        self._asked = self._previews[0][1] if self._previews else None
        if self._asked is not None:
            self._app.worker.ask(self._asked)

    def _start(self, start: Reset) -> None:
        if self._seed.text:
            start = Reset(int(self._seed.text), start.prompt, start.given)
        self.leave()
        self._app.start(start)

    def _press(self, event: pygame.Event) -> None:
        key = event.key
        if key == pygame.K_TAB:
            self._focus = "prompt"
            self._suggested = (self._suggested + (-1 if event.mod & pygame.KMOD_SHIFT else 1)) % len(SUGGESTIONS)
            self._prompt.put(SUGGESTIONS[self._suggested])
        elif self._focus == "grid":
            if not self._grid.handle(event) and key == pygame.K_UP:
                self._focus = "prompt"
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER):
            self._start(Reset(draw_seed(), self._prompt.text.strip()))
        elif key == pygame.K_DOWN:
            self._focus = _NEXT[self._focus] if self._focus == "world" else "grid"
        elif key == pygame.K_UP:
            self._focus = "world"
        elif self._focus == "world":
            if key in (pygame.K_LEFT, pygame.K_RIGHT):
                self._choose_world(-1 if key == pygame.K_LEFT else 1)
        elif self._focus == "prompt":
            if key == pygame.K_RIGHT and not self._prompt.text:
                self._focus = "seed"
            else:
                self._prompt.handle(event)
        elif key == pygame.K_LEFT and not self._seed.text:
            self._focus = "prompt"
        else:
            self._seed.handle(event)

    def _type(self, event: pygame.Event) -> None:
        if self._focus == "seed":
            self._seed.handle(event)
        elif event.text != " " or self._focus == "prompt":  # in the grid the space bar chooses
            self._focus = "prompt"
            self._prompt.handle(event)

    def _point(self, event: pygame.Event) -> None:
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT:
            for part, area in self._areas.items():
                if area.collidepoint(event.pos):
                    self._focus = part
                    if part == "world":
                        self._choose_world(-1 if event.pos[0] < area.centerx else 1)
                    return
        if self._grid.handle(event):
            self._focus = "grid"

    def _choose_world(self, way: int) -> None:
        self._world = (self._world + way) % len(self._worlds)
        self._previews = []
        self._change_at = self._app.now() + _SETTLING_SECONDS


def _latest(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True) if folder.is_dir() else []
    return found[:_MOST_FILES]

