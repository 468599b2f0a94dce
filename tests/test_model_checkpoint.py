"""Checkpoints read back what was written, and say what is wrong with a file that is not one."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_world import write_tiny_world

from simworld.model.checkpoint import load_world, read_tensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_world(tmp_path)


def rewrite(path: Path, tensors: dict[str, torch.Tensor] | None = None, **header: object) -> None:
    """Change a checkpoint's tensors or fields of its header."""
    old, old_header = read_tensors(path)
    save_file(tensors or old, path, {"simworld": json.dumps({**old_header, **header})})


def test_a_world_reads_back_what_was_written(folder: Path) -> None:
    world = load_world(folder, torch.float32)
    stored = load_file(folder / "dynamics.safetensors")
    for name, value in stored.items():
        assert torch.equal(world.state_dict()[name], value.float()), name
    assert not any(path.name.endswith(".tmp") for path in folder.iterdir())


def test_a_missing_world_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such world"):
        load_world(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"dynamics\.safetensors: no such checkpoint"):
        load_world(tmp_path)


def test_a_broken_file_is_told(folder: Path) -> None:
    path = folder / "dynamics.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        load_world(folder)


def test_a_foreign_file_is_told(folder: Path) -> None:
    save_file({"x": torch.zeros(1)}, folder / "dynamics.safetensors")
    with pytest.raises(ValueError, match="not one that SimWorld wrote"):
        load_world(folder)


def test_another_version_is_told(folder: Path) -> None:
    rewrite(folder / "dynamics.safetensors", format=99)
    with pytest.raises(ValueError, match="format 99; this version of SimWorld reads format 1"):
        load_world(folder)


def test_swapped_files_are_told(folder: Path) -> None:
    (folder / "dynamics.safetensors").write_bytes((folder / "autoencoder.safetensors").read_bytes())
    with pytest.raises(ValueError, match="holds a 'autoencoder'; expected a 'dynamics'"):
        load_world(folder)


def test_missing_and_misshapen_tensors_are_told(folder: Path) -> None:
    path = folder / "dynamics.safetensors"
    tensors, _ = read_tensors(path)
    rewrite(path, {name: value for name, value in tensors.items() if name != "denoiser.enter.bias"})
    with pytest.raises(ValueError, match=r"missing tensors \['enter\.bias'\]"):
        load_world(folder)
    rewrite(path, {**tensors, "denoiser.enter.bias": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"enter\.bias has shape \(3,\), not \(128,\)"):
        load_world(folder)


def test_unknown_settings_are_told(folder: Path) -> None:
    path = folder / "dynamics.safetensors"
    _, header = read_tensors(path)
    rewrite(path, config={**header["config"], "gravity": 9.8})
    with pytest.raises(ValueError, match=r"unknown fields \['gravity'\]"):
        load_world(folder)
