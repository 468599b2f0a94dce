"""What a picture shows: its place (a biome), time of day and weather, told from a single frame.

Trained on the game's own account of true frames (`scenes`); see `train_probes`. Where a picture shows several places, it says
how much of each. Classes are told apart by name, so that a reader stays right when the game learns of new ones: it then knows
only the old.
"""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from simworld.training.reader_trunk import FINE, Trunk, pictures, small

CELL = 2
"""Pixels, to the side and down, that the trunk takes as one, in channels of their own."""


@dataclass(kw_only=True)
class SceneReaderConfig:
    """`classes`: for each kind of fact the names that are told apart, taken from the game when training begins. `width`:
    channels of the first convolutions. `features`: numbers a picture is told in."""

    width: int = 24
    features: int = 96
    classes: dict[str, list[str]] = field(default_factory=dict)


class SceneReader(nn.Module):
    """Logits of the classes of each kind of fact."""

    def __init__(self, config: SceneReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = Trunk(3 * CELL**2, config.width, 4)
        self.enter = nn.Linear(4 * self.trunk.out_channels, config.features)
        self.leave = nn.ModuleDict({kind: nn.Linear(config.features, len(names)) for kind, names in config.classes.items()})

    def forward(self, frames: UInt8[Tensor, "n h w 3"]) -> dict[str, Float[Tensor, "n _"]]:
        hidden = F.silu(self.features(frames))
        return {kind: layer(hidden).float() for kind, layer in self.leave.items()}

    def features(self, frames: UInt8[Tensor, "n h w 3"]) -> Float[Tensor, "n d"]:
        """What a picture shows, in numbers: of what there is in its upper, middle and lower third, and of the most anywhere."""
        found = self.trunk(F.pixel_unshuffle(pictures(small(frames, FINE)), CELL))
        thirds = F.adaptive_avg_pool2d(found, (3, 1)).flatten(1)
        return self.enter(torch.cat([thirds, found.amax((2, 3))], 1))

    @torch.inference_mode()
    def read(self, frames: UInt8[Tensor, "*b h w 3"]) -> dict[str, Float[Tensor, "*b _"]]:
        """Probabilities of the classes of each kind."""
        flat = frames.reshape(-1, *frames.shape[-3:])
        found = [self(part) for part in flat.split(64)]
        return {
            kind: torch.cat([part[kind] for part in found]).softmax(-1).reshape(*frames.shape[:-3], -1) for kind in self.leave
        }
