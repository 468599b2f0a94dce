"""Layers that keep their weights in the order in which the processor's matrix units (oneDNN's) want them. Plain layers order
them anew in every call, which takes about as long as the arithmetic when a single picture passes through. Same results, same
parameters; weights that are being trained, and those on other devices, work as ever.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class _Packed:
    """The weights of one layer as they were last packed, and for what. Copies and files of a layer do not hold them."""

    def __init__(self) -> None:
        self.key: tuple[Any, ...] = ()
        self.weights: Tensor | None = None

    def __deepcopy__(self, memo: Any) -> "_Packed":
        return _Packed()

    def __reduce__(self) -> tuple[type["_Packed"], tuple[()]]:
        return _Packed, ()


class PackedConv(nn.Conv2d):
    """A convolution of pictures, channels last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._packed = _Packed()

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        return self._run(x, "none") if _packs(self.weight, x) else super().forward(x)

    def silu(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d h w"]:
        """The same, and SiLU of it."""
        return self._run(x, "swish") if _packs(self.weight, x) else F.silu(super().forward(x))

    def _run(self, x: Tensor, then: str) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        shape = [self.padding, self.stride, self.dilation, self.groups]
        key = (self.weight.data_ptr(), self.weight._version, x.dtype, x.shape)
        if self._packed.key != key:
            self._packed.weights = torch.ops.mkldnn._reorder_convolution_weight(self.weight, *shape, x.shape)
            self._packed.key = key
        return torch.ops.mkldnn._convolution_pointwise(x, self._packed.weights, self.bias, *shape, then, [], "")


def _packs(weight: Tensor, x: Tensor) -> bool:
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


def has_units() -> bool:
    """Whether this processor, and this torch, has them. Tried on x86 alone."""
    return torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX")
