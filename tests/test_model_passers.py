"""Who passes by in a picture of a place is left out of it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from simworld.model.passers import left_out
from simworld.model.scenery import Shown

H, W = 24, 40
COW = (slice(None), slice(None), slice(8, 14), slice(10, 18))


def of_place(light: float = 1.0) -> tuple[Tensor, Shown]:
    """A picture of a place in such a light, and what is known of it: blocks below, sky above."""
    colors = ((0.5 + 0.1 * torch.rand(1, 3, H, W, generator=torch.Generator().manual_seed(0))) * light) * 2 - 1
    near = torch.full((1, 1, 1, H, W), 0.1)
    near[..., :6, :] = 0
    known = torch.ones(1, 1, 1, H, W, dtype=torch.bool)
    return colors, Shown(colors[:, None].clone(), near, known, known, known.clone(), sure=near > 0)


EVERYWHERE = torch.ones(1, 1, H, W, dtype=torch.bool)


@pytest.mark.parametrize("light", [1.0, 0.3])
def test_what_the_place_does_not_show_is_left_out_by_day_and_by_night(light: float) -> None:
    plain, shown = of_place(light)
    assert torch.equal(left_out(plain, shown, EVERYWHERE), plain), "nobody is there"
    picture = plain.clone()
    picture[COW] = 0.1 * light - 1
    assert torch.equal(left_out(picture, shown, EVERYWHERE), plain)


def test_a_little_noise_clouds_and_what_nobody_knows_stay() -> None:
    plain, shown = of_place()
    noisy = plain + 0.1 * torch.randn(1, 3, H, W, generator=torch.Generator().manual_seed(1))
    assert torch.equal(left_out(noisy, shown, EVERYWHERE), noisy)
    cloudy = plain.clone()
    cloudy[..., :6, 5:15] = 1
    assert torch.equal(left_out(cloudy, shown, EVERYWHERE), cloudy)
    picture = plain.clone()
    picture[COW] = -1
    free = EVERYWHERE.clone()
    free[COW[0], :, COW[2], COW[3]] = False
    assert torch.equal(left_out(picture, shown, free), picture), "hands are no passers-by"
    shown.sure = None
    assert torch.equal(left_out(picture, shown, EVERYWHERE), picture), "where no blocks are known what is near may be torn"
    shown = replace(of_place()[1], real=torch.zeros_like(shown.real))
    assert torch.equal(left_out(picture, shown, EVERYWHERE), picture), "what was dreamt of the place is no better"
