"""Playing a world: `play(PlayOptions(world="voxel"))` opens a window, or writes a video where there is none.

This file only orchestrates: the session paces and counts, the window shows, the overlays draw, the controls listen.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pygame

from simworld.client import help_sheet, reticle, screenshot, theme, worlds
from simworld.client.controls import Controls
from simworld.client.given_start import read_start
from simworld.client.headless import FALLBACK_FRAMES, play_headless
from simworld.client.hud import Hud
from simworld.client.message_line import MessageLine
from simworld.client.options import PlayOptions
from simworld.client.pacer import Pacer
from simworld.client.prompt_line import PromptLine
from simworld.client.session import Picture, Session, draw_seed
from simworld.client.stats import Stats
from simworld.client.video import Video
from simworld.client.waking import Waking
from simworld.client.wander import Wanderer
from simworld.client.window import Window
from simworld.client.worker import Worker
from simworld.frames import FPS

_LISTEN_SECONDS = 0.004
"""How long the client sleeps at most before it looks at keyboard and mouse again."""
_REDRAW_SECONDS = 0.05
"""Without a new picture the last one is drawn again this often, so that what is typed over it shows."""
_CAUGHT_ONLY = (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN)
"""What means the world only while the mouse is caught."""


def play(options: PlayOptions) -> Stats:
    """Play until the player quits or `options.frames` pictures are shown; returns what was measured.

    Without a display says so in a line and lets the wanderer play 30 seconds into a video. Raises ValueError for a
    world, prompt or file that cannot be had, `session.WorldStopped` when the world breaks.
    """
    started = time.perf_counter()
    worlds.environment(options)
    if options.headless:
        return play_headless(options, started)
    try:
        if not display_announced():
            raise pygame.error("neither DISPLAY nor WAYLAND_DISPLAY is set")
        app = App(options, started)
    except pygame.error as error:
        num_frames, out = options.frames or FALLBACK_FRAMES, options.out or "play.mp4"
        print(f"no display ({error}): the bot plays {num_frames / FPS:g} seconds into {out}", file=sys.stderr)
        return play_headless(replace(options, headless=True, bot=True, frames=num_frames, out=out), started)
    stats = app.run()
    print(f"played {stats}")
    return stats


def display_announced() -> bool:
    """Whether this machine says that it has a display. Where it does not, asking SDL only makes SDL complain."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER")
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in names)


