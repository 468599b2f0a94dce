"""A context taken apart into plain values, and put together again: how a dream gets onto a disk. Knows no file format.

Tensors become NumPy arrays bit for bit (bfloat16, which NumPy lacks, as its bits), records and generators become dicts.
Derived from the fields of the records, so that a new field needs nothing here.
"""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from simworld.model import sampler
from simworld.model.album import Album, Page, Place
from simworld.model.atlas import Atlas
from simworld.model.autoencoder import DecoderState
from simworld.model.context import Context, Goal, Impression
from simworld.model.daylight import Daylight
from simworld.model.daylight import unknown as unknown_daylight
from simworld.model.denoiser import Text
from simworld.model.eye import nothing_known
from simworld.model.grip import Grip, unknown
from simworld.model.ground import Ground, nothing_shown
from simworld.model.lattice import Lattice
from simworld.model.memory import Before, Memory
from simworld.model.promise import kept
from simworld.model.scenery import Scenery
from simworld.model.sky import Sky
from simworld.model.surroundings import Surroundings
from simworld.model.water import Water
from simworld.model.work import Work, nothing_done
from simworld.model.world import World

_KINDS: tuple[type, ...] = (
    Album, Atlas, Before, Context, Daylight, DecoderState, Goal, Grip, Ground, Impression, Lattice, Memory, Page, Place,
    Scenery, Sky, Surroundings, Text, Water, Work,
)  # fmt: skip
_RECORDS = {kind.__name__: kind for kind in _KINDS}
_RECORD, _TENSOR, _GENERATOR, _DTYPE = "record", "tensor", "generator", "dtype"


def take_apart(context: Context) -> dict[str, Any]:
    """`context` as dicts, lists, tuples, numbers, text, None and NumPy arrays; they share memory with it. What it was
    promised is waited for."""
    return _apart(context)


def put_together(parts: dict[str, Any], world: World) -> Context:
    """The context of `take_apart`, on the device of `world`. ValueError for parts of another kind, or of another world."""
    try:
        if parts.get(_RECORD) == Context.__name__:
            parts = _of_now(parts, world)
        context = _together(parts, world.device)
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"the saved dream is not whole ({type(error).__name__}: {error}); it cannot be gone on with") from None
    if not isinstance(context, Context):
        raise ValueError("the saved state is not that of a dream; it belongs to another kind of world")
    fresh = sampler.start(world, [""] * len(context.prompts), [0] * len(context.prompts))
    saved, wanted = (
        [tuple(each.memory.entries.shape), tuple(each.goal.pictures.shape), each.memory.entries.dtype]
        for each in (context, fresh)
    )
    if saved != wanted:
        raise ValueError(f"the saved dream is of another world: its memory is {saved}, this world's is {wanted}")
    return context


def _of_now(parts: dict[str, Any], world: World) -> dict[str, Any]:
    """The parts of a context with what was not kept yet when it was saved."""
    b, device = len(parts["prompts"]), world.device
    goal = dict(parts["goal"])
    if "albums" not in parts:  # scenery and work were others before there were albums
        goal["albums"] = _apart([Album()] * b)
        parts = {name: part for name, part in parts.items() if name not in ("scenery", "work")}
    missing: dict[str, Any] = {
        "ground": nothing_shown(b, device), "scenery": nothing_known(world, b), "albums": [Album()] * b,
        "work": nothing_done(b, device), "grip": unknown(b, device),
        "daylight": unknown_daylight(b, device),
    }  # fmt: skip
    parts = {**{name: _apart(part) for name, part in missing.items()}, **parts}
    parts["memory"] = {"before": _apart(sampler.start(world, [""] * b, [0] * b).memory.before), **parts["memory"]}
    goal = {"grow": [None] * b, "due": _apart(torch.zeros(b, dtype=torch.long)), **goal}
    goal = {"total": goal["left"], "scenery": _apart(nothing_known(world, b)), "daylight": _apart(missing["daylight"]), **goal}
    parts["work"] = {**_apart(nothing_done(b, device)), **parts["work"]}
    ageless = {"age": _apart(missing["daylight"].age)}
    parts["daylight"], goal["daylight"] = ({**ageless, **light} for light in (parts["daylight"], goal["daylight"]))
    parts["scenery"] = {"sees": parts["scenery"]["lost"], **parts["scenery"]}
    goal["albums"], albums = ([_album_of_now(album) for album in each] for each in (goal["albums"], parts["albums"]))
    return {**parts, "goal": goal, "albums": albums}


def _album_of_now(album: dict[str, Any]) -> dict[str, Any]:
    """An album's parts; once what came with a world was among its own pages."""
    if "pages" not in album:
        return album
    own = [{name: part for name, part in page.items() if name != "given"} for page in album["pages"]]
    return {_RECORD: Album.__name__, "given": None, "own": own}


def _apart(value: Any) -> Any:
    value = kept(value)
    if isinstance(value, Tensor):
        value = value.detach().cpu().contiguous()
        bits = value.view(torch.int16) if value.dtype == torch.bfloat16 else value
        return {_TENSOR: bits.numpy(), _DTYPE: str(value.dtype).removeprefix("torch.")}
    if isinstance(value, torch.Generator):
        return {_GENERATOR: value.get_state().numpy()}
    if is_dataclass(value) and not isinstance(value, type):
        return {_RECORD: type(value).__name__, **{part.name: _apart(getattr(value, part.name)) for part in fields(value)}}
    if isinstance(value, (list, tuple)):
        return type(value)(_apart(part) for part in value)
    return value


def _together(value: Any, device: torch.device) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_together(part, device) for part in value)
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        tensor = torch.from_numpy(np.array(value[_TENSOR]))
        return (tensor.view(torch.bfloat16) if value[_DTYPE] == "bfloat16" else tensor).to(device)
    if _GENERATOR in value:
        generator = torch.Generator(device)
        generator.set_state(torch.from_numpy(np.array(value[_GENERATOR])))
        return generator
    parts = {name: _together(part, device) for name, part in value.items() if name != _RECORD}
    return _RECORDS[value[_RECORD]](**parts)
