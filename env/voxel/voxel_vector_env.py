"""`simworld/Voxel-v0` and its tasks as a vector: n games, each played in a thread, for the game works without Python's lock.

    envs = gymnasium.make_vec("simworld:simworld/VoxelTreechop-v0", num_envs=8)
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from simworld.actions import from_vector
from simworld.env.vector_env import Moment, Start, WorldsVectorEnv, check_num_envs
from simworld.env.voxel.voxel_env import VoxelEnv

Given = TypeVar("Given")


class VoxelVectorEnv(WorldsVectorEnv):
    """See `VoxelEnv` for `arguments`, observations, actions and info, `WorldsVectorEnv` for what a vector makes of them.
    num_threads: as many as there are processor cores, if None. `envs`: the games' envs."""

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        num_threads: int | None = None,
        **arguments: Any,
    ) -> None:
        self.envs = [VoxelEnv(render_mode=render_mode, **arguments) for _ in range(check_num_envs(num_envs))]
        one = self.envs[0]
        super().__init__(num_envs, one.action_space, one.observation_space, render_mode, max_episode_steps)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(min(num_envs, num_threads or cores), "voxel")

    def save_state(self) -> dict[str, Any]:
        """All that decides the future, for `load_state`."""
        worlds = [env.save_state() for env in self.envs]
        return {"worlds": worlds, "num_steps": self._num_steps.copy(), "over": self._over.copy(), "begun": self._begun}

    def load_state(self, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Go on exactly from a `save_state` of equal envs; returns what `reset` returns."""
        if len(state["worlds"]) != self.num_envs:
            raise ValueError(f"the state is of {len(state['worlds'])} envs; these are {self.num_envs}")
        moments = {
            number: Moment(env.load_state(world)[1])
            for number, (env, world) in enumerate(zip(self.envs, state["worlds"], strict=True))
        }
        self._num_steps, self._over, self._begun = state["num_steps"].copy(), state["over"].copy(), state["begun"]
        return self._observe(moments, set())

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _begin(self, starts: dict[int, Start]) -> dict[int, Moment]:
        def begin(number: int, start: Start) -> Moment:
            try:
                return Moment(self.envs[number].reset(seed=start.seed, options=start.options)[1])
            except ValueError as error:
                raise ValueError(f"env {number}: {error}") from None

        return self._all(begin, starts)

    def _go_on(self, vectors: dict[int, np.ndarray]) -> dict[int, Moment]:
        def go_on(number: int, vector: np.ndarray) -> Moment:
            _, reward, terminated, _, info = self.envs[number].step(from_vector(vector))
            return Moment(info, reward, terminated)

        return self._all(go_on, vectors)

    def _all(self, work: Callable[[int, Given], Moment], given: dict[int, Given]) -> dict[int, Moment]:
        """The work of several games at once."""
        return dict(zip(given, self._threads.map(work, given.keys(), given.values()), strict=True))
