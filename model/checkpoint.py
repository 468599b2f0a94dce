"""Networks on disk: safetensors with the configuration as JSON in its header. Never pickle.

A world is a folder of files: `autoencoder.safetensors`, `dynamics.safetensors` (denoiser and text encoder) and, where it
has them, `hands`, `sight`, `restorer`, `grain`, `relighter` and `sundial.safetensors`, so that each can be trained, shipped and
replaced alone. Written aside and renamed.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from simworld.model.autoencoder import Autoencoder, AutoencoderConfig
from simworld.model.grain import Grain, GrainConfig
from simworld.model.hands import Hands, HandsConfig
from simworld.model.relighter import Relighter, RelighterConfig
from simworld.model.restorer import Restorer, RestorerConfig
from simworld.model.sight import Sight, SightConfig
from simworld.model.sundial import Sundial, SundialConfig
from simworld.model.world import World, WorldConfig

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)
FORMAT = 1
"""Raised when older files can no longer be read."""
_NETWORKS: dict[type[nn.Module], tuple[str, type[Any], torch.dtype]] = {
    Autoencoder: ("autoencoder", AutoencoderConfig, torch.bfloat16),
    Hands: ("hands", HandsConfig, torch.bfloat16),
    Sight: ("sight", SightConfig, torch.bfloat16),
    Restorer: ("restorer", RestorerConfig, torch.bfloat16),
    Grain: ("grain", GrainConfig, torch.bfloat16),
    Relighter: ("relighter", RelighterConfig, torch.float16),
    Sundial: ("sundial", SundialConfig, torch.float16),
}
"""What files call the networks that a world is made of beside its dynamics, of which it must have the first alone."""


def write_tensors(path: Path, tensors: dict[str, Tensor], header: dict[str, Any]) -> None:
    """Write safetensors with `header` as JSON under "simworld", aside first, so that `path` is never half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    # Copies, for safetensors refuses tensors that share memory.
    owned = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    save_file(owned, aside, {"simworld": json.dumps(header, default=_plain)})
    os.replace(aside, path)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and header of a file. ValueError when it is missing, broken or not ours."""
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})["simworld"])
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118
    except FileNotFoundError:
        raise ValueError(f"{path}: no such checkpoint") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from error
    except (KeyError, json.JSONDecodeError):
        raise ValueError(f"{path}: a safetensors file, but not one that SimWorld wrote (no simworld header)") from None


def save_network(path: Path, model: nn.Module, summary: dict[str, Any], dtype: torch.dtype | None = None) -> None:
    """Write one of a world's networks, in the numbers that it is shipped in unless told. summary: JSON values about its
    training."""
    name, _, shipped = _NETWORKS[type(model)]
    _save(path, name, model.config, model.state_dict(), summary, dtype or shipped)


def load_network(kind: type[Network], path: Path, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Network:
    """Read what `save_network` wrote. ValueError naming the file and the field that is wrong."""
    name, config, _ = _NETWORKS[kind]
    tensors, values = _load(path, name, config)
    return _filled(path, _made(kind, values), tensors).to(device, dtype)


def save_small(path: Path, kind: str, model: nn.Module, summary: dict[str, Any]) -> None:
    """Write a small network with a `config` that goes beside a world, in half precision. summary: JSON values about its
    training."""
    _save(path, kind, model.config, model.state_dict(), summary, torch.float16)


def load_small(
    path: Path, kind: str, what: str, config: type[Config], make: Callable[[Config], Network], device: str
) -> Network:
    """Read what `save_small` wrote, in float32; errors call it `what`. ValueError naming the file and what is wrong."""
    tensors, header = read_tensors(path)
    if header.get("kind") != kind or header.get("format") != FORMAT:
        raise ValueError(f"{path}: holds {header.get('kind')!r} of format {header.get('format')!r}; not {what} of {FORMAT}")
    model = _made(make, build(config, header["config"], str(path)))
    try:
        model.load_state_dict(_as(tensors, torch.float32))
    except RuntimeError as error:
        raise ValueError(f"{path}: tensors that do not fit its own config ({error})") from error
    return model.to(device).eval().requires_grad_(False)


def save_dynamics(path: Path, world: World, summary: dict[str, Any], dtype: torch.dtype = torch.bfloat16) -> None:
    """Write a world's denoiser and text encoder."""
    _save(path, "dynamics", world.config, _dynamics(world), summary, dtype)


