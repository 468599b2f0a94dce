"""Trains a world's dynamics (denoiser and text encoder) on latents, with a trained autoencoder.

    simworld train world loop.folder=runs/world autoencoder=runs/autoencoder/autoencoder.safetensors
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from simworld.actions import CAMERA, KEYS
from simworld.model.autoencoder import Autoencoder
from simworld.model.checkpoint import (
    load_network,
    load_world,
    save_dynamics,
    save_network,
)
from simworld.model.denoiser import DenoiserConfig
from simworld.model.hands import Hands
from simworld.model.path import Path as NoisePath
from simworld.model.pixels import to_float
from simworld.model.sampler import append_frames, extend, start
from simworld.model.shipped import find_world
from simworld.model.sight import Sight
from simworld.model.text import TextConfig
from simworld.model.world import World, WorldConfig
from simworld.training.data import DataConfig, clips
from simworld.training.latent_store import LatentStore, encode_store
from simworld.training.loop import LoopConfig, is_begun, run
from simworld.training.objective import LatentBatch, ObjectiveConfig, denoising_loss
from simworld.training.pictures import grid


@dataclass(kw_only=True)
class WorldTraining:
    """`autoencoder`, `hands`, `sight`: their checkpoints, '' for no hands or no sight. `window` latents a clip, `batch_size`
    clips a step;
    `from_start` is the share of windows that begin with the clip's first frame, as play does; `hands_share` of them show
    `hands_at_work`. `image_share` of the steps learn from `image_batch` single pictures instead, each a clip of one frame.
    `temperature`, `guidance` and `vividness` are those of play. `latents`: where they are cached. `init`: a world of the same
    sizes (name or folder) whose weights a new run starts from."""

    autoencoder: str = "runs/autoencoder/autoencoder.safetensors"
    hands: str = ""
    sight: str = ""
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    text: TextConfig = field(default_factory=TextConfig)
    path: NoisePath = NoisePath.linear
    context_noise: float = 0.1
    temperature: float = 0.0
    guidance: float = 1.0
    vividness: float = 3.0
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    latents: str = "runs/latents.npy"
    init: str = ""
    batch_size: int = 16
    window: int = 16
    from_start: float = 0.25
    hands_share: float = 0.25
    image_share: float = 0.1
    image_batch: int = 128


HAND_KEYS, LEG_KEYS = ("attack", "use"), ("forward", "back", "left", "right", "jump")
STATISTICS_CLIPS = 128
"""Clips from which the closed-form statistics are taken."""
LEAST_CHANGE = 0.2
"""Mean squared change of the middle cell of a latent, of about unit variance, that is seen as a change."""
MOST_TURN = 2.0
"""Degrees of camera, over a latent's frames, that count as rest."""


