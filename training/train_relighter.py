"""Trains a world's relighter on what the game looks like at other hours: `simworld train relighter world=runs/small/world`.

The last of the scenes are kept aside to be judged on.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.camera import directed
from simworld.model.checkpoint import save_network
from simworld.model.pixels import to_float, to_uint8
from simworld.model.relighter import Relighter, RelighterConfig, between
from simworld.model.shipped import find_world
from simworld.training.hours import FALLS, VIEW, Hours, HoursConfig, hours
from simworld.training.loop import LoopConfig, run_and_judge, start_from
from simworld.training.metrics import DIM, psnr
from simworld.training.pictures import grid

HELD_OUT = 0.02
"""So many of the scenes, the last, nothing is learned from."""
UNKNOWN, PATCH = 0.3, 8
"""In so many batches it is not known of some squares of so many pixels how near they are."""
SPECKS, ASIDE, WRONG = 0.1, 2, 0.1
"""Of up to so many single pixels it is not known either; what is told of the others lies up to so many pixels aside, and the
logarithm of nearness is off by so much."""
SHINES = 30.0
"""What hangs in the heavens counts so much more than the rest, by the square of how much the map tells of it: it is small, and
clouds hide it half of the time."""
SHOWN = -1 & 0xFFFF, 8
"""The batch that is shown in pictures, and of how many scenes."""
AS = "as_it_was", "relit"
SOON, LATER = 0.03, 0.12
"""Shares of a day by which judged scenes are told apart."""


@dataclass(kw_only=True)
class RelighterTraining:
    """`batch_size` pairs of hours a step. `field_of_view`: of the pictures, vertical, in degrees. `world`: whose folder the
    relighter goes into, or into the file `out`. `init`: a file of a relighter of the same sizes that a new run starts from."""

    model: RelighterConfig = field(default_factory=RelighterConfig)
    data: HoursConfig = field(default_factory=HoursConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    field_of_view: float = 70.0
    batch_size: int = 12
    world: str = "small"
    init: str = ""
    out: str = ""


@dataclass(frozen=True)
class Pairs:
    """Of n scenes what the relighter is given, and `truth`, the pictures at the other hour."""

    pictures: Float[Tensor, "n 3 h w"]
    near: Float[Tensor, "n 1 h w"]
    directions: Float[Tensor, "n 3 h w"]
    hours: Float[Tensor, "n 2"]
    weather: Float[Tensor, "n 3"]
    truth: Float[Tensor, "n 3 h w"]

    def relit(self, model: nn.Module) -> Float[Tensor, "n 3 h w"]:
        """The pictures at the other hour, as a model has them."""
        lit: Tensor = model(self.pictures, self.near, self.directions, self.hours, self.weather)
        return lit


class RelighterTask:
    """L1 of colours, in the spread of each picture at the other hour, and more of it where sun, moon or stars hang."""

    def __init__(self, config: RelighterTraining) -> None:
        self.config = config
        self.hours: Hours = hours(config.data)
        self.num_known = len(self.hours) - max(1, round(HELD_OUT * len(self.hours)))
        torch.manual_seed(config.loop.seed)
        self.model = Relighter(config.model)
        start_from(self.model, config.init, config.loop)

    def batch(self, step: int, num: int) -> Pairs:
        """The batch of `step`: pairs drawn evenly of the scenes that are learned from, and of their hours."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        scenes = rng.integers(self.num_known, size=num)
        pairs = self.pick(scenes, rng.integers(self.config.data.num_hours, size=(num, 2)))
        return replace(pairs, near=_as_dreamt(pairs.near, rng))

    def pick(self, scenes: np.ndarray, which: np.ndarray) -> Pairs:
        """Some scenes, from one to another of their hours, by their numbers."""
        device, store = self.config.loop.device, self.hours
        before, after = (np.stack([store.frames[pair] for pair in zip(scenes, part, strict=True)]) for part in which.T)
        pictures, truth = (to_float(torch.from_numpy(part)).movedim(-1, 1).to(device) for part in (before, after))
        near = torch.from_numpy(store.near[scenes].astype(np.float32))[:, None].to(device)
        conditions = torch.from_numpy(store.conditions[scenes])
        size = (near.shape[2], near.shape[3])
        directions = directed(conditions[:, VIEW].to(device), size, self.config.field_of_view)
        at = conditions[:, FALLS.stop :].gather(1, torch.from_numpy(which))
        return Pairs(pictures, near, directions, at.to(device), conditions[:, FALLS].to(device), truth)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        pairs = self.batch(step, self.config.batch_size)
        spread = pairs.truth.std((1, 2, 3), keepdim=True) + DIM
        with torch.autocast(pairs.truth.device.type, torch.bfloat16):
            lit = pairs.relit(self.model)
            hanging = torch.cat(self.model.hanging(pairs.near, pairs.directions, pairs.hours), 1)
        weights = (1 + SHINES * hanging.detach().float().square().amax(1, keepdim=True)) / spread
        loss, before = (((part - pairs.truth).abs() * weights).mean() for part in (lit, pairs.pictures))
        return loss, {"before": float(before)}

    @torch.no_grad()
    def judged(self, model: nn.Module) -> dict[str, float]:
        """PSNR of scenes that were kept aside, as they were and relit, by how much of a day lies between."""
        found: dict[str, list[tuple[float, float]]] = {"soon": [], "later": [], "long_after": []}
        for scene in range(self.num_known, len(self.hours)):
            for other in range(1, self.config.data.num_hours):
                pairs = self.pick(np.array([scene]), np.array([[0, other]]))
                apart = float(between(*pairs.hours.unbind(1)).abs())
                name = "soon" if apart < SOON else "later" if apart < LATER else "long_after"
                lit = pairs.relit(model)
                pictures = [to_uint8(part.movedim(1, -1)) for part in (pairs.pictures, lit, pairs.truth)]
                found[name].append((float(psnr(pictures[0], pictures[2])[0]), float(psnr(pictures[1], pictures[2])[0])))
        means = {name: np.mean(rows, 0).round(2).tolist() for name, rows in found.items() if rows}
        return {f"{name}_{what}": value for name, row in means.items() for what, value in zip(AS, row, strict=True)}

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """Scenes, the same relit, and the truth."""
        pairs = self.batch(*SHOWN)
        rows = [to_uint8(part.movedim(1, -1)) for part in (pairs.pictures, pairs.relit(model), pairs.truth)]
        return grid(torch.stack(rows).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`relighter.safetensors`."""
        save_network(folder / "relighter.safetensors", model, summary)


def _as_dreamt(near: Float[Tensor, "n 1 h w"], rng: np.random.Generator) -> Float[Tensor, "n 1 h w"]:
    """How near things are as well as dreams know it: here and there not at all, and elsewhere not quite."""
    n, _, h, w = near.shape
    aside = (int(each) for each in rng.integers(-ASIDE, ASIDE + 1, size=2))
    wrong = np.exp(WRONG * rng.standard_normal((n, 1, 1, 1))) * np.exp(WRONG * rng.standard_normal(near.shape))
    near = near.roll(tuple(aside), (2, 3)) * torch.from_numpy(wrong.astype(np.float32)).to(near.device)
    hidden = torch.from_numpy(rng.random(near.shape) < rng.random() * SPECKS)
    if rng.random() < UNKNOWN:
        squares = torch.from_numpy(rng.random((n, 1, -(-h // PATCH), -(-w // PATCH))) < rng.random())
        hidden |= F.interpolate(squares.float(), scale_factor=PATCH)[..., :h, :w] > 0
    return near.masked_fill(hidden.to(near.device), -1)


def train(config: RelighterTraining) -> Relighter:
    """Train (or go on training) the relighter that `config` describes; returns its EMA. It goes into the world's folder when
    all steps are done, and what it makes of scenes that it has not seen is printed. ValueError for a world that is not
    there."""
    out = Path(config.out) if config.out else find_world(config.world) / "relighter.safetensors"
    model = run_and_judge(RelighterTask(config), config.loop, out, "scenes")
    assert isinstance(model, Relighter)
    return model
