"""What a rollout remembers: a preallocated ring of the latest latents' keys and values, one slot a latent (the KV cache),
and the latest latent itself, with the flow that led to it.

While a latent is denoised its own slot is overwritten in every pass; the pass with the finished latent leaves what
later latents see, and `advance` moves on. Nothing is concatenated, and cost and size stay the same for ever. Worlds of one
memory may be of different ages: each has its own slots, and sees only what it has written itself.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass
class Memory:
    """entries: [layers, 2, b, heads, slots, tokens, d]. previous: the latest finished latent, as noisy as it is remembered,
    and its noise level. flow: what led to it (`Autoencoder.flow`), zeros where nothing did. counts: latents that each of the b
    worlds has written so far, of which the last `slots` remain (the latent being denoised takes the slot of the oldest).
    shared: whether a fork holds the same entries; who writes first then takes a copy."""

    entries: Float[Tensor, "layers kv b heads slots tokens d"]
    previous: tuple[Float[Tensor, "b 1 rows columns c"], Float[Tensor, "b 1"]]
    flow: Float[Tensor, "b 2 flow_rows flow_columns"]
    counts: list[int]
    shared: bool = False

    @property
    def num_slots(self) -> int:
        return self.entries.shape[4]

    @property
    def num_filled(self) -> int:
        """Slots that hold something in the oldest of the worlds, the latent being denoised included."""
        return min(max(self.counts) + 1, self.num_slots)

    def mask(self) -> Bool[Tensor, "b 1 1 m"] | None:
        """True where a world's latent may attend to what `extend` returns; None where all may attend to all of it."""
        filled = [min(count + 1, self.num_slots) for count in self.counts]
        if min(filled) == self.num_filled:
            return None
        slots = torch.arange(self.num_filled, device=self.entries.device)
        seen = slots < torch.tensor(filled, device=self.entries.device)[:, None]
        return seen.repeat_interleave(self.entries.shape[5], 1)[:, None, None]

    def extend(
        self, layer: int, keys: Float[Tensor, "b heads n d"], values: Float[Tensor, "b heads n d"]
    ) -> tuple[Float[Tensor, "b heads m d"], Float[Tensor, "b heads m d"]]:
        """Put the current latents' keys and values into their slots; returns all that any world may attend to."""
        self.own()
        slots = [count % self.num_slots for count in self.counts]
        kept_keys, kept_values = self.entries[layer]
        if len(set(slots)) == 1:
            kept_keys[:, :, slots[0]] = keys
            kept_values[:, :, slots[0]] = values
        else:
            worlds, places = torch.arange(len(slots), device=keys.device), torch.tensor(slots, device=keys.device)
            kept_keys[worlds, :, places] = keys
            kept_values[worlds, :, places] = values
        return kept_keys[:, :, : self.num_filled].flatten(2, 3), kept_values[:, :, : self.num_filled].flatten(2, 3)

    def advance(
        self,
        latent: Float[Tensor, "b 1 rows columns c"],
        tau: Float[Tensor, "b 1"],
        flow: Float[Tensor, "b 2 flow_rows flow_columns"],
    ) -> None:
        """The current latent is finished and remembered as `latent`, at noise level `tau`, to which `flow` led; the next
        takes the next slot."""
        self.previous, self.flow = (latent, tau), flow
        self.counts = [count + 1 for count in self.counts]

    def own(self) -> None:
        """Hold entries that no fork holds, so that they may be written to."""
        if self.shared:
            self.entries, self.shared = self.entries.clone(), False

    def fork(self) -> "Memory":
        """A copy that goes on by itself. Copied is only what is written to, when it is written to."""
        self.shared = True
        return Memory(self.entries, self.previous, self.flow, list(self.counts), shared=True)


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
