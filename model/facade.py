"""Facade: which of several pictures shows what a lattice says is there. Closed form: the place of each pixel is looked up in
them, and those see it that see something as near there."""

import functools

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.model.camera import rays
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
    (b, k, h, w), r = near.shape, others[0].shape[1]
    wanted, clear = told.near.flatten(1), told.clear.flatten(1)
    found, first = wanted.clone(), torch.full_like(wanted, k)
    since = None if told.since is None else told.since.flatten(1)
    turns, shifts = _maps((h, w), (h, w), eyes, others, field_of_view)
    ways = rays((h, w), field_of_view, near.device).flatten(1).repeat(1, r)
    for world in range(b):
        left, counts = torch.arange(r * h * w, device=near.device), [h * w] * r
        sought, free, way = wanted[world], clear[world], ways
        for number in range(k):
            parts = turns[world, :, number], shifts[world, :, number], way.split(counts, 1), sought.split(counts)
            there = torch.cat([_seen_from(*part) for part in zip(*parts, strict=True)], 1)
            closeness, same, _ = _looked_up(near[world, number, None], there[None], sought, free)
            if since is not None:
                same = same & (since[world, left] < numbers[world, number])
            seen, rest = same[0].nonzero()[:, 0], (~same[0]).nonzero()[:, 0]
            first[world, left[seen]] = float(number)
            found[world, left[seen]] = torch.where(sought[seen] >= 0, sought[seen], closeness[0, seen])
            left, sought, free, way = left[rest], sought[rest], free[rest], way.index_select(1, rest)
            if not len(left):
                break
            counts = (left // (h * w)).bincount(minlength=r).tolist()
    return found.unflatten(1, (r, -1)), first.unflatten(1, (r, -1))


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
    wanted, clear = told.near[some].flatten(), told.clear[some].flatten()
    ways = rays(size, field_of_view, near.device)[some].flatten(1)
    theirs, others = (eyes[0][None], eyes[1][None]), (other[0][None, None], other[1][None, None])
    turn, shift = (part[0, 0] for part in _maps(size, (near.shape[1], near.shape[2]), theirs, others, field_of_view))
    _, same, ahead = _looked_up(near, _seen_from(turn, shift, ways, wanted), wanted, clear)
    if told.since is not None:
        same = same & (told.since[some].flatten() < numbers[:, None])
    return torch.where(same, (1 / ahead).clamp(max=1), 0)


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


def _seen_from(
    turn: Float[Tensor, "*k 3 3"], shift: Float[Tensor, "*k 3"], ways: Float[Tensor, "3 n"], near: Float[Tensor, " n"]
) -> Float[Tensor, "*k 3 n"]:
    """Columns and rows times how far ahead it is there, and that, of what lies so near along such ways."""
    return torch.addcmul(turn @ ways, near.clamp(min=0), shift[..., None])


def _looked_up(
    near: Float[Tensor, "k rows columns"],
    places: Float[Tensor, "k 3 n"],
    wanted: Float[Tensor, " n"],
    clear: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "k n"], Bool[Tensor, "k n"], Float[Tensor, "k n"]]:
    """How near pictures see what is at such places (`_seen_from`), where another eye sees something, as that would; whether
    that is what it sees; and how far ahead it is there, relative to where it sees it."""
    k, rows, columns = near.shape
    x, y, before = places.unbind(1)
    ahead = before.clamp(min=LEAST_AHEAD)
    column, row = (x / ahead).floor(), (y / ahead).floor()
    close_row, close_column = row.clamp(0, rows - 1), column.clamp(0, columns - 1)
    inside = (row == close_row) & (column == close_column) & (before > LEAST_AHEAD)
    number = close_row * columns + close_column + (torch.arange(k, device=near.device) * (rows * columns))[:, None]
    there = near.flatten().index_select(0, number.flatten().int()).view_as(ahead)
    there = torch.where(there >= 0, there * ahead, NOTHING)
    same = torch.where(wanted >= 0, (there - wanted).abs() < AGREES * wanted + LITTLE, (there >= 0) & (there < FREE * clear))
    return there, same & inside, ahead
