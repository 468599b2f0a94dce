"""`simworld/Voxel-v0`: the reference game as a Gymnasium environment with MineRL's actions, and its tasks with rewards.

    env = gymnasium.make("simworld:simworld/Voxel-v0", height=96, width=160)
    observation, info = env.reset(seed=1, options={"biome": "forest", "time_of_day": 0.3, "weather": "rain"})
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())

The env only translates: rules of play are `Game`'s, rewards are `stages.py`'s.
"""

import copy
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from simworld.actions import Action, to_vector
from simworld.env.packing import pack, unpack
from simworld.env.spaces import action_space, observation_space
from simworld.env.voxel.game import Game
from simworld.env.voxel.stages import TaskStage
from simworld.env.voxel.weather import Weather
from simworld.tasks import TASKS

Observation = dict[str, Any]
OPTIONS = ("biome", "time_of_day", "weather")
DAYLIGHT = 0.06, 0.44
"""The hours of tasks by day."""
CAPTION_STEPS = 100
"""A caption stands for this many steps, unless biome, weather or the hour change before."""
_STATEFUL: tuple[type, ...] = (Weather, TaskStage, *TASKS.values())
"""What a saved state holds besides plain values."""


class VoxelEnv(gymnasium.Env[Observation, Action]):
    """Observation: Dict(pov uint8 (height, width, 3)). Action: MineRL's human action dict.

    One env step is `frame_skip` game steps (1/20 s each) under the same action: keys stay held, the camera turns anew
    in each. `task`: a name of `simworld.tasks.TASKS`, or None for play without rewards. `info`: pose float64 [5] (x, y, z, yaw,
    pitch), biome, time_of_day in [0, 1), weather, caption, frames uint8 (frame_skip, height, width, 3), the last of
    them the observation (at reset there is one frame). ValueError for impossible arguments.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012, Gymnasium's own way

    def __init__(
        self,
        height: int = 96,
        width: int = 160,
        frame_skip: int = 1,
        render_mode: str | None = None,
        task: str | None = None,
    ) -> None:
        if frame_skip < 1:
            raise ValueError(f"frame_skip is {frame_skip}; it must be at least 1")
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is {render_mode!r}; it must be None or 'rgb_array'")
        if task is not None and task not in TASKS:
            raise ValueError(f"task is {task!r}; it must be one of {', '.join(TASKS)}, or None")
        self.game = Game(height, width)
        self.frame_skip = frame_skip
        self.render_mode = render_mode
        self.action_space = action_space()
        self.observation_space = observation_space(height, width)
        self.stage: TaskStage | None = TaskStage(task) if task else None
        self._frame = np.zeros((height, width, 3), np.uint8)
        self._playing = False
        self._caption = ""
        self._caption_at: tuple[Any, ...] = ()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin anew. options: any of biome, time_of_day in [0, 1), weather; the rest is drawn from the seed.

        ValueError for an unknown option, biome or weather, or a time outside [0, 1).
        """
        super().reset(seed=seed)
        options = dict(options or {})
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise ValueError(f"reset options: unknown {unknown}; they may be {', '.join(OPTIONS)}")
        world = seed if seed is not None else int(self.np_random.integers(2**31))
        if self.stage and self.stage.biomes and "biome" not in options:
            options["biome"] = self.stage.biomes[world % len(self.stage.biomes)]
        if self.stage and self.stage.by_day and "time_of_day" not in options:
            options["time_of_day"] = float(np.random.default_rng([world, 3]).uniform(*DAYLIGHT))
        self.game.reset(world, **options)
        if self.stage:
            self.stage.begin(self.game)
        self._caption_at = ()
        self._playing = True
        self._frame = self.game.render()
        return self._observation(), self._info(self._frame[None])

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """`frame_skip` game steps under `action`. ValueError for missing or unknown keys or impossible values, before the
        first reset, or when the task is over."""
        if not self._playing:
            raise ValueError("this play has not begun, or its task is over; call reset() first")
        vector = to_vector(action)
        frames, reward, terminated = [], 0.0, False
        for _ in range(self.frame_skip):
            if not terminated:
                self.game.step(vector)
                if self.stage:
                    earned, terminated = self.stage.score(self.game)
                    reward += earned
            frames.append(self.game.render())
        self._frame = frames[-1]
        self._playing = not terminated
        return self._observation(), reward, terminated, False, self._info(np.stack(frames))

    def render(self) -> np.ndarray | None:
        """The last frame, uint8 (height, width, 3), in render mode "rgb_array", else None."""
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def save_state(self) -> dict[str, Any]:
        """All that decides the future, for `load_state`: the game, the task's score, the dice of later resets."""
        return {
            "game": self.game.save_state(),
            "task": copy.deepcopy(self.stage),
            "dice": copy.deepcopy(self.np_random),
            "caption": (self._caption, self._caption_at),
            "playing": self._playing,
        }

    def load_state(self, state: dict[str, Any]) -> tuple[Observation, dict[str, Any]]:
        """Go on exactly from a `save_state` of an env with the same arguments; returns what `reset` returns."""
        self.game.load_state(state["game"])
        self.stage = copy.deepcopy(state["task"])
        self.np_random = copy.deepcopy(state["dice"])
        self._caption, self._caption_at = state["caption"]
        self._playing = state["playing"]
        self._frame = self.game.render()
        return self._observation(), self._info(self._frame[None])

    def pack_state(self, state: dict[str, Any]) -> tuple[Any, dict[str, np.ndarray]]:
        """A `save_state` as JSON values and arrays, for a file; `unpack_state` of an env with the same arguments takes them."""
        return pack(state, _STATEFUL)

    def unpack_state(self, values: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The state that was packed, for `load_state`. ValueError where it is not whole, or of another kind of world."""
        state = unpack(values, arrays, _STATEFUL)
        if not isinstance(state, dict) or set(state) != {"game", "task", "dice", "caption", "playing"}:
            raise ValueError("the saved state is not that of the block game; it belongs to another kind of world")
        if _name(state["task"]) != _name(self.stage):
            raise ValueError("the saved state is of another task of the block game; play the world that it was saved in")
        return state

    def _observation(self) -> Observation:
        return {"pov": self._frame.copy()}

    def _info(self, frames: np.ndarray) -> dict[str, Any]:
        game = self.game
        moment = game.num_steps // CAPTION_STEPS, game.biome, game.weather.name, int(game.time_of_day * 12)
        if moment != self._caption_at:
            self._caption, self._caption_at = game.caption(), moment
        return {
            "pose": game.pose,
            "biome": game.biome,
            "time_of_day": game.time_of_day,
            "weather": game.weather.name,
            "caption": self._caption,
            "frames": frames,
        }


def _name(stage: Any) -> Any:
    """What tells stages of one task from those of others."""
    return type(stage), getattr(stage, "name", None)
