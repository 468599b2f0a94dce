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
from simworld.model.motion import WALKING
from simworld.model.obstacles import obstacles
from simworld.model.pixels import to_float
from simworld.model.sight import LEAST_NEAR, RECENT, Sight, SightConfig
from simworld.training.data import DataConfig
from simworld.training.loop import LoopConfig, is_begun, run
from simworld.training.pictures import grid
from simworld.training.sights import EVERY, Sights, sights

LONGEST_STEP = 1.5
"""Blocks; who moves farther in a frame's time was put elsewhere."""
STUMBLES, LEAST_PACE = 0.06, 0.1
"""In so many moments somebody who walked, so many blocks a frame or faster, is stopped by something."""
LOOKED_BACK = 3
"""So many of the last kept pictures tell what stands around the player."""
MISTOLD = 0.1
"""By how much their nearness is told wrongly, as a standard deviation of its logarithm."""
SCALES = 3
"""Resolutions at which edges are compared, each half of the one before."""


@dataclass(kw_only=True)
class SightTraining:
    """`batch_size` moments a step, of which a `soft` share is blurred, for dreams are softer than the game. `edge_weight`: of
    edges beside nearness itself; `step_weight`: of the eye's steps, in blocks; `pitch_weight`: of its pitch, in degrees.
    `only_steps`: learn nothing else, from true nearness. `field_of_view`: the camera's. `init`: a file of sight of the same
    sizes that a new run starts from."""

    model: SightConfig = field(default_factory=SightConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    only_steps: bool = False
    field_of_view: float = 70.0
    batch_size: int = 32
    soft: float = 0.4
    edge_weight: float = 1.0
    step_weight: float = 5.0
    pitch_weight: float = 0.05
    init: str = ""


@dataclass
class Moments:
    """frames: pictures in [-1, 1]. near: of each pixel. pitch: in degrees. Of chunks that begin then or a little later, around:
    what `obstacles` tells; actions: before the chunk and in it; moved, steps: (right, ahead, up) of the r frames before and of
    the chunk's; down: the pitch; known: 1 where the steps count, else 0."""

    frames: Float[Tensor, "b 3 h w"]
    near: Float[Tensor, "b 1 h w"]
    pitch: Float[Tensor, " b"]
    around: Float[Tensor, "b directions bands"]
    actions: Float[Tensor, "b m a"]
    moved: Float[Tensor, "b r 3"]
    steps: Float[Tensor, "b r 3"]
    down: Float[Tensor, " b"]
    known: Float[Tensor, " b"]


class SightTask:
    """L1 of the logarithm of nearness, of its edges, of the eye's steps and of its pitch."""

    def __init__(self, config: SightTraining) -> None:
        self.config = config
        self.store = sights(config.data)
        self.stumbles = _stumbles(self.store, config.model.time_stride)
        torch.manual_seed(config.loop.seed)
        self.model = Sight(config.model)
        if config.init and not is_begun(config.loop):
            self.model.load_state_dict(load_sight(Path(config.init)).state_dict())

    def batch(self, step: int, num_moments: int) -> Moments:
        """The batch of `step`: moments drawn evenly, but for a share in which somebody stumbles."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        store, r = self.store, self.config.model.time_stride
        clips, begins = (rng.integers(size, size=num_moments) for size in (len(store), store.poses.shape[1] - r))
        if len(self.stumbles):
            stumble = rng.random(num_moments) < STUMBLES
            chosen = self.stumbles[rng.integers(len(self.stumbles), size=num_moments)]
            clips, begins = (np.where(stumble, there, each) for there, each in zip(chosen.T, (clips, begins), strict=True))
        kept = begins // EVERY
        actions, walks = [], []
        for clip, begin in zip(clips, begins, strict=True):
            lead, poses = np.array(store.actions[clip]), np.array(store.poses[clip])
            wanted = np.arange(begin - RECENT, begin + r)
            actions.append(np.where((wanted >= 0)[:, None], lead[wanted.clip(0)], 0))
            walks.append(_walk(poses[np.arange(begin - r, begin + r + 1).clip(0)], poses[begin, 3]))
        walk = torch.from_numpy(np.stack(walks)).float()
        frames, near = (torch.from_numpy(part[clips, kept]) for part in (store.frames, store.near))
        pitch, down = (torch.from_numpy(store.poses[clips, at, 4]) for at in (kept * EVERY, begins))
        known = (walk.norm(dim=-1).amax(1) < LONGEST_STEP).float()
        moments = (
            _softened(to_float(frames).movedim(-1, 1), self.config.soft, rng), near[:, None].float(), pitch,
            self._around(clips, begins, rng), torch.from_numpy(np.stack(actions)), walk[:, :r], walk[:, r:], down, known,
        )  # fmt: skip
        return Moments(*(part.to(self.config.loop.device) for part in moments))

    def _around(self, clips: np.ndarray, begins: np.ndarray, rng: np.random.Generator) -> Float[Tensor, "b directions bands"]:
        """What stands around players, by the last kept pictures before some moments, whose nearness is told as wrongly as sight
        tells it."""
        earlier = (begins[:, None] // EVERY - np.arange(LOOKED_BACK)).clip(0)
        near = torch.from_numpy(self.store.near[clips[:, None], earlier]).float()[:, :, None]
        near = near * torch.from_numpy(np.exp(rng.normal(0, MISTOLD, (*earlier.shape, 1, 1, 1)))).float()
        at = np.concatenate([begins[:, None], earlier * EVERY], 1)
        x, up, z, yaw, pitch = torch.from_numpy(self.store.poses[clips[:, None], at]).float().unbind(-1)
        places, views = torch.stack([-x, z, up], -1), torch.stack([pitch, yaw], -1)
        return obstacles(near, places[:, 1:], views[:, 1:], places[:, 0], yaw[:, 0], self.config.field_of_view)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        moments = self.batch(step, self.config.batch_size)
        if self.config.only_steps:
            step_error, still = self._step_error(moments, moments.near)
            return step_error, {"steps": float(step_error.detach() / still)}
        with torch.autocast(moments.frames.device.type, torch.bfloat16):
            found = self.model(moments.frames)
        wanted = torch.log(moments.near + LEAST_NEAR)
        near_error = (found - wanted).abs().mean()
        edges = [(_edges(found, 2**n) - _edges(wanted, 2**n)).abs().mean() for n in range(SCALES)]
        edge_error = torch.stack(edges).mean()
        seen = (found.detach().exp() - LEAST_NEAR).clamp(min=0)
        step_error, still = self._step_error(moments, seen)
        pitch_error = (self.model.pitch(moments.frames, seen) - moments.pitch).abs().mean()
        loss = near_error + self.config.edge_weight * edge_error + self.config.step_weight * step_error
        loss = loss + self.config.pitch_weight * pitch_error
        parts = {"near": near_error, "edges": edge_error, "steps": step_error / still, "pitch": pitch_error}
        return loss, {name: float(part.detach()) for name, part in parts.items()}

    def _step_error(self, moments: Moments, near: Float[Tensor, "b 1 h w"]) -> tuple[Tensor, Tensor]:
        """The mean error of the eye's steps, in blocks, and that of who holds that it stands still."""
        steps = self.model.steps(near, moments.actions, moments.moved, moments.down, moments.around)
        count = moments.known.sum().clamp(min=1)
        error, still = ((moments.steps - guess).abs().mean((1, 2)) * moments.known for guess in (steps, 0))
        return error.sum() / count, (still.sum() / count).clamp(min=1e-6)

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


def _stumbles(store: Sights, r: int) -> np.ndarray:
    """Where somebody who walked is brought to a stop with a key held: int64 [n, 2] of clips and the frames before it."""
    places = np.array(store.poses[..., [0, 2]], np.float64)
    paces = np.linalg.norm(np.diff(places, axis=1), axis=-1)  # n t-1
    mean = np.stack([paces[:, start : paces.shape[1] - r + 1 + start] for start in range(r)]).mean(0)
    walks = np.any(np.array(store.actions[..., WALKING]) > 0, axis=-1)
    before, after = mean[:, :-r], mean[:, r:]
    stopped = (before > LEAST_PACE) & (before < LONGEST_STEP / 2) & (after < before / 2) & walks[:, r : r + after.shape[1]]
    return np.argwhere(stopped) + np.array([0, r])


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
