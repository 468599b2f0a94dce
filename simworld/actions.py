"""The action table: all that is known about each action, in one place.

An action is MineRL 1.0's human action dict (keys as 0/1, `camera` = [pitch, yaw] change in degrees); inside arrays it is
one float32 vector of `ACTION_SIZE` numbers. Bindings, MineRL spaces, VPT logs and network inputs all derive from `KEYS`
and `ACTIONS`. Knows no window, file or network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Action = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One on/off action: `name` in MineRL's dict, `binding` on a keyboard ("w") or mouse ("mouse 1" is the left button),
    `vpt` its code in VPT's logs, `meaning` for people."""

    name: str
    binding: str
    vpt: str
    meaning: str


ACTIONS: tuple[Key, ...] = (
    Key("forward", "w", "key.keyboard.w", "walk forward"),
    Key("back", "s", "key.keyboard.s", "walk back"),
    Key("left", "a", "key.keyboard.a", "step left"),
    Key("right", "d", "key.keyboard.d", "step right"),
    Key("jump", "space", "key.keyboard.space", "jump, swim up"),
    Key("sneak", "left shift", "key.keyboard.left.shift", "sneak"),
    Key("sprint", "left ctrl", "key.keyboard.left.control", "sprint"),
    Key("attack", "mouse 1", "mouse.0", "break the block"),
    Key("use", "mouse 3", "mouse.1", "place a block"),
    Key("drop", "q", "key.keyboard.q", "drop"),
    Key("inventory", "e", "key.keyboard.e", "inventory"),
    Key("pickItem", "mouse 2", "mouse.2", "pick the block looked at"),
    Key("swapHands", "f", "key.keyboard.f", "swap hands"),
    Key("ESC", "escape", "key.keyboard.escape", "menu"),
    *(Key(f"hotbar.{n}", str(n), f"key.keyboard.{n}", f"hold block {n}") for n in range(1, 10)),
)
KEYS: tuple[str, ...] = tuple(key.name for key in ACTIONS)
SLOT: dict[str, int] = {name: slot for slot, name in enumerate(KEYS)}
CAMERA = slice(len(KEYS), len(KEYS) + 2)
"""Where pitch and yaw change lie in an action vector: pitch > 0 looks down, yaw > 0 turns right, degrees."""
ACTION_SIZE = len(KEYS) + 2
MOST_DEGREES = 180.0
"""A frame's camera change may not exceed this, up or down, left or right."""


def noop() -> Action:
    """The action of doing nothing: every key 0, camera [0, 0]."""
    return {**dict.fromkeys(KEYS, 0), "camera": np.zeros(2, np.float32)}


def to_vector(action: Mapping[str, Any]) -> np.ndarray:
    """An action dict as float32 [25]: keys 0/1 in the order of `KEYS`, then pitch and yaw change in degrees, unrounded.

    Raises ValueError for missing or unknown names, keys other than 0 or 1, or a camera that is not two finite numbers from
    -180 to 180.
    """
    _check_names(action)
    vector = np.empty(ACTION_SIZE, np.float32)
    for slot, name in enumerate(KEYS):
        value = np.asarray(action[name])
        if value.size != 1 or value.item() not in (0, 1):
            raise ValueError(f"action[{name!r}] is {action[name]!r}; it must be 0 or 1")
        vector[slot] = value.item()
    camera = np.asarray(action["camera"])
    if camera.shape != (2,) or camera.dtype.kind not in "fiu" or not np.isfinite(camera).all():
        raise ValueError(f"action['camera'] is {action['camera']!r}; it must be [pitch, yaw], two finite numbers in degrees")
    if np.abs(camera).max() > MOST_DEGREES:
        raise ValueError(f"action['camera'] is {action['camera']!r}; it turns by {MOST_DEGREES:.0f} degrees at most")
    vector[CAMERA] = camera
    return vector


def to_vectors(actions: Mapping[str, Any], num_envs: int) -> np.ndarray:
    """The actions of several worlds, keys as arrays [n] and `camera` as [n, 2], as float32 [n, 25]; see `to_vector`.

    Raises ValueError for missing or unknown names or wrong shapes, and, naming the world, for what `to_vector` refuses.
    """
    if not isinstance(actions, Mapping):
        raise ValueError(f"actions are {type(actions).__name__}; they must be a dict of arrays, one row per env")
    _check_names(actions)
    columns = {name: np.asarray(actions[name]) for name in (*KEYS, "camera")}
    for name, column in columns.items():
        wanted = (num_envs, 2) if name == "camera" else (num_envs,)
        if column.shape != wanted:
            raise ValueError(f"actions[{name!r}] has shape {column.shape}; {num_envs} envs need {wanted}")
    vectors = np.empty((num_envs, ACTION_SIZE), np.float32)
    for number in range(num_envs):
        try:
            vectors[number] = to_vector({name: column[number] for name, column in columns.items()})
        except ValueError as error:
            raise ValueError(f"env {number}: {error}") from None
    return vectors


def _check_names(action: Mapping[str, Any]) -> None:
    names, expected = set(action), {*KEYS, "camera"}
    if names != expected:
        missing, unknown = sorted(expected - names), sorted(map(str, names - expected))
        raise ValueError(f"action dict: missing {missing}, unknown {unknown}; it needs exactly {sorted(expected)}")


def from_vector(vector: np.ndarray) -> Action:
    """The action dict of a float32 [25] vector; inverse of `to_vector`. ValueError for another shape."""
    if np.shape(vector) != (ACTION_SIZE,):
        raise ValueError(f"action vector has shape {np.shape(vector)}; it must be ({ACTION_SIZE},)")
    keys = {name: int(vector[slot]) for slot, name in enumerate(KEYS)}
    return {**keys, "camera": np.array(vector[CAMERA], np.float32)}
