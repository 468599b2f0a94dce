"""Facade: which of several pictures shows what a lattice says is there. Closed form: the place of each pixel is looked up in
them, and those see it that see something as near there."""

import functools
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int32
from torch import Tensor

from simworld.model.camera import ray_array
from simworld.model.compiled import arrays, compiled
from simworld.model.lattice import Cast
from simworld.model.projection import LEAST_AHEAD, NOTHING, between, scale_of

AGREES, LITTLE = 0.1, 0.004
"""Relative difference, and in 1 / blocks, up to which a picture sees what is there."""
FREE = 1.2
"""What a picture sees so many times nearer than nothing is, is not there."""

Eyes = tuple[Float[Tensor, "b k 3"], Float[Tensor, "b k 2"]]
Others = tuple[Float[Tensor, "b r 3"], Float[Tensor, "b r 2"]]
"""Places, and views: of pictures, and of who looks now."""


def seen_by(
    near: Float[Tensor, "b k h w"],
    numbers: Float[Tensor, "b k"],
    eyes: Eyes,
    others: Others,
    told: Cast,
    field_of_view: float,
) -> tuple[Float[Tensor, "b r n"], Float[Tensor, "b r n"]]:
    """How near what `others` see is, of whose lattices `told` tells each pixel, and the number of the first picture that sees
    it as well, k where none does; `near`, `numbers` and `eyes` are of the pictures. Where no block is met, what lies beyond is
    as near as the picture says. What hands have changed since a picture of that number, it does not show."""
    (b, _, h, w), r = near.shape, others[0].shape[1]
    turns, shifts = _maps((h, w), (h, w), eyes, others, field_of_view)
    ways = ray_array((h, w), field_of_view).reshape(3, -1)
    pictures, lies = arrays(near, numbers), arrays(turns, shifts, *_flat(told))
    found, first = (np.empty((b, r, h * w), np.float32) for _ in range(2))
    for eye in np.ndindex(b, r):
        _see_first(ways, *(part[eye[0]] for part in pictures), *(part[eye] for part in lies), found[eye], first[eye])
    return torch.from_numpy(found).to(near.device), torch.from_numpy(first).to(near.device)


