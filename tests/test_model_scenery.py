"""Scenery: is what was seen shown as a moving eye would see it?"""

import math

import pytest
import torch
from torch import Tensor

from simworld.model.album import Album, keep
from simworld.model.camera import turn
from simworld.model.opening import opened
from simworld.model.projection import NOTHING
from simworld.model.scenery import Scenery, nothing_kept, now, show

SIZE, VIEW = (48, 80), 70.0
TALL = math.tan(math.radians(VIEW) / 2)
HERE, LEVEL = torch.zeros(1, 3), torch.zeros(1, 2)
ALWAYS = torch.ones(1, dtype=torch.bool)
NO_HAND = torch.zeros(1, 1, *SIZE, dtype=torch.bool)


def pattern(x: Tensor, y: Tensor) -> Tensor:
    """A smooth picture on a wall, by blocks right of and below its middle."""
    return torch.stack([(1.1 * x).sin() * (0.7 * y).cos(), (0.8 * x + y).sin(), (0.9 * x - 0.6 * y).cos()]) * 0.8


def wall(away: float, right: float = 0.0, above: float = 0.0) -> Tensor:
    """What is seen of the wall from so far away, for who stands so far right of its middle and above it."""
    rows, columns = ((torch.arange(size) + 0.5) * 2 / size - 1 for size in SIZE)
    y, x = torch.meshgrid(rows * TALL * away, columns * TALL * SIZE[1] / SIZE[0] * away, indexing="ij")
    return pattern(x + right, y - above)[None]


def begun(picture: Tensor, near: Tensor, place: Tensor = HERE, view: Tensor = LEVEL, room: int = 3) -> Scenery:
    """Scenery that has just seen one picture."""
    nothing = nothing_kept(1, SIZE, 2, torch.device("cpu"), room)
    seen = now(nothing, picture, near, NO_HAND, place, view, ALWAYS)
    return opened(keep([Album()], seen, ALWAYS, instead=~ALWAYS), seen, place, view, VIEW)


def at_wall(away: float) -> Scenery:
    return begun(wall(away), torch.full((1, 1, *SIZE), 1 / away))


def inner(x: Tensor) -> Tensor:
    return x[..., 4:-4, 4:-4]


@pytest.mark.parametrize(("right", "ahead", "above"), [(0, 1.5, 0), (0.6, 0, 0), (0, 0.7, 0.4), (-0.4, -0.5, -0.3)])
def test_a_wall_comes_nearer_and_passes_as_it_should(right: float, ahead: float, above: float) -> None:
    shown = show(at_wall(4.0), torch.tensor([[[right, ahead, above]]]), LEVEL[None], VIEW)
    true = wall(4.0 - ahead, right, above)
    assert float(inner(shown.known[:, 0]).float().mean()) > 0.8
    apart = (shown.colors[:, 0] - true).abs().amax(1, keepdim=True)[shown.known[:, 0]]
    assert float(apart.mean()) < 0.03 and float(apart.quantile(0.98)) < 0.15
    near = shown.near[:, 0][shown.known[:, 0]]
    assert float((near * (4.0 - ahead) - 1).abs().mean()) < 0.03


def test_what_lies_at_the_border_of_a_picture_is_not_mixed_with_what_is_beyond() -> None:
    plain = torch.tensor([1.0, -1.0, 0.0])[:, None, None].expand(3, *SIZE)
    scenery = begun(plain[None], torch.full((1, 1, *SIZE), 0.25))
    for ahead in (-0.3, -0.7, -1.1):
        shown = show(scenery, torch.tensor([[[0.0, ahead, 0.0]]]), LEVEL[None], VIEW)
        apart, known = (shown.colors[0, 0] - plain).abs().amax(0), shown.known[0, 0, 0]
        assert 0.4 < float(known.float().mean()) < 0.95 and float(apart[known].max()) < 0.01


def test_turning_needs_no_depth() -> None:
    """Whatever is known of nearness, who only turns sees the picture turned."""
    near = torch.rand(1, 1, *SIZE, generator=torch.Generator().manual_seed(0)) * 0.05 + 0.2
    camera = torch.tensor([[0.0, 12.0]])
    shown = show(begun(wall(4.0), near), HERE[None], camera[None], VIEW)
    turned = turn(wall(4.0), camera, VIEW)
    known = shown.known[:, 0]
    assert float(known[..., 5:-5, 5:50].float().mean()) > 0.98
    assert float((shown.colors[:, 0] - turned).abs().mean(1, keepdim=True)[known].mean()) < 0.02
    assert not known[..., -5:].any(), "nobody has looked there"


def test_what_is_behind_something_is_not_known() -> None:
    """A near post before a far wall: who steps aside looks past it, at what was never seen."""
    near = torch.full((1, 1, *SIZE), 0.1)
    near[..., 30:50] = 0.8
    picture = wall(10.0)
    picture[..., 30:50] = 1.0
    shown = show(begun(picture, near), torch.tensor([[[0.4, 0.0, 0.0]]]), LEVEL[None], VIEW)
    moved = 0.4 * 0.8 / (TALL * SIZE[1] / SIZE[0]) * SIZE[1] / 2
    row = SIZE[0] // 2
    known, colors = shown.known[0, 0, 0, row], shown.colors[0, 0, :, row]
    assert bool(known[int(32 - moved) : int(48 - moved)].all()), "the post has moved left"
    assert float((colors[:, int(33 - moved) : int(47 - moved)] - 1).abs().max()) < 0.05
    uncovered = known[int(51 - moved) : 48]
    assert len(uncovered) > 5 and float(uncovered.float().mean()) < 0.5
    assert bool(known[52:70].all()), "the wall hardly moves"


def test_kept_pictures_come_before_the_present_one() -> None:
    near = torch.full((1, 1, *SIZE), 0.25)
    grey = torch.zeros(1, 3, *SIZE)
    dreamt = now(at_wall(4.0), grey, near, NO_HAND, HERE, LEVEL, ~ALWAYS)
    shown = show(dreamt, HERE[None], LEVEL[None], VIEW)
    assert bool(inner(shown.kept & shown.real).all()) and float(inner(shown.colors[:, 0] - wall(4.0)).abs().mean()) < 0.01
    nothing = nothing_kept(1, SIZE, 2, torch.device("cpu"), 3)
    shown = show(now(nothing, grey, near, NO_HAND, HERE, LEVEL, ~ALWAYS), HERE[None], LEVEL[None], VIEW)
    assert not shown.kept.any() and not shown.real.any() and bool(inner(shown.known).all())
    assert float(inner(shown.colors).abs().max()) < 1e-3


def test_a_hidden_hand_is_not_of_the_world() -> None:
    hand = NO_HAND.clone()
    hand[..., 30:, 60:] = True
    nothing = nothing_kept(1, SIZE, 2, torch.device("cpu"), 2)
    scenery = now(nothing, wall(4.0), torch.full((1, 1, *SIZE), 0.25), hand, HERE, LEVEL, ALWAYS)
    assert bool((scenery.near[:, -1] == NOTHING).eq(hand).all())
    assert not show(scenery, HERE[None], LEVEL[None], VIEW).known[..., 34:, 64:].any()
