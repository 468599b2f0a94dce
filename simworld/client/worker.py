"""The worker: a thread that makes the world, owns it alone, and does what it is asked, in order, as the client draws.

A thread, not a process: torch's and numba's work releases Python's lock (measured: a 50 ms tick beside a busy model is
late by under 5 ms at p95), so pictures need no copy between processes. Knows no window, input or clock of the client.
What it is asked and answers: `requests.py`.
"""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from simworld.client.requests import (
    Answer,
    Broken,
    Measure,
    Preview,
    Request,
    Reset,
    Return,
    Rewind,
    Saved,
    SaveState,
    SetPrompt,
    Step,
)
from simworld.client.workshop import Workshop

if TYPE_CHECKING:
    import gymnasium

WORLD_THREAD = "world"
"""The name of the thread that a world lives in."""


class Worker:
    """`make` is called in the thread, so that slow imports and loading do not keep the window from opening. ahead: whether a
    world that can may take its next step while the pictures of the last are finished, for which it starts a process."""

    def __init__(self, make: "Callable[[], gymnasium.Env]", ahead: bool = False) -> None:
        self._make, self._ahead = make, ahead
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._news = threading.Event()
        self._closing = False
        self._shop: Workshop | None = None
        # A daemon, for a model that hangs must not keep the player from quitting.
        self._thread = threading.Thread(target=self._run, name=WORLD_THREAD, daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> None:
        """Queue a request; its answer comes in the order of asking."""
        self._requests.put(request)

    def answers(self) -> list[Answer]:
        """All that has come since the last call."""
        self._news.clear()
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._answers.get_nowait())
        return found

    def wait(self, seconds: float) -> None:
        """Sleep until an answer comes, at most `seconds`."""
        self._news.wait(max(0.0, seconds))

    def last_good(self, why: str = "broken") -> Saved | None:
        """The last moment that the world kept by itself, at most a few chunks ago, even while it is busy; None if there is
        none."""
        return self._shop.last_good(why) if self._shop is not None else None

    def close(self, patience: float = 1.0) -> None:
        """Finish the step in hand, close the world and end the thread; leave it behind after `patience` seconds."""
        self._closing = True
        self._requests.put(None)
        self._thread.join(patience)

    def _answer(self, answer: Answer) -> None:
        self._answers.put(answer)
        self._news.set()

    def _run(self) -> None:
        doing = "loaded"
        try:
            env = self._make()
            shop = self._shop = Workshop(env, self._wanted_elsewhere, self._ahead)
            self._answer(shop.ready())
            try:
                while (request := self._requests.get()) is not None:
                    doing = _DOING[type(request)]
                    if isinstance(request, Step) and shop.goes_ahead:
                        shop.go_ahead(request, self._answer)
                        continue
                    shop.arrive()
                    self._answer(shop.do(request))
                    if isinstance(request, Step):
                        shop.finish_step()
                shop.arrive()
            finally:
                env.close()
        except Exception as error:  # whatever it is, the player is told
            self._answer(Broken(error, doing, self.last_good()))

    def _wanted_elsewhere(self) -> bool:
        return self._closing or not self._requests.empty()


_DOING = {
    Reset: "started",
    Step: "stepped",
    SetPrompt: "took a prompt",
    SaveState: "saved",
    Return: "went back",
    Rewind: "went back",
    Preview: "was looked at",
    Measure: "was measured",
}
