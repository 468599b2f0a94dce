"""Grain: what the faces of blocks look like from near, where a picture shows them as they were seen from afar.

A table holds what is on each spot of a face, learned of all blocks together; a small network reads off the picture which of it
is on each pixel's. Knows no dream, losses or files.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from simworld.model.faces import COARSE, FACES, SIDE, SPOTS
from simworld.model.folding import fold
from simworld.model.layers import silent
from simworld.model.packed import PackedConv, PackedLinear
from simworld.model.pixels import lit

COLORS, FAINT = 3, 1 / 64
AT_ONCE = 4096
"""Pixels are read in multiples of so many."""


@dataclass(kw_only=True)
class GrainConfig:
    """`kinds`: numbers that tell what is on a spot. `patch`: pixels to a side of what the network sees as one; `width`: its
    channels, `blocks` its layers, `hints` the numbers that it tells each pixel, which has `hidden` in its own layer."""

    kinds: int = 32
    patch: int = 4
    width: int = 64
    blocks: int = 4
    hints: int = 24
    hidden: int = 64


class Grain(nn.Module):
    """Pictures, how near things are in them, and which spots each pixel shows → the pictures with what is on these."""

    def __init__(self, config: GrainConfig) -> None:
        super().__init__()
        self.config = config
        self.spots = nn.Embedding(SPOTS, config.kinds)
        self.enter = PackedConv((COLORS + 1) * config.patch**2, config.width, 3, padding=1)
        self.blocks = nn.ModuleList(PackedConv(config.width, config.width, 3, padding=1) for _ in range(config.blocks))
        self.hint = PackedConv(config.width, config.hints, 1)
        inputs = config.hints + COLORS + 1 + len(COARSE) * FACES
        self.read = nn.Linear(inputs, config.hidden)
        self.tell = silent(PackedLinear(config.hidden, COLORS * config.kinds))
        nn.init.normal_(self.spots.weight, std=0.3)

    def forward(
        self, pictures: Float[Tensor, "n 3 h w"], near: Float[Tensor, "n 1 h w"], spots: Int[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n 3 h w"]:
        """pictures: in [-1, 1]. near: 1 / blocks, as it is known. spots: as `faces.spots` tells; where there are none pictures
        stay as they are."""
        n, _, h, w = pictures.shape
        flat = spots.flatten()
        which = (flat >= 0).nonzero()[:, 0]
        if not len(which):
            return pictures
        # Products of ever other sizes would be made ready, and kept, for each.
        which = torch.cat([which, which[-1:].expand(-len(which) % AT_ONCE)])
        dtype, patch, chosen = self.hint.weight.dtype, self.config.patch, flat.index_select(0, which)
        seen = torch.cat([lit(pictures)[0], torch.log(near.clamp(min=0) + FAINT) / 2], 1).to(dtype)
        view = self.enter(fold(F.pad(seen, (0, -w % patch, 0, -h % patch), mode="replicate"), patch))
        for block in self.blocks:
            assert isinstance(block, PackedConv)
            view = block.onto(F.silu(view), view)
        hints = F.interpolate(self.hint(F.silu(view)), scale_factor=patch, mode="bilinear", align_corners=False)[..., :h, :w]
        pixels = _rows(torch.cat([seen, hints], 1)).index_select(0, which)
        # What the layer would make of the number of each pixel's kind of face, beside the rest.
        of_pixels, of_faces = self.read.weight.split([pixels.shape[1], len(COARSE) * FACES], 1)
        faces = F.embedding(chosen // SIDE**2, of_faces.T.to(dtype).contiguous())
        told = self.tell(F.silu(F.linear(pixels, of_pixels, self.read.bias) + faces)).split(self.config.kinds, 1)
        there = self.spots(chosen)
        more = torch.stack([(kinds * there).sum(1) for kinds in told], 1).float()
        colors = _rows(pictures.float())
        # Light falls on what is on a face as on the face itself.
        before = colors.index_select(0, which)
        colors = colors.index_copy(0, which, (before + (before + 1) * more).clamp(-1, 1))
        return colors.unflatten(0, (n, h, w)).movedim(-1, 1)


def _rows(picture: Float[Tensor, "n c h w"]) -> Float[Tensor, "pixels c"]:
    """One row for each pixel."""
    return picture.movedim(1, -1).flatten(0, 2)
