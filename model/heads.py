"""Heads: small networks on what a world makes of its latest latent. The policy head plays: it says which action a player like
those of the recordings does next, so that a dream can play itself.

    heads = load_heads(folder / "heads.safetensors")
    actions = heads.suggest(sampler.impression(world, context), generators)         # float32 [b, 25]

Trained by `simworld train heads`; a file of its own beside the world. Knows no sampler.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.choices import Factors
from simworld.model.checkpoint import load_small, save_small
from simworld.model.context import Impression

CAMERA_SCALE = 10.0


@dataclass(kw_only=True)
class HeadsConfig:
    """Of the world: `num_tokens` a latent of `token_width`, `time_stride` actions of `action_size`. Own: `narrow` numbers are
    kept of each token, and seen by a hidden layer of `width`."""

    num_tokens: int = 16
    token_width: int = 256
    time_stride: int = 2
    action_size: int = 25
    narrow: int = 32
    width: int = 256


class Heads(nn.Module):
    """The policy: logits of each of `Factors`' choices for the next chunk's action."""

    def __init__(self, config: HeadsConfig) -> None:
        super().__init__()
        self.config = config
        self.factors = Factors()
        self.narrow = nn.Linear(config.token_width, config.narrow)
        seen = config.num_tokens * config.narrow + config.time_stride * config.action_size
        self.hidden = nn.Linear(seen, config.width)
        self.policy = nn.Linear(config.width, sum(self.factors.sizes))

    def forward(self, impression: Impression) -> list[Float[Tensor, "b _"]]:
        """Logits, choice by choice."""
        # What the blocks leave behind grows with depth; its direction is what counts.
        tokens = self.narrow(F.layer_norm(impression.tokens.float(), impression.tokens.shape[-1:]))
        actions = impression.actions.float().clone()
        actions[..., CAMERA] /= CAMERA_SCALE
        hidden = F.silu(self.hidden(torch.cat([F.silu(tokens).flatten(1), actions.flatten(1)], 1)))
        return list(self.policy(hidden).split(self.factors.sizes, 1))

    def loss(self, impression: Impression, choices: Int[Tensor, "b n"]) -> Float[Tensor, ""]:
        """Mean cross-entropy, in nats a chunk, of the choices that players made."""
        logits = self(impression)
        return sum((F.cross_entropy(part, choices[:, n]) for n, part in enumerate(logits)), torch.zeros(()))

    @torch.no_grad()
    def suggest(
        self, impression: Impression, generators: list[torch.Generator], warmth: float = 1.0
    ) -> Float[Tensor, "b a"]:
        """Actions drawn as players would choose them, each by its own dice; `warmth` below 1 keeps to what is likelier.
        ValueError unless it is more than 0."""
        if not warmth > 0:
            raise ValueError(f"warmth is {warmth}; it must be more than 0")
        chances = [F.softmax(logits / warmth, -1).cpu() for logits in self(impression)]
        choices = [
            [int(torch.multinomial(chance[row], 1, generator=generator)) for chance in chances]
            for row, generator in enumerate(generators)
        ]
        return torch.stack([torch.from_numpy(self.factors.vector(choice)) for choice in choices])


def save_heads(path: Path, heads: Heads, summary: dict[str, Any]) -> None:
    """Write heads. summary: JSON values about their training."""
    save_small(path, "heads", heads, summary)


def load_heads(path: Path, device: str = "cpu") -> Heads:
    """Read heads, in float32. ValueError naming the file and what is wrong."""
    return load_small(path, "heads", "heads", HeadsConfig, Heads, device)