def hands_at_work(store: LatentStore) -> np.ndarray:
    """Moments (clip, latent), int [n, 2], in which something seems to be broken or placed: attack or use is down, the player
    neither walks nor turns, and the middle of the picture changes."""
    keys, camera = store.actions[..., : CAMERA.start], store.actions[..., CAMERA]
    hands, legs = (keys[..., [KEYS.index(key) for key in names]].any((2, 3)) for names in (HAND_KEYS, LEG_KEYS))
    middle = store.latents[:, :, store.latents.shape[2] // 2, store.latents.shape[3] // 2].astype(np.float32)
    change = np.square(np.diff(middle, axis=1)).mean(-1)
    found = hands & ~legs & (np.abs(camera).sum((2, 3)) < MOST_TURN) & (change > LEAST_CHANGE)
    return np.argwhere(found) + [0, 1]


class WorldTask:
    """Draws windows of latents, and measures the denoising loss on them."""

    def __init__(self, config: WorldTraining) -> None:
        self.config = config
        device = config.loop.device
        autoencoder = load_network(Autoencoder, Path(config.autoencoder), torch.bfloat16, device)
        data = config.data
        self.clips = clips(data)
        self.store: LatentStore = encode_store(autoencoder, self.clips, Path(config.latents))
        self.work = hands_at_work(self.store)
        torch.manual_seed(config.loop.seed)
        world = World(
            WorldConfig(
                height=data.height,
                width=data.width,
                path=config.path,
                context_noise=config.context_noise,
                temperature=config.temperature,
                guidance=config.guidance,
                vividness=config.vividness,
                autoencoder=autoencoder.config,
                text=config.text,
                denoiser=config.denoiser,
            )
        )
        self.autoencoder = autoencoder
        # They have learned already: the dynamics alone are trained.
        world.autoencoder = autoencoder
        world.hands = load_network(Hands, Path(config.hands), device=device) if config.hands else None
        world.sight = load_network(Sight, Path(config.sight), device=device) if config.sight else None
        self.model = world
        if config.init and not is_begun(config.loop):
            self._start_from(config.init)
        self._learn_statistics()
        if config.loop.compile:
            world.denoiser.compile()

    def _start_from(self, name: str) -> None:
        other = load_world(find_world(name), torch.float32)
        try:
            self.model.denoiser.load_state_dict(other.denoiser.state_dict())
            self.model.text.load_state_dict(other.text.state_dict())
        except RuntimeError as error:
            raise ValueError(f"init={name}: that world has other sizes than this run ({error})") from error

    def _learn_statistics(self) -> None:
        batch = self.batch(0, STATISTICS_CLIPS, hands_share=0.0)
        with torch.autocast(batch.latents.device.type, torch.bfloat16):
            self.model.learn_statistics(batch.latents, batch.actions)

    def batch(self, step: int, num_clips: int, hands_share: float | None = None) -> LatentBatch:
        """The batch of `step`: random windows of random clips, `hands_share` of them (the config's) with hands at work."""
        hands_share = self.config.hands_share if hands_share is None else hands_share
        rng = np.random.default_rng([self.config.loop.seed, step])
        store, device = self.store, self.config.loop.device
        length = store.latents.shape[1]
        window = min(self.config.window, length)
        numbers = rng.integers(len(store), size=num_clips)
        starts = rng.integers(length - window + 1, size=num_clips) * (rng.random(num_clips) >= self.config.from_start)
        if len(self.work):
            at_work = rng.random(num_clips) < hands_share
            moments = self.work[rng.integers(len(self.work), size=num_clips)]
            around = np.clip(moments[:, 1] - rng.integers(1, window, size=num_clips), 0, length - window)
            numbers, starts = np.where(at_work, moments[:, 0], numbers), np.where(at_work, around, starts)
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

    def images(self, step: int, num_images: int) -> LatentBatch:
        """The pictures of `step`: random frames of random clips."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        store, device = self.clips, self.config.loop.device
        _, num_frames, *_ = store.frames.shape
        chosen = list(zip(rng.integers(len(store), size=num_images), rng.integers(num_frames, size=num_images), strict=True))
        frames = torch.from_numpy(np.stack([store.frames[n, s] for n, s in chosen])[:, None]).to(device)
        r, num_actions = self.config.denoiser.time_stride, self.config.denoiser.action_size
        return LatentBatch(
            self.autoencoder.encode(to_float(frames, self.autoencoder.basis.dtype)).float(),
            torch.zeros(num_images, 1, r, num_actions, device=device),
            torch.zeros(num_images, 1, dtype=torch.bool, device=device),
            [[next((span.text for span in reversed(store.prompts[n]) if span.start <= s), "")] for n, s in chosen],
            torch.zeros(num_images, 1, dtype=torch.long, device=device),
        )

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        config = self.config
        if np.random.default_rng([config.loop.seed, step, 1]).random() < config.image_share:
            batch = self.images(step, config.image_batch)
        else:
            batch = self.batch(step, config.batch_size)
        device = batch.latents.device
        generator = torch.Generator(device).manual_seed(self.config.loop.seed * 1_000_003 + step)
        progress = step / self.config.loop.steps
        with torch.autocast(device.type, torch.bfloat16):
            return denoising_loss(self.model, batch, self.config.objective, generator, progress)

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """Rows of pairs: true frames, and the dream that started from the first of them under the same actions."""
        assert isinstance(model, World)
        r, shown = self.config.denoiser.time_stride, slice(0, None, 3)
        rows = []
        for number in np.random.default_rng(self.config.loop.seed).integers(len(self.clips), size=3):
            true = torch.from_numpy(self.clips.frames[number][: 1 + r * (self.config.window - 1)])[None]
            actions = torch.from_numpy(self.store.actions[number])[:, None].to(self.config.loop.device)
            with torch.autocast(self.config.loop.device, torch.bfloat16):
                context = start(model, [self.store.prompts[number][0].text if self.store.prompts[number] else ""], [0])
                append_frames(model, context, true[:, :1].to(self.config.loop.device), actions[0, :, :0])
                dream = [extend(model, context, chunk)[0, -1].cpu() for chunk in actions[: self.config.window - 1]]
            rows += [true[0, ::r][shown], torch.stack([true[0, 0], *dream])[shown]]
        return grid(torch.stack(rows).numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`dynamics.safetensors`, and the other networks' files beside it: together a playable world."""
        assert isinstance(model, World)
        save_dynamics(folder / "dynamics.safetensors", model, summary)
        target = folder / "autoencoder.safetensors"
        if not target.exists():
            save_network(target, self.autoencoder, {"source": self.config.autoencoder})
        if model.hands is not None:
            save_network(folder / "hands.safetensors", model.hands, {"source": self.config.hands})
        if model.sight is not None:
            save_network(folder / "sight.safetensors", model.sight, {"source": self.config.sight})


def train(config: WorldTraining) -> World:
    """Train (or go on training) the dynamics that `config` describes; returns their EMA."""
    model = run(WorldTask(config), config.loop)
    assert isinstance(model, World)
    return model
