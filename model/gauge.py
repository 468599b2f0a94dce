"""A gauge: how like the truth a dream's picture is likely to be, read from the ground that it stands on (`ground`).

    gauge = load_gauge(folder / "gauge.safetensors")
    signs = sampler.signs(world, context)
    psnr = gauge.psnr(signs)            # float32 [b], in dB
    trust = gauge.trust(signs)          # float32 [b], from 0 to 1, whatever the scene

Its few numbers are fitted in closed form to plays of training seeds whose truth is known (`simworld train gauge`), and lie
in a file of their own beside the world. How well it tells is measured on others (`simworld evaluate`, `trust`).
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from simworld.model.checkpoint import FORMAT, read_tensors, write_tensors
from simworld.model.ground import NUM_SIGNS, WEAR

RIDGE = 1.0
WORST, BEST = 0.05, 0.95
"""Trust is 0 where only one in twenty of the moments that it was fitted to stood on ground as worn, and 1 where only one in
twenty stood on ground as fresh."""


@dataclass(frozen=True)
class Gauge:
    """weights: dB by which each sign raises the PSNR. low, high: what signs were seen between, and are held to be. scale: the
    dB where all signs are 0, and those that wear adds to them where trust begins and where it ends."""

    weights: Float[Tensor, " signs"]
    low: Float[Tensor, " signs"]
    high: Float[Tensor, " signs"]
    scale: Float[Tensor, "3"]

    def psnr(self, signs: Float[Tensor, "b signs"]) -> Float[Tensor, " b"]:
        """PSNR to expect, in dB."""
        return signs.maximum(self.low).minimum(self.high) @ self.weights + self.scale[0]

    def trust(self, signs: Float[Tensor, "b signs"]) -> Float[Tensor, " b"]:
        """How fresh the ground is, as a share, 0 to 1: the same, but for what the scene itself makes of an error."""
        worn = signs.maximum(self.low).minimum(self.high)[:, WEAR] @ self.weights[WEAR]
        return ((worn - self.scale[1]) / (self.scale[2] - self.scale[1])).clamp(0, 1)


def fit(signs: Float[Tensor, "n signs"], psnr: Float[Tensor, " n"]) -> Gauge:
    """The gauge that tells the PSNR of n moments best from their signs, by least squares."""
    signs, psnr = signs.double(), psnr.double()
    middle, spread = signs.mean(0), signs.std(0).clamp(min=1e-6)
    told = (signs - middle) / spread
    weights = torch.linalg.solve(told.T @ told + RIDGE * torch.eye(len(middle)), told.T @ (psnr - psnr.mean())) / spread
    ends = (signs[:, WEAR] @ weights[WEAR]).quantile(torch.tensor([WORST, BEST], dtype=psnr.dtype))
    ends[1] = ends[1].maximum(ends[0] + 0.1)
    scale = torch.cat([(psnr.mean() - middle @ weights)[None], ends])
    return Gauge(weights.float(), signs.amin(0).float(), signs.amax(0).float(), scale.float())


def save_gauge(path: Path, gauge: Gauge, summary: dict[str, Any]) -> None:
    """Write a gauge. summary: JSON values about what it was fitted to."""
    tensors = {part.name: getattr(gauge, part.name) for part in fields(Gauge)}
    write_tensors(path, tensors, {"kind": "gauge", "format": FORMAT, "summary": summary})


def load_gauge(path: Path, device: str = "cpu") -> Gauge:
    """Read a gauge. ValueError naming the file and what is wrong."""
    tensors, header = read_tensors(path)
    if header.get("kind") != "gauge" or header.get("format") != FORMAT:
        raise ValueError(f"{path}: holds {header.get('kind')!r} of format {header.get('format')!r}; not a gauge of {FORMAT}")
    shapes = {"weights": NUM_SIGNS, "low": NUM_SIGNS, "high": NUM_SIGNS, "scale": 3}
    if {name: len(tensor) for name, tensor in tensors.items() if tensor.ndim == 1} != shapes:
        raise ValueError(f"{path}: a gauge of other signs than these {NUM_SIGNS}; fit it anew: simworld train gauge")
    return Gauge(**{name: tensor.to(device, torch.float32) for name, tensor in tensors.items()})
