"""The video compression network: frames ↔ latents, compressed `space_stride`× in space and `time_stride`× in time.

Causal in time; the first latent holds the first frame alone, so that an image is a clip of one frame and a clip of
1 + r·n frames is 1 + n latents. Fully convolutional: any height and width. The encoder looks at one latent's r frames
only; the decoder also sees the features of the latents before (taehv's memory blocks), carried as `DecoderState`, so
that pieces decode exactly as the whole. Pixel (un)shuffle at both ends and space-to-channel shortcuts as in DC-AE
(arXiv 2410.10733). Knows nothing of losses, files or diffusion.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.layers import silent

DecoderState = list[Float[Tensor, "b _ _ _"]]
"""Per memory block, the features of the latest latent. Owned by the caller, returned by `decode`."""


@dataclass(kw_only=True)
class AutoencoderConfig:
    """`widths` are the channels of each resolution, finest first (stride `patch`, then twice as coarse each)."""

    channels: int = 128
    patch: int = 4
    time_stride: int = 2
    widths: list[int] = field(default_factory=lambda: [64, 128, 256, 256])
    encoder_blocks: list[int] = field(default_factory=lambda: [1, 2, 2, 2])
    decoder_blocks: list[int] = field(default_factory=lambda: [3, 4, 3, 2])

    def __post_init__(self) -> None:
        if not len(self.widths) == len(self.encoder_blocks) == len(self.decoder_blocks):
            raise ValueError(
                f"autoencoder: widths {self.widths}, encoder_blocks {self.encoder_blocks} and decoder_blocks "
                f"{self.decoder_blocks} must have one number for each resolution"
            )
        for fine, coarse in zip(self.widths, self.widths[1:], strict=False):
            if 4 * fine % coarse or coarse % 4:
                raise ValueError(f"autoencoder: width {coarse} must divide 4 × {fine} and be a multiple of 4")

    @property
    def space_stride(self) -> int:
        """Pixels along one side of a latent's cell."""
        return self.patch * 2 ** (len(self.widths) - 1)

    def latent_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the latent of a height × width picture."""
        return -(-height // self.space_stride), -(-width // self.space_stride)


def _norm(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
    """Layer normalisation of each pixel's channels, without weights."""
    pixels = x.permute(0, 2, 3, 1)
    return F.layer_norm(pixels, pixels.shape[-1:]).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; with `memory`, the first also sees the latent before."""

    def __init__(self, width: int, memory: bool = False) -> None:
        super().__init__()
        self.enter = nn.Conv2d(width, width, 3, padding=1)
        self.recall = nn.Conv2d(width, width, 3, padding=1, bias=False) if memory else None
        self.leave = silent(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Float[Tensor, "n c h w"], past: Float[Tensor, "n c h w"] | None = None) -> Tensor:
        hidden = self.enter(F.silu(_norm(x)))
        if self.recall is not None and past is not None:
            hidden = hidden + self.recall(F.silu(_norm(past)))
        return x + self.leave(F.silu(hidden))


class Down(nn.Module):
    """Half the size: a convolution, beside averaged space-to-channel."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out // 4, 3, padding=1)
        self.group = 4 * width_in // width_out

    def forward(self, x: Tensor) -> Tensor:
        shortcut = rearrange(F.pixel_unshuffle(x, 2), "n (c g) h w -> n c g h w", g=self.group).mean(2)
        return F.pixel_unshuffle(self.conv(x), 2) + shortcut


class Up(nn.Module):
    """Twice the size: a convolution, beside repeated channel-to-space."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, 4 * width_out, 3, padding=1)
        self.copies = 4 * width_out // width_in

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.conv(x) + repeat(x, "n c h w -> n (c g) h w", g=self.copies), 2)


class Encoder(nn.Module):
    """One latent's r frames, folded into channels, to its latent."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = config.widths
        self.patch = config.patch
        self.enter = nn.Conv2d(3 * config.time_stride * config.patch**2, widths[0], 3, padding=1)
        layers: list[nn.Module] = []
        for level, (width, num_blocks) in enumerate(zip(widths, config.encoder_blocks, strict=True)):
            layers += [Down(widths[level - 1], width)] if level else []
            layers += [ResidualBlock(width) for _ in range(num_blocks)]
        self.layers = nn.Sequential(*layers)
        self.leave = nn.Conv2d(widths[-1], config.channels, 3, padding=1)

    def forward(self, frames: Float[Tensor, "n c h w"]) -> Float[Tensor, "n z hz wz"]:
        return self.leave(self.layers(self.enter(F.pixel_unshuffle(frames, self.patch))))


