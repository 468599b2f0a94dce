"""One window with a play in it, and all that the player can do there.

This file only orchestrates: the session paces and counts, the window shows, the view draws, the controls listen, screens
cover the play. The world is known through the worker alone.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pygame

from simworld.client import worlds
from simworld.client.controls import Controls
from simworld.client.gamepad import Gamepad
from simworld.client.given_start import read_start
from simworld.client.hud import Hud
from simworld.client.inputs_overlay import InputsOverlay
from simworld.client.keeper import Keeper
from simworld.client.keymap import KeyMap
from simworld.client.listener import Listener
from simworld.client.message_line import MessageLine
from simworld.client.moments import Moment
from simworld.client.options import PlayOptions
from simworld.client.pacer import Pacer
from simworld.client.player import Player, WorldItself
from simworld.client.prompt_line import PromptLine
from simworld.client.replay import Replay
from simworld.client.requests import Answer, Chunk, Measure, Measured, Preview, Previewed, Ready, Refused, Reset, Return, Step
from simworld.client.screens.pause import broken_menu
from simworld.client.screens.screen import Screens
from simworld.client.screens.start_screen import StartScreen
from simworld.client.session import Picture, Session, WorldStopped, draw_seed
from simworld.client.settings import SCALINGS, SettingsFile
from simworld.client.stats import Stats
from simworld.client.video import Video
from simworld.client.view import View
from simworld.client.wander import Wanderer
from simworld.client.window import Window
from simworld.client.worker import Worker

_LISTEN_SECONDS = 0.004
"""How long the client sleeps at most before it looks at keyboard and mouse again."""
_REDRAW_SECONDS, _LATE_SECONDS = 0.05, 0.2
"""Without a new picture the last one is drawn again this often, so that what lies over it lives; in play less often, for there
the next one is late, and drawing would take time from its making."""
_FAREWELL_SECONDS = 0.8
"""How long closing may wait for the world; then it is left behind."""


class App:
    """`rehearse`, called in every round of the loop, may post events: so the benchmark and the tests play with the very loop
    that a person plays with. personal: whether the player's settings count, and where they left is kept."""

    def __init__(
        self,
        options: PlayOptions,
        started: float,
        rehearse: "Callable[[App, float], None] | None" = None,
        personal: bool = True,
    ) -> None:
        self.options, self.started, self.personal = options, started, personal
        given = read_start(options.image, options.panorama, options.video)
        self.settings_file = SettingsFile(read=personal)
        self.settings = self.settings_file.settings
        self._kept_steps = self.settings.steps
        if options.steps is not None:
            self.settings.steps = options.steps
        self.video = Video(options.out, options.scale) if options.out else None
        whole = self.settings.scaling == SCALINGS[0]
        self.window = Window(f"SimWorld · {worlds.title(options)}", options.scale, whole, self.settings.full_screen)
        self.keymap = KeyMap(self.settings.bindings)
        self.controls = Controls(self.keymap)
        self.gamepad = Gamepad(self.controls)
        self.hud, self.inputs = Hud(), InputsOverlay()
        self.messages, self.prompt_line = MessageLine(), PromptLine()
        self.screens, self.view = Screens(), View()
        self.replay = Replay(options.replay) if options.replay else None
        self.step_seconds: dict[int, float] = {}
        self.help_open = self.watching = self.returning = False
        self._chosen = options.choose
        self._rehearse = rehearse
        self.picture: Picture | None = None
        self.keeper = Keeper(self)
        self._listener = Listener(self)
        self._over = False
        self._drawn = started
        self.apply_settings(save=False)
        self.view.draw(self, None, started)
        # The window stands; only now the slow imports begin, in the worker's thread.
        seed = draw_seed() if options.seed is None else options.seed
        waits = self.replay is not None or options.choose
        self._begin_session(None if waits else Reset(seed, options.prompt, given))
        if options.choose:
            self.choose()
        if options.bot or options.auto:
            self.watch()
        for complaint in (*self.settings_file.complaints, *self.keymap.complaints):
            self.say(complaint)

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
            until = time.perf_counter() + _FAREWELL_SECONDS
            self.window.close()
            self.keeper.keep_the_end()
            self.worker.close(max(0.05, until - time.perf_counter()))
            self.keeper.finish()
        return self.session.stats

    def say(self, text: str) -> None:
        """Show a line to the player."""
        self.messages.say(text, time.perf_counter())

    def quit(self) -> None:
        """The play ends."""
        self._over = True

    def halves(self) -> list[pygame.Rect]:
        """The parts of the window that each show one world: one, or two where worlds are compared."""
        area = self.window.area
        if not self.options.compare:
            return [area]
        left = pygame.Rect(area.left, area.top, area.width // 2, area.height)
        return [left, left.move(area.width // 2, 0)]

    # What the player can ask for, by key or menu.

    @property
    def has_play(self) -> bool:
        """Whether there is a play to go back to."""
        return self.picture is not None

    def now(self) -> float:
        """Seconds, of the clock that everything is counted by."""
        return time.perf_counter()

    def choose(self) -> None:
        """The start screen."""
        self.screens.clear()
        self.open(StartScreen(self))

    def start(self, start: Reset | Return) -> None:
        """Begin a play of this world."""
        self.screens.clear()
        self.keeper.keep_the_end(patience=0)
        self.keeper.played_before = 0.0
        self.session.begin(start)

    def wake_again(self) -> None:
        """The world that broke, anew."""
        self.screens.clear()
        self.change_world(self.options.world, Reset(draw_seed()))

    def restart(self) -> None:
        """A new world, from another seed."""
        self.screens.clear()
        self.session.restart()
        self.keeper.played_before = 0.0
        self.say(f"a new world: seed {self.session.seed}")

    def go_to(self, moment: Moment) -> None:
        """Be at a remembered moment again."""
        self.screens.clear()
        self.keeper.moments.latest = moment
        self.returning = True
        self.session.begin(moment.request)
        self.session.seed, self.session.prompt = moment.about.seed, moment.about.prompt or None
        self.keeper.played_before = moment.about.seconds
        self.say("back at the remembered moment")

    def show_help(self) -> None:
        """The sheet of all keys, over the play."""
        self.screens.clear()
        self.help_open = True

    def open(self, screen: object) -> None:
        """Cover the play with a screen; the world stands still meanwhile."""
        self.free_mouse()
        self.screens.push(screen)  # type: ignore[arg-type]

    def apply_settings(self, save: bool = True) -> None:
        """Let the settings count, and keep them."""
        settings = self.settings
        settings.bindings = self.keymap.changes
        self.controls.sensitivity, self.controls.inverted = settings.mouse_sensitivity, settings.invert_mouse
        self.window.whole = settings.scaling == SCALINGS[0]
        self.window.fill_screen(settings.full_screen)
        if save:
            self.session.steps = steps = settings.steps
            if steps == self.options.steps:  # what was said on the command line counts for now only
                settings.steps = self._kept_steps
            try:
                self.settings_file.save()
            except OSError as error:
                self.say(f"the settings count, but cannot be kept: {error}")
            settings.steps = steps

    def measure_steps(self) -> None:
        """Find out how fast the chosen quality is."""
        world = self.session.world
        if world is not None and world.takes_steps and world.goes_back and self.settings.steps not in self.step_seconds:
            self.worker.ask(Measure(self.settings.steps))

    def change_world(self, world: str, start: Reset | Return | None = None) -> None:
        """Leave this world for another, without waiting for either; None waits to be asked."""
        self.keeper.stop_recording()
        self.keeper.keep_the_end(patience=0)
        self.worker.close(patience=0)
        self.options, self._chosen = replace(self.options, world=world), True
        self.step_seconds.clear()
        self.picture, self.started = None, time.perf_counter()
        self._begin_session(start)

    # The loop.

    def _begin_session(self, begin: Reset | Return | None) -> None:
        options = self.options
        self.worker = Worker(partial(worlds.make, options), ahead=True)
        stats = Stats(self.started)
        self.session = Session(
            self.worker, self._player(), Pacer(), stats, begin=begin, say=self.say, hear=self._hear
        )
        self.session.steps = self.settings.steps

    def _player(self) -> Player:
        if self.replay is not None:
            return self.replay
        if not self.watching:
            return self.controls
        return WorldItself() if self.options.auto else Wanderer(draw_seed())

    def _loop(self) -> None:
        while not self._over:
            if self._rehearse is not None:
                self._rehearse(self, time.perf_counter())
            self._listener.listen()
            self.gamepad.tick(time.perf_counter())
            now = time.perf_counter()
            self.session.pause(self.screens.open, now)
            self.keeper.tick()
            if self.replay is not None and self.replay.over:
                self._replayed()
            try:
                picture = self.session.tick(now)
            except WorldStopped as stopped:
                self._world_stopped(stopped)
                continue
            except (ValueError, OSError) as error:
                if not self._chosen:
                    raise
                self._cannot_be_had(error)
                continue
            if picture is not None:
                self._show(picture)
            elif now - self._drawn >= (_REDRAW_SECONDS if self.picture is None or self.screens.open else _LATE_SECONDS):
                self._redraw(now)
            else:
                self.worker.wait(min(_LISTEN_SECONDS, self.session.wait(now)))

    def _show(self, picture: Picture) -> None:
        if self.picture is None and not self.watching and not self.messages.text:
            self.say("click to look around · F1 shows the keys")
        self.picture = picture
        self._redraw(time.perf_counter())
        self.session.shown(picture, time.perf_counter())
        if self.video is not None:
            self.video.write(picture.frame)
        if self.session.stats.pictures == self.options.frames:
            self._over = True

    def _redraw(self, now: float) -> None:
        self.view.draw(self, self.picture, now)
        self._drawn = now

    def _hear(self, answer: Answer) -> None:
        match answer:
            case Ready() if self.replay is not None:
                self.replay.type = self.session.set_prompt
                self.session.begin(self.replay.start(worlds.title(self.options), answer.takes_pictures))
                self.session.seed = self.replay.seed
            case Ready() if isinstance(self.screens.top, StartScreen):
                self.screens.top.ready(answer)
            case Previewed() if isinstance(self.screens.top, StartScreen):
                self.screens.top.previewed(answer)
            case Refused() if isinstance(answer.request, Preview):
                if isinstance(self.screens.top, StartScreen):
                    self.screens.top.refused()
            case Refused() if not self.has_play and not self.screens.open:
                self.choose()  # what was chosen there cannot be had
            case Measured():
                self.step_seconds[answer.steps] = answer.seconds
            case _:
                if not (isinstance(answer, Chunk) and isinstance(answer.request, Step)):
                    self.returning = False
                self.keeper.hear(answer)

    def _replayed(self) -> None:
        """The recording is over: the player goes on from there, or nobody does."""
        self.replay = None
        self.session.player = self._player()
        self.say("the recording is over: you play on from here")

    def _cannot_be_had(self, error: Exception) -> None:
        """A world that was chosen in the window, a broken checkpoint perhaps: another may be chosen."""
        self.say(str(error))
        if not isinstance(self.screens.top, StartScreen):
            self.choose()

    def _world_stopped(self, stopped: WorldStopped) -> None:
        """Say why, keep the last good moment, let the player choose. Raises it where no player is there."""
        if self.options.frames is not None or self.options.bot:
            raise stopped
        saved = stopped.broken.saved
        if saved is not None and self.picture is not None:
            self.keeper.keep(saved)
        self.worker.close(patience=0)
        self.screens.clear()
        self.open(broken_menu(self, str(stopped), saved is not None and saved.values is not None))

    def watch(self) -> None:
        """The bot takes over, or the player does."""
        self.watching, self.replay = not self.watching, None
        self.controls.release()
        self.session.player = self._player()
        if not self.watching:
            self.say("you play")

    def take_over(self) -> None:
        """Who touches a key plays."""
        if self.replay is not None:
            self._replayed()
        elif self.watching:
            self.watch()

    def free_mouse(self) -> None:
        """Let go of everything that is held."""
        self.gamepad.release()
        self.controls.release()
        self.session.stop_rewinding()
        self.window.catch_mouse(False)
