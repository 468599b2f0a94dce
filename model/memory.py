"""What a rollout remembers: a preallocated ring of the latest latents' keys and values, one slot a latent (the KV cache),
and the latest latent itself, with the flow that led to it.

While a latent is denoised its own slot is overwritten in every pass; the pass with the finished latent leaves what
later latents see, and `advance` moves on. Nothing is concatenated, and cost and size stay the same for ever.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass
class Memory:
    """entries: [layers, 2, b, heads, slots, tokens, d]. previous: the latest finished latent, as noisy as it is remembered,
    and its noise level. flow: what led to it (`Autoencoder.flow`), zeros where nothing did. count: latents written so far, of
    which the last `slots` remain (the latent being denoised takes the slot of the oldest)."""

    entries: Float[Tensor, "layers kv b heads slots tokens d"]
    previous: tuple[Float[Tensor, "b 1 rows columns c"], Float[Tensor, "b 1"]]
    flow: Float[Tensor, "b 2 flow_rows flow_columns"]
    count: int = 0

    @property
    def num_slots(self) -> int:
        return self.entries.shape[4]

    def extend(
        self, layer: int, keys: Float[Tensor, "b heads n d"], values: Float[Tensor, "b heads n d"]
    ) -> tuple[Float[Tensor, "b heads m d"], Float[Tensor, "b heads m d"]]:
        """Put the current latent's keys and values into its slot; returns all that it may attend to."""
        slot, filled = self.count % self.num_slots, min(self.count + 1, self.num_slots)
        kept_keys, kept_values = self.entries[layer]
        kept_keys[:, :, slot] = keys
        kept_values[:, :, slot] = values
        return kept_keys[:, :, :filled].flatten(2, 3), kept_values[:, :, :filled].flatten(2, 3)

    def advance(
        self,
        latent: Float[Tensor, "b 1 rows columns c"],
        tau: Float[Tensor, "b 1"],
        flow: Float[Tensor, "b 2 flow_rows flow_columns"],
    ) -> None:
        """The current latent is finished and remembered as `latent`, at noise level `tau`, to which `flow` led; the next
        takes the next slot."""
        self.previous, self.flow = (latent, tau), flow
        self.count += 1

    def fork(self) -> "Memory":
        """A copy that shares nothing."""
        return Memory(self.entries.clone(), self.previous, self.flow, self.count)


def block_causal(num_latents: int, tokens: int, window: int, device: torch.device) -> Tensor:
    """Mask [n, n] of a clip's tokens, True where seen: each latent sees itself and the `window` - 1 before it."""
    latent = torch.arange(num_latents * tokens, device=device) // tokens
    age = latent[:, None] - latent[None, :]
    return (age >= 0) & (age < window)


def paired(num_latents: int, tokens: int, window: int, device: torch.device) -> Tensor:
    """Mask [n, n] of the tokens of a clip that is there twice, as remembered and to be denoised, True where seen: each latent
    sees itself and what is remembered of the `window` - 1 before it."""
    latent = torch.arange(2 * num_latents * tokens, device=device) // tokens
    age = (latent % num_latents)[:, None] - (latent % num_latents)[None, :]
    remembered = (latent < num_latents)[None, :]
    return ((age > 0) & (age < window) & remembered) | (latent[:, None] == latent[None, :])