class Decoder(nn.Module):
    """Latents to frames; the first block of every resolution but the finest remembers the latent before."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = config.widths
        self.patch = config.patch
        self.enter = nn.Conv2d(config.channels, widths[-1], 3, padding=1)
        layers: list[nn.Module] = []
        for level in reversed(range(len(widths))):
            remembers = [level > 0] + [False] * (config.decoder_blocks[level] - 1)
            layers += [ResidualBlock(widths[level], memory) for memory in remembers[: config.decoder_blocks[level]]]
            layers += [Up(widths[level], widths[level - 1])] if level else []
        self.layers = nn.ModuleList(layers)
        self.leave = nn.Conv2d(widths[0], 3 * config.time_stride * config.patch**2, 3, padding=1)

    def forward(self, latents: Float[Tensor, "b t c h w"], state: DecoderState | None) -> tuple[Tensor, DecoderState]:
        b = len(latents)
        x = self.enter(rearrange(latents, "b t c h w -> (b t) c h w").contiguous(memory_format=torch.channels_last))
        new_state: DecoderState = []
        for layer in self.layers:
            if isinstance(layer, ResidualBlock) and layer.recall is not None:
                now = rearrange(x, "(b t) c h w -> b t c h w", b=b)
                before = torch.zeros_like(now[:, 0]) if state is None else state[len(new_state)]
                past = torch.cat([before[:, None], now[:, :-1]], 1)
                new_state.append(now[:, -1])
                x = layer(x, rearrange(past, "b t c h w -> (b t) c h w").contiguous(memory_format=torch.channels_last))
            else:
                x = layer(x)
        return F.pixel_shuffle(self.leave(F.silu(x)), self.patch), new_state


class Autoencoder(nn.Module):
    """Frames in [-1, 1] ↔ latents normalised per channel by `mean` and `std`, which are part of the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def num_latents(self, num_frames: int) -> int:
        """Latents of a clip that starts anew. ValueError unless num_frames = 1 + r·n."""
        r = self.config.time_stride
        if num_frames < 1 or (num_frames - 1) % r:
            raise ValueError(f"a clip of {num_frames} frames: it must have 1 + {r}·n frames for time stride {r}")
        return 1 + (num_frames - 1) // r

    def encode(self, frames: Float[Tensor, "b t h w 3"], continued: bool = False) -> Float[Tensor, "b n hz wz c"]:
        """Normalised latents of a clip of 1 + r·n frames, or of the next r·n frames of a clip when `continued`."""
        r, stride = self.config.time_stride, self.config.space_stride
        h, w = frames.shape[2:4]
        if not continued:
            self.num_latents(frames.shape[1])
            frames = torch.cat([frames[:, :1]] * (r - 1) + [frames], 1)
        elif frames.shape[1] % r:
            raise ValueError(f"a continued clip of {frames.shape[1]} frames: it must have a multiple of {r}")
        b = len(frames)
        frames = rearrange(frames, "b (t r) h w c -> (b t) (r c) h w", r=r)
        frames = F.pad(frames, (0, -w % stride, 0, -h % stride), mode="replicate")
        raw = self.encoder(frames.contiguous(memory_format=torch.channels_last))
        raw = rearrange(raw, "(b t) c h w -> b t h w c", b=b)
        return (raw - self.mean.to(raw.dtype)) / self.std.to(raw.dtype)

    def decode(
        self, latents: Float[Tensor, "b n hz wz c"], size: tuple[int, int], state: DecoderState | None = None
    ) -> tuple[Float[Tensor, "b t h w 3"], DecoderState]:
        """Frames of height × width `size` and the state for the next piece. Without a state the clip starts: 1 + r·(n - 1)
        frames; with the state of the piece before: r·n frames. ValueError when `size` is not that of the latents."""
        if self.config.latent_size(*size) != tuple(latents.shape[2:4]):
            raise ValueError(
                f"size {size} needs latents of {self.config.latent_size(*size)} cells, not {tuple(latents.shape[2:4])}"
            )
        raw = latents * self.std.to(latents.dtype) + self.mean.to(latents.dtype)
        r = self.config.time_stride
        frames, new_state = self.decoder(rearrange(raw, "b t h w c -> b t c h w"), state)
        frames = rearrange(frames, "(b t) (r c) h w -> b (t r) h w c", b=len(latents), r=r)[:, :, : size[0], : size[1]]
        return frames if state is not None else frames[:, r - 1 :], new_state