class App:
    """One window with one session in it.

    `rehearse`, called in every round of the loop, may post events: so the benchmark and the tests play
    with the very loop that a person plays with.
    """

    def __init__(
        self, options: PlayOptions, started: float, rehearse: "Callable[[App, float], None] | None" = None
    ) -> None:
        self.options = options
        given = read_start(options.image, options.panorama)
        self.video = Video(options.out, options.scale) if options.out else None
        self.window = Window(f"SimWorld · {options.world}", options.scale)
        self.controls = Controls()
        self.hud = Hud()
        self.messages = MessageLine()
        self.prompt_line = PromptLine()
        self.help_open = False
        self._slots = reticle.SlotRow()
        self._waking = Waking()
        self._rehearse = rehearse
        self._picture: Picture | None = None
        self._over = False
        self._listened = self._drawn = self._started = started
        self._show_waking(started)
        seed = draw_seed() if options.seed is None else options.seed
        # The window stands; only now the slow imports begin, in the worker's thread.
        self.worker = Worker(partial(worlds.make, options), options.steps)
        self.session = Session(
            self.worker,
            Wanderer(seed) if options.bot else self.controls,
            Pacer(),
            Stats(started),
            seed=seed,
            prompt=options.prompt,
            say=self.say,
            given=given,
        )

    def run(self) -> Stats:
        """Play until the end; closes window, video and world also when something raises."""
        try:
            if self.video is None:
                self._loop()
            else:
                with self.video:
                    self._loop()
        except KeyboardInterrupt:
            pass  # Ctrl+C in the terminal is one more way to quit
        finally:
            self.window.close()
            self.worker.close()
        return self.session.stats

    def say(self, text: str) -> None:
        """Show a line to the player."""
        self.messages.say(text, time.perf_counter())

    def _loop(self) -> None:
        while not self._over:
            if self._rehearse is not None:
                self._rehearse(self, time.perf_counter())
            self._listen()
            now = time.perf_counter()
            picture = self.session.tick(now)
            if picture is not None:
                self._show(picture)
            elif now - self._drawn >= _REDRAW_SECONDS:
                self._redraw(now)
            else:
                self.worker.wait(min(_LISTEN_SECONDS, self.session.wait(now)))

    def _show(self, picture: Picture) -> None:
        if self._picture is None and not self.options.bot:
            self.say("click to look around · F1 shows the keys")
        self._picture = picture
        self._redraw(time.perf_counter())
        self.session.shown(picture, time.perf_counter())
        if self.video is not None:
            self.video.write(picture.frame)
        if self.session.stats.pictures == self.options.frames:
            self._over = True

    def _redraw(self, now: float) -> None:
        if self._picture is None:
            self._show_waking(now)
            return
        window = self.window
        window.show(self._picture.frame)
        screen = window.screen
        reticle.draw_crosshair(screen, window.area)
        if self.prompt_line.open:
            free = self.prompt_line.draw(screen, now)
        else:
            free = self._slots.draw(screen, self.controls.slot, now)
        self.messages.draw(screen, now, free)
        if self.help_open:
            help_sheet.draw(screen)
        elif self.hud.visible:
            self.hud.draw(screen, self.session, self._picture.chunk.info, self.options.world, now)
        pygame.display.flip()
        self._drawn = now

    def _show_waking(self, now: float) -> None:
        window = self.window
        window.show(self._waking.picture(now - self._started))
        screen, size = window.screen, theme.text_size(window.screen)
        title = theme.text("SimWorld", size * 3)
        screen.blit(
            title, title.get_rect(midbottom=(window.area.centerx, window.area.top + window.area.height * 2 // 5))
        )
        dots = "." * (1 + int(2 * (now - self._started)) % 3)
        line = theme.text("waking the world", size, theme.INK)
        place = line.get_rect(midtop=(window.area.centerx, window.area.top + window.area.height * 2 // 5 + size // 2))
        screen.blit(line, place)
        screen.blit(theme.text(dots, size, theme.INK), place.topright)
        if self.help_open:
            help_sheet.draw(screen)
        pygame.display.flip()
        self._drawn = now

    def _listen(self) -> None:
        """Take all events. Each happened some time since the last look; it is counted as of then, so that the latency
        shown is never better than the true one."""
        time_of_events, self._listened = self._listened, time.perf_counter()
        for event in pygame.event.get():
            self._handle(event, time_of_events)

    def _handle(self, event: pygame.Event, event_time: float) -> None:
        if event.type == pygame.QUIT:
            self._over = True
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._free_mouse()
        elif self.prompt_line.open:
            text = self.prompt_line.handle(event)
            if text is not None:
                self.session.set_prompt(text)
        elif event.type == pygame.KEYDOWN and self._command(event.key):
            pass
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT and not self.window.caught:
            self.window.catch_mouse(True)
            self.messages.clear()
        elif event.type not in _CAUGHT_ONLY or self.window.caught:
            self.controls.handle(event, event_time)

    def _command(self, key: int) -> bool:
        """Do what `key` means to the client; False when it means nothing here and goes to the world."""
        match key:
            case pygame.K_t:
                self.controls.release()
                self.help_open = False
                self.prompt_line.start()
            case pygame.K_r:
                self.session.restart()
                self.say(f"a new world: seed {self.session.seed}")
            case pygame.K_F1:
                self.help_open = not self.help_open
            case pygame.K_F2:
                self._save_screenshot()
            case pygame.K_F3:
                self.hud.visible = not self.hud.visible
            case pygame.K_F5:
                self.session.save()
            case pygame.K_F9:
                self.session.load()
            case pygame.K_ESCAPE:
                self._escape()
            case _:
                return False
        return True

    def _escape(self) -> None:
        """One thing at a time: the help closes, the mouse is freed, the play ends."""
        if self.help_open:
            self.help_open = False
        elif self.window.caught:
            self._free_mouse()
            self.say("the mouse is free: Esc quits, a click plays on")
        else:
            self._over = True

    def _free_mouse(self) -> None:
        self.controls.release()
        self.window.catch_mouse(False)

    def _save_screenshot(self) -> None:
        if self._picture is None:
            return
        frame = self._picture.frame
        try:
            path = screenshot.save(frame, max(1, self.window.area.height // frame.shape[0]), Path.cwd())
        except OSError as error:
            self.say(f"no screenshot: {error}")
        else:
            self.say(f"saved {path.name}")
