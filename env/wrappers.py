"""MineRL's action dict for learners that want one Discrete or MultiDiscrete space, and its picture for those that want a Box.

    env = Pov(discrete(gymnasium.make("simworld:simworld/World-v0")))      # Box (h, w, 3) → Discrete
    envs = multi_discrete(gymnasium.make_vec("simworld:simworld/World-v0", num_envs=16))

Works on any env of MineRL's shape, one or a vector. Stacking, resizing and grey pictures are Gymnasium's own wrappers, over
`Pov`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorActionWrapper, VectorEnv, VectorObservationWrapper
from gymnasium.vector.utils import batch_space

from simworld.actions import ACTION_SIZE, CAMERA, KEYS, SLOT, Action, from_vector
from simworld.choices import GROUPS, Factors

MOVES: tuple[dict[str, Any], ...] = (
    {},
    {"forward": 1},
    {"forward": 1, "jump": 1},
    {"forward": 1, "sprint": 1},
    {"back": 1},
    {"left": 1},
    {"right": 1},
    {"attack": 1},
    {"forward": 1, "attack": 1},
    {"use": 1},
    {"camera": (0.0, -5.0)},
    {"camera": (0.0, 5.0)},
    {"camera": (-4.0, 0.0)},
    {"camera": (4.0, 0.0)},
    {"forward": 1, "camera": (0.0, -3.0)},
    {"forward": 1, "camera": (0.0, 3.0)},
)
"""A small set of whole actions: keys held and degrees turned; what is not named is 0."""


class Choices(Protocol):
    """A space whose members stand for actions."""

    @property
    def space(self) -> spaces.Space: ...

    def vector(self, choice: Any) -> np.ndarray:
        """The action vector, float32 [25], that a member of the space stands for."""
        ...


class KeysAndCamera(Factors):
    """MultiDiscrete: `Factors` as a space."""

    def __init__(self, groups: Sequence[Sequence[str]] = GROUPS) -> None:
        super().__init__(groups)
        self.space = spaces.MultiDiscrete(self.sizes)


class Moves:
    """Discrete: each number stands for one whole action. ValueError for an action with unknown names."""

    def __init__(self, moves: Sequence[Mapping[str, Any]] = MOVES) -> None:
        self.vectors = np.zeros((len(moves), ACTION_SIZE), np.float32)
        for number, move in enumerate(moves):
            if unknown := sorted(set(move) - {*KEYS, "camera"}):
                raise ValueError(f"move {number}: unknown {unknown}; there are {[*KEYS, 'camera']}")
            for name, value in move.items():
                self.vectors[number, CAMERA if name == "camera" else SLOT[name]] = value
        self.space = spaces.Discrete(len(moves))

    def vector(self, choice: Any) -> np.ndarray:
        """See `Choices`."""
        return self.vectors[int(choice)]


class ChosenActions(gymnasium.ActionWrapper):
    """An env of MineRL's actions, driven by choices. ValueError for what is not in their space."""

    def __init__(self, env: gymnasium.Env, choices: Choices) -> None:
        super().__init__(env)
        self.choices = choices
        self.action_space = choices.space

    def action(self, action: Any) -> Action:
        """The action dict that a choice stands for."""
        return from_vector(_vector(self.choices, action, ""))


class VectorChosenActions(VectorActionWrapper):
    """Envs of MineRL's actions, driven by one choice each."""

    def __init__(self, env: VectorEnv, choices: Choices) -> None:
        super().__init__(env)
        self.choices = choices
        self.single_action_space = choices.space
        self.action_space = batch_space(choices.space, env.num_envs)

    def actions(self, actions: Any) -> Action:
        """The dict of arrays that n choices stand for."""
        if len(actions) != self.num_envs:
            raise ValueError(f"{len(actions)} actions for {self.num_envs} envs")
        vectors = np.stack([_vector(self.choices, action, f"env {number}: ") for number, action in enumerate(actions)])
        return {**{name: vectors[:, SLOT[name]].astype(np.int64) for name in KEYS}, "camera": vectors[:, CAMERA]}


Env = TypeVar("Env", gymnasium.Env, VectorEnv)


def multi_discrete(env: Env, groups: Sequence[Sequence[str]] = GROUPS) -> Env:
    """An env, or a vector of them, with the actions of `KeysAndCamera`."""
    return _chosen(env, KeysAndCamera(groups))


def discrete(env: Env, moves: Sequence[Mapping[str, Any]] = MOVES) -> Env:
    """An env, or a vector of them, with the actions of `Moves`."""
    return _chosen(env, Moves(moves))


class Pov(gymnasium.ObservationWrapper):
    """The picture alone as the observation: Box uint8 (h, w, 3)."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.observation_space = env.observation_space["pov"]  # type: ignore[index]

    def observation(self, observation: Any) -> np.ndarray:
        """The picture."""
        return observation["pov"]


class VectorPov(VectorObservationWrapper):
    """The pictures alone as the observation: Box uint8 (n, h, w, 3)."""

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self.single_observation_space = env.single_observation_space["pov"]  # type: ignore[index]
        self.observation_space = env.observation_space["pov"]  # type: ignore[index]

    def observations(self, observations: Any) -> np.ndarray:
        """The pictures."""
        return observations["pov"]


def _chosen(env: Any, choices: Choices) -> Any:
    return VectorChosenActions(env, choices) if isinstance(env, VectorEnv) else ChosenActions(env, choices)


def _vector(choices: Choices, choice: Any, where: str) -> np.ndarray:
    # A learner's numbers may be of any integer type, and Gymnasium's spaces are particular about theirs.
    choice = np.asarray(choice)
    if choice.dtype.kind not in "iu" or choice.astype(np.int64) not in choices.space:
        raise ValueError(f"{where}action is {choice!r}; it must be in {choices.space}")
    return choices.vector(choice)
