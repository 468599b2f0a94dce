"""What turning the camera does to a picture: a rotation about the eye, which no depth is needed for."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor


def turn(
    pictures: Float[Tensor, "n c h w"], camera: Float[Tensor, "n 2"], field_of_view: float
) -> Float[Tensor, "n c h w"]:
    """Pictures as they would look after the camera turned by `camera` = [pitch, yaw] degrees (down and right positive),
    were the horizon level; what comes into view repeats the border. `field_of_view`: vertical, in degrees."""
    h, w = pictures.shape[-2:]
    tall = math.tan(math.radians(field_of_view) / 2)
    y = ((torch.arange(h, device=pictures.device) + 0.5) * 2 / h - 1) * tall
    x = ((torch.arange(w, device=pictures.device) + 0.5) * 2 / w - 1) * tall * w / h
    pitch, yaw = torch.deg2rad(camera.float())[..., None, None].unbind(1)
    y, x = y[:, None].expand(h, w), x[None, :].expand(h, w)
    # The ray of a pixel after the turn, seen by the camera before it.
    down, ahead = y * pitch.cos() + pitch.sin(), pitch.cos() - y * pitch.sin()
    right, ahead = x * yaw.cos() + ahead * yaw.sin(), ahead * yaw.cos() - x * yaw.sin()
    ahead = ahead.clamp(min=1e-2)
    grid = torch.stack([right / ahead / (tall * w / h), down / ahead / tall], -1)
    turned = F.grid_sample(pictures.float(), grid, padding_mode="border", align_corners=False)
    return turned.to(pictures.dtype)


def accumulated(camera: Float[Tensor, "b t r 2"]) -> Float[Tensor, "m 2"]:
    """The turn from before the first of each r actions to after each of them, flat."""
    return rearrange(camera.cumsum(2), "b t r two -> (b t r) two")
