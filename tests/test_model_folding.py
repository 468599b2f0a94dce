"""What is quick is what it replaces: folding, halving, windows' sums, at sizes that do and do not divide."""

import pytest
import torch
import torch.nn.functional as F
from einops import rearrange

from simworld.model.autoencoder import _about
from simworld.model.folding import fold, halved, halved_means, unfold
from simworld.model.registration import averaged, coarser, condensed


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_folding_is_pixel_unshuffle(dtype: torch.dtype) -> None:
    x = noise(2, 3, 8, 12).to(dtype)
    folded = fold(x, 4)
    assert torch.equal(folded, F.pixel_unshuffle(x, 4))
    assert folded.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(unfold(folded, 4), x)
    assert torch.equal(fold(x[..., 4:8], 2), F.pixel_unshuffle(x[..., 4:8], 2)), "a part of a picture"


def test_folding_has_gradients() -> None:
    x = noise(1, 2, 4, 4).requires_grad_(True)
    (unfold(fold(x, 4), 4) * noise(1, 2, 4, 4)).sum().backward()
    assert x.grad is not None and torch.equal(x.grad, noise(1, 2, 4, 4))


def test_halving_is_unshuffling() -> None:
    x = noise(2, 4, 6, 8).to(memory_format=torch.channels_last)
    assert torch.equal(halved(x), F.pixel_unshuffle(x, 2))
    pairs = rearrange(F.pixel_unshuffle(x, 2), "n (c g) h w -> n c g h w", g=2).mean(2)
    assert torch.allclose(halved_means(x), pairs, atol=1e-6)


@pytest.mark.parametrize("size", [(96, 160), (50, 70)])
def test_means_are_pools(size: tuple[int, int]) -> None:
    x = noise(2, 3, *size)
    for stride in (2, 4, 8):
        assert torch.allclose(coarser(x, stride), F.avg_pool2d(x, stride, ceil_mode=True), atol=1e-5)
    assert torch.allclose(condensed(x, (12, 20)), F.interpolate(x, (12, 20), mode="area"), atol=1e-5)
    for width in (3, 5, 9):
        padded = F.pad(x, (width // 2,) * 4, mode="replicate")
        assert torch.allclose(averaged(x, width), F.avg_pool2d(padded, width, 1), atol=1e-5)
    assert torch.allclose(_about(x[:, :1]), F.avg_pool2d(x[:, :1], 8, 2, 3), atol=1e-5)
