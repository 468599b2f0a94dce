"""Where the events of keyboard, mouse, gamepad and window go: to a screen, the prompt line, a command, or the world."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pygame

from simworld.client import moment_files
from simworld.client.gamepad import EVENTS as GAMEPAD_EVENTS
from simworld.client.keymap import binding_of
from simworld.client.moments import Moment
from simworld.client.requests import Reset
from simworld.client.screens.moments_screen import MomentsScreen
from simworld.client.screens.pause import pause_menu
from simworld.client.screens.settings_menu import KeysMenu
from simworld.client.screens.start_screen import StartScreen
from simworld.client.session import draw_seed

if TYPE_CHECKING:
    from simworld.client.app import App

_CAUGHT_ONLY = (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN)
"""What means the world only while the mouse is caught."""


class Listener:
    """Listens for `app`; every command of the table in `keymap.py` has its method here or there."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._listened = app.started
        self._commands: dict[str, Callable[[], None]] = {
            "prompt": self._start_prompt,
            "restart": app.restart,
            "watch": app.watch,
            "rewind": lambda: app.session.start_rewinding(time.perf_counter()),
            "remember": app.keeper.remember,
            "return": self._return,
            "moments": lambda: app.open(MomentsScreen(app)),
            "record": app.keeper.record,
            "clip": app.keeper.film,
            "photo": app.keeper.photo,
            "help": self._turn_help,
            "figures": lambda: setattr(app.hud, "visible", not app.hud.visible),
            "inputs": lambda: setattr(app.inputs, "visible", not app.inputs.visible),
            "full screen": self._turn_full_screen,
        }

    def listen(self) -> None:
        """Take all events. Each happened some time since the last look; it is counted as of then, so that the latency
        shown is never better than the true one."""
        time_of_events, self._listened = self._listened, time.perf_counter()
        for event in pygame.event.get():
            self._handle(event, time_of_events)

    def _handle(self, event: pygame.Event, event_time: float) -> None:
        if event.type == pygame.QUIT:
            self._app.quit()
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._app.free_mouse()
        elif event.type == pygame.DROPFILE:
            self._drop(Path(event.file))
        elif event.type in GAMEPAD_EVENTS:
            self._handle_gamepad(event, event_time)
        elif self._app.screens.open:
            if not self._always(event):
                self._app.screens.handle(event)
        elif self._app.prompt_line.open:
            text = self._app.prompt_line.handle(event)
            if text is not None:
                self._app.session.set_prompt(text)
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self._escape()
        elif self._command(event):
            pass
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == pygame.BUTTON_LEFT and not self._app.window.caught:
            self._app.window.catch_mouse(True)
            self._app.messages.clear()
        elif event.type not in _CAUGHT_ONLY or self._app.window.caught:
            if event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN) and self._app.controls.action_of(event):
                self._app.take_over()
            self._app.controls.handle(event, event_time)

    def _handle_gamepad(self, event: pygame.Event, event_time: float) -> None:
        if event.type in (pygame.JOYDEVICEADDED, pygame.JOYDEVICEREMOVED):
            told = self._app.gamepad.plug(event)
            if told:
                self._app.say(told)
        elif self._app.screens.open:
            key = self._app.gamepad.menu(event)
            if key is not None:
                self._app.screens.handle(key)
        elif not self._app.prompt_line.open:
            if event.type == pygame.JOYBUTTONDOWN:
                self._app.take_over()
            match self._app.gamepad.play(event, event_time):
                case "menu":
                    self._escape()
                case "rewind":
                    self._commands["rewind"]()
                case "rewind ends":
                    self._stop_rewinding()

    def _stop_rewinding(self) -> None:
        self._app.returning = self._app.session.rewinding is not None
        self._app.session.stop_rewinding()

    def _command(self, event: pygame.Event) -> bool:
        """Do what a key means to the client; False when it means nothing here and goes to the world."""
        binding = binding_of(event)
        name = self._app.keymap.name_of(binding) if binding else None
        if name not in self._commands:
            return False
        if event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            self._commands[name]()
        elif name == "rewind":
            self._stop_rewinding()
        return True

    def _always(self, event: pygame.Event) -> bool:
        """Do what means the same on every screen, but where a key is asked for; False where nothing does."""
        asked = isinstance(self._app.screens.top, KeysMenu) and self._app.screens.top.asking
        if event.type != pygame.KEYDOWN or asked or event.key < pygame.K_F1:
            return False
        name = self._app.keymap.name_of(binding_of(event) or "")
        if name == "full screen":
            self._turn_full_screen()
        return name == "full screen"

    def _escape(self) -> None:
        """The help closes, else the menu opens."""
        if self._app.help_open:
            self._app.help_open = False
        else:
            self._app.open(pause_menu(self._app))

    def _start_prompt(self) -> None:
        self._app.session.stop_rewinding()
        self._app.controls.release()
        self._app.help_open = False
        self._app.prompt_line.start()

    def _return(self) -> None:
        if self._app.keeper.moments.latest is None:
            self._app.say("no moment is remembered yet: F5 does that")
        else:
            self._app.go_to(self._app.keeper.moments.latest)

    def _drop(self, path: Path) -> None:
        """A file was dropped onto the window: a picture, a clip or a remembered moment to go on from."""
        moment = None
        if path.suffix == moment_files.ENDING:
            try:
                moment = Moment(path.stem, *moment_files.read_about(path), path)
            except ValueError as error:
                self._app.say(str(error))
                return
        if isinstance(self._app.screens.top, StartScreen):
            self._app.screens.top.leave()
        if moment is not None:
            self._app.go_to(moment)
        else:
            self._app.say(f"going on from {path.name} …")
            self._app.start(Reset(draw_seed(), self._app.session.prompt, path))

    def _turn_help(self) -> None:
        self._app.help_open = not self._app.help_open

    def _turn_full_screen(self) -> None:
        self._app.settings.full_screen = not self._app.settings.full_screen
        self._app.apply_settings()
