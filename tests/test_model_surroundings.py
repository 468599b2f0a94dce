"""Far memory: is what was seen found again where it was, and trusted no further than it should be?"""

import pytest
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model import surroundings
from simworld.model.records import where
from simworld.model.surroundings import (
    FALL,
    FAR,
    NEAR,
    STRIDE,
    Surroundings,
    alike,
    all_seen,
    go,
    nothing_seen,
    paint,
    recall,
)

SIZE, VIEW = (48, 80), 70.0
IDLE = torch.zeros(1, dtype=torch.bool)


def action(pitch: float = 0.0, yaw: float = 0.0, *keys: str) -> Tensor:
    one = torch.zeros(1, 1, ACTION_SIZE)
    one[..., CAMERA] = torch.tensor([pitch, yaw])
    for key in keys:
        one[..., SLOT[key]] = 1
    return one


def picture(seed: int = 0) -> Tensor:
    """A smooth picture with something in every place."""
    coarse = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, SIZE, mode="bicubic").clamp(-1, 1)


def paint_whole(around: Surroundings, seen: Tensor) -> None:
    paint(around, seen, torch.zeros(1, 1, *SIZE), IDLE, VIEW)


def inner(x: Tensor) -> Tensor:
    """Without the border, which lies half beyond what was seen."""
    return x[..., 2:-2, 2:-2]


@pytest.mark.parametrize("pitch", [0.0, 20.0, -35.0])
@pytest.mark.parametrize("heading", [0.0, 95.0, 179.0, -200.0, 700.0])
def test_who_looks_away_and_back_finds_what_was_there(pitch: float, heading: float) -> None:
    around = nothing_seen(torch.zeros(1))
    go(around, action(pitch, heading))
    paint_whole(around, picture())
    _, away = go(around, action(0, 150))
    assert float(inner(recall(around, away, SIZE, VIEW)[1]).max()) == 0, "nobody looked there"
    _, back = go(around, action(0, -150))
    found, trust, _ = recall(around, back, SIZE, VIEW)
    assert float(inner(trust).min()) > 0.999
    assert float((inner(found) - inner(picture())).abs().mean()) < 0.02


