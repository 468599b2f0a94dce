"""Frames: uint8 [h, w, 3] RGB pictures. Checks and fitting to a size; knows no file, window or network."""

import numpy as np

FPS = 20
"""Frames a second, everywhere."""


def check_frames(frames: np.ndarray, where: str) -> np.ndarray:
    """`frames` as uint8 [t, h, w, 3], or ValueError that names `where`, what it got and what would be right."""
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise ValueError(f"{where}: frames are {frames.dtype} {frames.shape}; they must be uint8 (t, h, w, 3), none of them 0")
    return frames


def fit(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Centre-crop uint8 [..., h, w, 3] to the aspect of `height` × `width` and resize by area averaging (or nearest when growing)."""
    h, w = frames.shape[-3:-1]
    if (h, w) == (height, width):
        return frames
    crop_h, crop_w = min(h, max(1, round(w * height / width))), min(w, max(1, round(h * width / height)))
    top, left = (h - crop_h) // 2, (w - crop_w) // 2
    frames = frames[..., top : top + crop_h, left : left + crop_w, :]
    return np.rint(_resize(_resize(frames.astype(np.float32), height, -3), width, -2)).astype(np.uint8)


def _resize(frames: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Average source pixels over each target pixel's span along `axis`."""
    length = frames.shape[axis]
    edges = np.linspace(0, length, size + 1)
    weights = np.minimum(edges[1:, None], np.arange(1, length + 1)) - np.maximum(edges[:-1, None], np.arange(length))
    weights = np.clip(weights, 0, None)
    weights /= weights.sum(1, keepdims=True)
    return np.moveaxis(np.tensordot(frames, weights.astype(np.float32), (axis, 1)), -1, axis)
