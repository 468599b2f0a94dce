"""Trains the autoencoder on clips: `simworld train autoencoder loop.folder=runs/autoencoder data.folder=runs/clips`."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.autoencoder import Autoencoder, AutoencoderConfig
from simworld.model.checkpoint import save_autoencoder
from simworld.model.pixels import to_float, to_uint8
from simworld.training.clip_store import ClipStore
from simworld.training.data import DataConfig, clips
from simworld.training.loop import LoopConfig, is_begun, run
from simworld.training.pictures import grid


@dataclass(kw_only=True)
class AutoencoderTraining:
    """`window` frames (1 + r·n) a clip, `batch_size` clips a step; `noise` is the most that is added to latents;
    `component_patches`: from how many patches the encoder's principal components are taken."""

    model: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 12
    window: int = 9
    noise: float = 0.1
    component_patches: int = 20000
    gradient_weight: float = 0.5
    square_weight: float = 2.0


class AutoencoderTask:
    """L1 + squares + L1 of picture gradients, of what is decoded from latents with slight noise, as dreams have it."""

    def __init__(self, config: AutoencoderTraining, store: ClipStore) -> None:
        self.config = config
        self.store = store
        torch.manual_seed(config.loop.seed)
        self.model = Autoencoder(config.model)
        if not is_begun(config.loop):
            self.model.learn_components(self._samples())
        if config.loop.compile:
            self.model.refiner.compile()

    @property
    def _size(self) -> tuple[int, int]:
        return self.store.frames.shape[2], self.store.frames.shape[3]

    def _samples(self) -> Float[Tensor, "b r h w 3"]:
        """r frames each of random moments, from which the principal components are learned."""
        rng = np.random.default_rng([self.config.loop.seed])
        r, (h, w) = self.config.model.time_stride, self._size
        stride = self.config.model.space_stride
        num_samples = max(8, self.config.component_patches * stride**2 // (h * w))
        numbers = rng.integers(len(self.store), size=num_samples)
        starts = rng.integers(self.store.frames.shape[1] - r + 1, size=num_samples)
        frames = np.stack([self.store.frames[n, s : s + r] for n, s in zip(numbers, starts, strict=True)])
        return to_float(torch.from_numpy(frames[:, :, : h - h % stride, : w - w % stride]))

    def frames(self, step: int, num_clips: int) -> Float[Tensor, "b t h w 3"]:
        """The batch of `step`: random windows of random clips."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        window = min(self.config.window, self.store.frames.shape[1])
        numbers = rng.integers(len(self.store), size=num_clips)
        starts = rng.integers(self.store.frames.shape[1] - window + 1, size=num_clips)
        frames = np.stack([self.store.frames[n, s : s + window] for n, s in zip(numbers, starts, strict=True)])
        return to_float(torch.from_numpy(frames).to(self.config.loop.device))

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        frames = self.frames(step, self.config.batch_size)
        generator = torch.Generator(frames.device).manual_seed(self.config.loop.seed * 1_000_003 + step)
        with torch.autocast(frames.device.type, torch.bfloat16):
            latents = self.model.encode(frames)
            level = self.config.noise * torch.rand(len(latents), 1, 1, 1, 1, generator=generator, device=frames.device)
            noise = torch.randn(latents.shape, generator=generator, device=frames.device)
            decoded, _ = self.model.decode(latents + level * noise, self._size)
        error = decoded.float() - frames
        square = error.square().mean()
        gradients = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        loss = error.abs().mean() + self.config.square_weight * square + self.config.gradient_weight * gradients
        return loss, {"psnr": 10 * float(torch.log10(4 / square.detach()))}

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """True frames above decoded ones."""
        frames = self.frames(-1 & 0xFFFF, 6)
        assert isinstance(model, Autoencoder)
        decoded, _ = model.decode(model.encode(frames), self._size)
        return grid(torch.stack([to_uint8(frames[:, -1]), to_uint8(decoded[:, -1])]).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`autoencoder.safetensors`, in float32."""
        assert isinstance(model, Autoencoder)
        save_autoencoder(folder / "autoencoder.safetensors", model, summary, torch.float32)


def train(config: AutoencoderTraining) -> Autoencoder:
    """Train (or go on training) the autoencoder that `config` describes; returns its EMA."""
    model = run(AutoencoderTask(config, clips(config.data)), config.loop)
    assert isinstance(model, Autoencoder)
    return model
