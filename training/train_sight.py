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

from simworld.model.checkpoint import save_network
from simworld.model.pixels import to_float
from simworld.model.sight import LEAST_NEAR, Sight, SightConfig
from simworld.model.surroundings import headed
from simworld.training.data import DataConfig
from simworld.training.loop import LoopConfig, run, start_from
from simworld.training.pictures import grid
from simworld.training.sights import EVERY, sights
from simworld.training.strolls import Stretch, Strolls

COME_BACK = 0.5
"""So much of what somebody is held to stand too high is to be made good in a chunk."""
SCALES = 3
"""Resolutions at which edges are compared, each half of the one before."""


@dataclass(kw_only=True)
class SightTraining:
    """`batch_size` moments a step, of which a `soft` share is blurred, for dreams are softer than the game. `edge_weight`: of
    edges beside nearness itself; `step_weight`: of the eye's steps, in blocks; `pitch_weight`: of its pitch, in degrees.
    `only_steps`: learn nothing else, from true nearness, by strolls of `stroll` chunks. `field_of_view`: the camera's. `init`:
    a file of sight of the same sizes that a new run starts from."""

    model: SightConfig = field(default_factory=SightConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    only_steps: bool = False
    stroll: int = 10
    field_of_view: float = 70.0
    batch_size: int = 32
    soft: float = 0.4
    edge_weight: float = 1.0
    step_weight: float = 5.0
    pitch_weight: float = 0.05
    init: str = ""


@dataclass
class Moments:
    """frames: pictures in [-1, 1]. near: of each pixel. pitch: in degrees. stretch: of chunks that begin then or a little
    later."""

    frames: Float[Tensor, "b 3 h w"]
    near: Float[Tensor, "b 1 h w"]
    pitch: Float[Tensor, " b"]
    stretch: Stretch


class SightTask:
    """L1 of the logarithm of nearness, of its edges, of the eye's steps and of its pitch."""

    def __init__(self, config: SightTraining) -> None:
        self.config = config
        self.store = sights(config.data)
        self.strolls = Strolls(self.store, config.model.time_stride, config.field_of_view)
        torch.manual_seed(config.loop.seed)
        self.model = Sight(config.model)
        start_from(self.model, config.init, config.loop)

    def batch(self, step: int, num_moments: int) -> Moments:
        """The batch of `step`."""
        rng, device = np.random.default_rng([self.config.loop.seed, step]), self.config.loop.device
        clips, begins = self.strolls.drawn(rng, num_moments)
        stretch, kept = self.strolls.stretch(clips, begins, rng), begins // EVERY
        frames = to_float(torch.from_numpy(self.store.frames[clips, kept])).movedim(-1, 1)
        frames, pitch = _softened(frames, self.config.soft, rng), torch.from_numpy(self.store.poses[clips, kept * EVERY, 4])
        return Moments(frames.to(device), stretch.near.to(device), pitch.to(device), stretch.to(device))

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        if self.config.only_steps:
            step_error, still = self._stroll_error(step)
            return step_error, {"steps": float(step_error.detach() / still)}
        moments = self.batch(step, self.config.batch_size)
        with torch.autocast(moments.frames.device.type, torch.bfloat16):
            found = self.model(moments.frames)
        wanted = torch.log(moments.near + LEAST_NEAR)
        near_error = (found - wanted).abs().mean()
        edges = [(_edges(found, 2**n) - _edges(wanted, 2**n)).abs().mean() for n in range(SCALES)]
        edge_error = torch.stack(edges).mean()
        seen = (found.detach().exp() - LEAST_NEAR).clamp(min=0)
        step_error, still = self._step_error(moments.stretch, seen)
        pitch_error = (self.model.pitch(moments.frames, seen) - moments.pitch).abs().mean()
        loss = near_error + self.config.edge_weight * edge_error + self.config.step_weight * step_error
        loss = loss + self.config.pitch_weight * pitch_error
        parts = {"near": near_error, "edges": edge_error, "steps": step_error / still, "pitch": pitch_error}
        return loss, {name: float(part.detach()) for name, part in parts.items()}

    def _step_error(self, stretch: Stretch, near: Float[Tensor, "b 1 h w"]) -> tuple[Tensor, Tensor]:
        """The mean error of the eye's steps, in blocks, and that of who holds that it stands still."""
        steps = self.model.steps(near, stretch.actions, stretch.moved, stretch.pitch, stretch.around)
        count = stretch.known.sum().clamp(min=1)
        error, still = ((stretch.steps - guess).abs().mean((1, 2)) * stretch.known for guess in (steps, 0))
        return error.sum() / count, (still.sum() / count).clamp(min=1e-6)

    def _stroll_error(self, step: int) -> tuple[Tensor, Tensor]:
        """The same over strolls, by true nearness, where each chunk goes on from what was told of the one before, as in a
        dream; who is then held to stand too high or too low is to come back."""
        rng, r = np.random.default_rng([self.config.loop.seed, step]), self.config.model.time_stride
        clips, begins = self.strolls.drawn(rng, max(1, self.config.batch_size // self.config.stroll), self.config.stroll)
        error, still, count = torch.zeros(()), torch.zeros(()), torch.zeros(())
        lift, known, moved = torch.zeros(len(clips)), torch.ones(len(clips)), None
        for _ in range(self.config.stroll):
            stretch = self.strolls.stretch(clips, begins, rng, lift)
            before = stretch.moved if moved is None else headed(moved, -stretch.yaw)
            parts = (stretch.near, stretch.actions, before, stretch.pitch, stretch.around)
            steps = self.model.steps(*(part.to(self.config.loop.device) for part in parts)).cpu()
            wanted = stretch.steps.clone()
            wanted[..., 2] -= COME_BACK * lift[:, None] / r
            known = known * stretch.known
            error = error + ((wanted - steps).abs().mean((1, 2)) * known).sum()
            still = still + (wanted.abs().mean((1, 2)) * known).sum()
            count = count + known.sum()
            lift = (lift + (steps.detach() - stretch.steps)[..., 2].sum(1)) * known
            moved, begins = headed(steps.detach(), stretch.yaw), begins + r
        count = count.clamp(min=1)
        return error / count, (still / count).clamp(min=1e-6)

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
        save_network(folder / "sight.safetensors", model, summary, torch.float32)


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
