"""Optimizer and learning-rate schedule of every training run. Knows no data and no model but its named parameters.

Muon (Jordan et al. 2024: momentum made orthogonal by a Newton-Schulz iteration) moves the hidden matrices, AdamW the
rest: embeddings, biases, convolutions, first and last layers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer


class Schedule(Enum):
    """cosine: falls from the first step after the warm-up; trapezoid: constant, then linear over the last `decay` share."""

    cosine = "cosine"
    trapezoid = "trapezoid"


@dataclass(kw_only=True)
class OptimizerConfig:
    """`muon_rate` 0 leaves every parameter to AdamW. Rates are peaks; `warmup` in steps; `decay` a share of all steps."""

    learning_rate: float = 1e-3
    muon_rate: float = 0.0
    weight_decay: float = 0.0
    warmup: int = 100
    schedule: Schedule = Schedule.trapezoid
    decay: float = 0.25
    clip_norm: float = 1.0

    def scale(self, step: int, num_steps: int) -> float:
        """The factor on the peak rates at `step` of `num_steps`, in (0, 1]."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        done = min(1.0, step / max(1, num_steps))
        if self.schedule is Schedule.cosine:
            return rise * max(0.01, 0.5 * (1 + math.cos(math.pi * done)))
        return rise * max(0.01, min(1.0, (1 - done) / max(1e-9, self.decay)))


class Muon(Optimizer):
    """Nesterov momentum whose update is made orthogonal, for matrices [rows, columns] and convolutions [out, in, h, w]."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                state = self.state[param]
                if not state:
                    state["momentum"] = torch.zeros_like(param)
                state["momentum"].lerp_(param.grad, 1 - group["momentum"])
                update = orthogonalise(param.grad.lerp(state["momentum"], group["momentum"]).flatten(1))
                scale = max(1, update.shape[0] / update.shape[1]) ** 0.5
                param.mul_(1 - group["lr"] * group["weight_decay"])
                param.add_(update.view(param.shape).to(param.dtype), alpha=-group["lr"] * scale)


def orthogonalise(matrix: Tensor, num_iterations: int = 5) -> Tensor:
    """About the nearest (semi-)orthogonal matrix, by a quintic Newton-Schulz iteration in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(num_iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def make_optimizers(model: nn.Module, config: OptimizerConfig) -> list[Optimizer]:
    """AdamW, and Muon for the parameters that the model names in `hidden_matrices()`, when `muon_rate` is above 0."""
    hidden: list[nn.Parameter] = getattr(model, "hidden_matrices", list)() if config.muon_rate else []
    taken = {id(param) for param in hidden}
    rest = [param for param in model.parameters() if param.requires_grad and id(param) not in taken]
    adamw = AdamW(rest, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay, fused=True)
    muon = [Muon(hidden, lr=config.muon_rate, weight_decay=config.weight_decay)] if hidden else []
    for optimizer in [adamw, *muon]:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return [adamw, *muon]


def set_rate(optimizers: list[Optimizer], scale: float) -> None:
    """Set every group's rate to its peak × `scale`."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * scale
