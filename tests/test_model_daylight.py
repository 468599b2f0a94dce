"""Light that passes: what holds whatever the relighter has learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_world import HEIGHT, WIDTH, shaken, tiny_world

from simworld.model import sampler
from simworld.model.camera import directed
from simworld.model.checkpoint import load_network, save_network
from simworld.model.context_parts import put_together, take_apart
from simworld.model.daylight import HASTE, Daylight, brought, hastened, lit, passed, relit, turned_to, unknown
from simworld.model.leading import lead
from simworld.model.relighter import Relighter, RelighterConfig
from simworld.model.shipped import find_world
from simworld.model.world import World

DAY = 100
SMALL = RelighterConfig(hidden=8, width=8, blocks=1, told=16, day=DAY)
Given = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def scene(n: int, h: int, w: int) -> Given:
    """Pictures, how near they are, their directions, and the weather."""
    generator = torch.Generator().manual_seed(7)
    pictures = torch.rand(n, 3, h, w, generator=generator) * 2 - 1
    near = torch.rand(n, 1, h, w, generator=generator) - 0.3
    return pictures, near, directed(torch.tensor([[10.0, 40.0]]).expand(n, 2), (h, w), 70.0), torch.zeros(n, 3)


def light(*hours: float) -> Daylight:
    return lit(torch.tensor([[hour, 90.0, 0.0, 0.0, 0.0] for hour in hours]), DAY)


def test_directions_are_those_of_the_pixels() -> None:
    for pitch, yaw, *middle in ((0, 0, 1, 0, 0), (0, 90, 0, 1, 0), (90, 0, 0, 0, -1), (-45, 180, -(0.5**0.5), 0, 0.5**0.5)):
        found = directed(torch.tensor([[pitch, yaw]]).float(), (33, 51), 70.0)
        assert torch.allclose(found.norm(dim=1), torch.ones(1, 33, 51), atol=1e-5)
        assert torch.allclose(found[0, :, 16, 25], torch.tensor(middle).float(), atol=1e-5)
    right, up = directed(torch.zeros(1, 2), (33, 51), 70.0)[0, 1:]
    assert right[16, 50] > 0.5 and up[0, 25] > 0.5


def test_hours_pass_and_days_begin_anew() -> None:
    later = passed(light(0.25, 0.99), 2)
    assert torch.allclose(later.hour, torch.tensor([0.27, 0.01]), atol=1e-5) and torch.equal(later.seen, light(0.25, 0.99).seen)
    assert (passed(unknown(2, torch.device("cpu")), 2).hour == -1).all()


@pytest.mark.parametrize(("hour", "asked", "frames"), [(0.25, 0.6, 18), (0.25, 0.15, 5), (0.9, 0.1, 10)])
def test_what_is_asked_for_comes_soon_on_the_shortest_way(hour: float, asked: float, frames: int) -> None:
    standing = replace(light(hour), pace=torch.zeros(1))
    now = hastened(standing, asked)
    for _ in range(frames - 1):
        now = passed(now, 1)
        assert abs(float(now.hour) - asked) > HASTE / 3
    for _ in range(3):
        now = passed(now, 1)
    assert float(now.hour) == pytest.approx(asked, abs=1e-5) and float(now.coming) == pytest.approx(0, abs=1e-6)
    assert float(turned_to(standing, asked).hour) == pytest.approx(asked)


def test_who_comes_elsewhere_brings_the_hour_along() -> None:
    here, there = passed(light(0.5), 10), light(0.2)
    assert torch.equal(brought(there, here).hour, here.hour) and torch.equal(brought(there, here).seen, there.seen)
    nobody_knows = unknown(1, torch.device("cpu"))
    assert torch.equal(brought(there, nobody_knows).hour, there.hour)
    assert torch.equal(brought(nobody_knows, here).hour, nobody_knows.hour)


@pytest.mark.parametrize("size", [(32, 48), (37, 51), (9, 90)])
def test_any_size_and_each_picture_by_itself(size: tuple[int, int]) -> None:
    relighter, given = shaken(Relighter(SMALL)), scene(3, *size)
    hours = torch.tensor([[0.2, 0.5], [0.7, 0.1], [0.4, 0.45]])
    *seen, weather = given
    together = relighter(*seen, hours, weather)
    assert together.shape == given[0].shape and not torch.allclose(together, given[0], atol=0.01)
    for number in range(3):
        row = slice(number, number + 1)
        alone = relighter(*(part[row] for part in seen), hours[row], weather[row])
        assert torch.allclose(alone, together[row], atol=1e-4)


def test_nothing_is_lost_where_no_time_has_passed() -> None:
    relighter, (*seen, weather) = shaken(Relighter(SMALL)), scene(2, 32, 48)
    same = relighter(*seen, torch.tensor([[0.3, 0.3], [0.0, 1.0]]), weather)
    assert torch.equal(same, seen[0])
    soon, late = (relighter(*seen, torch.tensor([[0.3, 0.3 + by]] * 2), weather) for by in (0.0001, 0.3))
    assert (soon - seen[0]).abs().max() < 0.05 * (late - seen[0]).abs().max()


def test_what_is_not_known_to_be_near_is_not_looked_at() -> None:
    relighter, (pictures, near, directions, weather) = shaken(Relighter(SMALL)), scene(1, 32, 48)
    other, hours = torch.where(near < 0, near * 3, near), torch.tensor([[0.2, 0.5]])
    both = (relighter(pictures, part, directions, hours, weather) for part in (near, other))
    assert torch.allclose(*both, atol=1e-6)


def test_a_file_holds_it_and_says_what_is_wrong(tmp_path: Path) -> None:
    relighter, (*seen, weather), path = shaken(Relighter(SMALL)), scene(1, 32, 48), tmp_path / "relighter.safetensors"
    assert isinstance(relighter, Relighter)
    save_network(path, relighter, {}, torch.float32)
    hours = torch.tensor([[0.2, 0.5]])
    assert torch.equal(load_network(Relighter, path)(*seen, hours, weather), relighter(*seen, hours, weather))
    with pytest.raises(ValueError, match=r"restorer\.safetensors"):
        load_network(Relighter, find_world("small") / "restorer.safetensors")


class _Blackener(Relighter):
    """By night all is black."""

    def forward(self, pictures: torch.Tensor, *known: torch.Tensor) -> torch.Tensor:
        _, _, hours, _ = known
        return torch.where((hours[:, 1] > 0.5)[:, None, None, None], -1, pictures)


@pytest.fixture(scope="module")
def world() -> World:
    made = tiny_world()
    made.relighter = _Blackener(SMALL)
    return made


def begun(world: World, daylight: Daylight | None) -> sampler.Context:
    """A dream that has seen one picture of noise, in such a light."""
    frames = torch.from_numpy(np.random.default_rng(3).integers(0, 255, (1, 1, HEIGHT, WIDTH, 3), np.uint8))
    context = sampler.start(world, [""], [0])
    sampler.append_frames(world, context, frames, torch.zeros(1, 0, world.config.denoiser.action_size))
    sampler.surround(world, context, None, None, None, daylight)
    return context


def still(world: World) -> torch.Tensor:
    return torch.zeros(1, 2, world.config.denoiser.action_size)


def test_it_is_only_seen_in_another_light(world: World) -> None:
    """What a dream goes on from is as it would be by day; where nobody knows the hour, so is what is seen."""
    day, night, unlit = (begun(world, each) for each in (light(0.1), turned_to(light(0.1), 0.6), None))
    seen = [[sampler.extend(world, context, still(world)) for _ in range(4)][-1] for context in (day, night, unlit)]
    assert not seen[1].any() and seen[0].any() and torch.equal(seen[0], seen[2])
    assert torch.equal(day.memory.entries, night.memory.entries) and torch.equal(day.scenery.pictures, night.scenery.pictures)


def test_night_falls_by_itself(world: World) -> None:
    context, bright = begun(world, light(0.41)), []
    for _ in range(10):
        bright.append(bool(sampler.extend(world, context, still(world)).any()))
    assert bright == [True] * 4 + [False] * 6, "a day has a hundred frames"


def test_a_saved_dream_keeps_its_hour_and_old_ones_have_none(world: World) -> None:
    context = begun(world, hastened(light(0.1), 0.3))
    sampler.extend(world, context, still(world))
    parts = take_apart(context)
    again = put_together(parts, world)
    assert again.daylight.hour == context.daylight.hour and again.daylight.coming == context.daylight.coming
    for part in (parts, parts["goal"]):
        del part["daylight"]["age"]
    assert put_together(parts, world).daylight.hour == context.daylight.hour
    for part in (parts, parts["goal"]):
        del part["daylight"]
    assert put_together(parts, world).daylight.hour == -1


def test_where_one_is_led_it_is_as_late(world: World) -> None:
    picture = torch.full((1, HEIGHT, WIDTH, 3), 200, dtype=torch.uint8)
    for brought_along, dark in ((turned_to(light(0.1), 0.6), True), (None, False)):
        context = begun(world, brought_along)
        lead(world, context, picture, 2, daylight=light(0.2))
        seen = [sampler.extend(world, context, still(world))[0, -1] for _ in range(3)]
        assert all(bool(each.any()) is not dark for each in seen[1:])
        assert context.daylight.seen == pytest.approx(0.2)


def test_frames_are_as_they_are_without_a_relighter_or_a_view(world: World) -> None:
    frames, night, views = torch.rand(1, 2, HEIGHT, WIDTH, 3), turned_to(light(0.1), 0.6), torch.zeros(1, 2, 2)
    at_night = world.relighter, world.config.autoencoder.field_of_view
    assert (relit(*at_night, night, frames, views, None) == -1).all()
    assert relit(*at_night, night, frames, None, None) is frames
    assert relit(None, at_night[1], night, frames, views, None) is frames
