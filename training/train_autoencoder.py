"""Trains the autoencoder on clips: `simworld train autoencoder loop.folder=runs/autoencoder data.folder=runs/clips`."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.model.autoencoder import Autoencoder, AutoencoderConfig
from simworld.model.checkpoint import load_network, load_world, save_network
from simworld.model.pixels import to_float, to_uint8
from simworld.model.shipped import find_world
from simworld.training.clip_store import ClipStore
from simworld.training.data import DataConfig, clips
from simworld.training.loop import LoopConfig, is_begun, run
from simworld.training.objective import predicted
from simworld.training.pictures import grid


@dataclass(kw_only=True)
class AutoencoderTraining:
    """`window` frames (1 + r·n) a clip, `batch_size` clips a step; `noise` is the most that is added to latents, and a
    `blurred` share of the clips lose some of their finer components, for dreamt latents are softer than true ones.
    `world`: a world (name or folder) with this encoder; a `dreamt` share of the clips is decoded from what it predicts of
    each latent, given the true ones before. After the first latent, a `given` share of the clips goes on from the true
    frame, as play goes on from a given picture. `component_patches`: from how many patches the encoder's principal components
    are taken. `init`: a file of an autoencoder of the same sizes that a new run starts from."""

    model: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 12
    window: int = 9
    noise: float = 0.1
    blurred: float = 0.5
    given: float = 0.75
    world: str = ""
    dreamt: float = 0.5
    init: str = ""
    component_patches: int = 20000
    gradient_weight: float = 0.5


class AutoencoderTask:
    """L1 with picture gradients, times RMS, of what is decoded from latents as dreams have them: a little noisy, a little soft.
    Clips are decoded one latent after the other from the decoder's own pictures, as in play. Each clip's logarithm counts,
    as in PSNR: a tenth less error is worth as much in a plain as in a forest, where there is most of it."""

    def __init__(self, config: AutoencoderTraining, store: ClipStore) -> None:
        self.config = config
        self.store = store
        torch.manual_seed(config.loop.seed)
        self.model = Autoencoder(config.model)
        if config.init and not is_begun(config.loop):
            self.model.load_state_dict(load_network(Autoencoder, Path(config.init)).state_dict())
        elif not is_begun(config.loop):
            self.model.learn_components(self._samples())
        self.world = load_world(find_world(config.world), torch.float32, config.loop.device) if config.world else None
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

    def batch(self, step: int, num_clips: int) -> tuple[Float[Tensor, "b t h w 3"], Float[Tensor, "b n r a"]]:
        """The batch of `step`: random windows of random clips, and the actions that lead to each latent, none to the first."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        window = min(self.config.window, self.store.frames.shape[1])
        numbers = rng.integers(len(self.store), size=num_clips)
        starts = rng.integers(self.store.frames.shape[1] - window + 1, size=num_clips)
        chosen = list(zip(numbers, starts, strict=True))
        frames = np.stack([self.store.frames[n, s : s + window] for n, s in chosen])
        r = self.config.model.time_stride
        actions = np.zeros((num_clips, window - 1 + r, self.store.actions.shape[-1]), np.float32)
        actions[:, r:] = np.stack([self.store.actions[n, s : s + window - 1] for n, s in chosen])
        device = self.config.loop.device
        leading = rearrange(torch.from_numpy(actions), "b (n r) a -> b n r a", r=r)
        return to_float(torch.from_numpy(frames).to(device)), leading.to(device)

    def _as_dreamt(
        self, latents: Float[Tensor, "b n rows columns c"], actions: Float[Tensor, "b n r a"], generator: torch.Generator
    ) -> Float[Tensor, "b n rows columns c"]:
        """The latents of some clips as a world predicts them; all a little noisy, and those of some clips softer: from a random
        component on, weaker by a random share."""
        config, device = self.config, latents.device
        if self.world is not None:
            dreamt = torch.rand(len(latents), 1, 1, 1, 1, generator=generator, device=device) < config.dreamt
            dreamt = dreamt & (torch.arange(latents.shape[1], device=device) > 0)[:, None, None, None]
            latents = torch.where(dreamt, predicted(self.world, latents, actions, generator), latents)
        level, start, weaker, chosen = torch.rand(4, len(latents), 1, 1, 1, 1, generator=generator, device=device)
        noise = torch.randn(latents.shape, generator=generator, device=device)
        fine = torch.arange(latents.shape[-1], device=device) >= start * latents.shape[-1]
        kept = 1 - (chosen < config.blurred) * weaker * fine
        return latents * kept + config.noise * level * noise

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        frames, actions = self.batch(step, self.config.batch_size)
        camera = actions[..., CAMERA]
        generator = torch.Generator(frames.device).manual_seed(self.config.loop.seed * 1_000_003 + step)
        with torch.autocast(frames.device.type, torch.bfloat16):
            latents = self._as_dreamt(self.model.encode(frames).float(), actions, generator)
            first, state = self.model.decode(latents[:, :1], self._size, camera=camera[:, :1])
            given = torch.rand(len(latents), 1, 1, 1, generator=generator, device=frames.device) < self.config.given
            state.picture = torch.where(given, self.model.padded(frames[:, 0]), state.picture)
            rest, _ = self.model.decode(latents[:, 1:], self._size, state, camera[:, 1:])
        error = torch.cat([first, rest], 1) - frames
        square = reduce(error.square(), "b t h w c -> b", "mean")
        gradients = sum(reduce(error.diff(dim=dim).abs(), "b t h w c -> b", "mean") for dim in (2, 3))
        plain = reduce(error.abs(), "b t h w c -> b", "mean") + self.config.gradient_weight * gradients
        loss = ((square + 1e-6).log() / 2 + (plain + 1e-3).log()).mean()
        return loss, {"psnr": 10 * float(torch.log10(4 / square.detach()).mean())}

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """True frames above decoded ones."""
        frames, actions = self.batch(-1 & 0xFFFF, 6)
        assert isinstance(model, Autoencoder)
        decoded, _ = model.decode(model.encode(frames), self._size, camera=actions[..., CAMERA])
        return grid(torch.stack([to_uint8(frames[:, -1]), to_uint8(decoded[:, -1])]).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`autoencoder.safetensors`, in float32."""
        assert isinstance(model, Autoencoder)
        save_network(folder / "autoencoder.safetensors", model, summary, torch.float32)


def train(config: AutoencoderTraining) -> Autoencoder:
    """Train (or go on training) the autoencoder that `config` describes; returns its EMA."""
    model = run(AutoencoderTask(config, clips(config.data)), config.loop)
    assert isinstance(model, Autoencoder)
    return model
