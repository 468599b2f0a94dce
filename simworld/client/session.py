"""One play of a world: chunks are asked for just in time, pictures given out when they are due, everything counted.

The same with and without a window. Knows no Pygame: who decides the actions is a `Player`, who shows the pictures is
the caller, in a loop of `tick`, show, `shown`, and `worker.wait(wait(now))`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import randrange

import numpy as np

from simworld.client.given_start import GivenStart
from simworld.client.pacer import Pacer
from simworld.client.player import Player
from simworld.client.stats import Stats
from simworld.client.worker import (
    Broken,
    Chunk,
    LoadState,
    Note,
    Ready,
    Request,
    Reset,
    SaveState,
    SetPrompt,
    Step,
    Worker,
)

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
    """The world raised something that no player can mend; the cause is chained."""


class Session:
    """Takes a running `worker`; `say` receives the lines meant for the player. Starts a world as soon as it is made."""

    def __init__(
        self,
        worker: Worker,
        player: Player,
        pacer: Pacer,
        stats: Stats,
        *,
        seed: int,
        prompt: str | None,
        say: Callable[[str], None],
        given: GivenStart | None = None,
    ) -> None:
        self.worker, self.player, self.pacer, self.stats, self.say = worker, player, pacer, stats, say
        self.prompt, self.given = prompt, given
        self.seed = seed
        self.world: Ready | None = None
        self.reward = 0.0
        self._waiting: deque[Picture] = deque()
        self._chunk_asked = True
        self._obsolete = 0
        worker.ask(Reset(self.seed, prompt, given))

    def tick(self, now: float) -> Picture | None:
        """Take what the worker finished, start what must be started now, return the picture to show now, if any.

        Raises the world's own ValueError or OSError where it could not be started (no such world, a broken checkpoint),
        WorldStopped for all else.
        """
        for answer in self.worker.answers():
            self._receive(answer)
        if not self._chunk_asked and now >= self.pacer.start_at(now, len(self._waiting)):
            sample = self.player.sample(self.stats.chunk_frames)
            self._ask(Step(sample.action, sample.event_times))
        if self._waiting and now >= self.pacer.due(now):
            return self._waiting.popleft()
        return None

    def shown(self, picture: Picture, now: float) -> None:
        """`picture` was on the screen at `now`."""
        request = picture.chunk.request
        event_times = request.event_times if isinstance(request, Step) and picture.position == 0 else ()
        self.stats.shown(now, self.pacer.shown(now), event_times)

    def wait(self, now: float) -> float:
        """Seconds until `tick` has something to do, unless the worker finishes earlier."""
        times = [self.pacer.due(now)] if self._waiting else []
        if not self._chunk_asked:
            times.append(self.pacer.start_at(now, len(self._waiting)))
        return max(0.0, min(times) - now) if times else float("inf")

    def restart(self, seed: int | None = None) -> None:
        """Start anew, from a new seed unless one is given; what was asked before is not shown any more."""
        self._waiting.clear()
        self._obsolete += self._chunk_asked
        self._begin(seed)

    def set_prompt(self, text: str) -> None:
        """Let the world follow `text`, now and after restarts."""
        if self.world is not None and self.world.takes_prompts:
            self.prompt = text
        self.worker.ask(SetPrompt(text))

    def save(self) -> None:
        """Remember this moment."""
        self.worker.ask(SaveState())

    def load(self) -> None:
        """Go back to the remembered moment."""
        self.worker.ask(LoadState())

    def _begin(self, seed: int | None) -> None:
        self.seed = draw_seed() if seed is None else seed
        self.reward = 0.0
        self._ask(Reset(self.seed, self.prompt, self.given))

    def _ask(self, request: Request) -> None:
        self._chunk_asked = True
        self.worker.ask(request)

    def _receive(self, answer: Ready | Chunk | Note | Broken) -> None:
        match answer:
            case Ready():
                self.world = answer
                self.stats.chunk_frames = answer.chunk_frames
                if self.prompt is not None and not answer.takes_prompts:
                    self.prompt = None
                    self.say("this world takes no prompts: it is a game, not a dream")
            case Note():
                self.say(answer.text)
            case Broken():
                if isinstance(answer.error, (ValueError, OSError)) and answer.doing in ("loaded", "started"):
                    raise answer.error
                raise WorldStopped(
                    f"the world broke as it {answer.doing}: {type(answer.error).__name__}: {answer.error}"
                ) from answer.error
            case Chunk() if self._obsolete:
                self._obsolete -= 1
            case Chunk():
                self._take(answer)

    def _take(self, chunk: Chunk) -> None:
        self._chunk_asked = False
        if isinstance(chunk.request, Step):
            self.stats.step_seconds.append(chunk.seconds)
            self.stats.chunk_frames = len(chunk.frames)
            self.pacer.stepped(chunk.seconds, len(chunk.frames))
            self.reward += chunk.reward
        else:
            self.pacer.restart()
        self._waiting.extend(Picture(frame, chunk, position) for position, frame in enumerate(chunk.frames))
        if chunk.ended:
            reward = self.reward
            self._begin(None)
            self.say(f"this world came to its end (reward {reward:g}); a new one starts from seed {self.seed}")
