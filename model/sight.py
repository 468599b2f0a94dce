"""Sight: how far away is what a picture shows, and where the keys will take the player. With both, what was seen can be shown
from where the player goes (`scenery`), as a moving eye would see it: the near passes by faster than the far.

A U-Net reads a picture; a few layers read how near things are before the player, the keys and how it has just moved. Knows no
losses, files or diffusion.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.model.folding import fold, unfold
from simworld.model.motion import WALKING
from simworld.model.obstacles import BANDS, DIRECTIONS
from simworld.model.pixels import lit
from simworld.model.unet import UNet

LEAST_NEAR = 1 / 64
"""Nearness is told by the logarithm of it and this, in 1 / blocks: farther away than so is the sky."""
MOST_NEAR = 20.0
"""In 1 / blocks: the eye is never nearer to anything."""
CELLS = (6, 10)
"""Into so many cells a map of nearness is condensed, for the steps."""
FINE_CELLS = (24, 40)
"""The same of a picture and its nearness, for the pitch."""
RECENT = 8
"""Frames before a chunk whose actions its steps depend on, for who jumps is long in the air."""


@dataclass(kw_only=True)
class SightConfig:
    """The U-Net works on `patch` × `patch` pixels folded into channels; `widths` are its channels at each resolution, finest
    first, `blocks` their number there on the way down, and again on the way up. `hidden`: width of the layers for steps."""

    time_stride: int = 2
    patch: int = 4
    widths: list[int] = field(default_factory=lambda: [32, 64, 128, 256])
    blocks: list[int] = field(default_factory=lambda: [1, 1, 2, 2])
    hidden: int = 256


class Sight(nn.Module):
    """Pictures → how near each pixel is; and by that how far down the eye looks, and its next steps."""

    def __init__(self, config: SightConfig) -> None:
        super().__init__()
        self.config = config
        self.unet = UNet(3 * config.patch**2, config.patch**2, config.widths, config.blocks)
        r = config.time_stride
        num_facts = 2 * CELLS[0] * CELLS[1] + (RECENT + r) * (WALKING.stop - WALKING.start + 2) + 3 * r + 1
        num_facts += DIRECTIONS * len(BANDS)
        self.walk = nn.Sequential(
            nn.Linear(num_facts, config.hidden), nn.SiLU(),
            nn.Linear(config.hidden, config.hidden), nn.SiLU(),
            nn.Linear(config.hidden, 3 * r),
        )  # fmt: skip
        self.level = nn.Sequential(
            nn.Conv2d(4, 32, 3, 2, 1), nn.SiLU(),
            nn.Conv2d(32, 64, 3, 2, 1), nn.SiLU(),
            nn.Conv2d(64, 128, 3, 2, 1), nn.SiLU(), nn.Flatten(),
            nn.Linear(128 * FINE_CELLS[0] * FINE_CELLS[1] // 64, config.hidden), nn.SiLU(),
            nn.Linear(config.hidden, 1),
        )  # fmt: skip
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 h w"]:
        """The logarithm of nearness + `LEAST_NEAR`, of frames in [-1, 1]."""
        h, w = frames.shape[-2:]
        coarsest = self.config.patch * 2 ** (len(self.config.widths) - 1)
        frames = F.pad(lit(frames)[0], (0, -w % coarsest, 0, -h % coarsest), mode="replicate")
        found, _ = self.unet(fold(frames.to(self.dtype), self.config.patch))
        return unfold(found.float(), self.config.patch)[..., :h, :w]

    def near(self, frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 h w"]:
        """One over how far away each pixel is, in blocks along the view's axis; 0 for the sky. The hand is looked through."""
        return (self(frames).exp() - LEAST_NEAR).clamp(0, MOST_NEAR)

    def pitch(self, frames: Float[Tensor, "n 3 h w"], near: Float[Tensor, "n 1 h w"]) -> Float[Tensor, " n"]:
        """How many degrees down looks who sees such frames, in [-1, 1], and things so near."""
        seen = torch.cat([lit(frames)[0], torch.log(near + LEAST_NEAR)], 1)
        return 45 * self.level(F.adaptive_avg_pool2d(seen, FINE_CELLS).to(self.dtype)).float()[:, 0]

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.unet.leave.weight.dtype

    def steps(
        self,
        near: Float[Tensor, "n 1 h w"],
        actions: Float[Tensor, "n m a"],
        moved: Float[Tensor, "n r 3"],
        pitch: Float[Tensor, " n"],
        around: Float[Tensor, "n directions bands"],
    ) -> Float[Tensor, "n r 3"]:
        """How far each of the next r frames takes the eye: (right, ahead, up) in blocks, for who faces ahead before them.
        near: what it sees before. around: what stands in its way, as `obstacles` tells. actions: `RECENT` before and the r that
        lead to those frames. moved: the same of the r frames before. pitch: degrees that it looks down."""
        seen = torch.log(near + LEAST_NEAR)
        cells = [F.adaptive_avg_pool2d(seen, CELLS), F.adaptive_max_pool2d(seen, CELLS)]
        told = torch.cat([actions[..., WALKING], actions[..., CAMERA] / 10], -1).float()
        facts = [*(part.flatten(1) for part in cells), told.flatten(1), 10 * moved.flatten(1), pitch[:, None] / 45]
        facts.append(around.flatten(1))
        return self.walk(torch.cat(facts, 1).to(self.dtype)).float().unflatten(1, (-1, 3)) / 10
