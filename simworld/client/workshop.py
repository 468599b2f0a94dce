"""The workshop: a world in the worker's hands, and what is done with it on request. Knows no queue, window or clock of the
client. What is asked and answered: `requests.py`.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from simworld.actions import Action, noop
from simworld.client import moment_files
from simworld.client.given_start import GivenStart, read_file
from simworld.client.past import Past
from simworld.client.requests import (
    Answer,
    Chunk,
    Dreamt,
    Measure,
    Measured,
    Note,
    Preview,
    Previewed,
    Ready,
    Refused,
    Request,
    Reset,
    Return,
    Rewind,
    Rewound,
    Saved,
    SaveState,
    SetPrompt,
    Step,
)
from simworld.frames import check_frames

if TYPE_CHECKING:
    import gymnasium

_GLANCE = 5.0
"""Degrees that a preview's camera turns in a frame at most."""
_MEASURED_CHUNKS = 5
_NO_STATE = "this world cannot save its state"


class _Delivery:
    """The end of a step whose pictures are still to come, awaited in a thread of its own."""

    def __init__(self, deliver: Callable[[], object]) -> None:
        self._error: Exception | None = None
        self._deliver = deliver
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until they are there. Raises what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._deliver()
        except Exception as error:  # whatever it is, who waits is told
            self._error = error


