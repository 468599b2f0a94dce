"""What all vectors of worlds share: seeds, masks, time limits, endings and the shapes of what goes in and out.

Gymnasium's `NEXT_STEP` autoreset: the step after an ending resets that world, whatever its action, and gives no reward. A
subclass begins worlds and lets them go on; it knows nothing of the above.
"""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from simworld.actions import Action, to_vectors

Observation = dict[str, Any]


@dataclass
class Moment:
    """What one world shows after a reset or a step: its observation is the last of info["frames"]."""

    info: dict[str, Any]
    reward: float = 0.0
    terminated: bool = False


@dataclass(frozen=True)
class Start:
    """What one world begins from: a seed, or None to go on with its own dice, and reset options."""

    seed: int | None
    options: dict[str, Any]


class WorldsVectorEnv(VectorEnv[Observation, Action, np.ndarray]):
    """num_envs worlds of one kind. max_episode_steps: after so many steps a world is truncated; None for never.

    reset's seed: one int, env i then takes seed + i, or one int or None per env. reset's options go to every env; besides,
    `each` holds one dict of options per env, and `reset_mask`, bool [n], chooses the envs that are reset (all of them the
    first time). `info` holds arrays of n rows, beside each a mask of the rows that mean something; its `frames` are uint8
    (n, r, h, w, 3), the one frame of a world that has just been reset repeated where others made r.
    ValueError that names env and field for anything that cannot be.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012, Gymnasium's own way
        "render_modes": ["rgb_array"],
        "render_fps": 20,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        action_space: spaces.Space,
        observation_space: spaces.Space,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
    ) -> None:
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps is {max_episode_steps}; it must be at least 1, or None")
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.max_episode_steps = max_episode_steps
        self.single_action_space, self.single_observation_space = action_space, observation_space
        self.action_space = batch_space(action_space, num_envs)
        self.observation_space = batch_space(observation_space, num_envs)
        assert isinstance(self.observation_space, spaces.Dict)
        self._frames = np.zeros(self.observation_space["pov"].shape or (), np.uint8)
        self._num_steps = np.zeros(num_envs, int)
        self._over = np.zeros(num_envs, bool)
        self._begun = False

    @abstractmethod
    def _begin(self, starts: dict[int, Start]) -> dict[int, Moment]:
        """Begin some worlds anew, by their numbers. Errors name the world."""

    @abstractmethod
    def _go_on(self, vectors: dict[int, np.ndarray]) -> dict[int, Moment]:
        """Let some worlds go on under their action vectors, float32 [25]."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin all worlds anew, or those of the mask; see the class."""
        self._check_open()
        options = dict(options or {})
        chosen = self._chosen(options.pop("reset_mask", None))
        each = options.pop("each", None)
        if each is None:
            each = [{}] * self.num_envs
        if isinstance(each, dict | str) or len(each) != self.num_envs or not all(isinstance(one, dict) for one in each):
            raise ValueError(f"reset option each must be {self.num_envs} dicts of options, one per env")
        seeds = self._seeds(seed)
        moments = self._begin({number: Start(seeds[number], {**options, **each[number]}) for number in chosen})
        self._begun = True
        return self._observe(moments)

    def step(self, actions: Action) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of every world under a dict of arrays, `action_space`; see the class."""
        self._check_open()
        if not self._begun:
            raise ValueError(f"none of these {self.num_envs} envs has begun; call reset() first")
        vectors = to_vectors(actions, self.num_envs)
        over = np.flatnonzero(self._over).tolist()
        moments = self._go_on({number: vectors[number] for number in np.flatnonzero(~self._over).tolist()})
        self._num_steps += 1
        rewards, terminated = np.zeros(self.num_envs), np.zeros(self.num_envs, bool)
        for number, moment in moments.items():
            rewards[number], terminated[number] = moment.reward, moment.terminated
        if over:
            moments |= self._begin({number: Start(None, {}) for number in over})
        observation, info = self._observe({number: moments[number] for number in range(self.num_envs)}, set(over))
        truncated = np.zeros(self.num_envs, bool)
        if self.max_episode_steps is not None:
            truncated = self._num_steps >= self.max_episode_steps
        self._over = terminated | truncated
        return observation, rewards, terminated, truncated, info

    def render(self) -> tuple[np.ndarray, ...] | None:
        """The last frame of each world, uint8 (h, w, 3), in render mode "rgb_array", else None."""
        return tuple(frame.copy() for frame in self._frames) if self.render_mode == "rgb_array" else None

    def _observe(self, moments: dict[int, Moment], begun: set[int] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Observation and info after the moments of some worlds, of which `begun` (all, if None) have just been reset."""
        info: dict[str, Any] = {}
        most = max(len(moment.info["frames"]) for moment in moments.values())
        for number, moment in moments.items():
            frames = moment.info["frames"]
            if len(frames) < most:
                frames = np.repeat(frames, most, 0)
            self._frames[number] = frames[-1]
            if begun is None or number in begun:
                self._num_steps[number], self._over[number] = 0, False
            self._add_info(info, {**moment.info, "frames": frames}, number)
        return {"pov": self._frames.copy()}, info

    def _chosen(self, mask: Any) -> list[int]:
        """Numbers of the worlds that a mask chooses, all where there is none."""
        if mask is None:
            return list(range(self.num_envs))
        if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(f"reset_mask is {mask!r}; it must be a bool array of shape ({self.num_envs},), True somewhere")
        if not self._begun and not mask.all():
            missing = np.flatnonzero(~mask).tolist()
            raise ValueError(f"reset_mask leaves out envs {missing}, which have not begun; the first reset is of all envs")
        return np.flatnonzero(mask).tolist()

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + number for number in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"{len(seed)} seeds for {self.num_envs} envs; give one int, or one int or None per env")
        return list(seed)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("these envs are closed")


def check_num_envs(num_envs: int) -> int:
    """ValueError unless it is a number of worlds."""
    if not isinstance(num_envs, int) or num_envs < 1:
        raise ValueError(f"num_envs is {num_envs!r}; it must be a whole number, 1 or more")
    return num_envs
