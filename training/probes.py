"""The probes that dreams are measured with, on disk: what reads actions, what reads scenes, and what tells clips in a few
numbers. They are shipped with the package, in half precision, and are trained by `simworld train probes`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from simworld.model.checkpoint import build, read_tensors, write_tensors
from simworld.model.shipped import shipped_folder
from simworld.training.action_reader import ActionReader, ActionReaderConfig
from simworld.training.clip_features import ClipFeatures
from simworld.training.scene_reader import SceneReader, SceneReaderConfig

Probe = TypeVar("Probe", bound=nn.Module)
FORMAT = 2
"""Raised when older files can no longer be read."""
ACTIONS, SCENES, CLIPS = "action_reader.safetensors", "scene_reader.safetensors", "clip_features.safetensors"


@dataclass(frozen=True)
class Probes:
    """Both readers, and the features made of them."""

    actions: ActionReader
    scenes: SceneReader
    clips: ClipFeatures


def shipped_probes() -> Path:
    """The folder of the probes that come with the package."""
    return shipped_folder() / "probes"


def load_probes(folder: Path | None = None, device: str = "cpu") -> Probes:
    """The probes of a folder, the shipped ones where none is given. ValueError where one is missing or broken."""
    folder = folder or shipped_probes()
    actions = _load(folder / ACTIONS, lambda config: ActionReader(build(ActionReaderConfig, config, ACTIONS)))
    scenes = load_scene_reader(folder / SCENES)
    clips = _load(folder / CLIPS, lambda _: ClipFeatures(actions, scenes))
    return Probes(actions.to(device), scenes.to(device), clips.to(device))


def load_scene_reader(path: Path) -> SceneReader:
    """The scene reader of a file. ValueError where it is missing or broken."""
    return _load(path, lambda config: SceneReader(build(SceneReaderConfig, config, SCENES)))


def save_probe(path: Path, probe: ActionReader | SceneReader | ClipFeatures, summary: dict[str, Any]) -> None:
    """Write one of the probes, in float16. summary: JSON values about its training."""
    config = {} if isinstance(probe, ClipFeatures) else asdict(probe.config)
    header = {"kind": path.stem, "format": FORMAT, "config": config, "summary": summary}
    tensors = {key: value.half() if value.is_floating_point() else value for key, value in probe.state_dict().items()}
    write_tensors(path, tensors, header)


def _load(path: Path, make: Callable[[dict[str, Any]], Probe]) -> Probe:
    tensors, header = read_tensors(path)
    if header.get("kind") != path.stem or header.get("format") != FORMAT:
        raise ValueError(
            f"{path}: holds a {header.get('kind')!r} of format {header.get('format')!r}; expected a {path.stem!r} of {FORMAT}"
        )
    probe = make(header["config"])
    try:
        probe.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from error
    return probe.eval().requires_grad_(False)
