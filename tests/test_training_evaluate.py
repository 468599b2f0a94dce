"""The measures rank what they must: equal pictures above different ones, truth on evaluation seeds only."""

from pathlib import Path

import pytest
import torch
from tiny_world import write_tiny_world

from simworld.training.evaluate import evaluate
from simworld.training.metrics import psnr, ssim
from simworld.training.truth import play_truth


def test_likeness_falls_with_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.randint(0, 255, (2, 32, 48, 3), generator=generator, dtype=torch.uint8)
    scores = []
    for noise in (0, 5, 20, 60):
        noisy = (picture + noise * torch.randn(picture.shape, generator=generator)).clamp(0, 255).to(torch.uint8)
        scores.append((float(psnr(picture, noisy).mean()), float(ssim(picture, noisy).mean())))
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx((60, 1), abs=1e-3)
    assert float(psnr(picture, (picture.int() + 1).clamp(0, 255).to(torch.uint8)).mean()) == pytest.approx(48.13, abs=0.1)


def test_the_truth_keeps_to_evaluation_seeds() -> None:
    with pytest.raises(ValueError, match="seed 5 is a training seed"):
        play_truth(1, 3, 32, 48, first_seed=5)
    one, two = play_truth(2, 5, 32, 48), play_truth(2, 5, 32, 48)
    assert (one.frames == two.frames).all() and one.frames.shape == (2, 5, 32, 48, 3)
    assert all(one.captions)


def test_an_untrained_world_is_worse_than_copying_and_deaf(tmp_path: Path) -> None:
    figures = evaluate(str(write_tiny_world(tmp_path)), num_seeds=2, num_steps=1)
    assert figures["horizon"]["8"]["gain_psnr"] < 0
    assert figures["shuffled_action_ratio"] == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="seeds is 1"):
        evaluate(str(tmp_path), num_seeds=1)
