"""Memory that dreams need, and how many of them fit: what each remembers, and what a step of it makes in passing."""

import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from simworld.model import sampler
from simworld.model.album import ROOM
from simworld.model.world import World

WORKING_BYTES_PER_PIXEL = 1500
"""Of a step in passing, per world and pixel of a picture: feature maps of the decoder and canvases of the surroundings, at
their highest (measured: `benchmarks/vector_speed.py` prints what the process held in the end)."""
PAGE_BYTES_PER_PIXEL = 6
"""Of an album: three of colours, two of nearness, and not quite one of what is solid."""
LATTICE_BYTES = 4 << 20
"""Of the blocks of a place, and how much room is about each of its cells."""
SHARE = 0.9
"""Of the free memory, at most."""


def bytes_per_world(world: World, num_given: int = 0) -> int:
    """Of one more dream in a batch, that begins with so many pictures of its place."""
    context = sampler.start(world, [""], [0])
    pixels = world.config.height * world.config.width
    album = PAGE_BYTES_PER_PIXEL * (ROOM + num_given) if world.sight is not None else 0
    return _bytes(context) + (WORKING_BYTES_PER_PIXEL + album) * pixels + LATTICE_BYTES * (num_given > 0)


def free_bytes(device: torch.device) -> int | None:
    """Memory that is free for more on a device; None where that cannot be told."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    limits = [_cgroup_bytes()]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        limits += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except OSError:
        try:
            limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        except (ValueError, OSError):
            return None
    return min((limit for limit in limits if limit is not None), default=None)


def check_room(world: World, num_worlds: int, num_given: int = 0) -> None:
    """ValueError that says how many fit, when so many dreams of a world, which begin with up to so many pictures of their
    places, do not fit into the memory of its device."""
    free = free_bytes(world.device)
    each = bytes_per_world(world, num_given)
    if free is not None and num_worlds * each > SHARE * free:
        raise ValueError(
            f"{num_worlds} worlds need about {num_worlds * each / 2**30:.1f} GiB on {world.device}, where "
            f"{free / 2**30:.1f} GiB are free; {int(SHARE * free / each)} fit"
        )


def _cgroup_bytes() -> int | None:
    """What a container may still use."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) - used


def _bytes(part: Any) -> int:
    """Of all tensors in a record, counted as often as they are held."""
    if isinstance(part, Tensor):
        return part.nbytes
    if isinstance(part, list | tuple):
        return sum(_bytes(item) for item in part)
    if is_dataclass(part):
        return sum(_bytes(getattr(part, field.name)) for field in fields(part))
    return 0
