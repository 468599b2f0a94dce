"""The arithmetic of a chunk, counted by running one: the floor under its time is this over the machine's matrix rate."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from simworld.model import sampler
from simworld.model.world import World


def flops(world: World, num_steps: int) -> int:
    """Floating-point operations (a multiply-add is two) of one chunk with a full memory: all denoising passes, the pass
    that remembers, and decoding."""
    context = sampler.start(world, [""], [0])
    sampler.extend(world, context, None, 1)
    context.memory.counts = [context.memory.num_slots]
    config = world.config.denoiser
    actions = torch.zeros(1, config.time_stride, config.action_size, device=world.device)
    with FlopCounterMode(display=False) as counter:
        sampler.extend(world, context, actions, num_steps)
    return counter.get_total_flops()
