"""What MineRL shows of itself, without Minecraft: its spaces to the letter, and an old gym env that checks what it is given.

Spaces as in minerl/herobraine/env_specs (0.4.4: Treechop, Navigate, ObtainDiamond; 1.0: the BASALT and human survival envs).
"""

from types import ModuleType
from typing import Any

import numpy as np
from gymnasium import spaces

KEYS_0_4 = ("attack", "back", "forward", "jump", "left", "right", "sneak", "sprint")
KEYS_1_0 = (
    "ESC", "attack", "back", "drop", "forward", *(f"hotbar.{number}" for number in range(1, 10)), "inventory", "jump", "left",
    "pickItem", "right", "sneak", "sprint", "swapHands", "use",
)  # fmt: skip


TOOLS = ("wooden_axe", "wooden_pickaxe", "stone_axe", "stone_pickaxe", "iron_axe", "iron_pickaxe")


class Discrete(spaces.Discrete):
    def noop(self) -> int:
        return 0


class Box(spaces.Box):
    def noop(self) -> np.ndarray:
        return np.zeros(self.shape, self.dtype)


class Enum(spaces.Space):
    """MineRL's named choices."""

    def __init__(self, *values: str) -> None:
        super().__init__((), np.str_)
        self.values = np.array(values)

    def noop(self) -> str:
        return "none"

    def contains(self, x: Any) -> bool:
        return x in self.values.tolist()


def camera() -> Box:
    return Box(-180, 180, (2,), np.float32)


def keys(names: tuple[str, ...]) -> dict[str, spaces.Space]:
    return {**{name: Discrete(2) for name in names}, "camera": camera()}


def pov(height: int, width: int) -> spaces.Box:
    return Box(0, 255, (height, width, 3), np.uint8)


ENVS: dict[str, tuple[dict[str, spaces.Space], dict[str, spaces.Space]]] = {
    "MineRLTreechop-v0": (keys(KEYS_0_4), {"pov": pov(64, 64)}),
    "MineRLNavigate-v0": (
        {**keys(KEYS_0_4), "place": Enum("none", "dirt")},
        {
            "pov": pov(64, 64),
            "compass": spaces.Dict({"angle": Box(-180.0, 180.0, (), np.float32)}),
            "inventory": spaces.Dict({"dirt": Box(0, 2304, (), np.int64)}),
        },
    ),
    "MineRLObtainDiamond-v0": (
        {
            **keys(KEYS_0_4),
            "craft": Enum("none", "torch", "stick", "planks", "crafting_table"),
            "equip": Enum("none", "air", *TOOLS),
            "nearbyCraft": Enum("none", *TOOLS, "furnace"),
            "nearbySmelt": Enum("none", "iron_ingot", "coal"),
            "place": Enum("none", "dirt", "stone", "cobblestone", "crafting_table", "furnace", "torch"),
        },
        {"pov": pov(64, 64), "inventory": spaces.Dict({"dirt": Box(0, 2304, (), np.int64)})},
    ),
    "MineRLBasaltFindCave-v0": (keys(KEYS_1_0), {"pov": pov(360, 640)}),
}
LIMIT = 12


class OldEnv:
    """The old gym API: `reset()` gives an observation, `step` four results. A red column wanders as the camera turns."""

    def __init__(self, name: str) -> None:
        actions, observations = ENVS[name]
        self.action_space, self.observation_space = spaces.Dict(actions), spaces.Dict(observations)
        self.seeds: list[int] = []
        self.taken: list[dict[str, Any]] = []
        self.closed = False

    def seed(self, seed: int) -> list[int]:
        self.seeds.append(seed)
        return [seed]

    def reset(self) -> dict[str, Any]:
        self.taken = []
        self.observation_space.seed(self.seeds[-1] if self.seeds else 0)
        return self._observed()

    def step(self, action: dict[str, Any]) -> tuple[dict[str, Any], float, bool, dict[str, Any]]:
        assert set(action) == set(self.action_space.spaces), f"{sorted(action)}"
        for name, value in action.items():
            assert self.action_space[name].contains(value), f"{name}: {value!r} is not in {self.action_space[name]}"
        self.taken.append(action)
        done = len(self.taken) == LIMIT
        return self._observed(), float(action["forward"]), done, {"TimeLimit.truncated": True} if done else {}

    def close(self) -> None:
        self.closed = True

    def _observed(self) -> dict[str, Any]:
        observed = {name: space.sample() for name, space in self.observation_space.spaces.items() if name != "pov"}
        picture = np.full(self.observation_space["pov"].shape, 60, np.uint8)
        turned = sum(float(action["camera"][1]) for action in self.taken)
        column = int(picture.shape[1] / 2 - turned) % picture.shape[1]
        picture[:, column : column + picture.shape[1] // 8, 0] = 250
        return {"pov": picture, **observed}


def modules() -> dict[str, ModuleType]:
    """`gym` and `minerl`, as far as they are used."""
    gym, minerl = ModuleType("gym"), ModuleType("minerl")
    gym.error = ModuleType("gym.error")
    gym.error.Error = type("Error", (Exception,), {})

    def make(name: str) -> OldEnv:
        if name not in ENVS:
            raise gym.error.Error(f"No registered env with id: {name}")
        return OldEnv(name)

    gym.make = make
    return {"gym": gym, "minerl": minerl, "gym.error": gym.error}