def load_world(folder: Path, dtype: torch.dtype = torch.bfloat16, device: str = "cpu") -> World:
    """Read a world from its folder. ValueError naming the file and the field that is wrong."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such world; a world is a folder with autoencoder.safetensors and dynamics.safetensors")
    path = folder / "dynamics.safetensors"
    tensors, config = _load(path, "dynamics", WorldConfig)
    files = {name: folder / f"{name}.safetensors" for name, *_ in _NETWORKS.values()}
    autoencoder = load_network(Autoencoder, files["autoencoder"], dtype, device)
    if autoencoder.config != config.autoencoder:
        raise ValueError(f"{path}: was trained on another autoencoder than {files['autoencoder']}")
    world = _made(World, config, autoencoder)
    for kind, (name, *_) in _NETWORKS.items():
        if kind is not Autoencoder:
            setattr(world, name, load_network(kind, files[name], dtype, device) if files[name].exists() else None)
    if world.sight is not None and world.sight.config.time_stride != autoencoder.config.time_stride:
        raise ValueError(
            f"{files['sight']}: for chunks of {world.sight.config.time_stride} frames; this world's have "
            f"{autoencoder.config.time_stride}"
        )
    seen = None if world.hands is None else (world.hands.config.height, world.hands.config.width)
    if seen not in (None, (config.height, config.width)):
        raise ValueError(
            f"{files['hands']}: for pictures of {seen[0]}×{seen[1]} pixels; this world's are {config.height}×{config.width}"
        )
    for name in ("denoiser", "text"):
        part = getattr(world, name)
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        _filled(path, part, own)
        part.to(device, dtype)
    return world.eval().requires_grad_(False)


def summary(path: Path) -> dict[str, Any]:
    """What the file says of its training."""
    return read_tensors(path)[1].get("summary", {})


def build(kind: type, values: Any, where: str) -> Any:
    """A (nested) config dataclass from JSON values. ValueError naming unknown or missing fields."""
    if not isinstance(values, dict):
        raise ValueError(f"{where}: {kind.__name__} must be an object, not {values!r}")
    known = {field.name: field for field in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"{where}: {kind.__name__} has unknown fields {unknown}; known are {sorted(known)}")
    arguments = {}
    for name, value in values.items():
        of = known[name].type
        if isinstance(of, type) and is_dataclass(of):
            value = build(of, value, where)
        elif isinstance(of, type) and issubclass(of, Enum):
            value = of(value)
        arguments[name] = value
    return kind(**arguments)


def _config(path: Path, header: dict[str, Any], kind: str) -> dict[str, Any]:
    if header.get("kind") != kind:
        raise ValueError(f"{path}: holds a {header.get('kind')!r}; expected a {kind!r}")
    if header.get("format") != FORMAT:
        raise ValueError(f"{path}: format {header.get('format')!r}; this version of SimWorld reads format {FORMAT}")
    return header["config"]


def _save(path: Path, kind: str, config: Any, state: dict[str, Tensor], summary: dict[str, Any], dtype: torch.dtype) -> None:
    header = {"kind": kind, "format": FORMAT, "config": asdict(config), "summary": summary}
    write_tensors(path, _as(state, dtype), header)


def _load(path: Path, kind: str, config: type[Config]) -> tuple[dict[str, Tensor], Config]:
    """The tensors of a file of this kind, and its config."""
    tensors, header = read_tensors(path)
    return tensors, build(config, _config(path, header, kind), str(path))


class _Undrawn(TorchFunctionMode):
    """Nothing is drawn by chance: of a world's networks that takes a third of a second, and files fill them all the same."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (nn.init.kaiming_uniform_, nn.init.uniform_, nn.init.normal_, Tensor.uniform_, Tensor.normal_):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _made(kind: Callable[..., Network], *arguments: Any) -> Network:
    """A network that is still to be filled."""
    with _Undrawn():
        return kind(*arguments)


def _filled(path: Path, model: Network, tensors: dict[str, Tensor]) -> Network:
    """`model` with `tensors`, to be used and not trained; names what is missing, unknown or misshapen."""
    expected = model.state_dict()
    missing, unknown = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
    if missing or unknown:
        raise ValueError(f"{path}: missing tensors {missing[:5]}, unknown tensors {unknown[:5]}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(f"{path}: tensor {name} has shape {tuple(tensor.shape)}, not {tuple(expected[name].shape)}")
    model.load_state_dict(tensors)
    return model.eval().requires_grad_(False)


def _dynamics(world: World) -> dict[str, Tensor]:
    others = tuple(f"{name}." for name, *_ in _NETWORKS.values())
    return {name: value for name, value in world.state_dict().items() if not name.startswith(others)}


def _as(state: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{value!r} is no JSON value")
