"""What pictures do when the camera turns and keys are down: geometry, and what is fitted to gameplay once."""

import pytest
import torch
import torch.nn.functional as F

from simworld.model.camera import turn
from simworld.model.motion import PERSISTENCE, REST_PITCH, drives, fixed_share, learned_drive, pitched
from simworld.model.nearness import Nearness


@torch.inference_mode()
def test_turning_the_camera_moves_the_picture_as_told() -> None:
    picture = torch.zeros(1, 3, 60, 100)
    picture[:, :, 30, 50] = 1
    degrees_per_pixel = 70 / 60 * 1.2  # in the middle of the picture pixels are a little wider than on average
    right = turn(picture, torch.tensor([[0.0, 10 * degrees_per_pixel]]), 70.0)
    down = turn(picture, torch.tensor([[10 * degrees_per_pixel, 0.0]]), 70.0)
    row, column = divmod(int(right[0, 0].argmax()), 100)
    assert abs(row - 30) <= 1 and 38 <= column <= 42, "what was ahead is now to the left"
    row, column = divmod(int(down[0, 0].argmax()), 100)
    assert 18 <= row <= 22 and abs(column - 50) <= 1, "what was ahead is now above"
    assert torch.allclose(turn(picture, torch.zeros(1, 2), 70.0), picture, atol=1e-5)


def test_what_keys_do_to_pictures_is_learned_from_moments() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(8, 2, 12, 20, generator=generator) * 0.01
    before = torch.randn(1000, 2, 12, 20, generator=generator) * 0.01
    actions = (torch.rand(1000, 2, 25, generator=generator) < 0.5).float()
    flow = PERSISTENCE * before + torch.einsum("n d, d c h w -> n c h w", drives(actions), truth)
    assert (learned_drive(flow, before, actions) - truth).abs().mean() < 0.1 * truth.abs().mean()


def test_driven_flow_moves_with_the_horizon() -> None:
    driven = torch.zeros(1, 2, 12, 20)
    driven[:, :, 6] = 1
    rows = [int(pitched(driven, torch.tensor([pitch]), 70.0)[0, 0].mean(1).argmax()) for pitch in (-20.0, REST_PITCH, 25.0)]
    assert rows[0] > rows[1] == 6 > rows[2], "who looks up sees the horizon low"


def test_how_near_things_look_is_learned_from_how_they_move() -> None:
    """Bright places stand still, dark ones move twice as much as on average."""
    generator = torch.Generator().manual_seed(0)
    bright = (torch.rand(600, 1, 12, 20, generator=generator) < 0.5).float()
    frames = F.interpolate(bright * 1.6 - 0.8, (96, 160)).expand(-1, 3, -1, -1)
    driven = torch.randn(600, 2, 12, 20, generator=generator) * 0.01
    nearness = Nearness()
    assert torch.allclose(nearness(frames[:2]), torch.ones(2, 1, 12, 20), atol=1e-5), "before it has learned"
    nearness.learn(frames[:500], driven[:500], 2 * (1 - bright[:500]) * driven[:500])
    told = nearness(frames[500:])
    assert float(told[bright[500:] == 1].mean()) < 0.2 and float(told[bright[500:] == 0].mean()) == pytest.approx(2, abs=0.2)
    assert not any(weight.requires_grad for weight in nearness.parameters()), "other training leaves it alone"


def test_what_is_fixed_to_the_camera_is_learned_from_turns() -> None:
    generator = torch.Generator().manual_seed(0)
    before = F.interpolate(torch.rand(40, 3, 12, 20, generator=generator) * 2 - 1, (96, 160), mode="bilinear")
    camera = torch.tensor([[[0.0, 4.0], [0.0, 4.0]]]).expand(40, -1, -1)
    after = turn(before, camera.sum(1), 70.0)
    after[:, :, 48:, 80:] = before[:, :, 48:, 80:]
    share = fixed_share(after, before, camera, 70.0)
    assert float(share[15:, 24:].mean()) > 0.9 and float(share[:9].mean()) < 0.1
