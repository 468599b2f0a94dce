"""A U-Net: convolutions on ever coarser pictures and back up, with shortcuts at each resolution."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.folding import halved, halved_means
from simworld.model.layers import silent
from simworld.model.packed import PackedConv


def _norm(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Layer normalisation of each pixel's channels, without weights."""
    pixels = x.permute(0, 2, 3, 1)
    return F.layer_norm(pixels, pixels.shape[-1:]).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; with `memory`, the first also sees the latent before."""

    def __init__(self, width: int, memory: bool = False) -> None:
        super().__init__()
        self.enter = PackedConv(width, width, 3, padding=1)
        self.recall = PackedConv(width, width, 3, padding=1, bias=False) if memory else None
        self.leave = silent(PackedConv(width, width, 3, padding=1))

    def forward(self, x: Float[Tensor, "n c h w"], past: Float[Tensor, "n c h w"] | None = None) -> Tensor:
        if self.recall is None or past is None:
            return self.leave.onto(self.enter.silu(F.silu(_norm(x))), x)
        hidden = self.enter(F.silu(_norm(x))) + self.recall(F.silu(_norm(past)))
        return self.leave.onto(F.silu(hidden), x)


class Down(nn.Module):
    """Half the size: a convolution, beside averaged space-to-channel (DC-AE, arXiv 2410.10733)."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = PackedConv(width_in, width_out // 4, 3, padding=1)
        self.group = 4 * width_in // width_out

    def forward(self, x: Tensor) -> Tensor:
        if self.group == 2:
            return halved(self.conv(x)) + halved_means(x)
        return halved(self.conv(x)) + rearrange(halved(x), "n (c g) h w -> n c g h w", g=self.group).mean(2)


class Up(nn.Module):
    """Twice the size: a convolution, beside repeated channel-to-space."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = PackedConv(width_in, 4 * width_out, 3, padding=1)
        self.copies = 4 * width_out // width_in

    def forward(self, x: Tensor) -> Tensor:
        copied = x.permute(0, 2, 3, 1).repeat_interleave(self.copies, -1).permute(0, 3, 1, 2)
        return F.pixel_shuffle(self.conv(x) + copied, 2)


class UNet(nn.Module):
    """`inputs` channels to `outputs`, which begin as zeros. `widths` are its channels at each resolution, finest first,
    `blocks` their number there on the way down, and again on the way up. One that `remembers` takes and gives, at every
    resolution but the finest, the features of the first block on the way down; one that is `told` takes so many numbers,
    which it adds at every resolution on the way down."""

    def __init__(
        self, inputs: int, outputs: int, widths: list[int], blocks: list[int], remembers: bool = False, told: int = 0
    ) -> None:
        super().__init__()
        self.enter = PackedConv(inputs, widths[0], 3, padding=1)
        self.falling, self.rising = nn.ModuleList(), nn.ModuleList()
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for level, (width, num_blocks) in enumerate(zip(widths, blocks, strict=True)):
            memories = [remembers and level > 0] + [False] * (num_blocks - 1)
            self.falling.append(nn.ModuleList(ResidualBlock(width, memory) for memory in memories))
            if level + 1 < len(widths):
                self.rising.append(nn.Sequential(*(ResidualBlock(width) for _ in range(num_blocks))))
                self.downs.append(Down(width, widths[level + 1]))
                self.ups.append(Up(widths[level + 1], width))
        self.tell = nn.ModuleList(nn.Linear(told, width) for width in widths) if told else None
        self.leave = silent(PackedConv(widths[0], outputs, 3, padding=1))

    def forward(
        self,
        x: Float[Tensor, "b inputs h w"],
        features: list[Float[Tensor, "b _ _ _"]] | None = None,
        told: Float[Tensor, "b told"] | None = None,
    ) -> tuple[Float[Tensor, "b outputs h w"], list[Float[Tensor, "b _ _ _"]]]:
        """The outputs, and the features to be remembered."""
        x = self.enter(x)
        new_features: list[Tensor] = []
        kept: list[Tensor] = []
        for level, blocks in enumerate(self.falling):
            assert isinstance(blocks, nn.ModuleList)
            if self.tell is not None:
                assert told is not None, "this network must be told something"
                x = x + self.tell[level](told)[:, :, None, None]
            for block in blocks:
                if block.recall is None:
                    x = block(x)
                    continue
                past = features[len(new_features)] if features is not None else torch.zeros_like(x)
                new_features.append(x)
                x = block(x, past)
            if level < len(self.downs):
                kept.append(x)
                x = self.downs[level](x)
        for level in reversed(range(len(self.ups))):
            x = self.rising[level](kept[level] + self.ups[level](x))
        return self.leave(F.silu(x)), new_features
