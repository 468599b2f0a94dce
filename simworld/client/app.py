"""One window with a play in it, and all that the player can do there.

This file only orchestrates: the session paces and counts, the window shows, the view draws, the controls listen, screens
cover the play. The world is known through the worker alone.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pygame

from simworld.client import clip, moment_files, screenshot, worlds
from simworld.client.controls import Controls
from simworld.client.gamepad import EVENTS as GAMEPAD_EVENTS
from simworld.client.gamepad import Gamepad
from simworld.client.given_start import read_start
from simworld.client.hud import Hud
from simworld.client.inputs_overlay import InputsOverlay
from simworld.client.keymap import KeyMap, binding_of
from simworld.client.message_line import MessageLine
from simworld.client.moment_files import About
from simworld.client.moments import Moment, Moments
from simworld.client.options import PlayOptions
from simworld.client.pacer import Pacer
from simworld.client.player import Player
from simworld.client.prompt_line import PromptLine
from simworld.client.recording import Recording
from simworld.client.replay import TYPED, Replay
from simworld.client.requests import (
    Answer,
    Broken,
    Chunk,
    Measure,
    Measured,
    Preview,
    Previewed,
    Ready,
    Refused,
    Reset,
    Return,
    Rewound,
    Saved,
    SaveState,
    Step,
)
from simworld.client.screens.moments_screen import MomentsScreen
from simworld.client.screens.pause import broken_menu, pause_menu
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
from simworld.frames import FPS

_LISTEN_SECONDS = 0.004
"""How long the client sleeps at most before it looks at keyboard and mouse again."""
_REDRAW_SECONDS = 0.05
"""Without a new picture the last one is drawn again this often, so that what lies over it lives."""
_CAUGHT_ONLY = (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN)
"""What means the world only while the mouse is caught."""
_WORTH_KEEPING = 5 * FPS
"""A play of fewer pictures is not gone on with later."""
_FAREWELL_SECONDS = 0.8
"""How long closing may wait for the last moment to be saved."""

_RECORDING_SECONDS = 10.0
"""How long closing may wait for a recording; its window is gone by then."""


class App:
    """`rehearse`, called in every round of the loop, may post events: so the benchmark and the tests play with the very loop
    that a person plays with."""

    def __init__(
        self, options: PlayOptions, started: float, rehearse: "Callable[[App, float], None] | None" = None
    ) -> None:
        self.options, self.started = options, started
        given = read_start(options.image, options.panorama, options.video)
        self.settings_file = SettingsFile()
        self.settings = self.settings_file.settings
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
        self.moments = Moments(moment_files.folder(), self.say)
        self.recording: Recording | None = None
        self._finished: list[Recording] = []
        self._films: list[threading.Thread] = []
        self.replay = Replay(options.replay) if options.replay else None
        self.step_seconds: dict[int, float] = {}
        self.help_open = self.watching = self.returning = False
        self._rehearse = rehearse
        self._picture: Picture | None = None
        self._played_before = 0.0
        self._over = False
        self._listened = self._drawn = started
        self._commands: dict[str, Callable[[], None]] = {
            "prompt": self._start_prompt,
            "restart": self.restart,
            "watch": self._watch,
            "rewind": lambda: self.session.start_rewinding(time.perf_counter()),
            "remember": self.remember,
            "return": self._return,
            "moments": lambda: self.open(MomentsScreen(self)),
            "record": self._record,
            "clip": self._save_clip,
            "photo": self._save_screenshot,
            "help": self._turn_help,
            "figures": lambda: setattr(self.hud, "visible", not self.hud.visible),
            "inputs": lambda: setattr(self.inputs, "visible", not self.inputs.visible),
            "full screen": self._turn_full_screen,
        }
        self.apply_settings(save=False)
        self.view.draw(self, None, started)
        # The window stands; only now the slow imports begin, in the worker's thread.
        seed = draw_seed() if options.seed is None else options.seed
        waits = self.replay is not None or options.choose
        self._begin_session(None if waits else Reset(seed, options.prompt, given))
        if options.choose:
            self.choose()
        if options.bot:
            self._watch()
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
            self._keep_the_end()
            self.worker.close(max(0.05, until - time.perf_counter()))
            self._stop_recording()
            self.moments.finish(2 * _FAREWELL_SECONDS)
            for recording in self._finished:
                recording.wait(_RECORDING_SECONDS)
            for film in self._films:
                film.join(_RECORDING_SECONDS)
            for line in self.moments.complaints:
                print(line)
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
        return self._picture is not None

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
        self._played_before = 0.0
        self.session.begin(start)

    def wake_again(self) -> None:
        """The world that broke, anew."""
        self.screens.clear()
        self.change_world(self.options.world, Reset(draw_seed()))

    def restart(self) -> None:
        """A new world, from another seed."""
        self.screens.clear()
        self.session.restart()
        self._played_before = 0.0
        self.say(f"a new world: seed {self.session.seed}")

    def remember(self) -> None:
        """Remember this moment, in memory and on disk."""
        self.screens.clear()
        self.worker.ask(SaveState("remember"))

    def go_to(self, moment: Moment) -> None:
        """Be at a remembered moment again."""
        self.screens.clear()
        self.moments.latest = moment
        self.returning = True
        self.session.begin(moment.request)
        self.session.seed, self.session.prompt = moment.about.seed, moment.about.prompt or None
        self._played_before = moment.about.seconds
        self.say("back at the remembered moment")

    def show_help(self) -> None:
        """The sheet of all keys, over the play."""
        self.screens.clear()
        self.help_open = True

    def open(self, screen: object) -> None:
        """Cover the play with a screen; the world stands still meanwhile."""
        self._free_mouse()
        self.screens.push(screen)  # type: ignore[arg-type]

    def apply_settings(self, save: bool = True) -> None:
        """Let the settings count, and keep them."""
        settings = self.settings
        settings.bindings = self.keymap.changes
        self.controls.sensitivity, self.controls.inverted = settings.mouse_sensitivity, settings.invert_mouse
        self.window.whole = settings.scaling == SCALINGS[0]
        self.window.fill_screen(settings.full_screen)
        if save:
            self.session.steps = settings.steps
            try:
                self.settings_file.save()
            except OSError as error:
                self.say(f"the settings count, but cannot be kept: {error}")

    def measure_steps(self) -> None:
        """Find out how fast the chosen quality is."""
        world = self.session.world
        if world is not None and world.takes_steps and world.goes_back and self.settings.steps not in self.step_seconds:
            self.worker.ask(Measure(self.settings.steps))

    def change_world(self, world: str, start: Reset | Return | None = None) -> None:
        """Leave this world for another, without waiting for either; None waits to be asked."""
        self._stop_recording()
        self.worker.close(patience=0)
        self.options = replace(self.options, world=world)
        self.step_seconds.clear()
        self._picture, self.started = None, time.perf_counter()
        self._begin_session(start)

    # The loop.

    def _begin_session(self, begin: Reset | Return | None) -> None:
        options = self.options
        self.worker = Worker(partial(worlds.make, options), self.settings.steps)
        stats = Stats(self.started)
        self.session = Session(
            self.worker, self._player(), Pacer(), stats, begin=begin, say=self.say, hear=self._hear
        )
        self.session.steps = self.settings.steps

    def _player(self) -> Player:
        if self.replay is not None:
            return self.replay
        return Wanderer(draw_seed()) if self.watching else self.controls

    def _loop(self) -> None:
        while not self._over:
            if self._rehearse is not None:
                self._rehearse(self, time.perf_counter())
            self._listen()
            self.gamepad.tick(time.perf_counter())
            now = time.perf_counter()
            self.session.pause(self.screens.open, now)
            self.moments.tick()
            if self.replay is not None and self.replay.over:
                self._replayed()
            try:
                picture = self.session.tick(now)
            except WorldStopped as stopped:
                self._world_stopped(stopped)
                continue
            if picture is not None:
                self._show(picture)
            elif now - self._drawn >= _REDRAW_SECONDS:
                self._redraw(now)
            else:
                self.worker.wait(min(_LISTEN_SECONDS, self.session.wait(now)))

    def _show(self, picture: Picture) -> None:
        if self._picture is None and not self.watching and not self.messages.text:
            self.say("click to look around · F1 shows the keys")
        self._picture = picture
        self._redraw(time.perf_counter())
        self.session.shown(picture, time.perf_counter())
        if self.video is not None:
            self.video.write(picture.frame)
        if self.session.stats.pictures == self.options.frames:
            self._over = True

    def _redraw(self, now: float) -> None:
        self.view.draw(self, self._picture, now)
        self._drawn = now

    def _hear(self, answer: Answer) -> None:
        match answer:
            case Ready() if self.replay is not None:
                self.replay.type = self.session.set_prompt
                self.session.begin(self.replay.start(worlds.title(self.options), answer.takes_pictures))
            case Ready() if isinstance(self.screens.top, StartScreen):
                self.screens.top.ready(answer)
            case Previewed() if isinstance(self.screens.top, StartScreen):
                self.screens.top.previewed(answer)
            case Refused() if isinstance(answer.request, Preview):
                if isinstance(self.screens.top, StartScreen):
                    self.screens.top.refused()
            case Refused() if not self.has_play and not self.screens.open:
                self.choose()  # what was chosen there cannot be had
            case Saved() if answer.request.why == "record":
                self._start_recording(answer)
            case Saved():
                self._keep(answer)
            case Measured():
                self.step_seconds[answer.steps] = answer.seconds
            case Chunk() if isinstance(answer.request, Step):
                if self.recording is not None:
                    self.recording.take(answer)
                    if answer.ended:
                        self._stop_recording(ended=True)
                        self.say("the recording ends with the world")
            case Chunk() | Rewound():
                self.returning = False
                if self.recording is not None:  # an episode has no jumps: it goes on in another
                    self._stop_recording()
                    self._record()

    def _replayed(self) -> None:
        """The recording is over: the player goes on from there, or nobody does."""
        self.replay = None
        self.session.player = self._player()
        self.say("the recording is over: you play on from here")

    def _world_stopped(self, stopped: WorldStopped) -> None:
        """Say why, keep the last good moment, let the player choose. Raises it where no player is there."""
        if self.options.frames is not None or self.options.bot:
            raise stopped
        saved = stopped.broken.saved
        if saved is not None and self._picture is not None:
            self._keep(saved)
        self.worker.close(patience=0)
        self.screens.clear()
        self.open(broken_menu(self, str(stopped), saved is not None and saved.values is not None))

    def _keep(self, saved: Saved) -> None:
        if self._picture is None:
            return
        kept = saved.request.why == "remember"
        moment = self.moments.take(saved, self._about(self._picture.chunk, kept), self._picture.frame)
        if kept:
            on_disk = "" if moment.path else " (until you quit: it cannot be put on disk)"
            self.say(f"this moment is remembered{on_disk}: F9 comes back to it")

    def _about(self, chunk: Chunk, kept: bool) -> About:
        latest, session = self.moments.latest, self.session
        return About(
            world=worlds.title(self.options),
            seed=session.seed,
            prompt=str(chunk.info.get("prompt", session.prompt) or ""),
            seconds=self._played_before + chunk.number * session.stats.chunk_frames / FPS,
            made=time.time(),
            parent=latest.name if latest is not None else "",
            kept=kept,
        )

    def _keep_the_end(self) -> None:
        """So that the play can be gone on with another time."""
        world = self.session.world
        if self.session.stats.pictures < _WORTH_KEEPING or world is None or not world.goes_back or self.options.bot:
            return
        self.worker.ask(SaveState("end"))
        until = time.perf_counter() + _FAREWELL_SECONDS / 2
        saved: Saved | None = None
        while saved is None and time.perf_counter() < until:
            self.worker.wait(0.02)
            for answer in self.worker.answers():
                if isinstance(answer, Broken):
                    return
                if isinstance(answer, Saved):
                    saved = answer
        saved = saved or self.worker.last_good("end")
        if saved is not None and saved.values is not None:
            self._keep(saved)

    # Events.

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
        elif event.type == pygame.DROPFILE:
            self._drop(Path(event.file))
        elif event.type in GAMEPAD_EVENTS:
            self._handle_gamepad(event, event_time)
        elif self.screens.open:
            self.screens.handle(event)
        elif self.prompt_line.open:
            text = self.prompt_line.handle(event)
            if text is not None:
                self.session.set_prompt(text)
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self._escape()
        elif self._command(event):
            pass
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT and not self.window.caught:
            self.window.catch_mouse(True)
            self.messages.clear()
        elif event.type not in _CAUGHT_ONLY or self.window.caught:
            if event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN) and self.controls.action_of(event):
                self._take_over()
            self.controls.handle(event, event_time)

    def _handle_gamepad(self, event: pygame.Event, event_time: float) -> None:
        if event.type in (pygame.JOYDEVICEADDED, pygame.JOYDEVICEREMOVED):
            told = self.gamepad.plug(event)
            if told:
                self.say(told)
        elif self.screens.open:
            key = self.gamepad.menu(event)
            if key is not None:
                self.screens.handle(key)
        elif not self.prompt_line.open:
            if event.type == pygame.JOYBUTTONDOWN:
                self._take_over()
            match self.gamepad.play(event, event_time):
                case "menu":
                    self._escape()
                case "rewind":
                    self._commands["rewind"]()
                case "rewind ends":
                    self._stop_rewinding()

    def _stop_rewinding(self) -> None:
        self.returning = self.session.rewinding is not None
        self.session.stop_rewinding()

    def _command(self, event: pygame.Event) -> bool:
        """Do what a key means to the client; False when it means nothing here and goes to the world."""
        binding = binding_of(event)
        name = self.keymap.name_of(binding) if binding else None
        if name not in self._commands:
            return False
        if event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            self._commands[name]()
        elif name == "rewind":
            self._stop_rewinding()
        return True

    def _escape(self) -> None:
        """The help closes, else the menu opens."""
        if self.help_open:
            self.help_open = False
        else:
            self.open(pause_menu(self))

    def _start_prompt(self) -> None:
        self.controls.release()
        self.help_open = False
        self.prompt_line.start()

    def _watch(self) -> None:
        """The bot takes over, or the player does."""
        self.watching, self.replay = not self.watching, None
        self.controls.release()
        self.session.player = self._player()
        if not self.watching:
            self.say("you play")

    def _take_over(self) -> None:
        """Who touches a key plays."""
        if self.replay is not None:
            self._replayed()
        elif self.watching:
            self._watch()

    def _return(self) -> None:
        if self.moments.latest is None:
            self.say("no moment is remembered yet: F5 does that")
        else:
            self.go_to(self.moments.latest)

    def _record(self) -> None:
        if self.recording is not None:
            self._stop_recording()
        elif self.session.world is not None and self.session.world.goes_back:
            self.worker.ask(SaveState("record"))
        elif self.session.history:
            self._start_recording(None)

    def _start_recording(self, saved: Saved | None) -> None:
        """In the order of answers: what was saved is the state after the last chunk of the history."""
        session = self.session
        if self.recording is not None or not session.history:
            return
        first = session.history[-1]
        meta = {
            "source": worlds.environment(self.options)[0],
            "world": worlds.title(self.options),
            "seed": session.seed,
            "player": "bot" if self.watching else "person",
            TYPED: "caption" not in first.info and "prompt" in first.info,
        }
        about = self._about(first, kept=True)
        self.recording = Recording(Path.cwd() / "recordings", first, meta, about, saved, self.moments.complaints.append)
        self.say("recording: F6 stops it")

    def _stop_recording(self, ended: bool = False) -> None:
        if self.recording is not None:
            self.recording.finish(ended=ended)
            self._finished.append(self.recording)
            self.recording = None

    def _drop(self, path: Path) -> None:
        """A file was dropped onto the window: a picture, a clip or a remembered moment to go on from."""
        if isinstance(self.screens.top, StartScreen):
            self.screens.top.leave()
        self.say(f"going on from {path.name} …")
        if path.suffix == moment_files.ENDING:
            self.start(Return(path=path))
        else:
            self.start(Reset(draw_seed(), self.session.prompt, path))

    def _turn_help(self) -> None:
        self.help_open = not self.help_open

    def _turn_full_screen(self) -> None:
        self.settings.full_screen = not self.settings.full_screen
        self.apply_settings()

    def _free_mouse(self) -> None:
        self.gamepad.release()
        self.controls.release()
        self.session.stop_rewinding()
        self.window.catch_mouse(False)

    def _save_clip(self) -> None:
        """The last seconds, up to what is shown."""
        if self._picture is None:
            return
        shown = self._picture.chunk.number
        frames = [frame for chunk in self.session.history if chunk.number <= shown for frame in chunk.frames]
        if frames:
            self._films.append(clip.keep(frames[-clip.SECONDS * FPS :], Path.cwd(), self.moments.complaints.append))
            self.say("the film is being written …")

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
