"""Trains a world's dynamics (denoiser and text encoder) on latents, with a trained autoencoder.

    simworld train world loop.folder=runs/world autoencoder=runs/autoencoder/autoencoder.safetensors
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.model.checkpoint import load_autoencoder, save_autoencoder, save_dynamics
from simworld.model.denoiser import DenoiserConfig
from simworld.model.path import Path as NoisePath
from simworld.model.pixels import to_uint8
from simworld.model.sampler import append, extend, start
from simworld.model.text import TextConfig
from simworld.model.world import World, WorldConfig
from simworld.training.data import DataConfig, clips
from simworld.training.latent_store import LatentStore, encode_store
from simworld.training.loop import LoopConfig, run
from simworld.training.objective import LatentBatch, ObjectiveConfig, denoising_loss
from simworld.training.pictures import grid


@dataclass(kw_only=True)
class WorldTraining:
    """`autoencoder`: its checkpoint. `window` latents a clip, `batch_size` clips a step; `from_start` is the share of
    windows that begin with the clip's first frame, as play does; `temperature` is that of play. `latents`: where they
    are cached."""

    autoencoder: str = "runs/autoencoder/autoencoder.safetensors"
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    text: TextConfig = field(default_factory=TextConfig)
    path: NoisePath = NoisePath.linear
    context_noise: float = 0.1
    temperature: float = 0.0
    field_of_view: float = 70.0
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    latents: str = "runs/latents.npy"
    batch_size: int = 16
    window: int = 16
    from_start: float = 0.25


class WorldTask:
    """Draws windows of latents, and measures the denoising loss on them."""

    def __init__(self, config: WorldTraining) -> None:
        self.config = config
        device = config.loop.device
        autoencoder = load_autoencoder(Path(config.autoencoder), torch.bfloat16, device)
        data = config.data
        self.store: LatentStore = encode_store(autoencoder, clips(data), Path(config.latents))
        torch.manual_seed(config.loop.seed)
        world = World(
            WorldConfig(
                height=data.height,
                width=data.width,
                path=config.path,
                context_noise=config.context_noise,
                temperature=config.temperature,
                field_of_view=config.field_of_view,
                autoencoder=autoencoder.config,
                text=config.text,
                denoiser=config.denoiser,
            )
        )
        self.autoencoder = autoencoder
        # It has learned already: the dynamics alone are trained.
        world.autoencoder = autoencoder
        self.model = world
        self._learn_statistics()
        if config.loop.compile:
            world.denoiser.compile()

    def _learn_statistics(self) -> None:
        batch = self.batch(0, 64)
        turned = self.model.turned(batch.latents[:, :-1].to(self.autoencoder.basis.dtype), batch.actions[:, 1:, :, CAMERA])
        self.model.denoiser.learn_statistics(batch.latents[:, 1:].flatten(0, 1), turned.flatten(0, 1))

    def batch(self, step: int, num_clips: int) -> LatentBatch:
        """The batch of `step`: random windows of random clips."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        store, device = self.store, self.config.loop.device
        length = store.latents.shape[1]
        window = min(self.config.window, length)
        numbers = rng.integers(len(store), size=num_clips)
        starts = rng.integers(length - window + 1, size=num_clips) * (rng.random(num_clips) >= self.config.from_start)
        latents = np.stack([store.latents[n, s : s + window] for n, s in zip(numbers, starts, strict=True)])
        actions = np.zeros((num_clips, window, *store.actions.shape[2:]), np.float32)
        prompts: list[list[str]] = []
        prompt_of = np.zeros((num_clips, window), np.int64)
        for row, (n, s) in enumerate(zip(numbers, starts, strict=True)):
            first = 1 if s == 0 else 0
            actions[row, first:] = store.actions[n, s + first - 1 : s + window - 1]
            spans = store.prompts[n]
            current = [max(0, sum(span.start <= s + place for span in spans) - 1) for place in range(window)]
            prompts.append([span.text for span in spans[current[0] : current[-1] + 1]] or [""])
            prompt_of[row] = np.array(current) - current[0]
        most = max(map(len, prompts))
        prompts = [texts + [""] * (most - len(texts)) for texts in prompts]
        acted = np.ones((num_clips, window), bool)
        acted[starts == 0, 0] = False
        return LatentBatch(
            torch.from_numpy(latents).to(device).float(),
            torch.from_numpy(actions).to(device),
            torch.from_numpy(acted).to(device),
            prompts,
            torch.from_numpy(prompt_of).to(device),
        )

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        batch = self.batch(step, self.config.batch_size)
        device = batch.latents.device
        generator = torch.Generator(device).manual_seed(self.config.loop.seed * 1_000_003 + step)
        progress = step / self.config.loop.steps
        with torch.autocast(device.type, torch.bfloat16):
            return denoising_loss(self.model, batch, self.config.objective, generator, progress)

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """Rows of pairs: true frames, and the dream that started from the first of them under the same actions."""
        assert isinstance(model, World)
        rows = []
        for seed in range(3):
            batch = self.batch(1_000_000 + seed, 1)
            context = start(model, [batch.prompts[0][int(batch.prompt_of[0, 0])]], [seed])
            true, dreamt = [], []
            with torch.autocast(batch.latents.device.type, torch.bfloat16):
                state = None
                for t in range(batch.latents.shape[1]):
                    frames, state = self.autoencoder.decode(batch.latents[:, t : t + 1].bfloat16(), self._size(), state)
                    true.append(to_uint8(frames[0, -1]))
                    actions = batch.actions[:, t] if bool(batch.acted[0, t]) else None
                    if t == 0:
                        dreamt.append(append(model, context, batch.latents[:, :1], actions)[0, -1])
                    else:
                        dreamt.append(extend(model, context, actions, 8)[0, -1])
            rows += [torch.stack(true[::3]), torch.stack(dreamt[::3])]
        return grid(torch.stack(rows).cpu().numpy())

    def _size(self) -> tuple[int, int]:
        return self.config.data.height, self.config.data.width

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`dynamics.safetensors`, and the autoencoder's file beside it: together a playable world."""
        assert isinstance(model, World)
        save_dynamics(folder / "dynamics.safetensors", model, summary)
        target = folder / "autoencoder.safetensors"
        if not target.exists():
            save_autoencoder(target, self.autoencoder, {"source": self.config.autoencoder})


def train(config: WorldTraining) -> World:
    """Train (or go on training) the dynamics that `config` describes; returns their EMA."""
    model = run(WorldTask(config), config.loop)
    assert isinstance(model, World)
    return model
