"""Inverse dynamics: which keys were held and how the camera turned, read off the frames before and after (as VPT does,
arXiv 2206.11795). It sees what comes after an action as well as what came before, and so it reads what was done, not what is
likely to be done. Trained on true frames only; see `train_probes`.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from simworld.actions import CAMERA, KEYS
from simworld.training.reader_trunk import SIZE, Trunk, pictures, small

CAMERA_UNIT = 2.0
"""Degrees of camera change that count as 1 within the network."""
MARKS, REACH_DOWN, REACH_ASIDE = 8, 2, 4
"""What frames are compared by, and how far apart, in cells of 24×40, it is looked for: beyond 12° a frame."""
PARTS = (4, 6)
"""Rows and columns of the parts of a picture of which it is told as it is how they moved."""
NUM_PARTS = 2 * (PARTS[0] * PARTS[1] + 1)
NUM_PLACES = (2 * REACH_DOWN + 1) * (2 * REACH_ASIDE + 1)
REACH = 4
"""Frames before and after that a reading looks at, so far away from both ends of a clip as it is best."""


@dataclass(kw_only=True)
class ActionReaderConfig:
    """`width`: channels of the first convolutions. `features`: numbers a pair of frames is told in, beside how it moved."""

    width: int = 16
    features: int = 128


class ActionReader(nn.Module):
    """Logits of the keys and camera change of the action between each frame and the next. Frames are compared with the next
    ones place by place, for what moves is what tells most. `threshold`: the probability from
    which on a key counts as held, set once training is over."""

    threshold: Float[Tensor, " keys"]

    def __init__(self, config: ActionReaderConfig) -> None:
        super().__init__()
        self.config = config
        self.look = Trunk(3, config.width, 1)
        self.mark = nn.Conv2d(config.width, MARKS, 1)
        self.sharpness = nn.Parameter(torch.tensor(20.0))
        self.trunk = Trunk(2 * config.width + NUM_PLACES + 2, 2 * config.width, 2)
        self.narrow = nn.Conv2d(self.trunk.out_channels, 32, 1)
        self.enter = nn.Linear(32 * (SIZE[0] // 8) * (SIZE[1] // 8) + NUM_PARTS, config.features)
        self.mix = nn.ModuleList(nn.Conv1d(config.features, config.features, 5, padding=2) for _ in range(2))
        self.leave = nn.Linear(2 * config.features + NUM_PARTS, len(KEYS) + 2)
        self.register_buffer("threshold", torch.full((len(KEYS),), 0.5))

    def forward(
        self, frames: UInt8[Tensor, "b t h w 3"]
    ) -> tuple[Float[Tensor, "b t_less_1 keys"], Float[Tensor, "b t_less_1 2"]]:
        """Logits of the keys, and camera change [pitch, yaw] in degrees."""
        pairs = self.pairs(frames)
        mixed = pairs[..., : self.config.features]
        for layer in self.mix:
            mixed = mixed + rearrange(layer(rearrange(F.silu(mixed), "b t d -> b d t")), "b d t -> b t d")
        read = self.leave(F.silu(torch.cat([mixed, pairs], -1))).float()
        return read[..., : CAMERA.start], CAMERA_UNIT * read[..., CAMERA]

    def pairs(self, frames: UInt8[Tensor, "b t h w 3"]) -> Float[Tensor, "b t_less_1 d"]:
        """What each two frames in a row tell by themselves."""
        b, t = frames.shape[:2]
        seen = self.look(pictures(small(frames)).flatten(0, 1))
        marks = F.normalize(self.mark(seen), dim=1).unflatten(0, (b, t))
        seen = seen.unflatten(0, (b, t))
        alike = _alike(marks[:, :-1].flatten(0, 1), marks[:, 1:].flatten(0, 1))
        moved = (self.sharpness * alike).softmax(1)
        flow = torch.einsum("n p h w, p d -> n d h w", moved, _offsets(moved))
        both = [seen[:, :-1].flatten(0, 1), (seen[:, 1:] - seen[:, :-1]).flatten(0, 1), NUM_PLACES * moved, flow]
        found = F.silu(self.narrow(self.trunk(torch.cat(both, 1))))
        # How the picture's parts moved, as it is, so that turns are learned at once.
        parts = torch.cat([F.adaptive_avg_pool2d(flow, PARTS).flatten(1), flow.mean((2, 3))], 1)
        return torch.cat([self.enter(torch.cat([found.flatten(1), parts], 1)), parts], 1).unflatten(0, (b, t - 1))

    @torch.inference_mode()
    def read(self, frames: UInt8[Tensor, "b t h w 3"]) -> tuple[Tensor, Tensor]:
        """Keys held, bool [b, t - 1, 23], and camera change, float32 [b, t - 1, 2] in degrees."""
        logits, camera = (torch.cat(parts) for parts in zip(*map(self, frames.split(1)), strict=True))
        return logits.sigmoid() >= self.threshold, camera


def _alike(one: Float[Tensor, "n marks h w"], next_one: Float[Tensor, "n marks h w"]) -> Float[Tensor, "n places h w"]:
    """How like each cell is to those around its place in the next frame (FlowNet's correlation, arXiv 1504.06852)."""
    h, w = one.shape[-2:]
    cells = rearrange(one, "n c h w -> n h w c").contiguous()
    around = F.pad(next_one, (REACH_ASIDE, REACH_ASIDE, REACH_DOWN, REACH_DOWN))
    around = rearrange(around, "n c h w -> n h c w").contiguous()
    rows = []
    for down in range(2 * REACH_DOWN + 1):
        # Every cell of a row with every cell of the other row; the band around the diagonal is wanted.
        products = (cells @ around[:, down : down + h]).flatten(2)
        band = F.pad(products, (0, w)).unflatten(2, (w, w + 2 * REACH_ASIDE + 1))
        rows.append(band[..., : 2 * REACH_ASIDE + 1])
    return rearrange(torch.cat(rows, -1), "n h w places -> n places h w")


def _offsets(like: Tensor) -> Float[Tensor, "places 2"]:
    """(down, aside) of the places that `_alike` compares, in pixels of a 96×160 picture."""
    down, aside = torch.arange(-REACH_DOWN, REACH_DOWN + 1), torch.arange(-REACH_ASIDE, REACH_ASIDE + 1)
    return 4 * torch.cartesian_prod(down, aside).to(like)
