"""A tiny Gymnasium world for the client's tests: it scrolls as the camera turns; its top row shows the action it got.

Pixel (0, slot) is white while the key of that slot is pressed; pixel (1, 0) counts the pictures. `make` registers it
with the wanted manners and returns its id and the `Life` in which the worlds made under that id write what happened.
"""

import itertools
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from simworld.actions import CAMERA, noop, to_vector
from simworld.env.spaces import action_space, observation_space

HEIGHT, WIDTH = 24, 40
_numbers = itertools.count()


@dataclass
class Life:
    """What happened to a fake world, in order."""

    actions: list[np.ndarray] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    resets: list[tuple[int | None, dict[str, Any] | None]] = field(default_factory=list)
    closed: bool = False
    aside: int = 0


class FakeGame(gymnasium.Env):
    """A step sleeps `step_seconds` and gives two pictures; step number `breaks_at` raises, `ends_at` terminates."""

    def __init__(self, life: Life, step_seconds: float = 0.005, breaks_at: int = -1, ends_at: int = -1) -> None:
        self.action_space, self.observation_space = action_space(), observation_space(HEIGHT, WIDTH)
        self.life, self.step_seconds, self.breaks_at, self.ends_at = life, step_seconds, breaks_at, ends_at
        self.num_pictures, self.yaw, self.frame_skip = 0, 0.0, 2

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.life.resets.append((seed, options))
        self.num_pictures, self.yaw = 0, 0.0
        frames = self._pictures(np.zeros(25, np.float32), 1)
        return {"pov": frames[-1]}, {"frames": frames, "pose": np.zeros(5), "biome": "plains", "time_of_day": 0.25}

    def step(self, action: Any) -> Any:
        time.sleep(self.step_seconds)
        vector = to_vector(action)
        self.life.actions.append(vector)
        if len(self.life.actions) == self.breaks_at:
            raise ZeroDivisionError("the fake fell apart")
        frames = self._pictures(vector, 2)
        info = {"frames": frames, "pose": np.array([0, 0, 0, self.yaw, 0]), "biome": "plains", "time_of_day": 0.25}
        return {"pov": frames[-1]}, 1.0, len(self.life.actions) == self.ends_at, False, info

    plays_itself = True

    def suggest_action(self) -> Any:
        return {**noop(), "jump": 1, "camera": np.array([0.0, len(self.life.actions)], np.float32)}

    def close(self) -> None:
        self.life.closed = True

    def _pictures(self, vector: np.ndarray, count: int) -> np.ndarray:
        frames = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
        for frame in frames:
            self.yaw += float(vector[CAMERA][1])
            stripes = (np.arange(WIDTH) + round(self.yaw)) // 5 % 2
            frame[:] = (stripes * 90 + 60)[None, :, None]
            frame[0] = 0
            frame[0, :23] = vector[:23, None] * 255
            frame[1, 0] = self.num_pictures % 256
            self.num_pictures += 1
        return frames


class FakeDream(FakeGame):
    """The same with prompts and states; the prompt "nonsense" is refused."""

    def set_prompt(self, text: str) -> None:
        if text == "nonsense":
            raise ValueError("the prompt makes no sense; say what the world looks like")
        self.life.prompts.append(text)

    def save_state(self) -> dict[str, Any]:
        return {"yaw": self.yaw, "num_pictures": self.num_pictures}

    def load_state(self, state: dict[str, Any]) -> Any:
        self.yaw, self.num_pictures = state["yaw"], state["num_pictures"] - 1
        frames = self._pictures(np.zeros(25, np.float32), 1)
        return {"pov": frames[-1]}, {"frames": frames, "pose": np.array([0, 0, 0, self.yaw, 0]), "biome": "plains"}

    def pack_state(self, state: dict[str, Any]) -> tuple[Any, dict[str, np.ndarray]]:
        return {"num_pictures": state["num_pictures"]}, {"yaw": np.array(state["yaw"])}

    def unpack_state(self, values: Any, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        if "num_pictures" not in values:
            raise ValueError("the saved state is not that of a fake dream")
        return {"yaw": float(arrays["yaw"].reshape(-1)[0]), **values}

    def flops_per_chunk(self, num_steps: int) -> float:
        return 1e9 * num_steps


class AheadDream(FakeDream):
    """The same, whose pictures take `finish_seconds` more to be finished, while it can go on; of step number `unfinished` they
    cannot be."""

    def __init__(self, life: Life, finish_seconds: float = 0.005, unfinished: int = -1, **manners: Any) -> None:
        super().__init__(life, **manners)
        self.finish_seconds, self.unfinished, self.goes_ahead = finish_seconds, unfinished, False
        self._going: deque[tuple[int, Any]] = deque()

    def finish_aside(self) -> None:
        self.goes_ahead = True
        self.life.aside += 1

    def step_async(self, action: Any) -> None:
        self._going.append((len(self.life.actions) + 1, FakeDream.step(self, action)))

    def step_wait(self) -> Any:
        time.sleep(self.finish_seconds)
        number, told = self._going.popleft()
        if number == self.unfinished:
            raise ZeroDivisionError("the fake cannot finish")
        return told

    def step(self, action: Any) -> Any:
        self.step_async(action)
        return self.step_wait()

    def finish_step(self) -> None: ...


def make(kind: type[FakeGame] = FakeDream, **manners: Any) -> tuple[str, Life]:
    """Register `kind` with `manners` under a fresh id; returns the id for `PlayOptions(world=…)` and its life."""
    name, life = f"simworld_fake/{kind.__name__}{next(_numbers)}-v0", Life()
    gymnasium.register(name, entry_point=lambda: kind(life, **manners))
    return name, life
