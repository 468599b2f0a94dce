"""Obstacles: is what was seen found in the way, where it is?"""

import math

import torch
from torch import Tensor

from simworld.model.obstacles import BANDS, DIRECTIONS, obstacles

SIZE, VIEW = (96, 160), 70.0
GROUND, STEP, HEAD = 1, 2, 3
HERE = torch.zeros(1, 3)


def wall(away: float) -> Tensor:
    """How near each pixel is of a wall straight ahead, as it is seen by who looks level."""
    return torch.full((1, 1, 1, *SIZE), 1 / away)


def around(near: Tensor, place: Tensor = HERE, yaw: float = 0.0, seen_at: float = 0.0, pitch: float = 0.0) -> Tensor:
    views = torch.tensor([[[pitch, seen_at]]])
    return obstacles(near, torch.zeros(1, 1, 3), views, place, torch.tensor([yaw]), VIEW)[0]


def test_a_wall_is_met_ahead_and_nowhere_else() -> None:
    found = around(wall(2.0))
    assert found.shape == (DIRECTIONS, len(BANDS))
    assert abs(float(found[0, HEAD]) - math.exp(-2)) < 0.01 and abs(float(found[0, STEP]) - math.exp(-2)) < 0.01
    assert not found[2:7].any(), "nothing is known of what lies aside and behind"
    nearer = around(wall(2.0), torch.tensor([[0.0, 1.5, 0.0]]))
    assert abs(float(nearer[0, HEAD]) - math.exp(-0.5)) < 0.01, "also of what is no longer in view"
    assert not around(torch.zeros(1, 1, 1, *SIZE)).any(), "the sky is not in the way"
    assert not around(torch.full((1, 1, 1, *SIZE), -1.0)).any(), "nor is what is not known"


def test_who_turns_has_it_elsewhere() -> None:
    quarter = 360 / DIRECTIONS
    assert abs(float(around(wall(2.0), yaw=quarter)[DIRECTIONS - 1, HEAD]) - math.exp(-2)) < 0.02
    assert abs(float(around(wall(2.0), seen_at=2 * quarter)[2, HEAD]) - math.exp(-2)) < 0.02


def test_the_ground_is_below() -> None:
    """Flat ground 1.62 blocks below the eye, seen by who looks down by 40 degrees."""
    rows = ((torch.arange(SIZE[0]) + 0.5) * 2 / SIZE[0] - 1) * math.tan(math.radians(VIEW) / 2)
    down = math.sin(math.radians(40)) + rows * math.cos(math.radians(40))
    near = (down / 1.62).clamp(min=0)[:, None].expand(SIZE).reshape(1, 1, 1, *SIZE)
    found = around(near, pitch=40.0)
    assert float(found[0, GROUND]) > 0.2 and not found[:, STEP:].any() and not found[:, 0].any()


def test_the_edge_between_two_things_is_neither() -> None:
    near = wall(8.0)
    near[..., 80:] = 1.0
    near[..., 79:81] = 0.4
    found = float(around(near)[0, HEAD])
    assert found < 0.05 or found > 0.3
