"""Packed layers compute what plain ones do, with weights as they are at the moment, and only where nothing is learned."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simworld.model.flops import counter
from simworld.model.packed import PackedConv, PackedLinear, has_units

pytestmark = pytest.mark.skipif(not has_units(), reason="this processor packs nothing")


def layer(dtype: torch.dtype) -> PackedConv:
    torch.manual_seed(0)
    return PackedConv(16, 32, 3, padding=1).to(dtype).to(memory_format=torch.channels_last).requires_grad_(False)


def picture(dtype: torch.dtype, size: tuple[int, int] = (12, 20), num: int = 1) -> Tensor:
    return torch.randn(num, 16, *size, generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_packed_is_plain(dtype: torch.dtype) -> None:
    """For one size after another, and with SiLU."""
    conv = layer(dtype)
    for x in (picture(dtype), picture(dtype, (6, 10), 3), picture(dtype)):
        plain = nn.Conv2d.forward(conv, x)
        with torch.inference_mode():
            assert torch.allclose(conv(x), plain, atol=1e-5)
            assert torch.allclose(conv.silu(x), F.silu(plain), atol=0.02)
            assert torch.allclose(conv.onto(x, 2 * plain), 3 * plain, atol=0.05)
        assert not conv._packed.empty


def test_changed_weights_count() -> None:
    """Weights that are loaded, moved or copied after the first call."""
    conv, x = layer(torch.float32), picture(torch.float32)
    with torch.inference_mode():
        before = conv(x)
    conv.load_state_dict({name: 2 * value for name, value in conv.state_dict().items()})
    other = copy.deepcopy(conv)
    with torch.inference_mode():
        assert torch.allclose(conv(x), 2 * before, atol=1e-5)
        assert torch.allclose(other(x), 2 * before, atol=1e-5)
    with torch.inference_mode():
        assert torch.allclose(conv.to(torch.bfloat16)(x.bfloat16()).float(), 2 * before, atol=0.05)


def test_learning_is_plain() -> None:
    """What is being trained, or trained through, has gradients."""
    conv = layer(torch.float32)
    x = picture(torch.float32).requires_grad_(True)
    conv.silu(x).sum().backward()
    assert x.grad is not None and bool((x.grad != 0).any())
    with torch.no_grad():
        conv.requires_grad_(True)(x)
    assert conv._packed.empty
    assert list(conv.state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_packed_products_are_plain(dtype: torch.dtype) -> None:
    """Alone, with GELU, several as one, and for one number of tokens after another."""
    torch.manual_seed(0)
    layers = [PackedLinear(32, 48, bias=number == 0).to(dtype).requires_grad_(False) for number in range(4)]
    for num in (16, 3):
        x = torch.randn(2, num, 32).to(dtype)
        plain = [nn.Linear.forward(layer, x) for layer in layers]
        with torch.inference_mode():
            assert torch.allclose(layers[0](x), plain[0], atol=1e-5)
            assert torch.allclose(layers[0].gelu(x), F.gelu(plain[0], approximate="tanh"), atol=0.02)
            beside = layers[1].beside(layers[2:], x)
            assert torch.allclose(beside, torch.stack(plain[1:], -2), atol=0.02)


def test_all_arithmetic_is_counted() -> None:
    """Whether layers are packed or not."""
    conv, linear = layer(torch.float32), PackedLinear(32, 8).requires_grad_(False)
    counts = []
    for packed in (True, False):
        with counter() as counted, torch.inference_mode(packed):
            hidden = conv.onto(conv.silu(picture(torch.float32))[:, :16], torch.zeros(1, 32, 12, 20))
            linear(hidden.movedim(1, -1))
        counts.append(counted.get_total_flops())
    assert counts[0] == counts[1] == 2 * 240 * (2 * 9 * 16 * 32 + 32 * 8)
