"""Restorer: what scenery shows is made of points thrown from other pictures, frayed at edges, patched where two pictures meet,
blurred where it was seen from afar, with holes. A small network restores what the eye would see there.

A U-Net reads the dream's frame, what scenery knows of it and how near that is, and tells the difference to the truth. Knows no
losses, files or diffusion.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.folding import fold, unfold
from simworld.model.pixels import lit
from simworld.model.scenery import Shown
from simworld.model.unet import UNet

LEAST_NEAR = 1 / 64
"""Nearness is read by the logarithm of it and this, in 1 / blocks."""
SIGNS = 9
"""Channels that the network reads: the frame, what is shown, how near it is, whether it is known, and whether it is real."""


@dataclass(kw_only=True)
class RestorerConfig:
    """The U-Net works on `patch` × `patch` pixels folded into channels; `widths` are its channels at each resolution, finest
    first, `blocks` their number there on the way down, and again on the way up."""

    patch: int = 2
    widths: list[int] = field(default_factory=lambda: [32, 64, 128])
    blocks: list[int] = field(default_factory=lambda: [1, 2, 1])


class Restorer(nn.Module):
    """Frames, and what is known of them → the frames restored."""

    def __init__(self, config: RestorerConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = UNet(SIGNS * config.patch**2, 3 * config.patch**2, config.widths, config.blocks)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Float[Tensor, "b r h w 3"], shown: Shown) -> Float[Tensor, "b r h w 3"]:
        """Frames in [-1, 1], of which `shown` is known; of any size."""
        b, r, h, w, _ = frames.shape
        pictures = frames.flatten(0, 1).movedim(-1, 1).float()
        plain, mean, spread = lit(pictures)
        known, real = (mask.flatten(0, 1).float() for mask in (shown.known, shown.real))
        colors = known * (shown.colors.flatten(0, 1) - mean) / spread
        near = known * torch.log(shown.near.flatten(0, 1).clamp(min=0) + LEAST_NEAR)
        coarsest = self.config.patch * 2 ** (len(self.config.widths) - 1)
        signs = F.pad(torch.cat([plain, colors, near, known, real], 1), (0, -w % coarsest, 0, -h % coarsest))
        apart, _ = self.unet(fold(signs.to(self.unet.leave.weight.dtype), self.config.patch))
        apart = unfold(apart.float(), self.config.patch)[..., :h, :w]
        return (pictures + spread * apart).clamp(-1, 1).movedim(1, -1).unflatten(0, (b, r))
