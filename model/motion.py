"""How pictures move: turned with the camera, which is geometry, and on along the flow that was measured so far. What follows
is what is expected of the next frames before anything is imagined. Closed form, nothing learned."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from simworld.model.camera import sample, turn_grid
from simworld.model.registration import flow_between

CELL = 8
"""Pixels of a cell of flow."""
PERSISTENCE = 0.65
"""The share of the flow that goes on: with it the next frames are met best, over all that players do."""


@torch.no_grad()
def measured_flow(
    frame: Float[Tensor, "n 3 h w"], before: Float[Tensor, "n 3 h w"], camera: Float[Tensor, "n r 2"], field_of_view: float
) -> Float[Tensor, "n 2 rows columns"]:
    """The flow, cell by cell, that led to `frame` from `before`, r frames earlier, beside the camera's turns [pitch, yaw] in
    degrees: for one frame's time, in the units of `camera.sample`."""
    turned = sample(before, turn_grid(camera.float().sum(1), (frame.shape[-2], frame.shape[-1]), field_of_view))
    return F.avg_pool2d(flow_between(frame, turned).movedim(-1, 1) / camera.shape[1], CELL, ceil_mode=True)


@torch.no_grad()
def expected_frames(
    frame: Float[Tensor, "n 3 h w"],
    flow: Float[Tensor, "n 2 rows columns"],
    camera: Float[Tensor, "n r 2"],
    field_of_view: float,
) -> Float[Tensor, "n r 3 h w"]:
    """The r frames after `frame`, to which `flow` led, when the camera turns by `camera` and all else goes on as before."""
    r, size = camera.shape[1], (frame.shape[-2], frame.shape[-1])
    grids = rearrange(turn_grid(camera.float().cumsum(1).flatten(0, 1), size, field_of_view), "(n r) h w p -> n r h w p", r=r)
    # The flow belongs to what is seen, and turns with it.
    cells = F.interpolate(grids[:, -1].movedim(-1, 1), flow.shape[-2:], mode="area").movedim(1, -1)
    onward = F.interpolate(PERSISTENCE * sample(flow, cells), size, mode="bilinear", align_corners=False).movedim(1, -1)
    frames_passed = torch.arange(1, r + 1, device=frame.device)[:, None, None, None]
    places = grids + frames_passed * onward[:, None]
    return rearrange(sample(frame.repeat_interleave(r, 0), places.flatten(0, 1)), "(n r) c h w -> n r c h w", r=r)