def shares(
    near: Float[Tensor, "n rows columns"],
    numbers: Float[Tensor, " n"],
    size: tuple[int, int],
    eyes: tuple[Float[Tensor, "n 3"], Float[Tensor, "n 2"]],
    other: tuple[Float[Tensor, "3"], Float[Tensor, "2"]],
    told: Cast,
    every: int,
    field_of_view: float,
) -> Float[Tensor, "n m"]:
    """How well each of n pictures of height × width `size` shows what another eye sees, in every `every`-th pixel each way,
    from 0 to 1: the less, the more it must be magnified. near: of pixels of theirs as far apart as their number says. told: of
    the other eye alone."""
    some = (..., slice(every // 2, None, every), slice(every // 2, None, every))
    ways = ray_array(size, field_of_view)[some].reshape(3, -1)
    theirs, others = (eyes[0][None], eyes[1][None]), (other[0][None, None], other[1][None, None])
    turn, shift = (part[0, 0] for part in _maps(size, (near.shape[1], near.shape[2]), theirs, others, field_of_view))
    shown = np.zeros((len(near), ways.shape[1]), np.float32)
    _share(ways, *arrays(near, numbers, turn, shift, *(part[0, 0] for part in _flat(told, some))), shown)
    return torch.from_numpy(shown).to(near.device)


def _flat(
    told: Cast, some: tuple[Any, ...] = (...,)
) -> tuple[Float[Tensor, "b r n"], Float[Tensor, "b r n"], Int32[Tensor, "b r _"]]:
    """near, clear and since of some of its pixels, the last empty where hands have changed nothing."""
    nothing = told.near.new_zeros(*told.near.shape[:2], 0, dtype=torch.int32)
    since = nothing if told.since is None else told.since[some].flatten(2)
    return told.near[some].flatten(2), told.clear[some].flatten(2), since


def _maps(
    size: tuple[int, int], cells: tuple[int, int], eyes: Eyes, others: Others, field_of_view: float
) -> tuple[Float[Tensor, "b r k 3 3"], Float[Tensor, "b r k 3"]]:
    """What makes the others' directions the eyes', (right, down, ahead), scaled and moved so that right and down ÷ ahead are
    columns and rows of pictures of height × width `size` in so many cells, and what must be added where something is near."""
    turn, shift = between(*others, *eyes)
    to_cells = _to_cells(size, cells, field_of_view, turn.device)
    return to_cells @ turn, (to_cells @ shift[..., None])[..., 0]


@functools.lru_cache(maxsize=8)
def _to_cells(
    size: tuple[int, int], cells: tuple[int, int], field_of_view: float, device: torch.device
) -> Float[Tensor, "3 3"]:
    """What makes (right, down, ahead) columns and rows times how far ahead, and that."""
    scale, middle = scale_of(size, field_of_view, device)
    (h, w), (rows, columns) = size, cells
    with torch.inference_mode(False):  # whoever asks first, it is for all
        whole = torch.tensor([[scale[0], 0, middle[0]], [0, scale[1], middle[1]], [0, 0, 1]], device=device)
        return whole * torch.tensor([[columns / w], [rows / h], [1.0]], device=device)


@compiled
def _looked_up(
    near: np.ndarray, turns: np.ndarray, shifts: np.ndarray, number: int,
    right: float, down: float, wanted: float, clear: float,
) -> tuple[bool, float, float]:  # fmt: skip
    """Whether the picture of a number sees what another eye sees along (right, down, 1): something so near, or nothing nearer
    than all is clear; how near it says that is, and how far ahead it is there, relative to where the other sees it. `turns` and
    `shifts` are as in `_maps`."""
    _, rows, columns = near.shape
    close = max(wanted, np.float32(0))
    x = turns[number, 0, 0] * right + turns[number, 0, 1] * down + turns[number, 0, 2] + shifts[number, 0] * close
    y = turns[number, 1, 0] * right + turns[number, 1, 1] * down + turns[number, 1, 2] + shifts[number, 1] * close
    ahead = turns[number, 2, 0] * right + turns[number, 2, 1] * down + turns[number, 2, 2] + shifts[number, 2] * close
    if not (ahead > LEAST_AHEAD and 0 <= x < columns * ahead and 0 <= y < rows * ahead):
        return False, NOTHING, ahead
    there = near[number, min(int(y / ahead), rows - 1), min(int(x / ahead), columns - 1)] * ahead
    if wanted >= 0:
        return there >= 0 and abs(there - wanted) < AGREES * wanted + LITTLE, there, ahead
    return 0 <= there < FREE * clear, there, ahead


@compiled
def _see_first(
    ways: np.ndarray, near: np.ndarray, numbers: np.ndarray, turns: np.ndarray, shifts: np.ndarray,
    wanted: np.ndarray, clear: np.ndarray, since: np.ndarray, found: np.ndarray, first: np.ndarray,
) -> None:  # fmt: skip
    """`seen_by`, of one eye, into `found` and `first`."""
    for pixel in range(ways.shape[1]):
        sought, free = wanted[pixel], clear[pixel]
        found[pixel], first[pixel] = sought, len(near)
        for number in range(len(near)):
            if since.size and since[pixel] >= numbers[number]:
                continue
            same, there, _ = _looked_up(near, turns, shifts, number, ways[0, pixel], ways[1, pixel], sought, free)
            if same:
                found[pixel], first[pixel] = sought if sought >= 0 else there, number
                break


@compiled
def _share(
    ways: np.ndarray, near: np.ndarray, numbers: np.ndarray, turns: np.ndarray, shifts: np.ndarray,
    wanted: np.ndarray, clear: np.ndarray, since: np.ndarray, shown: np.ndarray,
) -> None:  # fmt: skip
    """`shares`, into zeros."""
    for number in range(len(near)):
        for pixel in range(ways.shape[1]):
            if since.size and since[pixel] >= numbers[number]:
                continue
            right, down, sought, free = ways[0, pixel], ways[1, pixel], wanted[pixel], clear[pixel]
            same, _, ahead = _looked_up(near, turns, shifts, number, right, down, sought, free)
            if same:
                shown[number, pixel] = min(1 / ahead, np.float32(1))
