"""A world of a few thousand weights on disk, untrained, for tests of all that is not learning."""

from pathlib import Path

import torch

from simworld.model.autoencoder import AutoencoderConfig
from simworld.model.checkpoint import save_dynamics, save_network
from simworld.model.denoiser import DenoiserConfig
from simworld.model.text import TextConfig
from simworld.model.world import World, WorldConfig

HEIGHT, WIDTH = 32, 48


def tiny_config(time_stride: int = 2) -> WorldConfig:
    """Pictures of 32×48, latents of 2×3 cells."""
    return WorldConfig(
        height=HEIGHT,
        width=WIDTH,
        autoencoder=AutoencoderConfig(
            channels=8,
            space_stride=16,
            time_stride=time_stride,
            widths=[16, 32, 32],
            blocks=[1, 1, 2],
        ),
        text=TextConfig(width=32, depth=1, num_heads=2, buckets=256),
        denoiser=DenoiserConfig(size=4, window=6, channels=8, text_width=32, time_stride=time_stride),
    )


def shaken(model: torch.nn.Module) -> torch.nn.Module:
    """Every weight moved off its start, for branches that start silent would hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval().requires_grad_(False)


def tiny_world(time_stride: int = 2) -> World:
    """An untrained world of `tiny_config`, whose autoencoder has the components of random pictures."""
    torch.manual_seed(0)
    world = World(tiny_config(time_stride))
    world.autoencoder.learn_components(torch.rand(4, time_stride, HEIGHT, WIDTH, 3) * 2 - 1)
    shaken(world)
    return world


def write_tiny_world(folder: Path) -> Path:
    """A tiny world's two files in `folder`."""
    world = tiny_world()
    save_network(folder / "autoencoder.safetensors", world.autoencoder, {"note": "untrained"})
    save_dynamics(folder / "dynamics.safetensors", world, {"note": "untrained"})
    return folder
