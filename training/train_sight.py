"""Trains sight on play of the game, which knows how far away things are: `simworld train sight loop.folder=runs/sight`.

Two things are learned at once: how near each pixel of a picture is, and where the next actions take the eye.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.checkpoint import load_sight, save_sight
from simworld.model.pixels import to_float
from simworld.model.sight import LEAST_NEAR, RECENT, Sight, SightConfig
from simworld.training.data import DataConfig
from simworld.training.loop import LoopConfig, is_begun, run
from simworld.training.pictures import grid
from simworld.training.sights import EVERY, sights

LONGEST_STEP = 1.5
"""Blocks; who moves farther in a frame's time was put elsewhere."""
SCALES = 3
"""Resolutions at which edges are compared, each half of the one before."""


@dataclass(kw_only=True)
class SightTraining:
    """`batch_size` moments a step, of which a `soft` share is blurred, for dreams are softer than the game. `edge_weight`: of
    edges beside nearness itself; `step_weight`: of the eye's steps, in blocks; `pitch_weight`: of its pitch, in degrees.
    `init`: a file of sight of the same sizes that a new run starts from."""

    model: SightConfig = field(default_factory=SightConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 32
    soft: float = 0.4
    edge_weight: float = 1.0
    step_weight: float = 5.0
    pitch_weight: float = 0.05
    init: str = ""


@dataclass
class Moments:
    """frames: in [-1, 1]. near: of each pixel. actions: before the chunk and in it. moved, steps: (right, ahead, up) of the r
    frames before and of the chunk's. pitch: in degrees. known: 1 where the steps count, else 0."""

    frames: Float[Tensor, "b 3 h w"]
    near: Float[Tensor, "b 1 h w"]
    actions: Float[Tensor, "b m a"]
    moved: Float[Tensor, "b r 3"]
    steps: Float[Tensor, "b r 3"]
    pitch: Float[Tensor, " b"]
    known: Float[Tensor, " b"]


class SightTask:
    """L1 of the logarithm of nearness, of its edges, of the eye's steps and of its pitch."""

    def __init__(self, config: SightTraining) -> None:
        self.config = config
        self.store = sights(config.data)
        torch.manual_seed(config.loop.seed)
        self.model = Sight(config.model)
        if config.init and not is_begun(config.loop):
            self.model.load_state_dict(load_sight(Path(config.init)).state_dict())

    def batch(self, step: int, num_moments: int) -> Moments:
        """The batch of `step`."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        store, r = self.store, self.config.model.time_stride
        clips, kept = (rng.integers(size, size=num_moments) for size in store.near.shape[:2])
        actions, walks, pitches = [], [], []
        for clip, place in zip(clips, kept, strict=True):
            at = int(place) * EVERY
            lead, poses = np.array(store.actions[clip]), np.array(store.poses[clip])
            wanted = np.arange(at - RECENT, at + r)
            actions.append(np.where(((wanted >= 0) & (wanted < len(lead)))[:, None], lead[wanted.clip(0, len(lead) - 1)], 0))
            walks.append(_walk(poses[np.arange(at - r, at + r + 1).clip(0, len(poses) - 1)], poses[at, 3]))
            pitches.append(poses[at, 4])
        walk = torch.from_numpy(np.stack(walks)).float()
        frames = to_float(torch.from_numpy(np.stack([store.frames[pair] for pair in zip(clips, kept, strict=True)])))
        near = torch.from_numpy(np.stack([store.near[pair] for pair in zip(clips, kept, strict=True)])).float()
        inside = torch.from_numpy(kept * EVERY + r < store.poses.shape[1])
        known = (inside & (walk.norm(dim=-1).amax(1) < LONGEST_STEP)).float()
        moments = (
            _softened(frames.movedim(-1, 1), self.config.soft, rng), near[:, None], torch.from_numpy(np.stack(actions)),
            walk[:, :r], walk[:, r:], torch.tensor(pitches), known,
        )  # fmt: skip
        return Moments(*(part.to(self.config.loop.device) for part in moments))

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        moments = self.batch(step, self.config.batch_size)
        with torch.autocast(moments.frames.device.type, torch.bfloat16):
            found = self.model(moments.frames)
        wanted = torch.log(moments.near + LEAST_NEAR)
        near_error = (found - wanted).abs().mean()
        edges = [(_edges(found, 2**n) - _edges(wanted, 2**n)).abs().mean() for n in range(SCALES)]
        edge_error = torch.stack(edges).mean()
        seen = (found.detach().exp() - LEAST_NEAR).clamp(min=0)
        steps = self.model.steps(seen, moments.actions, moments.moved, moments.pitch)
        step_error = ((steps - moments.steps).abs().mean((1, 2)) * moments.known).sum() / moments.known.sum().clamp(min=1)
        pitch_error = (self.model.pitch(moments.frames, seen) - moments.pitch).abs().mean()
        loss = near_error + self.config.edge_weight * edge_error + self.config.step_weight * step_error
        loss = loss + self.config.pitch_weight * pitch_error
        still = (moments.steps.abs().mean((1, 2)) * moments.known).sum() / moments.known.sum().clamp(min=1)
        parts = {"near": near_error, "edges": edge_error, "steps": step_error / still.clamp(min=1e-6), "pitch": pitch_error}
        return loss, {name: float(part.detach()) for name, part in parts.items()}

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """Pictures, how near they are, and what is seen of it."""
        moments = self.batch(-1 & 0xFFFF, 8)
        rows = [(moments.frames.movedim(1, -1) + 1) / 2]
        for near in (torch.log(moments.near + LEAST_NEAR), model(moments.frames)):
            light = (near.movedim(1, -1) - torch.tensor(LEAST_NEAR).log()) / 5
            rows.append(light.expand(*light.shape[:-1], 3))
        return grid((torch.stack(rows).clamp(0, 1) * 255).byte().cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`sight.safetensors`, in float32."""
        assert isinstance(model, Sight)
        save_sight(folder / "sight.safetensors", model, summary, torch.float32)


def _walk(poses: Float[np.ndarray, "t 5"], yaw: float) -> Float[np.ndarray, "t_less_one 3"]:
    """The steps between poses of the game, (right, ahead, up) for who faces `yaw`."""
    x, up, z = np.diff(poses[:, :3].astype(np.float64), axis=0).T
    sin, cos = np.sin(np.deg2rad(yaw)), np.cos(np.deg2rad(yaw))
    return np.stack([-x * cos - z * sin, z * cos - x * sin, up], -1)


def _softened(frames: Float[Tensor, "b 3 h w"], share: float, rng: np.random.Generator) -> Float[Tensor, "b 3 h w"]:
    """Frames of which a share is blurred, more or less."""
    soft = frames.clone()
    for number in np.flatnonzero(rng.random(len(frames)) < share):
        width = 2 * int(rng.integers(1, 4)) + 1
        padded = F.pad(frames[number : number + 1], (width // 2,) * 4, mode="replicate")
        mixed = float(rng.uniform(0.4, 1))
        soft[number] = torch.lerp(frames[number], F.avg_pool2d(padded, width, 1)[0], mixed)
    return soft


def _edges(near: Float[Tensor, "b 1 h w"], stride: int) -> Float[Tensor, "b 2 _ _"]:
    """How much more each pixel is than the one above and the one left of it."""
    near = F.avg_pool2d(near, stride)
    inner = near[..., 1:, 1:]
    return torch.cat([inner - near[..., :-1, 1:], inner - near[..., 1:, :-1]], 1)


def train(config: SightTraining) -> Sight:
    """Train (or go on training) the sight that `config` describes; returns its EMA."""
    model = run(SightTask(config), config.loop)
    assert isinstance(model, Sight)
    return model
