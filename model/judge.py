"""The judge: a small network that tells what happened in a dream's latest chunk, as far as tasks pay for it: how far the player
came, and whether a log broke.

    judge = load_judge(folder / "judge.safetensors")
    verdict = judge.verdict(evidence(world, context, before, after))

It reads what the world makes of its latest latent, what was done, and what is seen at the crosshair before and after. Trained
by `simworld train judge`; a file of its own beside the world. Knows no task.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from simworld.actions import CAMERA, SLOT
from simworld.model.checkpoint import load_small, save_small
from simworld.model.heads import CAMERA_SCALE
from simworld.model.sampler import Context, impression
from simworld.model.world import World

RECENT = 8
"""So many of the last actions are read in full; of all that a dream recalls, for how long attack was held."""
CROSSHAIR, CELL = 32, 4
"""The picture's middle, of so many pixels a side, is seen in cells of so many."""


@dataclass(kw_only=True)
class JudgeConfig:
    """Of the world: `num_tokens` a latent of `token_width`, `recall` actions of `action_size`. Own: `narrow` numbers are kept
    of each token, and seen by two hidden layers of `width`. `least`: the chance of a log's breaking from which on it is held to
    have broken."""

    num_tokens: int = 16
    token_width: int = 256
    recall: int = 32
    action_size: int = 25
    narrow: int = 24
    width: int = 192
    least: float = 0.5


@dataclass
class Evidence:
    """tokens: of the latest latent. actions: the last that led to it. before, after: cells of the middle of the pictures before
    and after its chunk, in [0, 1]."""

    tokens: Float[Tensor, "b n d"]
    actions: Float[Tensor, "b recall a"]
    before: Float[Tensor, "b c rows columns"]
    after: Float[Tensor, "b c rows columns"]


@dataclass
class Verdict:
    """aside, onward: blocks that the player came to the right and forward, as seen half way through the chunk's turn. log: the
    chance that a log broke; broke: whether it is held to have."""

    aside: Float[Tensor, " b"]
    onward: Float[Tensor, " b"]
    log: Float[Tensor, " b"]
    broke: Bool[Tensor, " b"]


def evidence(
    world: World, context: Context, before: UInt8[Tensor, "b h w 3"], after: UInt8[Tensor, "b h w 3"]
) -> Evidence:
    """What the judge reads of dreams whose latest chunk led from the pictures `before` to those `after`."""
    return Evidence(impression(world, context).tokens, context.actions, middle(before), middle(after))


def middle(pictures: UInt8[Tensor, "b h w 3"]) -> Float[Tensor, "b 3 rows columns"]:
    """Their middles, in cells."""
    h, w = pictures.shape[1:3]
    top, left = (h - min(CROSSHAIR, h)) // 2, (w - min(CROSSHAIR, w)) // 2
    cut = pictures[:, top : h - top, left : w - left].movedim(-1, 1).float() / 255
    return F.adaptive_avg_pool2d(cut, CROSSHAIR // CELL)


class Judge(nn.Module):
    """Two hidden layers on all the evidence. `mean`, `spread`: of how far players come, by which it is scaled."""

    mean: Tensor
    spread: Tensor

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.narrow = nn.Linear(config.token_width, config.narrow)
        num_cells = 2 * 3 * (CROSSHAIR // CELL) ** 2
        recent = min(RECENT, config.recall)
        seen = config.num_tokens * config.narrow + recent * config.action_size + config.recall + num_cells
        self.hidden = nn.Sequential(nn.Linear(seen, config.width), nn.SiLU(), nn.Linear(config.width, config.width), nn.SiLU())
        self.moved = nn.Linear(config.width, 2)
        self.log = nn.Linear(config.width, 1)
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("spread", torch.ones(2))

    def forward(self, seen: Evidence) -> tuple[Float[Tensor, "b 2"], Float[Tensor, " b"]]:
        """How far they came, in units of `spread` from `mean`, and the log odds that a log broke."""
        # What the blocks leave behind grows with depth; its direction is what counts.
        tokens = F.silu(self.narrow(F.layer_norm(seen.tokens.float(), seen.tokens.shape[-1:])))
        actions = seen.actions.float()[:, -RECENT:].clone()
        actions[..., CAMERA] /= CAMERA_SCALE
        attack = seen.actions[..., SLOT["attack"]].float()
        parts = (tokens, actions, attack, seen.before - 0.5, seen.after - seen.before)
        hidden = self.hidden(torch.cat([part.flatten(1) for part in parts], 1))
        return self.moved(hidden), self.log(hidden)[:, 0]

    def loss(self, seen: Evidence, moved: Float[Tensor, "b 2"], log: Bool[Tensor, " b"]) -> Float[Tensor, ""]:
        """Of what was true: blocks moved (aside, onward), and whether a log broke."""
        told, odds = self(seen)
        distance = F.smooth_l1_loss(told, (moved - self.mean) / self.spread)
        return distance + F.binary_cross_entropy_with_logits(odds, log.float())

    @torch.no_grad()
    def verdict(self, seen: Evidence) -> Verdict:
        """What happened."""
        told, odds = self(seen)
        moved, log = told * self.spread + self.mean, odds.sigmoid()
        return Verdict(moved[:, 0], moved[:, 1], log, log >= self.config.least)


def save_judge(path: Path, judge: Judge, summary: dict[str, Any]) -> None:
    """Write a judge. summary: JSON values about its training."""
    save_small(path, "judge", judge, summary)


def load_judge(path: Path, device: str = "cpu") -> Judge:
    """Read a judge, in float32. ValueError naming the file and what is wrong."""
    return load_small(path, "judge", "a judge", JudgeConfig, Judge, device)
