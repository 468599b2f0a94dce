"""One play of a world: chunks are asked for just in time, pictures given out when they are due, everything counted.

The same with and without a window. Knows no Pygame: who decides the actions is a `Player`, who shows the pictures is
the caller, in a loop of `tick`, show, `shown`, and `worker.wait(wait(now))`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import randrange

import numpy as np

from simworld.actions import Action, noop
from simworld.client.given_start import GivenStart
from simworld.client.pacer import Pacer
from simworld.client.past import SECONDS as REWIND_SECONDS
from simworld.client.player import Player
from simworld.client.requests import (
    Answer,
    Broken,
    Chunk,
    Dreamt,
    Note,
    Ready,
    Refused,
    Request,
    Reset,
    Return,
    Rewind,
    Rewound,
    SetPrompt,
    Step,
)
from simworld.client.rewinding import Rewinding
from simworld.client.stats import Stats
from simworld.client.worker import Worker
from simworld.frames import FPS

NUM_SEEDS = 1_000_000
"""Play draws its seeds below this; those above are for evaluation, by rule."""


def draw_seed() -> int:
    """A seed nobody chose, 0..999,999."""
    return randrange(NUM_SEEDS)


@dataclass(frozen=True)
class Picture:
    """`frame` uint8 [h, w, 3], the `position`-th of its chunk."""

    frame: np.ndarray
    chunk: Chunk
    position: int


class WorldStopped(RuntimeError):
    """The world raised something that no player can mend; the cause is chained. broken: what the worker said."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(f"the world broke as it {broken.doing}: {type(broken.error).__name__}: {broken.error}")
        self.broken = broken


