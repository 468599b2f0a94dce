"""The worker: a thread that makes the world, owns it alone, and does what it is asked, in order, as the client draws.

A thread, not a process: torch's and numba's work releases Python's lock (measured: a 50 ms tick beside a busy model is
late by under 5 ms at p95), so pictures need no copy between processes. Knows no window, input or clock of the client.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simworld.actions import Action
from simworld.client.given_start import GivenStart
from simworld.frames import check_frames

if TYPE_CHECKING:
    import gymnasium


@dataclass(frozen=True)
class Reset:
    """Start a world from `seed`, from `prompt` where it takes one, and from a picture of the player's own where given."""

    seed: int
    prompt: str | None = None
    given: GivenStart | None = None


@dataclass(frozen=True)
class Step:
    """One chunk under `action`; `event_times` are those of the input that the action is the first to contain."""

    action: Action
    event_times: tuple[float, ...] = ()


@dataclass(frozen=True)
class SetPrompt:
    """Change the text that the world follows."""

    text: str


@dataclass(frozen=True)
class SaveState:
    """Remember this moment of the world."""


@dataclass(frozen=True)
class LoadState:
    """Go back to the remembered moment."""


Request = Reset | Step | SetPrompt | SaveState | LoadState


@dataclass(frozen=True)
class Ready:
    """The world is made. `takes_prompts`: whether text changes it. `flops_per_chunk`: of a step, where it says so.
    `chunk_frames`: pictures of one step, as far as the world says (its `frame_skip`)."""

    takes_prompts: bool
    flops_per_chunk: float | None
    chunk_frames: int


@dataclass(frozen=True)
class Chunk:
    """What a Reset or Step gave: `frames` uint8 [r, h, w, 3] (a copy), Gymnasium's reward, ending and info, and the
    `seconds` it took."""

    request: Reset | Step
    frames: np.ndarray
    reward: float
    ended: bool
    info: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Note:
    """A line for the player: what was done, or why not."""

    text: str


@dataclass(frozen=True)
class Broken:
    """The world could not be made or stopped working; nothing more will come."""

    error: BaseException
    doing: str


Answer = Ready | Chunk | Note | Broken


class Worker:
    """`make` is called in the thread, so that slow imports and loading do not keep the window from opening.
    `num_steps` is only passed to the world's own `flops_per_chunk`."""

    def __init__(self, make: "Callable[[], gymnasium.Env]", num_steps: int = 1) -> None:
        self._make = make
        self._num_steps = num_steps
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._news = threading.Event()
        self._saved: Any = None
        # A daemon, for a model that hangs must not keep the player from quitting.
        self._thread = threading.Thread(target=self._run, name="world", daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> None:
        """Queue a request; its answer, a Chunk or a Note, comes in the order of asking."""
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

    def close(self, patience: float = 5.0) -> None:
        """Finish the step in hand, close the world and end the thread; leave it behind after `patience` seconds."""
        self._requests.put(None)
        self._thread.join(patience)

    def _answer(self, answer: Answer) -> None:
        self._answers.put(answer)
        self._news.set()

    def _run(self) -> None:
        doing = "loaded"
        try:
            env = self._make()
            world = env.unwrapped
            flops = getattr(world, "flops_per_chunk", None)
            self._answer(
                Ready(
                    takes_prompts=hasattr(world, "set_prompt"),
                    flops_per_chunk=float(flops(self._num_steps)) if flops else None,
                    chunk_frames=int(getattr(world, "frame_skip", 1)),
                )
            )
            try:
                while (request := self._requests.get()) is not None:
                    doing = _DOING[type(request)]
                    self._answer(self._do(env, request))
            finally:
                env.close()
        except Exception as error:  # whatever it is, the player is told and the client ends
            self._answer(Broken(error, doing))

    def _do(self, env: "gymnasium.Env", request: Request) -> Answer:
        started = time.perf_counter()
        world: Any = env.unwrapped
        match request:
            case Reset():
                observation, info = env.reset(seed=request.seed, options=_start(world, request))
                return _chunk(request, observation, 0.0, False, info, started)
            case Step():
                observation, reward, terminated, truncated, info = env.step(request.action)
                return _chunk(request, observation, float(reward), terminated or truncated, info, started)
            case SetPrompt() if hasattr(world, "set_prompt"):
                try:
                    world.set_prompt(request.text)
                except ValueError as error:
                    return Note(str(error))
                return Note(
                    f"the world turns to: {request.text}" if request.text else "the world dreams on without a prompt"
                )
            case SetPrompt():
                return Note("this world takes no prompts: it is a game, not a dream")
            case SaveState() if hasattr(world, "save_state"):
                self._saved = world.save_state()
                return Note("this moment is remembered: F9 comes back to it")
            case LoadState() if hasattr(world, "load_state"):
                if self._saved is None:
                    return Note("no moment is remembered yet: F5 does that")
                world.load_state(self._saved)
                return Note("back at the remembered moment")
            case _:
                return Note("this world cannot save its state")


_DOING = {Reset: "started", Step: "stepped", SetPrompt: "took a prompt", SaveState: "saved", LoadState: "went back"}


def _start(world: Any, request: Reset) -> dict[str, Any] | None:
    """The reset options, where the world takes any: the prompt, and the given start, or the world's own that is most like
    the prompt. ValueError for a start given to a world that has none."""
    options: dict[str, Any] = {}
    if request.prompt is not None and hasattr(world, "set_prompt"):
        options["prompt"] = request.prompt
    if request.given is not None:
        if not hasattr(world, "start_options"):
            raise ValueError("this world cannot start from a picture: it is a game, not a dream")
        options |= request.given.options(*world.observation_space["pov"].shape[:2])
    elif hasattr(world, "start_options"):
        options |= world.start_options(request.prompt or "", request.seed)
    return options or None


def _chunk(
    request: Reset | Step,
    observation: Mapping[str, Any],
    reward: float,
    ended: bool,
    info: Mapping[str, Any],
    started: float,
) -> Chunk:
    """Envs that make one picture a step need no `info["frames"]`. Copied, for an env may reuse its arrays."""
    frames = np.array(info["frames"] if "frames" in info else observation["pov"][None])
    return Chunk(request, check_frames(frames, "the world"), reward, ended, info, time.perf_counter() - started)
