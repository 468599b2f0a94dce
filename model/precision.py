"""Which number format plays fastest on a device."""

import torch


def fastest_dtype(device: str) -> torch.dtype:
    """bfloat16 where the hardware multiplies it, else float32."""
    if torch.device(device).type == "cpu":
        return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32
    return torch.bfloat16
