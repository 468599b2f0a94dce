"""How pictures move: turned with the camera, which is geometry, on along the flow that was measured so far, and as the keys
of walking move pictures on average. What follows is what is expected of the next frames before anything is imagined. All of
it is measured in closed form."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from simworld.actions import KEYS
from simworld.model.camera import sample, still_grid, turn, turn_grid
from simworld.model.registration import coarse_flow_between, coarser

MOST_FLOW = 0.15
"""More than this, in a frame's time, is no walking but a jump of the picture."""
CELL = 8
"""Pixels of a cell of flow."""
PERSISTENCE = 0.55
"""The share of the flow that goes on by itself; the rest of it follows the keys."""
DRIVE_SIZE = (12, 20)
"""Rows and columns of the flow that a key drives, whatever the picture's size."""
WALKING_KEYS = ("forward", "back", "left", "right", "jump", "sneak", "sprint")
WALKING = slice(KEYS.index(WALKING_KEYS[0]), KEYS.index(WALKING_KEYS[-1]) + 1)
NUM_DRIVES = len(WALKING_KEYS) + 1
"""The keys of walking, and sprinting forward. Without a key nothing drives: who stands still sees the world stand still."""

REST_PITCH = 6.5
"""Degrees by which players look down on average, and where the driven flow is at home."""
FIXED_SIZE = (24, 40)
"""Rows and columns of the map of what is fixed to the camera, whatever the picture's size."""
TELLING = 0.01
"""Mean squared difference, for pictures in [-1, 1], from which on one sees whether something turned or stood still."""


def drives(actions: Float[Tensor, "n r a"]) -> Float[Tensor, "n drives"]:
    """How much of the time each drive acts."""
    keys = actions[..., WALKING].float().mean(1)
    forward, sprint = (keys[:, [WALKING_KEYS.index(key)]] for key in ("forward", "sprint"))
    return torch.cat([keys, forward * sprint], 1)


@torch.no_grad()
def learned_drive(
    flow: Float[Tensor, "n 2 rows columns"], before: Float[Tensor, "n 2 rows columns"], actions: Float[Tensor, "n r a"]
) -> Float[Tensor, "drives 2 12 20"]:
    """The flow that each drive adds, by least squares over n moments: `flow`, measured under `actions`, beyond what goes on
    of the flow before (turned with the camera)."""
    told = drives(actions)
    missing = gained_flow(flow, before).flatten(1)
    ridge = torch.eye(NUM_DRIVES, device=told.device)
    return torch.linalg.solve(told.T @ told + ridge, told.T @ missing).unflatten(1, (2, *DRIVE_SIZE))


def gained_flow(
    flow: Float[Tensor, "n 2 rows columns"], before: Float[Tensor, "n 2 rows columns"]
) -> Float[Tensor, "n 2 12 20"]:
    """What flow has more than goes on of the flow before."""
    return F.interpolate((flow - PERSISTENCE * before).clamp(-MOST_FLOW, MOST_FLOW), DRIVE_SIZE, mode="area")


def pitched(
    driven: Float[Tensor, "n 2 12 20"], pitch: Float[Tensor, " n"], field_of_view: float
) -> Float[Tensor, "n 2 12 20"]:
    """Driven flow for who looks down by `pitch` degrees: it moves up and down the picture with the horizon."""
    rest, half = (math.tan(math.radians(angle)) for angle in (REST_PITCH, field_of_view / 2))
    grid = still_grid((driven.shape[-2], driven.shape[-1]), driven.device).repeat(len(driven), 1, 1, 1)
    grid[..., 1] += ((torch.deg2rad(pitch.clamp(-60, 60)).tan() - rest) / half)[:, None, None]
    return sample(driven, grid)


@torch.no_grad()
def turned_flow(
    flow: Float[Tensor, "n 2 rows columns"], camera: Float[Tensor, "n r 2"], field_of_view: float
) -> Float[Tensor, "n 2 rows columns"]:
    """The flow where its pixels are after the camera's turns: it belongs to what is seen, and turns with it."""
    return sample(flow, turn_grid(camera.float().sum(1), (flow.shape[-2], flow.shape[-1]), field_of_view))


@torch.no_grad()
def measured_flow(
    frame: Float[Tensor, "n 3 h w"], before: Float[Tensor, "n 3 h w"], camera: Float[Tensor, "n r 2"], field_of_view: float
) -> Float[Tensor, "n 2 rows columns"]:
    """The flow, cell by cell, that led to `frame` from `before`, r frames earlier, beside the camera's turns [pitch, yaw] in
    degrees: for one frame's time, in the units of `camera.sample`."""
    turned = turn(before, camera.float().sum(1), field_of_view)
    return coarser(coarse_flow_between(frame, turned) / camera.shape[1], CELL // 2)


@torch.no_grad()
def expected_frames(
    frame: Float[Tensor, "n 3 h w"],
    flow: Float[Tensor, "n 2 rows columns"],
    driven: Float[Tensor, "n 2 _ _"],
    camera: Float[Tensor, "n r 2"],
    field_of_view: float,
) -> Float[Tensor, "n r 3 h w"]:
    """The r frames after `frame`, to which `flow` led, when the camera turns by `camera` and keys drive the flow `driven`."""
    r, size = camera.shape[1], (frame.shape[-2], frame.shape[-1])
    grids = rearrange(turn_grid(camera.float().cumsum(1).flatten(0, 1), size, field_of_view), "(n r) h w p -> n r h w p", r=r)
    onward = PERSISTENCE * turned_flow(flow, camera, field_of_view)
    onward = onward + F.interpolate(driven, flow.shape[-2:], mode="bilinear", align_corners=False)
    onward = F.interpolate(onward, size, mode="bilinear", align_corners=False).movedim(1, -1)
    frames_passed = torch.arange(1, r + 1, device=frame.device)[:, None, None, None]
    places = grids + frames_passed * onward[:, None]
    return rearrange(sample(frame.repeat_interleave(r, 0), places.flatten(0, 1)), "(n r) c h w -> n r c h w", r=r)


@torch.no_grad()
def fixed_share(
    frame: Float[Tensor, "n 3 h w"], before: Float[Tensor, "n 3 h w"], camera: Float[Tensor, "n r 2"], field_of_view: float
) -> Float[Tensor, "24 40"]:
    """How often, in n moments, what is seen in a place stood still when the camera turned, of the times when that could be
    told: near 1 where something is fixed to the camera, as the hand is, near 0 elsewhere."""
    turned = turn(before, camera.float().sum(1), field_of_view)

    def apart(one: Tensor, other: Tensor) -> Tensor:
        near = F.avg_pool2d((one - other).square().mean(1, keepdim=True), CELL, CELL // 2, CELL // 2)
        return F.interpolate(near, FIXED_SIZE, mode="area")[:, 0]

    tells = apart(turned, before) > TELLING
    stands = tells & (apart(frame, before) < 0.5 * apart(frame, turned))
    return stands.float().sum(0) / tells.float().sum(0).clamp(min=1)