class Workshop:
    """The world in the worker's hands. `hurried`: whether anything else waits to be done. ahead: as of the worker."""

    def __init__(self, env: "gymnasium.Env", hurried: Callable[[], bool], ahead: bool) -> None:
        self.env, self.hurried, self.ahead = env, hurried, ahead
        self.world: Any = env.unwrapped
        self.goes_back = hasattr(self.world, "save_state") and hasattr(self.world, "load_state")
        self.chunk_frames = int(getattr(self.world, "frame_skip", 1))
        self.past = Past(self.chunk_frames)
        self.begun = False
        self.left = 0.0
        self._delivery: _Delivery | None = None
        if ahead and hasattr(self.world, "finish_aside"):
            self.world.finish_aside()

    def ready(self) -> Ready:
        return Ready(
            takes_prompts=hasattr(self.world, "set_prompt"),
            takes_pictures=hasattr(self.world, "start_options"),
            takes_steps=hasattr(self.world, "num_steps"),
            goes_back=self.goes_back,
            chunk_frames=self.chunk_frames,
        )

    def do(self, request: Request) -> Answer:
        started = time.perf_counter()
        match request:
            case Reset():
                return self._reset(request, started)
            case Step():
                return self._step(request, started)
            case SetPrompt():
                return self._set_prompt(request)
            case Preview():
                return self._preview(request)
            case _ if not self.goes_back:
                return Refused(request, _NO_STATE)
            case SaveState():
                return self._saved(request, self.world.save_state())
            case Return():
                return self._return(request, started)
            case Rewind():
                return self._rewind(request)
            case Measure():
                return self._measure(request)

    @property
    def goes_ahead(self) -> bool:
        """Whether the next step can be taken while the pictures of the last are finished."""
        return self.ahead and getattr(self.world, "goes_ahead", False)

    def go_ahead(self, request: Step, answer: Callable[[Answer], None]) -> None:
        """Take a step, whose pictures are answered when they are finished."""
        started = time.perf_counter()
        done = self._decided(request)
        self.world.step_async(done.action)
        self.past.asked(done)
        number, given = self.past.number, time.perf_counter()
        busy = self.left + given - started

        def deliver() -> None:
            observation, reward, terminated, truncated, info = self.world.step_wait()
            chunk = self._chunk(request, observation, float(reward), bool(terminated or truncated), info, started)
            period = max(busy, time.perf_counter() - given)
            answer(replace(chunk, period=period, number=number, action=done.action))

        self.arrive()
        self._delivery = _Delivery(deliver)
        self.finish_step()
        answer(Dreamt(request))

    def arrive(self) -> None:
        """Until no pictures are still to come."""
        delivery, self._delivery = self._delivery, None
        if delivery is not None:
            delivery.wait()

    def finish_step(self) -> None:
        """What of a step can be done while its pictures are looked at."""
        started = time.perf_counter()
        if hasattr(self.world, "finish_step"):
            self.world.finish_step()
        if self.goes_back and self.past.due:
            self.past.keep(self.world.save_state())
        self.left = time.perf_counter() - started

    def last_good(self, why: str) -> Saved | None:
        """The last moment that was kept, if the world can say it."""
        with contextlib.suppress(Exception):
            if self.past.state is not None:
                return self._saved(SaveState(why), self.past.state)
        return None

    def _reset(self, request: Reset, started: float) -> Answer:
        try:
            observation, info = self.env.reset(seed=request.seed, options=_start(self.world, request))
        except ValueError as error:
            return Refused(request, str(error))
        self.begun = True
        self._begin()
        return self._chunk(request, observation, 0.0, False, info, started)

    def _begin(self) -> None:
        self.left = 0.0
        if self.goes_back:
            self.past.begin(self.world.save_state())

    def _step(self, request: Step, started: float) -> Chunk:
        done = self._decided(request)
        observation, reward, terminated, truncated, info = self.env.step(done.action)
        self.past.asked(done)
        chunk = self._chunk(request, observation, float(reward), bool(terminated or truncated), info, started)
        return replace(chunk, period=self.left + chunk.seconds, action=done.action)

    def _decided(self, request: Step) -> Step:
        """The step with the action and the sampling steps that it is taken with."""
        self._choose_steps(request)
        return replace(request, action=self.world.suggest_action()) if request.own else request

    def _choose_steps(self, request: Step) -> None:
        if request.steps is not None and hasattr(self.world, "num_steps"):
            self.world.num_steps = request.steps

    def _set_prompt(self, request: SetPrompt) -> Answer:
        if not hasattr(self.world, "set_prompt"):
            return Note("this world takes no prompts: it is a game, not a dream")
        try:
            self.world.set_prompt(request.text)
        except ValueError as error:
            return Note(str(error))
        self.past.asked(request)
        return Note(f"the world turns to: {request.text}" if request.text else "the world dreams on without a prompt")

    def _saved(self, request: SaveState, state: Any) -> Saved:
        values, arrays = self.world.pack_state(state) if hasattr(self.world, "pack_state") else (None, {})
        return Saved(request, state, values, arrays)

    def _return(self, request: Return, started: float) -> Answer:
        try:
            state = request.state
            if request.path is not None:
                if not hasattr(self.world, "unpack_state"):
                    return Refused(request, "this world cannot go on from a file")
                values, arrays = moment_files.read_state(request.path)
                state = self.world.unpack_state(values, arrays)
            if not self.begun:
                self.env.reset(seed=0)  # Gymnasium's wrappers insist
                self.begun = True
            observation, info = self.world.load_state(state)
        except (ValueError, OSError) as error:
            return Refused(request, str(error))
        self._begin()
        return self._chunk(request, observation, 0.0, False, info, started)

    def _rewind(self, request: Rewind) -> Answer:
        try:
            state, asked = self.past.way_to(request.number)
        except ValueError as error:
            return Refused(request, str(error))
        self.world.load_state(state)
        for again in asked:
            if isinstance(again, SetPrompt):
                self.world.set_prompt(again.text)
            else:
                self._choose_steps(again)
                if again.own:
                    self.world.suggest_action()  # it drew, and then what it draws next is what it would have drawn
                self._go_unseen(again.action)
        self.arrive()
        return Rewound(request, self.past.number)

    def _go_unseen(self, action: Action) -> None:
        """Take a step whose pictures nobody waits for."""
        if not self.goes_ahead:
            self.env.step(action)
            return
        self.world.step_async(action)
        self.arrive()
        self._delivery = _Delivery(self.world.step_wait)
        self.world.finish_step()

    def _preview(self, request: Preview) -> Answer:
        if self.begun and not self.goes_back:
            return Refused(request, "")  # the play could not be gone back to
        before = self.world.save_state() if self.begun else None
        try:
            first = self.env.reset(seed=request.start.seed, options=_start(self.world, request.start))
            frames = [_frames(*first)]
            for number in range(request.num_chunks):
                if self.hurried():
                    break
                # There and back, as a film that can go round: the camera swings like a pendulum.
                swing = np.cos(2 * np.pi * (number + 0.5) / request.num_chunks)
                observation, *_, info = self.env.step({**noop(), "camera": np.array([0, _GLANCE * swing], np.float32)})
                frames.append(_frames(observation, info))
        except ValueError as error:
            return Refused(request, str(error))
        finally:
            if before is not None:
                self.world.load_state(before)
        return Previewed(request, np.concatenate(frames), first[1])

    def _measure(self, request: Measure) -> Answer:
        if not self.begun or not hasattr(self.world, "num_steps"):
            return Refused(request, "this world has no sampling steps to choose")
        before, steps = self.world.save_state(), self.world.num_steps
        self.world.num_steps = request.steps
        taken = []
        for _ in range(_MEASURED_CHUNKS):
            started = time.perf_counter()
            if self.goes_ahead:
                self.world.step_async(noop())
                self.world.finish_step()
                taken.append(time.perf_counter() - started)
                self.world.step_wait()
            else:
                self.env.step(noop())
                taken.append(time.perf_counter() - started)
            if self.hurried():
                break
        self.world.num_steps = steps
        self.world.load_state(before)
        return Measured(request.steps, median(taken))

    def _chunk(
        self,
        request: Reset | Step | Return,
        observation: Mapping[str, Any],
        reward: float,
        ended: bool,
        info: Mapping[str, Any],
        started: float,
    ) -> Chunk:
        told = {name: value for name, value in info.items() if name != "frames"}
        seconds = time.perf_counter() - started
        return Chunk(request, _frames(observation, info), reward, ended, told, seconds, number=self.past.number)


def _frames(observation: Mapping[str, Any], info: Mapping[str, Any]) -> np.ndarray:
    """Envs that make one picture a step need no `info["frames"]`. Copied, for an env may reuse its arrays."""
    return check_frames(np.array(info["frames"] if "frames" in info else observation["pov"][None]), "the world")


def _start(world: Any, request: Reset) -> dict[str, Any] | None:
    """The reset options, where the world takes any: the prompt, and the given start, or the world's own that is most like
    the prompt. ValueError for a start given to a world that has none, or a file that cannot be read."""
    options: dict[str, Any] = {}
    if request.prompt is not None and hasattr(world, "set_prompt"):
        options["prompt"] = request.prompt
    if request.given is not None:
        if not hasattr(world, "start_options"):
            raise ValueError("this world cannot start from a picture: it is a game, not a dream")
        given = request.given if isinstance(request.given, GivenStart) else read_file(request.given)
        options |= given.options(*world.observation_space["pov"].shape[:2])
    elif hasattr(world, "start_options"):
        options |= world.start_options(request.prompt or "", request.seed)
    return options or None
