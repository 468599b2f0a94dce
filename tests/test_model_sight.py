"""Sight: does it read pictures as it should, and does a dream see by it?"""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model import sampler
from simworld.model.album import given_album
from simworld.model.batch import stack, take
from simworld.model.camera import rays
from simworld.model.checkpoint import load_network, load_world, save_network
from simworld.model.context_parts import put_together, take_apart
from simworld.model.lattice import WHOLE, Lattice
from simworld.model.obstacles import BANDS, DIRECTIONS
from simworld.model.sight import RECENT, Sight, SightConfig
from simworld.model.world import World
from tests.tiny_world import HEIGHT, WIDTH, shaken, tiny_world, write_tiny_world

SMALL = SightConfig(widths=[8, 16], blocks=[1, 1], hidden=16)


def actions(num: int, b: int = 1, **pressed: float) -> Tensor:
    told = torch.zeros(b, num, ACTION_SIZE)
    for key, value in pressed.items():
        told[..., SLOT[key]] = value
    return told


def frames(h: int = 48, w: int = 80) -> Tensor:
    return torch.rand(1, 3, h, w, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("size", [(48, 80), (33, 47)])
def test_any_size_has_its_nearness(size: tuple[int, int]) -> None:
    near = shaken(Sight(SMALL)).near(frames(*size))
    assert near.shape == (1, 1, *size) and float(near.min()) >= 0 and near.isfinite().all()


def test_night_looks_like_day() -> None:
    torch.manual_seed(0)
    sight, day = shaken(Sight(SMALL)), frames()
    night = 0.3 * day - 0.5
    at_day, at_night, elsewhere = (sight(each) for each in (day, night, -day))
    assert float((at_night - at_day).abs().mean()) < 0.3 * float((elsewhere - at_day).abs().mean())
    near = torch.full((1, 1, 48, 80), 0.2)
    by_day, by_night, other = (sight.pitch(each, near) for each in (day, night, -day))
    assert abs(float(by_night - by_day)) < 0.3 * abs(float(other - by_day))


def test_steps_hear_keys_turns_nearness_and_what_was_before() -> None:
    sight = shaken(Sight(SMALL))
    near, moved, pitch = torch.full((1, 1, 48, 80), 0.2), torch.zeros(1, 2, 3), torch.zeros(1)
    plain, turning = actions(RECENT + 2), actions(RECENT + 2)
    turning[..., CAMERA] = 5.0
    clear, wall = torch.zeros(1, DIRECTIONS, len(BANDS)), torch.ones(1, DIRECTIONS, len(BANDS))
    ways = [(near, plain, moved, pitch, clear), (2 * near, plain, moved, pitch, clear), (near, turning, moved, pitch, clear)]
    ways += [(near, actions(RECENT + 2, forward=1), moved, pitch, clear), (near, plain, moved + 0.2, pitch, clear)]
    ways += [(near, plain, moved, pitch + 30, clear), (near, plain, moved, pitch, wall)]
    steps = [sight.steps(*way) for way in ways]
    assert steps[0].shape == (1, 2, 3)
    for number, one in enumerate(steps):
        for other in steps[:number]:
            assert float((one - other).abs().max()) > 1e-4


def sighted(world: World) -> World:
    torch.manual_seed(1)
    world.sight = shaken(Sight(SMALL))
    return world


def shown(world: World, b: int = 1) -> sampler.Context:
    """A dream that has been shown some frames."""
    context = sampler.start(world, [""] * b, list(range(b)))
    seen = torch.randint(0, 256, (b, 5, HEIGHT, WIDTH, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    sampler.append_frames(world, context, seen, actions(4, b))
    return context


def test_a_dream_sees_by_it_and_without_a_camera_does_not() -> None:
    world = sighted(tiny_world())
    told = actions(2, forward=1)
    seen, bare = (sampler.extend(each, shown(each), told, 1).float() for each in (world, tiny_world()))
    assert float((seen - bare).abs().mean()) > 0.5
    world.config.autoencoder.field_of_view = 0.0
    blind = tiny_world()
    blind.config.autoencoder.field_of_view = 0.0
    seen, bare = (sampler.extend(each, shown(each), told, 1) for each in (world, blind))
    assert torch.equal(seen, bare)


def test_forks_stacks_and_saved_dreams_go_on_alike() -> None:
    world = sighted(tiny_world())
    context = shown(world)
    sampler.extend(world, context, actions(2, forward=1), 1)
    fork, saved = context.fork(), put_together(take_apart(context), world)
    both = stack([context.fork(), shown(world)])
    told = actions(2, left=1)
    on = sampler.extend(world, context, told, 1)
    assert torch.equal(on, sampler.extend(world, fork, told, 1))
    assert torch.equal(on, sampler.extend(world, saved, told, 1))
    together = sampler.extend(world, both, told.expand(2, -1, -1), 1)
    assert float((on.float() - together[:1].float()).abs().max()) <= 2
    assert torch.equal(take(both, [0]).scenery.pictures[:, -1], both.scenery.pictures[:1, -1])


def test_a_dream_saved_before_there_was_sight_goes_on() -> None:
    world = sighted(tiny_world())
    context = shown(world)
    parts = take_apart(context)
    del parts["scenery"], parts["ground"], parts["albums"], parts["goal"]["albums"]
    again = put_together(parts, world)
    assert not (again.scenery.near >= 0).any() and (context.scenery.near >= 0).any()
    sampler.extend(world, again, actions(2, forward=1), 1)
    assert (again.scenery.near >= 0).any(), "what it dreams is kept from there on"


def test_real_pictures_tell_how_far_down_the_eye_looks() -> None:
    world = sighted(tiny_world())
    assert world.sight is not None
    context = shown(world)
    last = context.scenery.pictures[:, -1]
    told = [world.sight.pitch(last, context.scenery.ahead)]
    before = float(context.around.view[0, 0])
    sampler.extend(world, context, actions(2), 1)
    assert float(context.around.view[0, 0]) == before, "dreamt ones do not"
    assert abs(before - float(told[0])) < 30
    sampler.surround(world, context, None, torch.tensor([12.0]))
    assert float(context.around.view[0, 0]) == 12, "who is told knows"


def test_clouds_over_a_known_place_are_no_walls() -> None:
    """Sight takes clouds for something; a place whose pictures tell that there is sky knows better."""
    world = sighted(tiny_world())
    field_of_view = world.config.autoencoder.field_of_view
    down = rays((HEIGHT, WIDTH), field_of_view, torch.device("cpu"))[1]
    eye = torch.zeros(1, 3), torch.zeros(1, 2)
    near, picture = (down / 1.6).clamp(min=0)[None], torch.full((1, HEIGHT, WIDTH, 3), 128, dtype=torch.uint8)
    high = torch.zeros(24, 24, 12, dtype=torch.uint8)
    high[..., 0] = WHOLE
    lattice = Lattice(0.0, torch.tensor([-12.0, -12.0, -2.6]), high, torch.full_like(high, WHOLE))
    album, context = given_album(picture, near, *eye, field_of_view, lattice), shown(world)
    sky = (slice(3, HEIGHT // 2 - 3), slice(3, WIDTH - 3))
    for albums, is_sky in (([album], True), (None, False)):
        sampler.surround(world, context, None, torch.zeros(1), albums)
        assert bool((context.scenery.near[0, -1, 0][sky] == 0).all()) == is_sky


def test_sight_on_disk_belongs_to_its_world(tmp_path: Path) -> None:
    folder = write_tiny_world(tmp_path)
    assert load_world(folder).sight is None
    sight = shaken(Sight(SMALL))
    save_network(folder / "sight.safetensors", sight, {"note": "untrained"}, torch.float32)
    found = load_world(folder, torch.float32).sight
    assert found is not None and torch.equal(found.near(frames()), sight.near(frames()))
    save_network(folder / "sight.safetensors", Sight(SightConfig(widths=[8], blocks=[1], hidden=16, time_stride=4)), {})
    with pytest.raises(ValueError, match=r"sight\.safetensors: for chunks of 4 frames; this world's have 2"):
        load_world(folder)
    (folder / "sight.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"sight\.safetensors: not a readable"):
        load_network(Sight, folder / "sight.safetensors")
