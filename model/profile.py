"""A chunk of a world, timed and counted stage by stage, with a full memory, while the player walks, turns and digs in a
place, and the light passes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model import sampler
from simworld.model.album import Album, given_album
from simworld.model.daylight import lit
from simworld.model.flops import counter
from simworld.model.footing import EYE
from simworld.model.lattice import WHOLE, Lattice, cast
from simworld.model.stages import per_chunk, watching
from simworld.model.world import World

TURN = 3.0
"""Degrees a frame."""
HEADINGS = (0.0, 90.0, 180.0, 270.0)
"""Degrees in which the place has been seen."""
FIELD, TALL, APART = 64, 12, 8
"""Blocks: how wide and tall the place is, and how far its pillars stand apart."""


@dataclass(frozen=True)
class Profile:
    """stages: for each "ms" in a median chunk and "flops", in the order in which they come."""

    stages: dict[str, dict[str, float]]

    @property
    def ms(self) -> float:
        """Of a whole chunk."""
        return sum(part["ms"] for part in self.stages.values())

    @property
    def flops(self) -> float:
        """Of a whole chunk."""
        return sum(part["flops"] for part in self.stages.values())

    def shares(self, matrix_gflops: float) -> dict[str, float]:
        """For each stage the share that it reaches of a machine's matrix rate."""
        return {name: part["flops"] / (1e6 * part["ms"] * matrix_gflops) for name, part in self.stages.items()}


def profile(
    world: World, num_steps: int, num_chunks: int = 40, clock: Callable[[], float] = time.perf_counter
) -> Profile:
    """Time `num_chunks` chunks of one dream by a clock that tells seconds, and count the arithmetic of one more."""
    config = world.config
    size = (config.height, config.width)
    context = sampler.start(world, [""], [0])
    noise = torch.randint(0, 255, (1, 1, *size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    sampler.append_frames(world, context, noise.to(world.device), torch.zeros(1, 0, ACTION_SIZE, device=world.device))
    if world.sight is not None:
        place = _place(noise[0].to(world.device), config.autoencoder.field_of_view)
        sunrise = torch.zeros(1, 5, device=world.device)
        sampler.surround(world, context, None, None, [place], lit(sunrise, world.day))
    actions = torch.zeros(1, config.denoiser.time_stride, ACTION_SIZE, device=world.device)
    actions[..., SLOT["forward"]] = actions[..., SLOT["attack"]] = 1
    actions[..., CAMERA] = torch.tensor([0.0, TURN])
    for _ in range(context.memory.num_slots):
        sampler.extend(world, context, actions, num_steps)
    with watching(clock=clock) as watch:
        for _ in range(num_chunks):
            with watch.over("chunk"):
                sampler.extend(world, context, actions, num_steps)
    timed = per_chunk(watch, num_chunks)
    with counter() as counting, watching(counting) as watch, watch.over("chunk"):
        sampler.extend(world, context, actions, num_steps)
    counted = per_chunk(watch, 1)
    return Profile({name: {"ms": part["ms"], "flops": counted[name]["flops"]} for name, part in timed.items()})


def _place(picture: UInt8[Tensor, "1 h w 3"], field_of_view: float) -> Album:
    """A field of pillars that looks like a picture whichever way one turns."""
    n, device, size = len(HEADINGS), picture.device, (picture.shape[1], picture.shape[2])
    high = torch.zeros(FIELD, FIELD, TALL, dtype=torch.uint8, device=device)
    high[..., 0], high[::APART, ::APART] = WHOLE, WHOLE
    corner = torch.tensor([-(FIELD + APART) / 2, -(FIELD + APART) / 2, -1 - EYE], device=device)
    lattice = Lattice(0.0, corner, high, torch.full_like(high, WHOLE))
    views = torch.tensor([[0.0, heading] for heading in HEADINGS], device=device)
    places = torch.zeros(n, 3, device=device)
    told = cast([lattice], places[None], views[None], size, field_of_view)
    assert told is not None, "there is one"
    near, pictures = told.near[0].clamp(min=0), picture.expand(n, -1, -1, -1).contiguous()
    return given_album(pictures, near, places, views, field_of_view, lattice)
