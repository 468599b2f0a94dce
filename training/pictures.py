"""Pictures laid out in a grid, to look at training and evaluation by eye."""

import numpy as np
from jaxtyping import UInt8


def grid(frames: UInt8[np.ndarray, "rows columns h w 3"], gap: int = 2) -> UInt8[np.ndarray, "H W 3"]:
    """One picture of rows × columns frames with a white gap between them."""
    rows, columns, h, w, _ = frames.shape
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (h + gap), column * (w + gap)
            sheet[top : top + h, left : left + w] = frames[row, column]
    return sheet
