"""The arithmetic of a chunk, counted by running one: the floor under its time is this over the machine's matrix rate."""

import math
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from simworld.model import sampler
from simworld.model.packed import has_units
from simworld.model.world import World


def counter() -> FlopCounterMode:
    """Counts the floating-point operations within it, packed layers included."""
    packed = {}
    if has_units():
        packed = {
            torch.ops.mkldnn._convolution_pointwise: _packed_conv_flop,
            torch.ops.mkldnn._linear_pointwise: _packed_linear_flop,
        }
    return FlopCounterMode(display=False, custom_mapping=packed)


def _packed_conv_flop(
    pictures: torch.Size, first: torch.Size, second: torch.Size | None, *_: Any, out_shape: torch.Size | None = None, **__: Any
) -> int:
    assert out_shape is not None, "the counter tells the shape of what came out"
    # Weights and bias, or what is added and weights.
    weights = second if second is not None and len(second) == 4 else first
    return conv_flop_count(list(pictures), list(weights), list(out_shape))


def _packed_linear_flop(
    _: torch.Size, weights: torch.Size, *__: Any, out_shape: torch.Size | None = None, **___: Any
) -> int:
    assert out_shape is not None, "the counter tells the shape of what came out"
    return 2 * math.prod(out_shape) * weights[-1]


def flops(world: World, num_steps: int) -> int:
    """Floating-point operations (a multiply-add is two) of one chunk with a full memory: all denoising passes, and
    decoding."""
    context = sampler.start(world, [""], [0])
    sampler.extend(world, context, None, 1)
    context.memory.counts = [context.memory.num_slots]
    config = world.config.denoiser
    actions = torch.zeros(1, config.time_stride, config.action_size, device=world.device)
    with counter() as counted:
        sampler.extend(world, context, actions, num_steps)
    return counted.get_total_flops()