def test_a_turn_shows_what_the_game_of_angles_says() -> None:
    """A panorama whose colours say their direction: the middle of each view has the colours of where it looks."""
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, 90), torch.linspace(-1, 1, 180), indexing="ij")
    around = all_seen(torch.stack([rows, columns, columns * 0])[None], torch.zeros(1))
    for pitch, yaw in ((0.0, 0.0), (30.0, 0.0), (-30.0, 60.0), (10.0, -90.0)):
        around.view = torch.tensor([[pitch, yaw]])
        colors, trust, _ = recall(around, around.view[:, None], SIZE, VIEW)
        middle = colors[0, 0, :, SIZE[0] // 2 - 1 : SIZE[0] // 2 + 1, SIZE[1] // 2 - 1 : SIZE[1] // 2 + 1].mean((1, 2))
        assert middle.tolist() == pytest.approx([pitch / 90, yaw / 180, 0], abs=0.02)
        assert float(trust.min()) > 0.999


def test_what_is_fixed_to_the_camera_is_not_taken_for_the_world() -> None:
    around = nothing_seen(torch.zeros(1))
    paint_whole(around, picture(1))
    hand = torch.zeros(1, 1, *SIZE)
    hand[..., SIZE[0] // 2 :, SIZE[1] // 2 :] = 1
    paint(around, picture(2), hand, IDLE, VIEW)
    found = recall(around, around.view[:, None], SIZE, VIEW)[0][0, 0]
    quarter = (slice(None), slice(SIZE[0] // 2 + 3, -3), slice(SIZE[1] // 2 + 3, -3))
    assert float((found[quarter] - picture(1)[0][quarter]).abs().mean()) < 0.02
    assert float((inner(found[:, : SIZE[0] // 2 - 3]) - inner(picture(2)[0][:, : SIZE[0] // 2 - 3])).abs().mean()) < 0.02


def test_what_was_seen_from_here_stays_until_it_changes() -> None:
    around = nothing_seen(torch.zeros(1))
    paint_whole(around, picture(1))
    first = around.colors
    paint_whole(around, (picture(1) + 0.05).clamp(-1, 1))
    assert torch.equal(around.colors, first), "that was drift"
    changed = picture(1)
    changed[..., 10:30, 20:50] = 1 - changed[..., 10:30, 20:50].sign()
    paint_whole(around, changed)
    found = recall(around, around.view[:, None], SIZE, VIEW)[0][0, 0]
    assert float((found - changed[0])[:, 13:27, 23:47].abs().mean()) < 0.05, "that was an event"
    slightly = (changed + 0.05).clamp(-1, 1)
    paint(around, slightly, torch.zeros(1, 1, *SIZE), ~IDLE, VIEW)
    found = recall(around, around.view[:, None], SIZE, VIEW)[0][0, 0]
    assert float((inner(found) - inner(slightly[0])).abs().mean()) < 0.02, "that was the player's hand"
    for _ in range(3):
        go(around, action(0, 0, "forward"))
    paint_whole(around, (picture(1) + 0.05).clamp(-1, 1))
    assert not torch.equal(around.colors, first), "seen from elsewhere it may look otherwise"


def test_pictures_are_alike_where_they_differ_little() -> None:
    one = picture(1)[None]
    other = one + 0.1
    other[..., 20:40, 20:60] += 1
    same = alike(one, other)[0, 0, 0]
    assert bool(same[:10].all()) and not bool(same[25:35, 25:55].any())


def test_trust_ends_with_distance_and_comes_back_with_the_player() -> None:
    around = nothing_seen(torch.zeros(1))
    paint_whole(around, picture())

    def trust_after(steps: int, key: str) -> float:
        for _ in range(steps):
            go(around, action(0, 0, key))
        return float(inner(recall(around, around.view[:, None], SIZE, VIEW)[1]).mean())

    near, half, far = (int(blocks / STRIDE) for blocks in (NEAR, (NEAR + FAR) / 2, FAR + 1))
    assert trust_after(near, "forward") > 0.999
    assert trust_after(half - near, "forward") == pytest.approx(0.5, abs=0.05)
    assert trust_after(far - half, "forward") == 0
    assert trust_after(far - near, "back") == pytest.approx(1, abs=0.05)


def test_walking_goes_where_the_eye_looks() -> None:
    around = nothing_seen(torch.zeros(1))
    go(around, action(0, 90))
    for _ in range(10):
        go(around, action(0, 0, "forward"))
    assert around.place[0].tolist() == pytest.approx([10 * STRIDE, 0, 0], abs=1e-3)
    fast, slow = nothing_seen(torch.zeros(1)), nothing_seen(torch.zeros(1))
    go(fast, action(0, 0, "forward", "sprint"))
    go(slow, action(0, 0, "forward", "sneak"))
    assert float(slow.place.norm()) < STRIDE < float(fast.place.norm())
    go(slow, action(0, 0, "jump"))
    assert float(slow.place[0, 2]) == 1, "who jumps is elsewhere"
    for _ in range(FALL):
        go(slow, action())
    assert float(slow.place[0, 2]) == pytest.approx(0, abs=1e-5), "and comes down again"
    go(slow, action(200, 0))
    assert float(slow.view[0, 0]) == 90, "nobody looks further down than down"


@pytest.mark.parametrize("pitch", [0.0, 14.0, -30.0, 70.0])
def test_what_lies_behind_need_not_be_worked_on(pitch: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part of the canvas in view gives what all of it gives, for two worlds at once, across the canvas's end."""
    in_view = surroundings._window

    def whole(places: Tensor, margin: int, most_columns: int) -> surroundings._Window:
        corners = in_view(places, margin, most_columns).corners
        return surroundings._Window([(0, column) for _, column in corners], (surroundings.ROWS, most_columns))

    results = []
    for window in (in_view, whole):
        monkeypatch.setattr(surroundings, "_window", window)
        around = all_seen(picture(3).expand(2, -1, -1, -1).clone(), torch.full((2,), pitch))
        around.view = around.view + torch.tensor([[0.0, 170.0], [0.0, -400.0]])
        go(around, action(1.0, 3.0, "forward").expand(2, -1, -1))
        paint(around, picture(4).expand(2, -1, -1, -1), torch.zeros(2, 1, *SIZE), IDLE.expand(2), VIEW)
        views = around.view[:, None] + torch.tensor([[0.0, 0.0], [2.0, 9.0]])
        results.append([around.colors, around.seen_from, *recall(around, views, SIZE, VIEW)])
    for part, all_of_it in zip(*results, strict=True):
        assert float(((part - all_of_it).abs() > 1e-3).float().mean()) < 1e-3, "but for a cell on the edge"


def test_of_several_worlds_each_keeps_its_own() -> None:
    one, other = all_seen(torch.ones(2, 3, 9, 18), torch.zeros(2)), nothing_seen(torch.zeros(2))
    both = where(torch.tensor([True, False]), one, other)
    trust = recall(both, both.view[:, None], SIZE, VIEW)[1]
    assert float(trust[0].min()) > 0.999 and float(trust[1].max()) == 0