class Session:
    """Takes a running `worker`; `say` receives the lines meant for the player, `hear` all answers that are none of the
    session's business, and the chunks that it takes. Starts as `begin` says, as soon as the world is made; then what
    cannot be begun is raised. None waits to be asked, and what cannot be begun is only said."""

    def __init__(
        self,
        worker: Worker,
        player: Player,
        pacer: Pacer,
        stats: Stats,
        *,
        begin: Reset | Return | None,
        say: Callable[[str], None],
        hear: Callable[[Answer], None] = lambda answer: None,
    ) -> None:
        self.worker, self.player, self.pacer, self.stats, self.say, self.hear = worker, player, pacer, stats, say, hear
        self.prompt: str | None = None
        self.given: GivenStart | Path | None = None
        self.seed = 0
        self.steps: int | None = None
        self.world: Ready | None = None
        self.reward = 0.0
        self.paused = False
        self.history: deque[Chunk] = deque(maxlen=REWIND_SECONDS * FPS)
        self.rewinding: Rewinding | None = None
        self._waiting: deque[Picture] = deque()
        self._shown: Chunk | None = None
        self._asked: deque[Request] = deque()
        self._busy = False
        self._must_begin = begin
        if begin is not None:
            self.begin(begin)

    def tick(self, now: float) -> Picture | None:
        """Take what the worker finished, start what must be started now, return the picture to show now, if any.

        Raises the world's own ValueError or OSError where it could not be started (no such world, a broken checkpoint),
        WorldStopped for all else.
        """
        for answer in self.worker.answers():
            self._receive(answer)
        if self.rewinding is not None:
            chunk = self.rewinding.tick(now)
            return Picture(chunk.frames[-1], chunk, len(chunk.frames) - 1) if chunk else None
        if self.paused or (self._shown is None and not self._asked and not self._waiting):
            return None
        if not self._busy and now >= self.pacer.start_at(now, self._num_coming):
            sample = self.player.sample(self.stats.chunk_frames, self._newest)
            self._ask(Step(sample.action, sample.event_times, self.steps, sample.own))
        if self._waiting and now >= self.pacer.due(now):
            return self._waiting.popleft()
        return None

    def shown(self, picture: Picture, now: float) -> None:
        """`picture` was on the screen at `now`."""
        self._shown = picture.chunk
        if self.rewinding is not None:
            return
        request = picture.chunk.request
        event_times = request.event_times if isinstance(request, Step) and picture.position == 0 else ()
        self.stats.shown(now, self.pacer.shown(now), event_times)

    def wait(self, now: float) -> float:
        """Seconds until `tick` has something to do, unless the worker finishes earlier."""
        if self.paused:
            return float("inf")
        times = [self.pacer.due(now)] if self._waiting else []
        if not self._busy:
            times.append(self.pacer.start_at(now, self._num_coming))
        return max(0.0, min(times) - now) if times else float("inf")

    def pause(self, paused: bool, now: float) -> None:
        """Let the world stand still, or go on; what it stood does not count as lateness."""
        if paused != self.paused:
            self.paused = paused
            self.pacer.restart()
            self.stats.pause(paused, now)

    def begin(self, start: Reset | Return) -> None:
        """Start as asked; what was asked before is not shown any more."""
        self._forget()
        self.rewinding = None
        self.reward = 0.0
        if isinstance(start, Reset):
            self.seed, self.prompt = start.seed, start.prompt
            self.given = start.given
        self._ask(start)

    def restart(self, seed: int | None = None) -> None:
        """Start anew, from a new seed unless one is given."""
        self.begin(Reset(draw_seed() if seed is None else seed, self.prompt, self.given))

    def set_prompt(self, text: str) -> None:
        """Let the world follow `text`, now and after restarts."""
        if self.world is not None and self.world.takes_prompts:
            self.prompt = text
        self.worker.ask(SetPrompt(text))

    def start_rewinding(self, now: float) -> None:
        """Show what was, backwards, until `stop_rewinding`."""
        if self.rewinding is not None or self._shown is None or self.paused:
            return
        if self.world is None or not self.world.goes_back:
            self.say("this world cannot go back in time")
            return
        past = [chunk for chunk in self.history if chunk.number <= self._shown.number]
        if past:
            self._forget()
            self.rewinding = Rewinding(past, now)

    def stop_rewinding(self) -> None:
        """Go on from what is shown."""
        if self.rewinding is not None:
            number = self.rewinding.chunk.number
            self.rewinding = None
            while self.history and self.history[-1].number > number:
                self.history.pop()
            self._ask(Rewind(number))

    @property
    def last_action(self) -> Action:
        """What the world does now, or did last."""
        asked = self._asked[-1] if self._asked else None
        if isinstance(asked, Step) and not asked.own:
            return asked.action
        return (self.history[-1].action if self.history else None) or noop()

    @property
    def settled(self) -> bool:
        """Whether nothing is being waited for."""
        return not self._asked

    @property
    def _num_coming(self) -> int:
        """Pictures that are asked for and not shown yet."""
        return len(self._waiting) + self.stats.chunk_frames * len(self._asked)

    @property
    def _newest(self) -> np.ndarray | None:
        """The picture that a player goes by: of the chunk before the last that was asked for, whether that has come yet or not,
        so that equal plays stay equal."""
        known = 1 if self._asked else 2
        return self.history[-min(known, len(self.history))].frames[-1] if self.history else None

    def _ask(self, request: Request) -> None:
        """The worker does what was asked before first."""
        self._busy = True
        self._asked.append(request)
        self.worker.ask(request)

    def _receive(self, answer: Answer) -> None:
        match answer:
            case Ready():
                self.world = answer
                self.stats.chunk_frames = answer.chunk_frames
                if self.prompt is not None and not answer.takes_prompts:
                    self.prompt = None
                    self.say("this world takes no prompts: it is a game, not a dream")
                self.hear(answer)
            case Note():
                self.say(answer.text)
            case Broken():
                if isinstance(answer.error, (ValueError, OSError)) and answer.doing in ("loaded", "started"):
                    raise answer.error
                raise WorldStopped(answer) from answer.error
            case Refused() if answer.request is self._must_begin:
                raise ValueError(answer.text)
            case Refused():
                if answer.text:
                    self.say(answer.text)
                self._done(answer.request)
                self.hear(answer)
            case Dreamt():
                self._busy = self._busy and answer.request is not (self._asked[-1] if self._asked else None)
            case Rewound() if self._awaited(answer.request):
                self._done(answer.request)
                self.hear(answer)
            case Chunk() if self._awaited(answer.request):
                self._take(answer)
            case Chunk() | Rewound():
                pass  # something else was asked meanwhile
            case _:
                self.hear(answer)

    def _forget(self) -> None:
        """Nothing that was asked is shown any more."""
        self._waiting.clear()
        self._asked.clear()
        self._busy = False

    def _awaited(self, request: Request) -> bool:
        return any(request is asked for asked in self._asked)

    def _came(self, request: Request) -> None:
        """What was asked is done, and with it all that was asked before."""
        while self._asked.popleft() is not request:
            pass
        self._busy = self._busy and bool(self._asked)

    def _done(self, request: Request) -> None:
        if self._awaited(request):
            self._came(request)
            self.pacer.restart()

    def _take(self, chunk: Chunk) -> None:
        self._came(chunk.request)
        if isinstance(chunk.request, Step):
            self.stats.step_seconds.append(chunk.period)
            self.stats.chunk_frames = len(chunk.frames)
            self.pacer.stepped(chunk.seconds, len(chunk.frames), chunk.period)
            self.reward += chunk.reward
        else:
            self.history.clear()
            self.pacer.restart()
            if isinstance(chunk.request, Return):
                self.prompt = chunk.info.get("prompt") or self.prompt
        self.history.append(chunk)
        while self.history[-1].number - self.history[0].number > REWIND_SECONDS * FPS // self.stats.chunk_frames:
            self.history.popleft()
        self._waiting.extend(Picture(frame, chunk, position) for position, frame in enumerate(chunk.frames))
        self.hear(chunk)
        if chunk.ended:
            reward, last = self.reward, list(self._waiting)
            self.restart()
            self._waiting.extend(last)  # they are still shown
            self.say(f"this world came to its end (reward {reward:g}); a new one starts from seed {self.seed}")
