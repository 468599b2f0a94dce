"""Layers that keep their weights in the order in which the processor's matrix units (oneDNN's) want them. Plain layers order
them anew in every call, which takes about as long as the arithmetic when a single picture passes through. Same results, same
parameters; weights that are being trained, and those on other devices, work as ever.
"""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Packed:
    """Weights as they were last packed, and for what. Copies and files of a layer do not hold them."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._weights: Tensor | None = None

    def __deepcopy__(self, memo: Any) -> "Packed":
        return Packed()

    def __reduce__(self) -> tuple[type["Packed"], tuple[()]]:
        return Packed, ()

    @property
    def empty(self) -> bool:
        """Whether nothing has been packed yet."""
        return self._weights is None

    def linear(
        self,
        x: Float[Tensor, "*n c"],
        weights: list[Float[Tensor, "d c"]],
        bias: Float[Tensor, " d"] | None = None,
        then: str = "none",
    ) -> Float[Tensor, "*n ds"]:
        """As `F.linear` with the weights one above the other; `then` may be "gelu" (by tanh). Only where `packs`."""
        num = x.numel() // x.shape[-1]
        key = (x.dtype, num, *((weight.data_ptr(), weight._version) for weight in weights))
        if self._key != key:
            whole = weights[0] if len(weights) == 1 else torch.cat(weights)
            self._weights, self._key = torch.ops.mkldnn._reorder_linear_weight(whole.contiguous(), num), key
        return torch.ops.mkldnn._linear_pointwise(x.contiguous(), self._weights, bias, then, [], "tanh")

    def conv(
        self, x: Float[Tensor, "n c h w"], conv: nn.Conv2d, then: str = "none", other: Float[Tensor, "n d h w"] | None = None
    ) -> Float[Tensor, "n d h w"]:
        """What a convolution makes of x; `then` may be "swish", which is SiLU. Or the sum of that and of another. Only where
        `packs`."""
        x = x.contiguous(memory_format=torch.channels_last)
        shape = [conv.padding, conv.stride, conv.dilation, conv.groups]
        key = (x.dtype, x.shape, conv.weight.data_ptr(), conv.weight._version)
        if self._key != key:
            self._weights = torch.ops.mkldnn._reorder_convolution_weight(conv.weight, *shape, x.shape)
            self._key = key
        if other is not None:
            other = other.contiguous(memory_format=torch.channels_last)
            return torch.ops.mkldnn._convolution_pointwise(
                x, other, self._weights, conv.bias, *shape, "add", None, None, [], None
            )
        return torch.ops.mkldnn._convolution_pointwise(x, self._weights, conv.bias, *shape, then, [], "")


class PackedConv(nn.Conv2d):
    """A convolution of pictures, channels last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._packed = Packed()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        return self._packed.conv(x, self) if packs(self.weight, x) else super().forward(x)

    def silu(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """The same, and SiLU of it."""
        return self._packed.conv(x, self, "swish") if packs(self.weight, x) else F.silu(super().forward(x))

    def onto(self, x: Float[Tensor, "n c h w"], other: Float[Tensor, "n d h w"]) -> Float[Tensor, "n d h w"]:
        """The same, and another added."""
        return self._packed.conv(x, self, other=other) if packs(self.weight, x) else other + super().forward(x)


class PackedLinear(nn.Linear):
    """A linear layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._packed = Packed()

    def forward(self, x: Float[Tensor, "*n c"]) -> Float[Tensor, "*n d"]:
        return self._packed.linear(x, [self.weight], self.bias) if packs(self.weight, x) else super().forward(x)

    def gelu(self, x: Float[Tensor, "*n c"]) -> Float[Tensor, "*n d"]:
        """The same, and GELU (by tanh) of it."""
        if not packs(self.weight, x):
            return F.gelu(super().forward(x), approximate="tanh")
        return self._packed.linear(x, [self.weight], self.bias, "gelu")

    def beside(self, others: "list[PackedLinear]", x: Float[Tensor, "*n c"]) -> Float[Tensor, "*n layers d"]:
        """What this layer and others, all of one size and without biases, make of x: one product instead of several."""
        layers = [self, *others]
        if not packs(self.weight, x):
            return torch.stack([layer(x) for layer in layers], -2)
        return self._packed.linear(x, [layer.weight for layer in layers], None).unflatten(-1, (len(layers), -1))


def packs(weight: Tensor, x: Tensor) -> bool:
    """Whether weights may be packed for x: on a processor that has such units, finished, and used for inference alone."""
    return (
        not torch.is_grad_enabled()
        and not weight.requires_grad
        and x.device.type == weight.device.type == "cpu"
        and x.dtype == weight.dtype
        and x.numel() > 0
        and not torch.is_autocast_enabled("cpu")
        and not weight.is_inference()
        and has_units()
    )


@functools.cache
def has_units() -> bool:
    """Whether this processor, and this torch, has them. Tried on x86 alone."""
    return torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX")
