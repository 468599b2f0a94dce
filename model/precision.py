"""Which number format plays fastest on a device."""

import torch

FORMATS = ("bfloat16", "float32")
"""In which a world can be played."""


def fastest_dtype(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, else float32."""
    if torch.device(device).type == "cpu":
        return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
    return torch.bfloat16


def number_format(name: str | None, device: str) -> torch.dtype:
    """That of a name in `FORMATS`, or the fastest of the device for None. ValueError for another."""
    if name is None:
        return fastest_dtype(device)
    if name not in FORMATS:
        raise ValueError(f"dtype is {name!r}; it must be one of {', '.join(FORMATS)}, or None for the fastest")
    return getattr(torch, name)
