"""Who is measured: dreams, and the players that must rank above and below them."""

from typing import Protocol

import numpy as np
import torch
from einops import rearrange

from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.training.truth import Truth

CONTEXT = 8
"""Latents of truth that a dream starts from."""


class Player(Protocol):
    """size: of its pictures, height × width. stride: frames a chunk. known: frames of truth that it goes on from."""

    size: tuple[int, int]
    stride: int
    known: int

    def roll(self, truth: Truth) -> np.ndarray:
        """The frames that follow the first `known` of `truth` under the rest of its actions: uint8 [b, t, h, w, 3]."""
        ...


class Game:
    """The reference game itself: what it shows is the truth."""

    size, stride, known = (96, 160), 2, 1 + 2 * (CONTEXT - 1)

    def roll(self, truth: Truth) -> np.ndarray:
        return truth.frames[:, truth.known :]


class CopyLastFrame:
    """Shows the last known frame for ever."""

    size, stride, known = Game.size, Game.stride, Game.known

    def roll(self, truth: Truth) -> np.ndarray:
        return np.broadcast_to(truth.frames[:, truth.known - 1 : truth.known], truth.frames[:, truth.known :].shape)


class Dream:
    """A world, sampled in `num_steps` steps a chunk."""

    def __init__(self, world: str, num_steps: int = 4, device: str = "cpu") -> None:
        self.net = load_world(find_world(world), fastest_dtype(device), device)
        self.num_steps = num_steps
        self.size = (self.net.config.height, self.net.config.width)
        self.stride = self.net.config.autoencoder.time_stride
        self.known = 1 + self.stride * (CONTEXT - 1)

    @torch.inference_mode()
    def roll(self, truth: Truth) -> np.ndarray:
        net, known = self.net, truth.known
        actions = torch.from_numpy(truth.actions).to(net.device)
        context = sampler.start(net, truth.captions, list(range(len(truth.frames))))
        shown = torch.from_numpy(truth.frames[:, :known]).to(net.device)
        sampler.append_frames(net, context, shown, actions[:, : known - 1])
        chunks = rearrange(actions[:, known - 1 :], "b (n r) a -> n b r a", r=self.stride)
        frames = [sampler.extend(net, context, chunk, self.num_steps).cpu() for chunk in chunks]
        return torch.cat(frames, 1).numpy()


def make_player(name: str, num_steps: int = 4, device: str = "cpu") -> Player:
    """The player of that name: "game" and "copy-last-frame", the ceiling and the floor, or a world. ValueError where there is
    none."""
    if name == "game":
        return Game()
    if name == "copy-last-frame":
        return CopyLastFrame()
    return Dream(name, num_steps, device)
