"""What the number of sampling steps costs and gains: how far the dream is from the truth, and how fast it is."""

import time

import numpy as np

from simworld.model.denoiser import STEP_COUNTS
from simworld.training.measures import mean_psnr
from simworld.training.players import Dream
from simworld.training.truth import Truth

CHUNKS = 8
"""Chunks ahead at which steps are compared."""


def stepping(player: Dream, truth: Truth) -> dict[str, dict[str, float]]:
    """For 1, 2, 4 and 8 steps: PSNR after 1 and 8 chunks of moving play, frames a second of one dream, and the evaluations of
    the network that a chunk takes (one for any number of steps in worlds that dream at temperature 0). Speeds are of one run,
    one after another; compare them with each other."""
    last = truth.known + player.stride * CHUNKS
    short, alone = truth.first(len(truth.frames), last), truth.first(1, last)
    figures = {}
    for num_steps in sorted(STEP_COUNTS):
        dreamer = player.at(num_steps)
        dream = dreamer.roll(short)
        figures[str(num_steps)] = {
            "psnr_1_chunk": mean_psnr(dream[:, player.stride - 1], truth.frames[:, truth.known + player.stride - 1]),
            f"psnr_{CHUNKS}_chunks": mean_psnr(dream[:, -1], truth.frames[:, last - 1]),
            "frames_per_second": round(player.stride / _chunk_seconds(dreamer, alone), 1),
            "evaluations": num_steps if player.net.config.temperature else 1,
        }
    return figures


def _chunk_seconds(dreamer: Dream, truth: Truth) -> float:
    """Median time of a chunk."""
    moments = [time.perf_counter() for _ in dreamer.chunks(truth)]
    return float(np.median(np.diff(moments)))
