"""Worlds as the client makes them: how much of the machine they take."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_world import write_tiny_world

from simworld.client import worlds
from simworld.client.options import PlayOptions


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 3)
    yield before + 3
    torch.set_num_threads(before)


def test_a_dream_leaves_half_of_the_cores_alone(tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    worlds.make(PlayOptions(world="voxel")).close()
    assert torch.get_num_threads() == threads, "a game has none of these threads"
    worlds.make(PlayOptions(world=str(write_tiny_world(tmp_path)))).close()
    assert torch.get_num_threads() == max(1, (os.cpu_count() or 1) // 2)


def test_who_says_how_many_threads_gets_them(tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    worlds.make(PlayOptions(world=str(write_tiny_world(tmp_path)))).close()
    assert torch.get_num_threads() == threads
