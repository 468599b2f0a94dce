"""A vector of worlds as Stable-Baselines3 wants its own: PPO and its kin on many dreams that share one forward pass.

    envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=16, max_episode_steps=200)
    model = PPO("CnnPolicy", StableBaselinesVector(VectorPov(discrete(envs))))

Needs Stable-Baselines3 (`pip install 'simworld[sb3]'`); the only file that imports it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

try:
    from stable_baselines3.common.vec_env import VecEnv
except ImportError as error:
    raise ImportError("Stable-Baselines3 is not installed: pip install 'simworld[sb3]'") from error


class StableBaselinesVector(VecEnv):
    """SB3's vector of a vector of ours (`simworld.env.vector_env`), wrapped or not. A world that ends is reset at once, as SB3
    expects: its last observation is in info["terminal_observation"], and info["TimeLimit.truncated"] tells why it ended.
    ValueError for a vector that resets in another way than ours."""

    def __init__(self, envs: VectorEnv) -> None:
        if envs.metadata.get("autoreset_mode") is not AutoresetMode.NEXT_STEP:
            raise ValueError(f"{envs} resets by {envs.metadata.get('autoreset_mode')}; it must be {AutoresetMode.NEXT_STEP}")
        self.envs = envs
        self.render_mode = envs.render_mode
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)
        self.reset_infos = [{} for _ in range(self.num_envs)]

    def reset(self) -> Any:
        """Begin all worlds anew, from the seeds that SB3 was given."""
        seeds: Any = self._seeds if any(seed is not None for seed in self._seeds) else None  # Gymnasium's type: one int
        observations, infos = self.envs.reset(seed=seeds)
        self.reset_infos = _each(infos, self.num_envs)
        self._reset_seeds()
        self._reset_options()
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        """Take note of the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Take the step."""
        observations, rewards, terminated, truncated, vector_info = self.envs.step(self._actions)
        over, infos = terminated | truncated, _each(vector_info, self.num_envs)
        if over.any():
            for number in np.flatnonzero(over).tolist():
                infos[number]["terminal_observation"] = _row(observations, number)
                infos[number]["TimeLimit.truncated"] = bool(truncated[number] and not terminated[number])
            observations, begun = self.envs.reset(options={"reset_mask": over})
            for number, info in enumerate(_each(begun, self.num_envs)):
                if over[number]:
                    self.reset_infos[number] = info
        return observations, rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Close the worlds."""
        self.envs.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        """The last picture of each world."""
        pictures: Any = self.envs.render()
        return list(pictures) if pictures is not None else [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the vector, as often as there are worlds asked for."""
        return [getattr(self.envs, attr_name)] * len(list(self._indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the vector, for all worlds at once."""
        setattr(self.envs, attr_name, value)

    def env_method(self, method_name: str, *arguments: Any, indices: Any = None, **named: Any) -> list[Any]:
        """Call a method of the vector once; its answer, as often as there are worlds asked for."""
        return [getattr(self.envs.unwrapped, method_name)(*arguments, **named)] * len(list(self._indices(indices)))

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """No world is wrapped alone."""
        return [False] * len(list(self._indices(indices)))

    def _indices(self, indices: Any) -> Iterable[int]:
        return self._get_indices(indices)


def _each(vector_info: dict[str, Any], num_envs: int) -> list[dict[str, Any]]:
    """The info of each world, out of a vector's."""
    infos: list[dict[str, Any]] = [{} for _ in range(num_envs)]
    for name, values in vector_info.items():
        if name.startswith("_"):
            continue
        for number in np.flatnonzero(vector_info.get(f"_{name}", np.ones(num_envs, bool))).tolist():
            infos[number][name] = _row(values, number)
    return infos


def _row(values: Any, number: int) -> Any:
    """One world's part of arrays, or of dicts of them."""
    return {name: part[number] for name, part in values.items()} if isinstance(values, dict) else values[number]
