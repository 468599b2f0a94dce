"""How near things look: the share of the mean flow that walking gives to each cell of a picture, told by its looks alone.

The sky stays where it is, far hills hardly move, the wall before the nose rushes by. A few thousand weights, cell by cell;
learned from how gameplay moves, once, before all other training.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from simworld.model.motion import DRIVE_SIZE
from simworld.model.registration import condensed

WIDTH = 48
NUM_LOOKS = 18
FIT_STEPS, FIT_BATCH, FIT_RATE = 500, 64, 3e-3


class Nearness(nn.Module):
    """1 on average, 0 for what does not move, never less."""

    centre: Float[Tensor, " looks"]
    spread: Float[Tensor, " looks"]

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.middle, self.leave = nn.Linear(NUM_LOOKS, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.constant_(self.leave.bias, math.log(math.e - 1))  # softplus makes it 1
        self.register_buffer("centre", torch.zeros(NUM_LOOKS))
        self.register_buffer("spread", torch.ones(NUM_LOOKS))
        self.requires_grad_(False)

    def forward(self, frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 12 20"]:
        hidden = (_looks(frames) - self.centre.float()) / self.spread.float()
        with torch.autocast(frames.device.type, enabled=False):
            for layer in (self.enter, self.middle):
                hidden = F.silu(F.linear(hidden, layer.weight.float(), layer.bias.float()))
            return F.softplus(F.linear(hidden, self.leave.weight.float(), self.leave.bias.float())).movedim(-1, 1)

    @torch.enable_grad()
    def learn(
        self, frames: Float[Tensor, "n 3 h w"], driven: Float[Tensor, "n 2 12 20"], flow: Float[Tensor, "n 2 12 20"]
    ) -> None:
        """Fit `flow` by the nearness of `frames` times `driven`, the flow that their keys drive on average, in n moments."""
        looks = _looks(frames)
        self.centre.copy_(looks.mean((0, 1, 2)))
        self.spread.copy_(looks.std((0, 1, 2)).clamp(min=1e-3))
        self.requires_grad_(True)
        optimizer = torch.optim.Adam(self.parameters(), FIT_RATE)
        dice = torch.Generator().manual_seed(0)
        for _ in range(FIT_STEPS):
            some = torch.randint(len(frames), (FIT_BATCH,), generator=dice).to(frames.device)
            optimizer.zero_grad()
            # Few moments are far off, where the picture jumps: absolute errors do not let them rule.
            (self(frames[some]) * driven[some] - flow[some]).abs().mean().backward()
            optimizer.step()
        self.requires_grad_(False)


def _looks(frames: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 12 20 looks"]:
    """What each cell looks like: its colour, texture, the colours above and below it, of the top and of the whole picture,
    and its place."""
    frames = frames.float()
    colors = condensed(frames, DRIVE_SIZE)
    texture = (condensed(frames.square(), DRIVE_SIZE) - colors.square()).clamp(min=0).sqrt()
    above = F.pad(colors, (0, 0, 1, 0), mode="replicate")[:, :, :-1]
    below = F.pad(colors, (0, 0, 0, 1), mode="replicate")[:, :, 1:]
    whole, top = (part.mean((2, 3), keepdim=True).expand_as(colors) for part in (colors, colors[:, :, : DRIVE_SIZE[0] // 4]))
    rows, columns = torch.meshgrid(*(torch.linspace(-1, 1, n, device=frames.device) for n in DRIVE_SIZE), indexing="ij")
    place = torch.stack([rows, columns]).expand(len(frames), -1, -1, -1)
    looks = torch.cat([colors, texture.mean(1, keepdim=True), whole, above, below, top, place], 1)
    return rearrange(looks, "n looks rows columns -> n rows columns looks")
