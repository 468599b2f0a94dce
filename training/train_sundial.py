"""Trains a world's sundial on pictures of the game at many hours: `simworld train sundial world=runs/small/world`.

The last of the scenes are kept aside to be judged on.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simworld.model.checkpoint import save_network
from simworld.model.pixels import to_float, to_uint8
from simworld.model.relighter import between
from simworld.model.shipped import find_world
from simworld.model.sundial import Sundial, SundialConfig, spread
from simworld.training.hours import FALLS, VIEW, Hours, HoursConfig, hours
from simworld.training.loop import LoopConfig, run_and_judge, start_from
from simworld.training.pictures import grid

HELD_OUT = 0.02
"""So many of the scenes, the last, nothing is learned from."""
MIRRORED = 0.5
"""So many pictures are seen in a mirror."""
SOON = 0.04
"""What is read of the hour is right up to so much of a day."""
SHOWN = -1 & 0xFFFF, 8
"""The batch that is shown in pictures, and of how many."""


@dataclass(kw_only=True)
class SundialTraining:
    """`batch_size` pictures a step. `weather_weight`: of the error of the weather beside that of hour and heading. `world`:
    whose folder the sundial goes into, or into the file `out`. `init`: a file of a sundial of the same sizes that a new run
    starts from."""

    model: SundialConfig = field(default_factory=SundialConfig)
    data: HoursConfig = field(default_factory=HoursConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 64
    weather_weight: float = 2.0
    world: str = "small"
    init: str = ""
    out: str = ""


@dataclass(frozen=True)
class Taken:
    """frames: n pictures, in [-1, 1]. hour: as a share of a day from sunrise on. heading: in degrees to the right of sunrise.
    weather: how much rain, snow and storm there is."""

    frames: Float[Tensor, "n 3 h w"]
    hour: Float[Tensor, " n"]
    heading: Float[Tensor, " n"]
    weather: Float[Tensor, "n 3"]


class SundialTask:
    """Cross entropy of the dial, and of the weather."""

    def __init__(self, config: SundialTraining) -> None:
        self.config = config
        self.hours: Hours = hours(config.data)
        self.num_known = len(self.hours) - max(1, round(HELD_OUT * len(self.hours)))
        torch.manual_seed(config.loop.seed)
        self.model = Sundial(config.model)
        start_from(self.model, config.init, config.loop)

    def batch(self, step: int, num: int) -> Taken:
        """The batch of `step`: pictures drawn evenly of the scenes that are learned from, and of their hours, some of them seen
        in a mirror."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        taken = self.pick(rng.integers(self.num_known, size=num), rng.integers(self.config.data.num_hours, size=num))
        return mirrored(taken, torch.from_numpy(rng.random(num) < MIRRORED).to(taken.hour.device))

    def pick(self, scenes: np.ndarray, which: np.ndarray) -> Taken:
        """Some scenes, each at one of its hours, by their numbers."""
        device = self.config.loop.device
        frames = np.stack([self.hours.frames[pair] for pair in zip(scenes, which, strict=True)])
        conditions = torch.from_numpy(self.hours.conditions[scenes]).to(device)
        hour = conditions[torch.arange(len(scenes)), FALLS.stop + torch.from_numpy(which)]
        pictures = to_float(torch.from_numpy(frames)).movedim(-1, 1).to(device)
        return Taken(pictures, hour, conditions[:, VIEW.stop - 1], conditions[:, FALLS])

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        taken, model = self.batch(step, self.config.batch_size), self.config.model
        with torch.autocast(taken.frames.device.type, torch.bfloat16):
            dial, weather = self.model(taken.frames)
        wanted = torch.einsum("nt,nh->nth", spread(taken.hour, model.hours), spread(taken.heading / 360, model.headings))
        dial_error = F.cross_entropy(dial.float().flatten(1), wanted.flatten(1))
        weather_error = F.binary_cross_entropy_with_logits(weather.float(), taken.weather.clamp(0, 1))
        loss = dial_error + self.config.weather_weight * weather_error
        return loss, {"dial": float(dial_error.detach()), "weather": float(weather_error.detach())}

    @torch.no_grad()
    def judged(self, model: nn.Module) -> dict[str, float]:
        """Of scenes that were kept aside, each alone at its first hour: in what share the sun stands as high as is read, before
        noon or after it, which a picture alone does not tell, and how far it is off in the median, in parts of a day; where the
        hour is right, how far the heading is off in degrees; and how far the weather is."""
        assert isinstance(model, Sundial)
        late, aside, weather = [], [], []
        for scene in range(self.num_known, len(self.hours)):
            taken = self.pick(np.array([scene]), np.array([0]))
            found = model.read(taken.frames[None], torch.zeros(1, 1, 2, device=taken.frames.device), 0)
            apart = [float(between(found[:, 0], hour).abs()) for hour in (taken.hour, 0.5 - taken.hour)]
            late.append(min(apart))
            if apart[0] < SOON:
                aside.append(360 * float(between(found[:, 1] / 360, taken.heading / 360).abs()))
            weather.append(float((found[:, 2:] - taken.weather).abs().amax()))
        return {
            "height_right": round(float((np.array(late) < SOON).mean()), 3),
            "height_off": round(float(np.median(late)), 4),
            "heading_off": round(float(np.median(aside)) if aside else 180.0, 1),
            "weather_off": round(float(np.median(weather)), 3),
        }

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """Some of the pictures, and below each its dial: hours downwards from sunrise, headings to the right of it."""
        taken = self.batch(*SHOWN)
        dial = model(taken.frames)[0].flatten(1).softmax(1).view(len(taken.frames), 1, *self._dial)
        light = F.interpolate(2 * dial / dial.amax((2, 3), keepdim=True) - 1, taken.frames.shape[2:]).expand_as(taken.frames)
        rows = [to_uint8(part.movedim(1, -1)) for part in (taken.frames, light)]
        return grid(torch.stack(rows).cpu().numpy())

    @property
    def _dial(self) -> tuple[int, int]:
        return self.config.model.hours, self.config.model.headings

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`sundial.safetensors`."""
        save_network(folder / "sundial.safetensors", model, summary)


def mirrored(taken: Taken, which: Bool[Tensor, " n"]) -> Taken:
    """The same, some of it seen in a mirror: there the sun, which by day passes on one side of the way from sunrise to sunset,
    goes from sunset to sunrise."""
    return Taken(
        torch.where(which[:, None, None, None], taken.frames.flip(3), taken.frames),
        torch.where(which, (0.5 - taken.hour).remainder(1), taken.hour),
        torch.where(which, (180 - taken.heading).remainder(360), taken.heading),
        taken.weather,
    )


def train(config: SundialTraining) -> Sundial:
    """Train (or go on training) the sundial that `config` describes; returns its EMA. It goes into the world's folder when all
    steps are done, and what it makes of scenes that it has not seen is printed. ValueError for a world that is not there."""
    out = Path(config.out) if config.out else find_world(config.world) / "sundial.safetensors"
    model = run_and_judge(SundialTask(config), config.loop, out, "scenes")
    assert isinstance(model, Sundial)
    return model
