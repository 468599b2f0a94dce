"""A saved state of an env, packed into JSON values and NumPy arrays, and unpacked: exact, and never pickle.

    values, arrays = pack(env.save_state(), (Weather,))
    env.load_state(unpack(values, arrays, (Weather,)))

Knows no env, file or tensor: dicts with any plain keys, lists, tuples, sets, numbers, text, None, arrays, NumPy's generators,
and objects of the classes it is given, by their attributes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

_TAG = "~"
"""The key under which a dict says what it stands for; every other value is what it is in JSON."""


def pack(state: Any, kinds: tuple[type, ...] = ()) -> tuple[Any, dict[str, np.ndarray]]:
    """`state` as JSON values and the arrays that they name. TypeError for what is none of the above nor of `kinds`."""
    arrays: dict[str, np.ndarray] = {}
    return _pack(state, arrays, {kind: kind.__name__ for kind in kinds}), arrays


def unpack(values: Any, arrays: Mapping[str, np.ndarray], kinds: tuple[type, ...] = ()) -> Any:
    """The inverse of `pack`. ValueError for values that it did not make, missing arrays, or unknown kinds."""
    try:
        return _unpack(values, arrays, {kind.__name__: kind for kind in kinds})
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"the saved state is not whole ({type(error).__name__}: {error}); it cannot be gone on with") from None


def _pack(value: Any, arrays: dict[str, np.ndarray], kinds: Mapping[type, str]) -> Any:
    def each(values: Any) -> list[Any]:
        return [_pack(part, arrays, kinds) for part in values]

    if type(value) in (type(None), bool, int, float, str):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        name = f"array {len(arrays)}"
        arrays[name] = np.ascontiguousarray(value)
        return {_TAG: "array" if isinstance(value, np.ndarray) else "number", "name": name, "shape": list(np.shape(value))}
    if isinstance(value, np.random.Generator):
        return {_TAG: "dice", "state": _pack(value.bit_generator.state, arrays, kinds)}
    if isinstance(value, list):
        return each(value)
    if isinstance(value, tuple):
        return {_TAG: "tuple", "parts": each(value)}
    if isinstance(value, (set, frozenset)):
        return {_TAG: "set", "parts": each(sorted(value))}
    if isinstance(value, dict):
        return {_TAG: "dict", "keys": each(value.keys()), "values": each(value.values())}
    if type(value) in kinds:
        return {_TAG: "object", "kind": kinds[type(value)], "parts": _pack(vars(value), arrays, kinds)}
    raise TypeError(f"{type(value).__name__} cannot be packed; name it among the kinds")


def _unpack(value: Any, arrays: Mapping[str, np.ndarray], kinds: Mapping[str, type]) -> Any:
    def each(values: list[Any]) -> list[Any]:
        return [_unpack(part, arrays, kinds) for part in values]

    if isinstance(value, list):
        return each(value)
    if not isinstance(value, dict):
        return value
    match value[_TAG]:
        case "array":
            return np.array(arrays[value["name"]]).reshape(value["shape"])
        case "number":
            return np.array(arrays[value["name"]]).reshape(-1)[0]
        case "dice":
            state = _unpack(value["state"], arrays, kinds)
            dice = np.random.Generator(getattr(np.random, _known_dice(state["bit_generator"]))())
            dice.bit_generator.state = state
            return dice
        case "tuple":
            return tuple(each(value["parts"]))
        case "set":
            return set(each(value["parts"]))
        case "dict":
            return dict(zip(each(value["keys"]), each(value["values"]), strict=True))
        case "object":
            kind = kinds[value["kind"]]
            made: Any = object.__new__(kind)
            vars(made).update(_unpack(value["parts"], arrays, kinds))
            return made
        case other:
            raise KeyError(other)


def _known_dice(name: str) -> str:
    if name not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        raise KeyError(name)
    return name
