"""Hands: what the player's attack and use do to the picture, pixel by pixel: cracks, a block gone, a block placed, a swing.

The denoiser imagines what comes into view, and is too coarse for one block that goes or comes. A small U-Net sees the dreamt
frames of a chunk and is told what the keys did in the last seconds; it says where the picture changes, and into what. What
it has changed is shown and so remembered, like all else. Knows no losses, files or diffusion.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simworld.actions import CAMERA, KEYS
from simworld.model.camera import still_grid
from simworld.model.unet import UNet

HANDS = [slot for slot, key in enumerate(KEYS) if key in ("attack", "use") or key.startswith("hotbar")]
"""The keys of hands: break, place, hold another block."""
RECALL = 32
"""Frames, the chunk's own last, whose actions hands remember."""
SWING = 8
"""So many frames after the last such key nothing changes any more."""

RARE = 3.0
"""By how much the logit of a change begins below 0, for most pixels stay what they are."""


@dataclass(kw_only=True)
class HandsConfig:
    """The U-Net works on `patch` × `patch` pixels folded into channels; `widths` are its channels at each resolution, finest
    first, `blocks` their number there on the way down, and again on the way up. `told`: numbers into which the actions are
    condensed."""

    time_stride: int = 2
    patch: int = 4
    widths: list[int] = field(default_factory=lambda: [48, 96, 192])
    blocks: list[int] = field(default_factory=lambda: [1, 2, 3])
    told: int = 128


def busy(actions: Float[Tensor, "b n a"]) -> Bool[Tensor, " b"]:
    """Whether hands may change what is seen in the last of the frames that `actions` lead to."""
    return actions[:, -SWING:, HANDS].any(-1).any(-1)


@dataclass
class Change:
    """share: in each pixel of each frame, the logit of how far it changes. colors: into what."""

    share: Float[Tensor, "b r h w 1"]
    colors: Float[Tensor, "b r h w 3"]


class Hands(nn.Module):
    """Frames of a chunk, as they would be if nobody did anything → as they are."""

    def __init__(self, config: HandsConfig) -> None:
        super().__init__()
        self.config = config
        r, area = config.time_stride, config.patch**2
        self.tell = nn.Sequential(
            nn.Linear(RECALL * (len(HANDS) + 2), config.told), nn.SiLU(), nn.Linear(config.told, config.told), nn.SiLU()
        )
        self.unet = UNet(3 * r * area + 2, 4 * r * area, config.widths, config.blocks, told=config.told)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Float[Tensor, "b r h w 3"], actions: Float[Tensor, "b n a"]) -> Float[Tensor, "b r h w 3"]:
        """Frames in [-1, 1] under `actions`, the last `RECALL` of the player (zeros where there were none), of which the last r
        lead to the frames."""
        change = self.change(frames, actions)
        return torch.lerp(frames, change.colors, change.share.sigmoid()).clamp(-1, 1)

    def change(self, frames: Float[Tensor, "b r h w 3"], actions: Float[Tensor, "b n a"]) -> Change:
        """What hands change, for the arguments of `forward`."""
        h, w = frames.shape[2:4]
        patch = self.config.patch
        coarsest = patch * 2 ** (len(self.config.widths) - 1)
        pictures = rearrange(frames, "b r h w c -> b (r c) h w")
        pictures = F.pad(pictures, (0, -w % coarsest, 0, -h % coarsest), mode="replicate")
        folded = F.pixel_unshuffle(pictures, patch)
        place = still_grid((folded.shape[-2], folded.shape[-1]), folded.device).movedim(-1, 1).expand(len(frames), -1, -1, -1)
        dtype = self.unet.leave.weight.dtype
        found, _ = self.unet(torch.cat([folded, place], 1).to(dtype), told=self.tell(_facts(actions).to(dtype)))
        found = F.pixel_shuffle(found.float(), patch)[..., :h, :w]
        share, colors = rearrange(found, "b (r c) h w -> b r h w c", c=4).split((1, 3), -1)
        return Change(share - RARE, colors)


def _facts(actions: Float[Tensor, "b n a"]) -> Float[Tensor, "b facts"]:
    """Of each frame the hands' keys and the camera's turn."""
    return torch.cat([actions[..., HANDS], actions[..., CAMERA] / 10], -1).float().flatten(1)
