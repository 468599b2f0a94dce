"""Hands: what the player's attack and use do to the picture, pixel by pixel: cracks, a block gone, a block placed, a swing.

The denoiser imagines what comes into view, and is too coarse for one block that goes or comes. A small U-Net sees the middle
of a chunk's dreamt frames and is told what the keys did in the last seconds and what the hand holds; it says where the picture
changes, and into what. What it has changed is shown and so remembered, like all else. Knows no losses, files or diffusion.
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
REACH = (0.85, 0.6)
"""The shares of a picture's height and width, about the crosshair, that hands can reach."""
HELD, HELD_CELLS = (0.5, 0.65), (6, 7)
"""From which share of a picture's height and width on the held block is seen, and into how many cells that is condensed."""
RECALL = 32
"""Frames, the chunk's own last, whose actions hands remember."""
SWING = 8
"""So many frames after the last such key nothing changes any more."""

LEAST_SPREAD = 0.05
"""Added to the spread of a picture's colours, in [-1, 1], lest a plain picture's noise be all there is to see."""
DECIDED = 8.0
"""How sharply a pixel either stays or changes, at even odds: halfway would be mist."""
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
    """share: in each pixel of each frame's `window`, the logit of how far it changes. colors: into what."""

    share: Float[Tensor, "b r rows columns 1"]
    colors: Float[Tensor, "b r rows columns 3"]


class Hands(nn.Module):
    """Frames of a chunk, as they would be if nobody did anything → as they are."""

    def __init__(self, config: HandsConfig) -> None:
        super().__init__()
        self.config = config
        r, area = config.time_stride, config.patch**2
        num_facts = RECALL * (len(HANDS) + 2) + 3 * HELD_CELLS[0] * HELD_CELLS[1]
        self.tell = nn.Sequential(
            nn.Linear(num_facts, config.told), nn.SiLU(), nn.Linear(config.told, config.told), nn.SiLU()
        )
        self.unet = UNet(3 * r * area + 2, 4 * r * area, config.widths, config.blocks, told=config.told)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Float[Tensor, "b r h w 3"], actions: Float[Tensor, "b n a"]) -> Float[Tensor, "b r h w 3"]:
        """Frames in [-1, 1] under `actions`, the last `RECALL` of the player (zeros where there were none), of which the last r
        lead to the frames."""
        change = self.change(frames, actions)
        frames = frames.clone()
        window = self.window(frames)
        window.copy_(torch.lerp(window, change.colors, (DECIDED * change.share).sigmoid()).clamp(-1, 1))
        return frames

    def window(self, frames: Float[Tensor, "b r h w c"]) -> Float[Tensor, "b r rows columns c"]:
        """The part of frames, about the crosshair, that hands can reach."""
        coarsest = self.config.patch * 2 ** (len(self.config.widths) - 1)
        size = frames.shape[2:4]
        rows, columns = (max(1, int(side * share) // coarsest) * coarsest for side, share in zip(size, REACH, strict=True))
        top, left = (size[0] - rows) // 2, (size[1] - columns) // 2
        return frames[:, :, top : top + rows, left : left + columns]

    def change(self, frames: Float[Tensor, "b r h w 3"], actions: Float[Tensor, "b n a"]) -> Change:
        """What hands change, for the arguments of `forward`. Seen in the light of the picture, as night is to look like day."""
        r, dtype = frames.shape[1], self.unet.leave.weight.dtype
        mean, spread = frames.mean((1, 2, 3), keepdim=True), frames.std((1, 2, 3), keepdim=True) + LEAST_SPREAD
        frames = (frames - mean) / spread
        place = still_grid((frames.shape[2], frames.shape[3]), frames.device)[:, None]
        seen = rearrange(self.window(frames), "b r h w c -> b (r c) h w")
        folded = F.pixel_unshuffle(seen, self.config.patch)
        places = F.avg_pool2d(self.window(place)[:, 0].movedim(-1, 1), self.config.patch).expand(len(frames), -1, -1, -1)
        told = self.tell(torch.cat([_done(actions), _held(frames)], 1).to(dtype))
        found, _ = self.unet(torch.cat([folded, places], 1).to(dtype), told=told)
        found = rearrange(F.pixel_shuffle(found.float(), self.config.patch), "b (r c) h w -> b r h w c", r=r)
        share, colors = found.split((1, 3), -1)
        return Change(share - RARE, mean + spread * colors)


def _done(actions: Float[Tensor, "b n a"]) -> Float[Tensor, "b facts"]:
    """Of each action the hands' keys and the camera's turn."""
    return torch.cat([actions[..., HANDS], actions[..., CAMERA] / 10], -1).float().flatten(1)


def _held(frames: Float[Tensor, "b r h w 3"]) -> Float[Tensor, "b facts"]:
    """What the corner shows where the hand holds a block: its colours, coarsely."""
    h, w = frames.shape[2:4]
    corner = frames[:, -1, int(HELD[0] * h) :, int(HELD[1] * w) :].movedim(-1, 1)
    return F.adaptive_avg_pool2d(corner.float(), HELD_CELLS).flatten(1)
