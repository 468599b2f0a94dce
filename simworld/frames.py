"""Frames: uint8 [h, w, 3] RGB pictures. Checks and fitting to a size; knows no file, window or network."""

import numpy as np

FPS = 20
"""Frames a second, everywhere."""


def check_frames(frames: np.ndarray, where: str) -> np.ndarray:
    """`frames` as uint8 [t, h, w, 3], or ValueError that names `where`, what it got and what would be right."""
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or 0 in frames.shape:
        raise ValueError(
            f"{where}: frames are {frames.dtype} {frames.shape}; they must be uint8 (t, h, w, 3), none of them 0"
        )
    return frames


def fit(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Centre-crop uint8 [..., h, w, 3] to the aspect of `height` × `width` and resize by averaging areas."""
    h, w = frames.shape[-3:-1]
    if (h, w) == (height, width):
        return frames
    crop_h, crop_w = min(h, max(1, round(w * height / width))), min(w, max(1, round(h * width / height)))
    top, left = (h - crop_h) // 2, (w - crop_w) // 2
    frames = frames[..., top : top + crop_h, left : left + crop_w, :]
    fitted = np.empty((*frames.shape[:-3], height, width, 3), np.uint8)
    for index in np.ndindex(frames.shape[:-3]):  # one by one, so that the work stays in the cache
        fitted[index] = np.rint(_resize(_resize(frames[index], height, 0), width, 1))
    return fitted


def _resize(picture: np.ndarray, size: int, axis: int) -> np.ndarray:
    """float32: each target pixel is the mean of the source pixels under it along `axis`, by the span that they share.

    Few source pixels lie under one target pixel, so this adds them one by one; a product with a matrix would wake all
    threads of the linear algebra library, which is very slow where other work keeps the cores busy.
    """
    length = picture.shape[axis]
    edges = np.linspace(0, length, size + 1)
    first, last = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int) - 1
    shape = [size if at == axis else 1 for at in range(3)]
    total = np.zeros(tuple(size if at == axis else n for at, n in enumerate(picture.shape)), np.float32)
    for offset in range(int((last - first).max()) + 1):
        source = np.minimum(first + offset, length - 1)
        share = np.minimum(edges[1:], first + offset + 1) - np.maximum(edges[:-1], first + offset)
        share = np.clip(share, 0, None) * size / length
        total += picture.take(source, axis) * share.astype(np.float32).reshape(shape)
    return total
