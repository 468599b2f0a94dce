"""Positions, computed on the fly: no table, so no rollout is too long and no picture too large. Rotary ones over (time, row,
column) say where tokens lie to each other; places say where a cell lies in the picture."""

import functools
import math

import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

Rotation = tuple[Float[Tensor, "... _ half"], Float[Tensor, "... _ half"]]
"""Cosine and sine of each token's angles."""


def rotation(
    times: Float[Tensor, "*b t"], rows: int, columns: int, num_registers: int, head_width: int, dtype: torch.dtype
) -> tuple[Float[Tensor, "*b n half"], Float[Tensor, "*b n half"]]:
    """Angles of the tokens of latents at `times` (counted in latents), each `num_registers` registers and then
    rows × columns cells; half of the frequencies turn with time, a quarter each with row and column.

    Angles are computed in float64, so that they stay exact after hours of play.
    """
    half = head_width // 2
    num_time = half - 2 * (half // 4)
    space = _space_angles(rows, columns, num_registers, half // 4, times.device)
    time_rates = 0.5 * 100 ** -torch.linspace(0, 1, num_time, dtype=torch.float64, device=times.device)
    time = times.double()[..., None] * time_rates
    angles = torch.cat(
        [
            time[..., None, :].expand(*time.shape[:-1], len(space), num_time),
            space.expand(*time.shape[:-1], *space.shape),
        ],
        -1,
    )
    angles = angles.flatten(-3, -2)
    return angles.cos().to(dtype), angles.sin().to(dtype)


@functools.lru_cache(maxsize=8)
def _space_angles(
    rows: int, columns: int, num_registers: int, num_space: int, device: torch.device
) -> Float[Tensor, "n two_space"]:
    """Those of row and column, which are the same at all times."""
    with torch.inference_mode(False):  # whoever asks first, it is for all
        rates = 1.5 * 30 ** -torch.linspace(0, 1, num_space, dtype=torch.float64, device=device)
        row = torch.arange(rows, dtype=torch.float64, device=device) - (rows - 1) / 2
        column = torch.arange(columns, dtype=torch.float64, device=device) - (columns - 1) / 2
        cells = torch.cat(
            [
                (row[:, None, None] * rates).expand(rows, columns, num_space),
                (column[None, :, None] * rates).expand(rows, columns, num_space),
            ],
            -1,
        )
        return torch.cat([cells.new_zeros(num_registers, 2 * num_space), rearrange(cells, "h w d -> (h w) d")])


@functools.lru_cache(maxsize=8)
def places(rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "rows columns 16"]:
    """Each cell's place in the picture, whose sides count as 1: sines and cosines of the angles π · 2^k, k from 0 to 3, of
    row and column."""
    with torch.inference_mode(False):
        rates = math.pi * 2.0 ** torch.arange(4, device=device)
        row = ((torch.arange(rows, device=device) + 0.5) / rows)[:, None] * rates
        column = ((torch.arange(columns, device=device) + 0.5) / columns)[:, None] * rates
        angles = torch.cat([repeat(row, "h n -> h w n", w=columns), repeat(column, "w n -> h w n", h=rows)], -1)
        return torch.cat([angles.sin(), angles.cos()], -1).to(dtype)


def rotate(x: Float[Tensor, "*b heads n d"], turn: Rotation) -> Float[Tensor, "*b heads n d"]:
    """Turn the two halves of each head's vector by the tokens' angles."""
    cos, sin = (part.unsqueeze(-3) for part in turn)
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
