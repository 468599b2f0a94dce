"""Remembered moments on disk: one safetensors file each, with the state's arrays, a picture and JSON. Never pickle.

Written aside, synced and renamed, so that a file is whole or not there, whenever the play dies. Knows no env.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_data_path
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

FORMAT = 1
ENDING = ".safetensors"
_PICTURE = "picture"
_STATE = "state: "


@dataclass(frozen=True)
class About:
    """What is told of a moment. world: as `simworld play --world` takes it. seconds: played until then. made: when, in seconds
    since 1970. parent: name of the moment that was last gone to, or remembered, before; kept: by the player's wish, not by
    the play's end."""

    world: str
    seed: int
    prompt: str
    seconds: float
    made: float
    parent: str = ""
    kept: bool = True


def folder() -> Path:
    """Where moments are kept: the platform's own place for data."""
    return user_data_path("simworld", appauthor=False) / "moments"


def write(path: Path, about: About, picture: np.ndarray, values: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a moment. picture: uint8 [h, w, 3]. values, arrays: of the env's `pack_state`. OSError where it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "about": asdict(about), "state": values}
    # Single numbers become arrays of one, for older safetensors know no others; the state's values tell the shape.
    tensors = {_STATE + name: np.atleast_1d(np.array(array, order="C")) for name, array in arrays.items()}
    tensors[_PICTURE] = np.ascontiguousarray(picture)
    aside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        save_file(tensors, aside, {"simworld moment": json.dumps(header)})
        with aside.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(aside, path)
    except SafetensorError as error:
        raise OSError(f"{path}: {error}") from error
    finally:
        aside.unlink(missing_ok=True)


def read_state(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """values and arrays for the env's `unpack_state`. ValueError for a file that is missing, cut short or no moment."""
    header, tensors = _read(path, lambda name: name != _PICTURE)
    return header["state"], {name.removeprefix(_STATE): array for name, array in tensors.items()}


def read_about(path: Path) -> tuple[About, np.ndarray]:
    """What is told of a moment, and its picture, without reading the rest. ValueError as `read_state`."""
    header, tensors = _read(path, lambda name: name == _PICTURE)
    known = {part.name for part in fields(About)}
    try:
        return About(**{name: value for name, value in header["about"].items() if name in known}), tensors[_PICTURE]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not a remembered moment of SimWorld ({error})") from None


def listed(where: Path) -> list[Path]:
    """The moments in a folder, the latest first."""
    return sorted(where.glob(f"*{ENDING}"), key=lambda path: path.stat().st_mtime, reverse=True) if where.is_dir() else []


def _read(path: Path, wanted: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        with safe_open(path, "np") as file:
            header = json.loads((file.metadata() or {})["simworld moment"])
            tensors = {name: file.get_tensor(name) for name in file.keys() if wanted(name)}  # noqa: SIM118
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such moment") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: cannot be read, it may have been cut short ({error})") from None
    except (KeyError, json.JSONDecodeError):
        raise ValueError(f"{path}: a safetensors file, but not a remembered moment of SimWorld") from None
    if header.get("format") != FORMAT:
        raise ValueError(f"{path}: format {header.get('format')!r}; this SimWorld reads format {FORMAT}")
    return header, tensors
