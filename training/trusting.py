"""How well a world's gauge tells how far its dream is from the truth, on plays that neither was fitted to."""

import numpy as np
import torch

from simworld.model import sampler
from simworld.model.gauge import Gauge
from simworld.training.measures import looking_back
from simworld.training.metrics import psnr
from simworld.training.players import Dream
from simworld.training.truth import Truth


def followed(player: Dream, truth: Truth) -> tuple[torch.Tensor, torch.Tensor]:
    """What a dream's ground says after each chunk, float32 [b, chunks, signs], and its PSNR to the truth, in dB [b, chunks],
    both of the chunk's last frame."""
    signs, errors = [], []
    for number, (frames, context) in enumerate(player.moments(truth), 1):
        signs.append(sampler.signs(player.net, context).float().cpu())
        true = truth.frames[:, truth.known - 1 + player.stride * number]
        errors.append(psnr(torch.from_numpy(frames[:, -1]), torch.from_numpy(true)))
    return torch.stack(signs, 1), torch.stack(errors, 1)


def trusting(player: Dream, gauge: Gauge, truth: Truth, seconds: float) -> dict[str, float]:
    """Spearman's rank correlation with the true PSNR of the PSNR that the gauge reads: over all moments of moving play; among
    those equally many chunks after the start, so that it is no mere clock; and within each of as many clips in which the player
    looks away for so many seconds and back, where the scene stays the same. Of trust, which knows nothing of the scene's
    contrast, the same. Beside them what the clock alone, and what the contrast of the first picture alone would tell.
    off: the mean distance of what is read from what is so, in dB."""
    signs, true = followed(player, truth)
    back_signs, back = followed(player, looking_back(player, len(true), seconds))
    figures = {}
    for name, read in (("expected_psnr", gauge.psnr), ("trust", gauge.trust)):
        told, told_back = (read(part.flatten(0, 1)).unflatten(0, part.shape[:2]) for part in (signs, back_signs))
        figures[name] = spearman(told, true)
        figures[f"{name}_at_equal_chunks"] = _mean([spearman(*pair) for pair in zip(told.T, true.T, strict=True)])
        figures[f"{name}_looking_away_and_back"] = _mean([spearman(*clip) for clip in zip(told_back, back, strict=True)])
    figures["clock_alone"] = spearman(torch.arange(true.shape[1], 0, -1.0).expand_as(true), true)
    figures["contrast_alone"] = spearman(-signs[..., -1], true)
    figures["off"] = float((gauge.psnr(signs.flatten(0, 1)) - true.flatten()).abs().mean())
    return {name: round(value, 3) for name, value in figures.items()}


def spearman(one: torch.Tensor, other: torch.Tensor) -> float:
    """Spearman's rank correlation of two equally long series, from -1 to 1; 0 where one of them never changes."""
    ranks = np.stack([_ranks(part.double().flatten().numpy()) for part in (one, other)])
    if (ranks.std(1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value; equal ones share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
