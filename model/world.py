"""A world: autoencoder, text encoder and denoiser together, with the picture size it was trained for."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.model.autoencoder import Autoencoder, AutoencoderConfig
from simworld.model.denoiser import Before, Denoiser, DenoiserConfig
from simworld.model.grain import Grain
from simworld.model.hands import Hands
from simworld.model.motion import CELL, fixed_share, gained_flow, learned_drive, pitched, turned_flow
from simworld.model.path import Path
from simworld.model.relighter import Relighter
from simworld.model.restorer import Restorer
from simworld.model.scenery import Shown
from simworld.model.sight import Sight
from simworld.model.sundial import Sundial
from simworld.model.text import TextConfig, TextEncoder

LEAST_FIXED = 0.3
"""What stands still so often while the camera turns is held to be fixed to it."""


@dataclass(kw_only=True)
class WorldConfig:
    """`context_noise`: the noise level at which finished latents are remembered, in training and in play, against drift.
    `temperature`: of the noise that latents are sampled from, 1 true to the data, less for calmer pictures.
    `guidance`: how far a dream's first picture goes the way its prompt points, 1 as learned, more for a clearer answer
    (classifier-free guidance, arXiv 2207.12598). `vividness`: how much more of the picture before the decoder keeps in a
    dream, 0 as learned; see `Autoencoder.decode`."""

    height: int = 96
    width: int = 160
    path: Path = Path.linear
    context_noise: float = 0.1
    temperature: float = 1.0
    guidance: float = 1.0
    vividness: float = 0.0
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    text: TextConfig = field(default_factory=TextConfig)
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)

    def __post_init__(self) -> None:
        if self.autoencoder.channels != self.denoiser.channels or self.text.width != self.denoiser.text_width:
            raise ValueError(
                f"world: the denoiser takes {self.denoiser.channels} channels and text of width {self.denoiser.text_width}, "
                f"but is given {self.autoencoder.channels} and {self.text.width}"
            )
        if self.autoencoder.time_stride != self.denoiser.time_stride:
            raise ValueError(
                f"world: time_stride is {self.autoencoder.time_stride} in the autoencoder, "
                f"{self.denoiser.time_stride} in the denoiser"
            )


class World(nn.Module):
    """The three networks, and hands, sight, a restorer, grain, a relighter and a sundial where it has them. Sampling:
    `sampler`, files: `checkpoint`. autoencoder: one that there is already."""

    def __init__(self, config: WorldConfig, autoencoder: Autoencoder | None = None) -> None:
        super().__init__()
        self.config = config
        self.autoencoder = autoencoder or Autoencoder(config.autoencoder)
        self.text = TextEncoder(config.text)
        self.denoiser = Denoiser(config.denoiser, config.path)
        self.hands: Hands | None = None
        self.sight: Sight | None = None
        self.restorer: Restorer | None = None
        self.grain: Grain | None = None
        self.relighter: Relighter | None = None
        self.sundial: Sundial | None = None
        self._fixed: tuple[Tensor, int, Tensor] | None = None

    @property
    def day(self) -> int:
        """Frames of a whole day; 0 where light stands still."""
        return 0 if self.relighter is None else self.relighter.config.day

    def hidden_matrices(self) -> list[nn.Parameter]:
        """The denoiser's."""
        return self.denoiser.hidden_matrices()

    def before(
        self, latents: Float[Tensor, "b t rows columns c"], tau: Float[Tensor, "b t"], actions: Float[Tensor, "b t r a"]
    ) -> Before:
        """What a clip's denoiser is told of the latent before each; before the first is nothing: zeros at level 1."""
        b, t = tau.shape
        past = torch.cat([torch.zeros_like(latents[:, :1]), latents[:, :-1]], 1)
        tau = torch.cat([torch.ones_like(tau[:, :1]), tau[:, :-1]], 1)
        flow = torch.cat([self.no_flow(b)[:, None], self._flows(latents, actions)[:, :-1]], 1)
        expected = self.expected(past.flatten(0, 1), flow.flatten(0, 1), actions.flatten(0, 1))
        return Before(past, tau, expected.unflatten(0, (b, t)))

    def expected(
        self,
        latents: Float[Tensor, "n rows columns c"],
        flow: Float[Tensor, "n 2 flow_rows flow_columns"],
        actions: Float[Tensor, "n r a"],
        pitch: Float[Tensor, " n"] | None = None,
        shown: Shown | None = None,
    ) -> Float[Tensor, "n rows columns c"]:
        """The latent expected after each under `actions`, before anything is imagined. `pitch`: how far down the player looks,
        in degrees, where it is known. `shown`: what is known of the frames."""
        frames = self.autoencoder.last_frames(latents)
        driven = self.denoiser.driven(actions)
        if pitch is not None and self.config.autoencoder.field_of_view:
            driven = pitched(driven, pitch, self.config.autoencoder.field_of_view)
        driven = self.denoiser.nearness(frames) * driven
        return self.autoencoder.expected(frames, flow, driven, actions[..., CAMERA], shown)

    @torch.no_grad()
    def learn_statistics(self, latents: Float[Tensor, "b t rows columns c"], actions: Float[Tensor, "b t r a"]) -> None:
        """Learn from clips what is taken for granted: what is fixed to the camera, how keys move pictures, how near things
        look, and how far latents are from what is expected of them."""
        field_of_view = self.config.autoencoder.field_of_view
        flows = self._flows(latents, actions)[:, 1:]
        frames = self.autoencoder.last_frames(latents.flatten(0, 1)).unflatten(0, latents.shape[:2])
        turns = actions[:, 1:, :, CAMERA].flatten(0, 1)
        share = fixed_share(frames[:, 1:].flatten(0, 1), frames[:, :-1].flatten(0, 1), turns, field_of_view)
        self.denoiser.fixed_share.copy_(share)
        leading = actions[:, 2:].flatten(0, 1)
        before = turned_flow(flows[:, :-1].flatten(0, 1), leading[..., CAMERA], field_of_view)
        onward = flows[:, 1:].flatten(0, 1)
        self.denoiser.drive.copy_(learned_drive(onward, before, leading))
        seen = frames[:, 1:-1].flatten(0, 1)
        self.denoiser.nearness.learn(seen, self.denoiser.driven(leading), gained_flow(onward, before))
        expected = self.before(latents, torch.zeros_like(latents[:, :, 0, 0, 0]), actions).expected
        self.denoiser.learn_statistics(latents[:, 2:].flatten(0, 1), expected[:, 2:].flatten(0, 1))

    def _flows(
        self, latents: Float[Tensor, "b t rows columns c"], actions: Float[Tensor, "b t r a"]
    ) -> Float[Tensor, "b t 2 flow_rows flow_columns"]:
        """The flow that led to each latent of a clip, none to the first."""
        b, t = latents.shape[:2]
        still = self.no_flow(b)[:, None]
        if t == 1:
            return still
        pairs = (latents[:, 1:], latents[:, :-1], actions[:, 1:, :, CAMERA])
        flow = self.autoencoder.flow(*(part.flatten(0, 1) for part in pairs))
        return torch.cat([still, flow.unflatten(0, (b, t - 1))], 1)

    def fixed(self) -> Float[Tensor, "1 1 h w"]:
        """1 in the pixels that are fixed to the camera, as the hand is, else 0."""
        share = self.denoiser.fixed_share
        version = -1 if share.is_inference() else share._version
        if self._fixed is None or self._fixed[0] is not share or self._fixed[1] != version or version < 0:
            size = (self.config.height, self.config.width)
            with torch.inference_mode(share.is_inference()):  # whoever asks first, it is for all
                seen = F.interpolate(share.float()[None, None], size, mode="bilinear") > LEAST_FIXED
            self._fixed = share, version, seen.float()
        return self._fixed[2]

    def no_flow(self, b: int) -> Float[Tensor, "b 2 flow_rows flow_columns"]:
        """The flow of b worlds that stand still."""
        rows, columns, _ = self.latent_shape
        cells = self.config.autoencoder.space_stride // CELL
        return torch.zeros(b, 2, rows * cells, columns * cells, device=self.device)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights, and so of latents."""
        return self.denoiser.enter.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.denoiser.enter.weight.device

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Rows, columns and channels of one latent."""
        rows, columns = self.config.autoencoder.latent_size(self.config.height, self.config.width)
        return rows, columns, self.config.autoencoder.channels
