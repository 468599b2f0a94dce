"""A world: autoencoder, text encoder and denoiser together, with the picture size it was trained for."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.model.autoencoder import Autoencoder, AutoencoderConfig
from simworld.model.denoiser import Before, Denoiser, DenoiserConfig
from simworld.model.motion import CELL, learned_drive, turned_flow
from simworld.model.path import Path
from simworld.model.text import TextConfig, TextEncoder


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
    """The three networks. Sampling is in `sampler`, files in `checkpoint`."""

    def __init__(self, config: WorldConfig) -> None:
        super().__init__()
        self.config = config
        self.autoencoder = Autoencoder(config.autoencoder)
        self.text = TextEncoder(config.text)
        self.denoiser = Denoiser(config.denoiser, config.path)

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
    ) -> Float[Tensor, "n rows columns c"]:
        """The latent expected after each under `actions`, before anything is imagined."""
        return self.autoencoder.expected(latents, flow, self.denoiser.driven(actions), actions[..., CAMERA])

    @torch.no_grad()
    def learn_statistics(self, latents: Float[Tensor, "b t rows columns c"], actions: Float[Tensor, "b t r a"]) -> None:
        """Learn from clips, in closed form, what is taken for granted: how keys move pictures, and how far latents are from
        what is expected of them."""
        field_of_view, size = self.config.autoencoder.field_of_view, (self.config.height, self.config.width)
        flows = self._flows(latents, actions)[:, 1:]
        leading = actions[:, 2:].flatten(0, 1)
        before = turned_flow(flows[:, :-1].flatten(0, 1), leading[..., CAMERA], size, field_of_view)
        self.denoiser.drive.copy_(learned_drive(flows[:, 1:].flatten(0, 1), before, leading))
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
