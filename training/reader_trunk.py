"""The small convolutional trunk that the probes share: pictures of a low resolution, whatever size they come in, to features.

Knows neither labels nor losses. Probes read gameplay, they do not make it: what they read off true frames is the ceiling of
what they can read off dreams.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from simworld.model.pixels import to_float

SIZE, FINE = (48, 80), (96, 160)
"""Height and width that pictures are brought to before actions are read, and before scenes are: rain is a pixel wide."""


def small(frames: UInt8[Tensor, "*b h w 3"], size: tuple[int, int] = SIZE) -> UInt8[Tensor, "*b _ _ 3"]:
    """Frames of any size as the probes read them; of that size, as they are."""
    if tuple(frames.shape[-3:-1]) == size:
        return frames
    pictures = frames.reshape(-1, *frames.shape[-3:]).movedim(-1, 1).float()
    cell = (pictures.shape[-2] // size[0], pictures.shape[-1] // size[1])
    whole = tuple(pictures.shape[-2:]) == (cell[0] * size[0], cell[1] * size[1])
    reduced = (F.avg_pool2d(pictures, cell) if whole else F.interpolate(pictures, size, mode="area")).round().to(frames.dtype)
    return reduced.movedim(1, -1).reshape(*frames.shape[:-3], *size, 3)


def pictures(frames: UInt8[Tensor, "*b h w 3"]) -> Float[Tensor, "*b 3 h w"]:
    """Small frames as the trunk takes them."""
    return to_float(frames).movedim(-1, -3)


class Trunk(nn.Module):
    """`channels` of h×w to `width`, doubled at each of `halvings` halvings but the first, with a residual block after each."""

    def __init__(self, channels: int, width: int, halvings: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number in range(halvings):
            size = 5 if channels == 3 else 3
            layers += [nn.Conv2d(channels, width << number, size, stride=2, padding=size // 2), Block(width << number)]
            channels = width << number
        self.layers = nn.Sequential(*layers)
        self.out_channels = channels
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n _ _ _"]:
        return F.silu(_norm(self.layers(x.contiguous(memory_format=torch.channels_last))))


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return x + self.leave(F.silu(self.enter(F.silu(_norm(x)))))


def _norm(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    pixels = rearrange(x, "n c h w -> n h w c")
    return rearrange(F.layer_norm(pixels, pixels.shape[-1:]), "n h w c -> n c h w")
