"""Trains a world's grain on close-ups of places of the game: `simworld train grain data.world=runs/small/world`.

The world stays as it is; what it shows of places that it was told of is compared with what the game shows from the same eye.
The last of the places are kept aside to be judged on.
"""

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from simworld.model.checkpoint import save_network
from simworld.model.grain import Grain, GrainConfig
from simworld.model.pixels import to_float, to_uint8
from simworld.model.shipped import find_world
from simworld.training.closeups import Closeups, CloseupsConfig, closeups
from simworld.training.loop import LoopConfig, run_and_judge, start_from
from simworld.training.metrics import DIM
from simworld.training.pictures import grid

HELD_OUT = 0.05
"""So many of the pictures, of the last places, nothing is learned from."""
REACHES = (1, 3)
"""Pixels from one to another between which edges are measured."""
SHOWN = -1 & 0xFFFF, 8
"""The batch that is shown in pictures, and of how many."""


@dataclass(kw_only=True)
class GrainTraining:
    """`batch_size` pictures a step. `edge_weight`: of the errors of edges beside those of colours. `init`: a file of a grain of
    the same sizes that a new run starts from. `out`: a file, else the world's own."""

    model: GrainConfig = field(default_factory=GrainConfig)
    data: CloseupsConfig = field(default_factory=CloseupsConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 12
    edge_weight: float = 3.0
    init: str = ""
    out: str = ""


@dataclass(frozen=True)
class Shots:
    """Of n pictures what the grain is given, and `truth`, what the game shows."""

    pictures: Float[Tensor, "n 3 h w"]
    near: Float[Tensor, "n 1 h w"]
    spots: Int[Tensor, "n 1 h w"]
    truth: Float[Tensor, "n 3 h w"]

    def grained(self, model: nn.Module) -> Float[Tensor, "n 3 h w"]:
        """The pictures as a model has them."""
        made: Tensor = model(self.pictures, self.near, self.spots)
        return made


class GrainTask:
    """L1 of colours and edges on the faces of blocks, in each picture's own light."""

    def __init__(self, config: GrainTraining) -> None:
        self.config = config
        self.closeups: Closeups = closeups(config.data)
        self.num_known = len(self.closeups) - max(1, round(HELD_OUT * len(self.closeups)))
        torch.manual_seed(config.loop.seed)
        self.model = Grain(config.model)
        start_from(self.model, config.init, config.loop)

    def batch(self, step: int, num: int) -> Shots:
        """The batch of `step`: pictures drawn evenly of those that are learned from."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        return self.pick(rng.integers(self.num_known, size=num))

    def pick(self, chosen: np.ndarray) -> Shots:
        """Some pictures, by their numbers."""
        device, store = self.config.loop.device, self.closeups
        pictures, truth = (to_float(torch.from_numpy(part[chosen])).movedim(-1, 1) for part in (store.frames, store.truth))
        near = torch.from_numpy(store.near[chosen].astype(np.float32))[:, None]
        spots = torch.from_numpy(store.spots[chosen].astype(np.int32))[:, None]
        return Shots(*(part.to(device) for part in (pictures, near, spots, truth)))

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        shots = self.batch(step, self.config.batch_size)
        with torch.autocast(shots.truth.device.type, torch.bfloat16):
            made = shots.grained(self.model)
        before, after = (_errors(each, shots.truth, shots.spots >= 0) for each in (shots.pictures, made))
        names = ("colors", "edges", "colors_before", "edges_before")
        figures = (float(part.detach()) for part in (*after, *before))
        return after[0] + self.config.edge_weight * after[1], dict(zip(names, figures, strict=True))

    @torch.no_grad()
    def judged(self, model: nn.Module) -> dict[str, float]:
        """The mean errors on pictures of places that were kept aside, before and after."""
        found = []
        for number in range(self.num_known, len(self.closeups)):
            shots = self.pick(np.array([number]))
            pictures = (shots.pictures, shots.grained(model))
            if bool((shots.spots >= 0).any()):
                found.append([float(part) for each in pictures for part in _errors(each, shots.truth, shots.spots >= 0)])
        means = np.mean(found, 0).round(4).tolist()
        return dict(zip(("colors_before", "edges_before", "colors", "edges"), means, strict=True))

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """What is shown, the same with grain, and the truth."""
        shots = self.batch(*SHOWN)
        rows = [to_uint8(part.movedim(1, -1)) for part in (shots.pictures, shots.grained(model), shots.truth)]
        return grid(torch.stack(rows).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`grain.safetensors`."""
        save_network(folder / "grain.safetensors", model, summary)


def _errors(
    pictures: Float[Tensor, "n 3 h w"], truth: Float[Tensor, "n 3 h w"], there: Bool[Tensor, "n 1 h w"]
) -> tuple[Tensor, Tensor]:
    """The mean errors of colours and of edges, where faces are."""
    apart = (pictures - truth) / (truth.std((1, 2, 3), keepdim=True) + DIM)
    edges = []
    for axis, reach in product((-1, -2), REACHES):
        size = apart.shape[axis] - reach
        steps = apart.narrow(axis, reach, size) - apart.narrow(axis, 0, size)
        both = there.narrow(axis, reach, size) & there.narrow(axis, 0, size)
        edges.append((steps.abs() * both).sum() / (3 * both.sum().clamp(min=1)))
    return (apart.abs() * there).sum() / (3 * there.sum().clamp(min=1)), torch.stack(edges).mean()


def train(config: GrainTraining) -> Grain:
    """Train (or go on training) the grain that `config` describes; returns its EMA. It goes into the world's folder when all
    steps are done, and what it makes of places that it has not seen is printed. ValueError for a world that is not there."""
    out = Path(config.out) if config.out else find_world(config.data.world) / "grain.safetensors"
    model = run_and_judge(GrainTask(config), config.loop, out, "pictures")
    assert isinstance(model, Grain)
    return model
