"""What a rollout remembers: a preallocated ring of the latest latents' keys and values, one slot a latent (the KV cache),
and the latest latent itself, with the flow that led to it.

While a latent is denoised its own slot is overwritten in every pass. When it is finished `advance` moves on; what later
latents see of it is left by a pass with it as it is remembered, which the next latent's first pass takes along: of so few
tokens two latents take hardly longer than one. Nothing is concatenated, and cost and size stay the same for ever. Worlds of
one memory may be of different ages: each has its own slots, and sees only what it has written itself.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass
class Before:
    """The latent before each, as noisy as it is remembered; tau: its noise level; expected: what follows from it if all goes
    on as before but for the camera's turn (`World.before`)."""

    latents: Float[Tensor, "b t h w c"]
    tau: Float[Tensor, "b t"]
    expected: Float[Tensor, "b t h w c"]


@dataclass
class Memory:
    """entries: [layers, 2, b, heads, slots, tokens, d]. previous: the latest finished latent, as noisy as it is remembered,
    and its noise level. before: what it was told of the latent before it. flow: what led to it (`Autoencoder.flow`), zeros
    where nothing did. counts: finished latents of each of the b worlds, of which the last `slots` remain (the latent being
    denoised takes the slot of the oldest). written: whether entries hold the latest of them, too. shared: whether a fork holds
    the same entries; who writes first then takes a copy."""

    entries: Float[Tensor, "layers kv b heads slots tokens d"]
    previous: tuple[Float[Tensor, "b 1 rows columns c"], Float[Tensor, "b 1"]]
    before: Before
    flow: Float[Tensor, "b 2 flow_rows flow_columns"]
    counts: list[int]
    written: bool = True
    shared: bool = False

    @property
    def num_slots(self) -> int:
        return self.entries.shape[4]

    def masks(self, t: int) -> list[Bool[Tensor, "b 1 1 _"] | None]:
        """Of the first t latents that are not written yet: True where a world's may attend to what is there when it has been
        put into its slot; None where all may attend to all of it."""
        return [self._mask(number) for number in range(t)]

    def attended(
        self,
        layer: int,
        masks: list[Bool[Tensor, "b 1 1 _"] | None],
        queries: Float[Tensor, "b heads t_n d"],
        keys: Float[Tensor, "b heads t_n d"],
        values: Float[Tensor, "b heads t_n d"],
    ) -> Float[Tensor, "b heads t_n d"]:
        """What the first latents that are not written yet, one for each of `masks`, see of themselves and of those before them:
        one after another is put into its slot, and then attends."""
        self.own()
        seen = []
        latents = zip(masks, *(part.chunk(len(masks), 2) for part in (queries, keys, values)), strict=True)
        for number, (mask, query, key, value) in enumerate(latents):
            seen.append(F.scaled_dot_product_attention(query, *self._put(layer, number, key, value), mask))
        return seen[0] if len(seen) == 1 else torch.cat(seen, 2)

    def advance(
        self,
        latent: Float[Tensor, "b 1 rows columns c"],
        tau: Float[Tensor, "b 1"],
        before: Before,
        flow: Float[Tensor, "b 2 flow_rows flow_columns"],
    ) -> None:
        """The current latent is finished, and will be remembered as `latent`, at noise level `tau`, which was told `before`,
        and to which `flow` led; the next takes the next slot."""
        self.previous, self.before, self.flow = (latent, tau), before, flow
        self.counts, self.written = [count + 1 for count in self.counts], False

    def own(self) -> None:
        """Hold entries that no fork holds, so that they may be written to."""
        if self.shared:
            self.entries, self.shared = self.entries.clone(), False

    def fork(self) -> "Memory":
        """A copy that goes on by itself. Copied is only what is written to, when it is written to."""
        self.shared = True
        return replace(self, counts=list(self.counts))

    def _ages(self, number: int) -> list[int]:
        """How many latents were finished before that of this number, of those that are not written yet, from 0 on."""
        return [count + number - (not self.written) for count in self.counts]

    def _filled(self, number: int) -> list[int]:
        """Slots of each world that hold something when that latent is in its own."""
        return [min(age + 1, self.num_slots) for age in self._ages(number)]

    def _mask(self, number: int) -> Bool[Tensor, "b 1 1 m"] | None:
        filled = self._filled(number)
        if min(filled) == max(filled):
            return None
        slots = torch.arange(max(filled), device=self.entries.device)
        seen = slots < torch.tensor(filled, device=self.entries.device)[:, None]
        return seen.repeat_interleave(self.entries.shape[5], 1)[:, None, None]

    def _put(
        self, layer: int, number: int, keys: Float[Tensor, "b heads n d"], values: Float[Tensor, "b heads n d"]
    ) -> tuple[Float[Tensor, "b heads m d"], Float[Tensor, "b heads m d"]]:
        """Put a latent's keys and values into its slot; returns all that any world may attend to."""
        slots = [age % self.num_slots for age in self._ages(number)]
        kept_keys, kept_values = self.entries[layer]
        if len(set(slots)) == 1:
            kept_keys[:, :, slots[0]] = keys
            kept_values[:, :, slots[0]] = values
        else:
            worlds, places = torch.arange(len(slots), device=keys.device), torch.tensor(slots, device=keys.device)
            kept_keys[worlds, :, places] = keys
            kept_values[worlds, :, places] = values
        filled = max(self._filled(number))
        return kept_keys[:, :, :filled].flatten(2, 3), kept_values[:, :, :filled].flatten(2, 3)


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
