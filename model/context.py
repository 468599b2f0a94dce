"""A context: all that dreams remember from chunk to chunk. Knows no sampling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.album import Album
from simworld.model.autoencoder import DecoderState
from simworld.model.daylight import Daylight
from simworld.model.denoiser import Text
from simworld.model.grip import Grip
from simworld.model.ground import Ground
from simworld.model.memory import Memory
from simworld.model.promise import Promise
from simworld.model.scenery import Scenery
from simworld.model.surroundings import Surroundings
from simworld.model.work import Work

RECALL = 32
"""Frames whose actions a context remembers."""


@dataclass
class Goal:
    """What b dreams fade into: pictures in [-1, 1], how many chunks are left on the way, 0 for none, of which the last `total`
    show it, and where the eye is there, with what lies around it and what is seen from elsewhere, which may be promised until
    then, as it is shown, and in what light. Albums may be sketches, which `grow` into whole ones, once in `due` chunks, 0 where
    they do not or have done so."""

    pictures: Float[Tensor, "b h w 3"]
    left: Int[Tensor, " b"]
    total: Int[Tensor, " b"]
    around: Surroundings
    albums: Sequence[Album | Promise[Album]]
    scenery: Scenery
    daylight: Daylight
    grow: Sequence[Album | Promise[Album] | None]
    due: Int[Tensor, " b"]

    @property
    def waits(self) -> Bool[Tensor, " b"]:
        """Which of the dreams go on for a while before they fade."""
        return self.left > self.total

    @property
    def shows(self) -> Bool[Tensor, " b"]:
        """Which of the dreams are fading."""
        return (self.left > 0) & ~self.waits


@dataclass
class Impression:
    """What a world makes of its latest latent, for its heads. tokens: of its registers and cells. actions: that led to it,
    zeros where none did."""

    tokens: Float[Tensor, "b n d"]
    actions: Float[Tensor, "b r a"]


@dataclass
class Context:
    """All that b dreams remember. Equal contexts, actions and steps give equal frames on one machine.

    memory: keys and values of the latest latents. decoder: the decoder's state, None before the first latent.
    around: what was seen in every direction. scenery: the pictures that are shown again, and how near things are in them.
    albums: of each world, all that were kept. actions: the last `RECALL`, zeros before the first. work: how far the player's
    hands have come; grip: what they hold. prompts: b texts; text: the same, as the denoiser reads it. generators: one source
    of randomness each. goal: where `lead` leads the dreams. ground: what was really shown to them, and how long ago.
    daylight: at which hour their places are shown. impression: None where nobody has asked for that of the latest latent
    (`sampler.impression`).
    """

    memory: Memory
    decoder: DecoderState | None
    around: Surroundings
    scenery: Scenery
    albums: list[Album]
    actions: Float[Tensor, "b n a"]
    work: Work
    grip: Grip
    prompts: list[str]
    text: Text
    generators: list[torch.Generator]
    goal: Goal
    ground: Ground
    daylight: Daylight
    impression: Impression | None = None

    def fork(self) -> "Context":
        """An independent copy that goes on exactly alike. Cheap: tensors are shared until one of the two replaces them."""
        decoder = None if self.decoder is None else replace(self.decoder)
        around, scenery = replace(self.around), replace(self.scenery)
        prompts, albums = list(self.prompts), list(self.albums)
        generators = [copied(generator) for generator in self.generators]
        records = {"memory": self.memory.fork(), "decoder": decoder, "around": around, "scenery": scenery}
        lists = {"albums": albums, "prompts": prompts, "generators": generators}
        return replace(self, **records, **lists)  # type: ignore[arg-type]


def copied(generator: torch.Generator) -> torch.Generator:
    """A generator that goes on exactly as `generator` would."""
    copy = torch.Generator(generator.device)
    copy.set_state(generator.get_state())
    return copy
