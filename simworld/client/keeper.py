"""What the player keeps of a play: moments, recordings, films, screenshots, and where it was left.

Everything is written by threads of its own; what came of it is said in the client's.
"""

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from simworld.client import clip, moment_files, screenshot, worlds
from simworld.client.moment_files import About
from simworld.client.moments import Moments
from simworld.client.recording import Recording
from simworld.client.replay import TYPED
from simworld.client.requests import Answer, Broken, Chunk, Rewound, Saved, SaveState, Step
from simworld.frames import FPS

if TYPE_CHECKING:
    from simworld.client.app import App

WORTH_KEEPING = 5 * FPS
"""A play of fewer pictures is not gone on with later."""
_FAREWELL_SECONDS = 0.4
"""How long the world may take to tell where it was left; then the last moment that it kept by itself counts."""
_FILES_SECONDS = 10.0
"""How long closing may wait for files; the window is gone by then."""


class Keeper:
    """`recording`: the one that runs, if any. `played_before`: seconds of play before the world was last begun."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self.moments = Moments(moment_files.folder(), app.say)
        self.recording: Recording | None = None
        self.played_before = 0.0
        self._finished: list[Recording] = []
        self._films: list[threading.Thread] = []

    def hear(self, answer: Answer) -> None:
        """What the world did, in order."""
        match answer:
            case Saved() if answer.request.why == "record":
                self._start_recording(answer)
            case Saved():
                self.keep(answer)
            case Chunk() if isinstance(answer.request, Step):
                if self.recording is not None:
                    self.recording.take(answer)
                    if answer.ended:
                        self.stop_recording(ended=True)
            case Chunk() | Rewound():
                if self.recording is not None:  # an episode has no jumps: it goes on in another
                    self.stop_recording()
                    self.record()

    def tick(self) -> None:
        """Say what came of what was written."""
        if self.recording is not None and self.recording.failed:
            self.stop_recording()
        self.moments.tick()

    def remember(self) -> None:
        """Remember this moment, in memory and on disk."""
        self._app.screens.clear()
        self._app.session.stop_rewinding()
        self._app.worker.ask(SaveState("remember"))

    def keep(self, saved: Saved) -> None:
        """A moment was saved: remembered by the player, or the last of a play."""
        picture = self._app.picture
        if picture is None:
            return
        kept = saved.request.why == "remember"
        moment = self.moments.take(saved, self._about(picture.chunk, kept), picture.frame)
        if kept:
            on_disk = "" if moment.path else " (until you quit: it cannot be put on disk)"
            self._app.say(f"this moment is remembered{on_disk}: F9 comes back to it")

    def _about(self, chunk: Chunk, kept: bool) -> About:
        latest, session = self.moments.latest, self._app.session
        return About(
            world=worlds.title(self._app.options),
            seed=session.seed,
            prompt=str(chunk.info.get("prompt", session.prompt) or ""),
            seconds=self.played_before + chunk.number * session.stats.chunk_frames / FPS,
            made=time.time(),
            parent=latest.name if latest is not None else "",
            kept=kept,
        )

    def keep_the_end(self, patience: float = _FAREWELL_SECONDS) -> None:
        """So that the play can be gone on with another time. Waits at most `patience` for the world to say where it is."""
        worker, world = self._app.worker, self._app.session.world
        worth = self._app.personal and self._app.session.stats.pictures >= WORTH_KEEPING and not self._app.options.bot
        if not worth or world is None or not world.goes_back:
            return
        saved: Saved | None = None
        until = time.perf_counter() + patience
        if patience:
            worker.ask(SaveState("end"))
        while saved is None and time.perf_counter() < until:
            worker.wait(0.02)
            for answer in worker.answers():
                if isinstance(answer, Broken):
                    return
                if isinstance(answer, Saved):
                    saved = answer
        saved = saved or worker.last_good("end")
        if saved is not None and saved.values is not None:
            self.keep(saved)

    def record(self) -> None:
        """Begin to record, or stop."""
        if self.recording is not None:
            self.stop_recording()
        elif self._app.session.world is not None and self._app.session.world.goes_back:
            self._app.worker.ask(SaveState("record"))
        elif self._app.session.history:
            self._start_recording(None)

    def _start_recording(self, saved: Saved | None) -> None:
        """In the order of answers: what was saved is the state after the last chunk of the history."""
        session = self._app.session
        if self.recording is not None or not session.history:
            return
        first = session.history[-1]
        meta = {
            "source": worlds.environment(self._app.options)[0],
            "world": worlds.title(self._app.options),
            "seed": session.seed,
            "player": "bot" if self._app.watching else "person",
            TYPED: "caption" not in first.info and "prompt" in first.info,
        }
        about = self._about(first, kept=True)
        self.recording = Recording(Path.cwd() / "recordings", first, meta, about, saved, self.moments.complaints.append)
        self._app.say("recording: F6 stops it")

    def stop_recording(self, ended: bool = False) -> None:
        """The episode is over; `ended`: with its world."""
        if self.recording is not None:
            self.recording.finish(ended=ended)
            self._finished.append(self.recording)
            self.recording = None

    def film(self) -> None:
        """The last seconds, up to what is shown, as GIF and MP4."""
        picture = self._app.picture
        if picture is None:
            return
        shown = picture.chunk.number
        frames = [frame for chunk in self._app.session.history if chunk.number <= shown for frame in chunk.frames]
        if frames:
            self._films.append(clip.keep(frames[-clip.SECONDS * FPS :], Path.cwd(), self.moments.complaints.append))
            self._app.say("the film is being written …")

    def photo(self) -> None:
        """The picture alone, as large as it is shown."""
        if self._app.picture is None:
            return
        frame = self._app.picture.frame
        try:
            path = screenshot.save(frame, max(1, self._app.window.area.height // frame.shape[0]), Path.cwd())
        except OSError as error:
            self._app.say(f"no screenshot: {error}")
        else:
            self._app.say(f"saved {path.name}")

    def finish(self) -> None:
        """Wait until all is on disk, and print what could not be said any more."""
        self.stop_recording()
        self.moments.finish(_FILES_SECONDS)
        for recording in self._finished:
            recording.wait(_FILES_SECONDS)
        for film in self._films:
            film.join(_FILES_SECONDS)
        for line in self.moments.complaints:
            print(line)
