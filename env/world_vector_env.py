"""`simworld/World-v0` as a vector: n dreams that go on together, in one forward pass.

    envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=16, num_steps=4)

Dream i equals the single env's of the same seed. Each is begun alone, by a single env, and then takes its place in the batch;
from there on batched products may round differently: see `docs/agents.md`.
"""

import copy
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch

from simworld.actions import CAMERA, KEYS, SLOT, Action
from simworld.env.dream_task import DreamTask
from simworld.env.vector_env import Moment, Start, WorldsVectorEnv, check_num_envs
from simworld.env.world_env import WorldEnv
from simworld.model import batch, footprint, sampler


class WorldVectorEnv(WorldsVectorEnv):
    """See `WorldEnv` for `arguments`, observations, actions and info, `WorldsVectorEnv` for what a vector makes of them.
    ValueError for more worlds than memory has room for."""

    def __init__(
        self, num_envs: int = 1, max_episode_steps: int | None = None, render_mode: str | None = None, **arguments: Any
    ) -> None:
        check_num_envs(num_envs)
        self._single = WorldEnv(render_mode=render_mode, **arguments)
        self.world = self._single.world
        footprint.check_room(self.world, num_envs, self._single.most_given)
        super().__init__(
            num_envs, self._single.action_space, self._single.observation_space, render_mode, max_episode_steps
        )
        self._context: sampler.Context | None = None
        self._tasks: dict[int, DreamTask] = {}
        self._dice = [gymnasium.utils.seeding.np_random()[0] for _ in range(num_envs)]

    @property
    def frame_skip(self) -> int:
        """Frames that one step makes."""
        return self._single.frame_skip

    def start_pictures(self) -> np.ndarray:
        """See `WorldEnv`."""
        return self._single.start_pictures()

    def start_options(self, prompt: str, seed: int) -> dict[str, Any]:
        """See `WorldEnv`; for `reset(options={"each": [...]})`."""
        return self._single.start_options(prompt, seed)

    def set_prompts(self, prompts: list[str]) -> None:
        """Dream on under other prompts, one per env; see `WorldEnv.set_prompt`. Where a prompt is what it was, nothing
        changes."""
        if isinstance(prompts, str) or len(prompts) != self.num_envs:
            raise ValueError(f"{prompts!r}: {self.num_envs} envs need a list of {self.num_envs} prompts")
        new = [number for number, prompt in enumerate(prompts) if prompt != self._started().prompts[number]]
        self._alone(new, lambda number: self._single.set_prompt(prompts[number]))

    def suggest_actions(self, warmth: float = 1.0) -> Action:
        """What players might do now, a dict of arrays; see `WorldEnv.suggest_action`."""
        vectors = self._single.onlookers.suggest(self._started(), self._dice, warmth)
        return {**{name: vectors[:, SLOT[name]].astype(np.int64) for name in KEYS}, "camera": vectors[:, CAMERA]}

    def save_state(self) -> dict[str, Any]:
        """All that decides the future, for `load_state`. Cheap, as `WorldEnv`'s is."""
        return {
            "context": self._started().fork(),
            "frames": self._frames.copy(),
            "dice": copy.deepcopy(self._dice),
            "tasks": {number: task.fork() for number, task in self._tasks.items()},
            "num_steps": self._num_steps.copy(),
            "over": self._over.copy(),
        }

    def load_state(self, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Go on exactly from a `save_state` of as many dreams of the same world; returns what `reset` returns."""
        if len(state["frames"]) != self.num_envs:
            raise ValueError(f"the state is of {len(state['frames'])} envs; these are {self.num_envs}")
        self._context, self._dice = state["context"].fork(), copy.deepcopy(state["dice"])
        self._tasks = {number: task.fork() for number, task in state["tasks"].items()}
        self._num_steps, self._over, self._begun = state["num_steps"].copy(), state["over"].copy(), True
        prompts, told = self._context.prompts, self._told(self._context)
        return self._observe(
            {
                number: Moment({"frames": frame[None], "prompt": prompts[number], "led": False, **told[number]})
                for number, frame in enumerate(state["frames"])
            },
            set(),
        )

    def flops_per_chunk(self, num_steps: int | None = None) -> int:
        """Of one step of one world; see `WorldEnv`."""
        return self._single.flops_per_chunk(num_steps)

    def close_extras(self, **kwargs: Any) -> None:
        """Forget the dreams."""
        self._context = None

    def _begin(self, starts: dict[int, Start]) -> dict[int, Moment]:
        moments, begun = {}, []
        for number, start in starts.items():
            self._single.np_random = self._dice[number]
            try:
                _, info = self._single.reset(seed=start.seed, options=start.options)
            except ValueError as error:
                raise ValueError(f"env {number}: {error}") from None
            state = self._single.save_state()
            self._dice[number] = state["dice"]
            if "task" in state:
                self._tasks[number] = state["task"]
            begun.append(state["context"])
            moments[number] = Moment(info)
        part = batch.stack(begun)
        if self._context is None or len(starts) == self.num_envs:
            self._context = part
        else:
            batch.put(self._context, part, list(starts))
        return moments

    def _go_on(self, vectors: dict[int, np.ndarray]) -> dict[int, Moment]:
        if not vectors:
            return {}
        context = self._started()
        # Worlds that are about to be reset stand still meanwhile: cheaper than taking them out of the batch.
        actions = torch.zeros(self.num_envs, self.frame_skip, self.world.config.denoiser.action_size)
        for number, vector in vectors.items():
            actions[number] = torch.from_numpy(vector)
        led = (context.goal.left > 0).tolist()
        frames = sampler.extend(self.world, context, actions, self._single.num_steps).cpu().numpy()
        before = self._frames.copy()
        self._frames[:] = frames[:, -1]
        if self._single.renew:
            lost = self._single.guide.lost(context)
            self._alone([n for n in vectors if not led[n] and lost[n]], lambda number: self._single.leave_mist())
        scores = {number: (0.0, False) for number in vectors}
        if self._tasks:
            verdict = self._single.onlookers.verdict(context, before, self._frames)
            scores = {number: self._tasks[number].score(verdict, number, actions[number]) for number in vectors}
        told, prompts = self._told(context), context.prompts
        return {
            number: Moment(
                {"frames": frames[number], "prompt": prompts[number], "led": led[number], **told[number]}, *scores[number]
            )
            for number in vectors
        }

    def _told(self, context: sampler.Context) -> list[dict[str, float]]:
        """What `info` has of each dream beside its frames."""
        told = zip(self._single.onlookers.sureness(context), self._single.guide.hours(context), strict=True)
        return [{**sure, **hour} for sure, hour in told]

    def _alone(self, numbers: list[int], change: Callable[[int], None]) -> None:
        """Change some of the dreams as a single env changes its own."""
        changed = []
        for number in numbers:
            context = batch.take(self._started(), [number])
            state = {"context": context, "frame": self._frames[number], "dice": self._dice[number]}
            self._single.load_state({**state, "task": self._tasks.get(number)} if self._tasks else state)
            try:
                change(number)
            except ValueError as error:
                raise ValueError(f"env {number}: {error}") from None
            state = self._single.save_state()
            self._dice[number] = state["dice"]
            changed.append(state["context"])
        if changed:
            batch.put(self._started(), batch.stack(changed), numbers)

    def _started(self) -> sampler.Context:
        if self._context is None:
            raise ValueError(f"none of these {self.num_envs} dreams has begun; call reset() first")
        return self._context
