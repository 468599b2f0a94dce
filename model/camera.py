"""What turning the camera does to a picture: a rotation about the eye, which no depth is needed for."""

import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def turn_grid(camera: Float[Tensor, "n 2"], size: tuple[int, int], field_of_view: float) -> Float[Tensor, "n h w 2"]:
    """Where the pixels of pictures of height × width `size` were before the camera turned by `camera` = [pitch, yaw] degrees
    (down and right positive), were the horizon level: (x, y) in [-1, 1] within the picture, as `sample` takes them.
    `field_of_view`: vertical, in degrees; 0 where it is not known, and nothing turns."""
    h, w = size
    tall = math.tan(math.radians(field_of_view or 1.0) / 2)
    camera = camera if field_of_view else torch.zeros_like(camera)
    y = ((torch.arange(h, device=camera.device) + 0.5) * 2 / h - 1) * tall
    x = ((torch.arange(w, device=camera.device) + 0.5) * 2 / w - 1) * tall * w / h
    pitch, yaw = torch.deg2rad(camera.float())[..., None, None].unbind(1)
    y, x = y[:, None], x[None, :]
    # The ray of a pixel after the turn, seen by the camera before it.
    down, ahead = y * pitch.cos() + pitch.sin(), pitch.cos() - y * pitch.sin()
    right, ahead = x * yaw.cos() + ahead * yaw.sin(), ahead * yaw.cos() - x * yaw.sin()
    ahead = ahead.clamp(min=1e-2)
    return beside(right / (ahead * (tall * w / h)), down / (ahead * tall))


def beside(x: Float[Tensor, "*n"], y: Float[Tensor, "*n"]) -> Float[Tensor, "*n 2"]:
    """(x, y), as grids have them. As complex numbers they are put beside each other many times quicker than by stacking."""
    return torch.view_as_real(torch.complex(x, y))


def half_angles(size: tuple[int, int], field_of_view: float) -> tuple[float, float]:
    """Tangents of half the vertical and the horizontal field of view of pictures of height × width `size`."""
    tall = math.tan(math.radians(field_of_view) / 2)
    return tall, tall * size[1] / size[0]


@functools.lru_cache(maxsize=8)
def rays(size: tuple[int, int], field_of_view: float, device: torch.device) -> Float[Tensor, "3 h w"]:
    """The directions (right, down, 1 ahead) of a picture's pixels."""
    h, w = size
    tall, wide = half_angles(size, field_of_view)
    with torch.inference_mode(False):  # whoever asks first, it is for all
        y = ((torch.arange(h, device=device) + 0.5) * 2 / h - 1) * tall
        x = ((torch.arange(w, device=device) + 0.5) * 2 / w - 1) * wide
        return torch.stack([x[None].expand(h, w), y[:, None].expand(h, w), torch.ones(h, w, device=device)])


def ray_array(size: tuple[int, int], field_of_view: float) -> np.ndarray:
    """The same for compiled loops, float32 [3, h, w]. Not to be written to."""
    return np.asarray(rays(size, field_of_view, torch.device("cpu")).numpy())


def directed(views: Float[Tensor, "n 2"], size: tuple[int, int], field_of_view: float) -> Float[Tensor, "n 3 h w"]:
    """The directions of the pixels of pictures that look towards `views`, [pitch, yaw] in degrees: unit vectors (ahead for yaw
    0, to the right of that, up)."""
    right, down, ahead = rays(size, field_of_view, views.device)
    length = (right.square() + down.square() + ahead.square()).sqrt()
    pitch, yaw = (views * (math.pi / 180))[..., None, None].unbind(1)
    onward, up = ahead * pitch.cos() - down * pitch.sin(), -(down * pitch.cos() + ahead * pitch.sin())
    first, second = onward * yaw.cos() - right * yaw.sin(), onward * yaw.sin() + right * yaw.cos()
    return torch.stack([first, second, up.expand_as(first)], 1) / length


@functools.lru_cache(maxsize=16)
def still_grid(size: tuple[int, int], device: torch.device) -> Float[Tensor, "1 h w 2"]:
    """Where the pixels of a picture of height × width `size` are. Not to be written to."""
    with torch.inference_mode(False):  # whoever asks first, it is for all
        return turn_grid(torch.zeros(1, 2, device=device), size, 0.0)


def sample(pictures: Float[Tensor, "n c h w"], grid: Float[Tensor, "n rows columns 2"], mode: str = "bilinear") -> Tensor:
    """The pictures' colours at the places of `grid`; beyond the border, its colours. `mode`: bilinear or bicubic."""
    return F.grid_sample(pictures.float(), grid, mode, padding_mode="border", align_corners=False).to(pictures.dtype)


def turn(pictures: Float[Tensor, "n c h w"], camera: Float[Tensor, "n 2"], field_of_view: float) -> Float[Tensor, "n c h w"]:
    """Pictures as they would look after the camera turned; see `turn_grid`."""
    return sample(pictures, turn_grid(camera, (pictures.shape[-2], pictures.shape[-1]), field_of_view))
