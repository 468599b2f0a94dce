"""The look of the reference game: worlds from seeds, fields that stay true under changes, and pictures that show what is so."""

import numpy as np
import pytest

from simworld.env.voxel.blocks import AIR, BLOCKS, HOTBAR, LANTERN, PLANKS, STONE
from simworld.env.voxel.render import render
from simworld.env.voxel.sky import sky_state
from simworld.env.voxel.terrain import BIOMES, SEA, Terrain, generate, set_block

NOBODY = np.zeros((0, 8), np.float32)


@pytest.fixture(scope="module")
def world() -> Terrain:
    return generate(3)


def open_spot(world: Terrain) -> tuple[float, float, float]:
    """An eye above dry land with free cells around."""
    for x, z in np.argwhere(world.height > SEA):
        y = int(world.height[x, z])
        if not world.blocks[max(x - 2, 0) : x + 3, y + 1 : y + 5, max(z - 2, 0) : z + 3].any():
            return x + 0.5, y + 2.62, z + 0.5
    raise AssertionError("no open spot in this world")


def picture(world: Terrain, size: tuple[int, int] = (48, 80), **changes) -> np.ndarray:
    """A frame from an open spot at noon, but for what is changed."""
    given = {"eye": open_spot(world), "yaw": 30.0, "pitch": 20.0, "time": 0.25, "weather": "clear", "entities": NOBODY}
    given |= {"held": AIR, "swing": 0.0, "target": np.zeros(4, np.int64), "crack": 0.0} | changes
    sky = sky_state(given.pop("time"), given["weather"], 0.0 if given.pop("weather") == "clear" else 1.0, 7)
    out = np.zeros((*size, 3), np.uint8)
    render(world, np.array(given.pop("eye")), given.pop("yaw"), given.pop("pitch"), sky, **given, out=out)
    return out


def test_a_seed_makes_one_world_with_most_biomes(world: Terrain) -> None:
    again = generate(3)
    assert (again.blocks == world.blocks).all() and again.landmarks == world.landmarks
    assert (generate(4).blocks != world.blocks).any()
    assert len(np.unique(world.biome)) >= len(BIOMES) - 1
    assert len({name for name, *_ in world.landmarks}) >= 5
    with pytest.raises(ValueError, match="seed -1"):
        generate(-1)


def test_the_world_has_no_seam(world: Terrain) -> None:
    steps = np.abs(np.diff(world.height.astype(int), axis=0, append=world.height[:1])).mean(1)
    assert steps[-1] < 3 * steps.mean()


def test_changes_keep_light_and_jumps_true(world: Terrain) -> None:
    copy = world.copy()
    rng = np.random.default_rng(0)
    for _ in range(40):
        x, z = rng.integers(0, 24, 2)
        set_block(copy, x - 12, int(rng.integers(20, 40)), z - 12, int(rng.choice((AIR, STONE, LANTERN))))
    fresh = copy.copy()
    fresh.refresh()
    assert (copy.light == fresh.light).all()
    assert ((copy.skip == 0) == (fresh.skip == 0)).all()
    assert (copy.skip & 15 <= fresh.skip & 15).all() and (copy.skip >> 4 <= fresh.skip >> 4).all()
    assert (world.blocks == generate(3).blocks).all()
    with pytest.raises(ValueError, match="y = 64"):
        set_block(copy, 0, 64, 0, STONE)


def test_jumps_do_not_change_the_picture(world: Terrain) -> None:
    slow = world.copy()
    slow.skip[slow.skip > 0] = 17
    for yaw in (0.0, 100.0, 215.0):
        difference = np.abs(picture(world, yaw=yaw, pitch=-5.0).astype(int) - picture(slow, yaw=yaw, pitch=-5.0))
        assert (difference > 8).mean() < 0.002


@pytest.mark.parametrize("size", [(96, 160), (33, 47), (120, 64)])
def test_any_size_is_drawn_the_same_each_time(world: Terrain, size: tuple[int, int]) -> None:
    frame = picture(world, size)
    assert frame.shape == (*size, 3) and frame.std() > 10
    assert (frame == picture(world, size)).all()


def test_night_and_storm_are_darker_but_can_be_read(world: Terrain) -> None:
    noon, night, storm = picture(world), picture(world, time=0.75), picture(world, weather="storm")
    assert night.mean() < 0.6 * noon.mean() and storm.mean() < 0.85 * noon.mean()
    assert night.mean() > 12 and night.std() > 4


def test_the_picture_shows_what_is_held_aimed_at_and_broken(world: Terrain) -> None:
    x, y, z = open_spot(world)
    bare = picture(world, pitch=80.0)
    corner = np.s_[24:, 40:]
    shown = [picture(world, pitch=80.0, held=block)[corner].reshape(-1, 3).mean(0) for block in HOTBAR]
    assert len({tuple(np.round(color)) for color in shown}) == len(HOTBAR)
    assert (picture(world, pitch=80.0, held=PLANKS, swing=0.4) != picture(world, pitch=80.0, held=PLANKS)).any()
    target = np.array([1, int(x), int(y - 2), int(z)])
    aimed, cracked = picture(world, pitch=80.0, target=target), picture(world, pitch=80.0, target=target, crack=0.9)
    assert aimed.mean() < bare.mean() and cracked.mean() < aimed.mean()
    dug = world.copy()
    set_block(dug, int(x), int(y - 2), int(z), AIR)
    assert (np.abs(picture(dug, pitch=80.0).astype(int) - bare).max(-1) > 8).mean() > 0.03


def test_a_lantern_glows_and_an_animal_is_seen(world: Terrain) -> None:
    x, y, z = open_spot(world)
    lit = world.copy()
    set_block(lit, int(x), int(y) - 1, int(z) + 2, LANTERN)
    night = {"time": 0.75, "yaw": 0.0, "pitch": 40.0}
    assert picture(lit, **night).mean() > 1.2 * picture(world, **night).mean()
    cow = np.array([[2, x, y - 1.62, z + 2.5, 0.0, 0.5, 1.0, 0.0]], np.float32)
    differs = np.abs(picture(world, yaw=0.0, entities=cow).astype(int) - picture(world, yaw=0.0)).max(-1) > 10
    assert 0.02 < differs.mean() < 0.6


def test_bad_input_is_named(world: Terrain) -> None:
    with pytest.raises(ValueError, match="held block"):
        picture(world, held=len(BLOCKS))
    with pytest.raises(ValueError, match="entities"):
        picture(world, entities=np.zeros((2, 5)))
    with pytest.raises(ValueError, match="fog"):
        sky_state(0.1, "fog", 1.0, 0)
    with pytest.raises(ValueError, match="intensity"):
        sky_state(0.1, "rain", 2.0, 0)
