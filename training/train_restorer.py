"""Trains a world's restorer on dreams of places of the game: `simworld train restorer data.world=runs/small/world`.

The world stays as it is; its dreams go on beside what the game shows from the same eye. The last of the places are kept aside
to be judged on.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.checkpoint import save_network
from simworld.model.pixels import to_uint8
from simworld.model.restorer import Restorer, RestorerConfig
from simworld.model.scenery import Shown
from simworld.model.shipped import find_world
from simworld.training.loop import LoopConfig, run_and_judge, start_from
from simworld.training.metrics import DIM
from simworld.training.pictures import grid
from simworld.training.places import PlacesConfig, moments

HELD_OUT = 0.05
"""So many of the moments, of the last places, nothing is learned from."""
MIRRORED = 0.5
"""So many of the moments are seen in a mirror."""
SHOWN = -1 & 0xFFFF, 8
"""The batch that is shown in pictures, and of how many moments."""


@dataclass(kw_only=True)
class RestorerTraining:
    """`batch_size` moments a step. `edge_weight`: of the differences of neighbouring pixels beside the pixels themselves, at
    each of `scales` resolutions. `init`: a file of a restorer of the same sizes that a new run starts from. `out`: the file
    that a finished run writes, where it is not to go into the folder of the data's world."""

    model: RestorerConfig = field(default_factory=RestorerConfig)
    data: PlacesConfig = field(default_factory=PlacesConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 16
    edge_weight: float = 1.0
    scales: int = 2
    init: str = ""
    out: str = ""


class RestorerTask:
    """L1 of colours and edges, in each picture's own light, beside the hand."""

    def __init__(self, config: RestorerTraining) -> None:
        self.config = config
        self.moments = moments(config.data)
        self.num_known = len(self.moments) - max(1, round(HELD_OUT * len(self.moments)))
        torch.manual_seed(config.loop.seed)
        self.model = Restorer(config.model)
        start_from(self.model, config.init, config.loop)

    def batch(self, step: int, num: int) -> tuple[Float[Tensor, "n 1 h w 3"], Shown, Float[Tensor, "n 1 h w 3"], Tensor]:
        """The batch of `step`, as `Moments.pick` gives it: moments drawn evenly of those that are learned from."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        frames, shown, truth, free = self.moments.pick(rng.integers(self.num_known, size=num))
        if rng.random() < MIRRORED:
            frames, truth, free = (part.flip(3) for part in (frames, truth, free))
            shown = Shown(*(getattr(shown, name).flip(4) for name in ("colors", "near", "known", "kept", "real")))
        return self._moved(frames, shown, truth, free)

    def _moved(self, frames: Tensor, shown: Shown, truth: Tensor, free: Tensor) -> tuple[Tensor, Shown, Tensor, Tensor]:
        """The same, where the model is."""
        device = self.config.loop.device
        shown = Shown(*(part.to(device) for part in vars(shown).values() if part is not None))
        return frames.to(device), shown, truth.to(device), free.to(device)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        frames, shown, truth, free = self.batch(step, self.config.batch_size)
        with torch.autocast(frames.device.type, torch.bfloat16):
            restored = self.model(frames, shown)
        before, after = (self._errors(each, truth, free) for each in (frames, restored))
        loss = after[0] + self.config.edge_weight * after[1]
        return loss, {
            "colors": float(after[0].detach()),
            "edges": float(after[1].detach()),
            "colors_before": float(before[0]),
            "edges_before": float(before[1]),
        }

    def _errors(
        self, frames: Float[Tensor, "n 1 h w 3"], truth: Float[Tensor, "n 1 h w 3"], free: Float[Tensor, "n 1 h w 1"]
    ) -> tuple[Tensor, Tensor]:
        """The mean errors of colours and of edges."""
        spread = truth.std((1, 2, 3, 4), keepdim=True) + DIM
        apart = ((frames - truth) * free / spread)[:, 0].movedim(-1, 1)
        edges = []
        for scale in range(self.config.scales):
            part = F.avg_pool2d(apart, 2**scale) if scale else apart
            edges += [part.diff(dim=-1).abs().mean(), part.diff(dim=-2).abs().mean()]
        return apart.abs().mean(), torch.stack(edges).mean()

    @torch.no_grad()
    def judged(self, model: nn.Module) -> dict[str, float]:
        """The mean errors of moments of places that were kept aside, before and after they are restored."""
        found = []
        for chosen in np.arange(self.num_known, len(self.moments))[:, None]:
            frames, shown, truth, free = self._moved(*self.moments.pick(chosen))
            found.append([float(part) for each in (frames, model(frames, shown)) for part in self._errors(each, truth, free)])
        means = np.mean(found, 0).round(4).tolist()
        return dict(zip(("colors_before", "edges_before", "colors", "edges"), means, strict=True))

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """What is dreamt, what scenery shows of it, the same restored, and the truth."""
        frames, shown, truth, _ = self.batch(*SHOWN)
        known = (shown.colors * shown.known).movedim(2, -1)
        rows = [part[:, 0] for part in (frames, known, model(frames, shown), truth)]
        return grid(torch.stack([to_uint8(row) for row in rows]).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`restorer.safetensors`."""
        save_network(folder / "restorer.safetensors", model, summary)


def train(config: RestorerTraining) -> Restorer:
    """Train (or go on training) the restorer that `config` describes; returns its EMA. It goes into the world's folder when all
    steps are done, and what it makes of places that it has not seen is printed. ValueError for a world that is not there."""
    out = Path(config.out) if config.out else find_world(config.data.world) / "restorer.safetensors"
    model = run_and_judge(RestorerTask(config), config.loop, out, "moments")
    assert isinstance(model, Restorer)
    return model
