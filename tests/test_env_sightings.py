"""Sightings: what a place looks like from elsewhere, scouted in the game, kept in a file, and told to a dream."""

import pickle
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from tiny_world import write_tiny_world

from simworld.actions import from_vector
from simworld.env.guide import FADE_CHUNKS, GROW_CHUNKS, SKETCHED, WAIT_CHUNKS
from simworld.env.sightings import (
    FARTHEST,
    FIELDS,
    NEAREST,
    Sightings,
    checked,
    looks,
    openness,
    packed,
    packed_lattice,
    unpacked,
    unpacked_lattice,
)
from simworld.env.start_pictures import StartPictures, light_of
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import YAW
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.env.voxel.scout import DOWN, HEADINGS, STEEP, scout
from simworld.env.world_env import WorldEnv
from simworld.model.checkpoint import write_tensors
from simworld.model.lattice import WHOLE, Lattice
from simworld.model.masonry import lattice_of
from simworld.model.shipped import find_world

SIZE = (24, 40)


@pytest.fixture(scope="module")
def game() -> Game:
    game = Game(*SIZE)
    game.reset(1_000_003, biome="plains", time_of_day=0.25, weather="clear")
    return game


@pytest.fixture(scope="module")
def seen(game: Game) -> Sightings:
    return scout(game, 3, 8.0)


def test_scouts_stand_where_one_can_walk_to_and_leave_the_game_as_it_was(game: Game, seen: Sightings) -> None:
    before = game.save_state()
    again = scout(game, 3, 8.0)
    assert all(np.array_equal(getattr(seen, name), getattr(again, name)) for name in FIELDS)
    assert np.array_equal(game.body, before["body"]) and np.array_equal(game.render(), game.render())
    spots = seen.places[len(HEADINGS) :: len(HEADINGS)]
    assert len(seen) == 5 * len(HEADINGS) and not spots[0].any()
    assert seen.views[:, 0].tolist() == [DOWN] * 4 + [STEEP] * 4 + [DOWN] * 12, "and what is at the feet"
    apart = np.linalg.norm(spots[:, None] - spots[None], axis=-1)[np.triu_indices(4, 1)]
    assert apart.min() > 4 and np.linalg.norm(spots[:, :2], axis=1).max() <= 8.01


def test_what_a_scout_sees_ahead_lies_where_the_player_sees_it(game: Game, seen: Sightings) -> None:
    """A scout's own spot: the way to something is as far for the player as for the scout who stands there."""
    _, depth = game.look(nobody=True)
    assert seen.views[0].tolist() == [10.0, 0.0]
    yaw = float(game.body[YAW])
    game.stand(*game.pose[:3], yaw, 10.0)
    frame, depth = game.look(nobody=True)
    assert np.array_equal(frame, seen.frames[0])
    assert np.allclose(np.where(depth < 1e8, 1 / depth, 0), seen.near[0], atol=1e-6)
    assert not np.array_equal(frame[-8:, -10:], game.render()[-8:, -10:]), "nobody has no hand"


@pytest.mark.parametrize("known", [False, True])
def test_a_file_keeps_them(seen: Sightings, known: bool) -> None:
    lattice = lattice_of(*(torch.from_numpy(part) for part in (seen.near, seen.places, seen.views)), FIELD_OF_VIEW)
    seen = replace(seen, lattice=lattice if known else None)
    files = packed(seen, FIELD_OF_VIEW)
    again = unpacked(*files, seen.places, seen.views, seen.lattice, FIELD_OF_VIEW).told()
    assert again.frames.shape == seen.frames.shape and np.abs(again.frames.astype(int) - seen.frames).mean() < 12
    assert np.array_equal(again.near[:, ::2, ::2] == 0, seen.near[:, ::2, ::2] == 0)
    there = (seen.near > FARTHEST) & (seen.near < NEAREST)
    exact = np.isclose(again.near, seen.near, rtol=1e-3)
    assert (exact[there].mean() > 0.4) == known, "where blocks are known all pixels are as near as these"
    there[:, 1::2] = there[:, :, 1::2] = False
    assert np.allclose(again.near[there], seen.near[there], rtol=0.021)


def test_a_file_keeps_the_blocks(seen: Sightings) -> None:
    lattice = lattice_of(*(torch.from_numpy(part) for part in (seen.near, seen.places, seen.views)), FIELD_OF_VIEW)
    high = torch.randint(3, (5, 6, 7), dtype=torch.uint8) * 50
    broad = torch.where((high == 50) & (torch.rand(5, 6, 7) < 0.5), 40, WHOLE).to(torch.uint8)
    for each in (lattice, Lattice(12.5, torch.tensor([1.0, -2.0, 0.25]), high, broad)):
        assert each is not None
        again = unpacked_lattice(*packed_lattice(each))
        assert again is not None and torch.equal(again.high, each.high) and torch.equal(again.broad, each.broad)
        assert again.turn == pytest.approx(each.turn, abs=1e-5) and torch.equal(again.corner, each.corner)
    assert unpacked_lattice(*packed_lattice(None)) is None


def test_starts_bring_them_into_a_dream(tmp_path: Path, seen: Sightings) -> None:
    folder = write_tiny_world(tmp_path)
    env = WorldEnv(str(folder))
    h, w = env.world.config.height, env.world.config.width
    frames = torch.randint(256, (1, h, w, 3), dtype=torch.uint8)
    places, views = np.ones((2, 3), np.float32), np.zeros((2, 2), np.float32)
    lattice = Lattice(30.0, torch.zeros(3), *[torch.full((4, 5, 6), WHOLE, dtype=torch.uint8)] * 2)
    seen = Sightings(np.zeros((2, h, w, 3), np.uint8), np.ones((2, h, w), np.float32), places, views, lattice)
    files = packed(seen, FIELD_OF_VIEW)
    tensors = {"frames": frames, "seen_numbers": torch.tensor([2])}
    tensors |= {"seen_places": torch.from_numpy(places), "seen_views": torch.from_numpy(views)}
    tensors |= {"seen_looks": torch.zeros(2, 1, 1, 3, dtype=torch.uint8), "seen_open": torch.ones(2)}
    for name, file in zip(("frames", "near"), files, strict=True):
        tensors[f"seen_{name}"] = torch.frombuffer(bytearray(file), dtype=torch.uint8)
        tensors[f"seen_{name}_sizes"] = torch.tensor([len(file)])
    blocks, lie = packed_lattice(lattice)
    tensors["lattices"] = torch.frombuffer(bytearray(blocks), dtype=torch.uint8)
    tensors |= {"lattices_sizes": torch.tensor([len(blocks)]), "lattices_lie": torch.from_numpy(lie[None])}
    write_tensors(folder / "starts.safetensors", tensors, {"captions": ["a place"]})
    start = StartPictures(folder / "starts.safetensors", h, w)[0]
    assert start.seen is not None and np.allclose(start.seen.near, 1, rtol=0.02) and np.array_equal(start.seen.places, places)
    env = WorldEnv(str(folder))
    env.reset(seed=1)
    state = env.save_state()
    album = state["context"].albums[0]
    assert album.num_given == 2 and album.lattice is not None and torch.equal(album.lattice.high, lattice.high)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("frames", np.zeros((2, 3, 3, 3), np.uint8), r"shape \(2, 3, 3, 3\); of 2 pictures it must be \(2, 24, 40, 3\)"),
        ("frames", np.zeros((2, *SIZE, 3), np.int64), "frames are int64; they must be uint8"),
        ("near", np.zeros((1, *SIZE)), r"near has shape \(1, 24, 40\)"),
        ("places", np.full((2, 3), np.nan), "places is float64, or not finite"),
        ("views", None, "views has shape"),
        ("lattice", 3, "lattice is a int; it must be a Lattice, or None"),
    ],
)
def test_what_cannot_be_is_refused(name: str, value: object, message: str) -> None:
    good = {"frames": np.zeros((2, *SIZE, 3), np.uint8), "near": np.ones((2, *SIZE))}
    good |= {"places": np.zeros((2, 3)), "views": np.zeros((2, 2))}
    assert len(checked(good, SIZE)) == len(checked({**good, "lattice": None}, SIZE)) == 2
    with pytest.raises(ValueError, match=message):
        checked({**good, name: value}, SIZE)
    with pytest.raises(ValueError, match="must be a dict of frames, near, places, views"):
        checked({name: value}, SIZE)


def test_who_is_led_to_a_place_walks_into_it() -> None:
    """The way there is as long as the way on: both are seen, and in the end only the place, from where the feet have come."""
    env = WorldEnv("small", renew=False)
    env.reset(seed=1, options=env.start_options("open plains at noon", 0))
    forward = {**from_vector(np.zeros(25, np.float32)), "forward": 1}
    env.set_prompt("a desert at noon")
    shown = [env.step(forward)[0]["pov"] for _ in range(WAIT_CHUNKS + FADE_CHUNKS)]
    context = env.save_state()["context"]
    walked = float(context.around.place[0, :2].norm())
    assert 0.5 < walked < 0.25 * 2 * FADE_CHUNKS, "blocks, in the desert"
    assert float(context.scenery.sees[0]) > 0.5, "and what is seen is known"
    start = StartPictures(find_world("small") / "starts.safetensors", 96, 160).nearest("a desert at noon", 0)
    assert start is not None and start.seen is not None and context.albums[0].num_given == len(start.seen)
    last = [float(np.abs(shown[-1].astype(int) - frame).mean()) for frame in (shown[0], start.frame)]
    assert last[1] < last[0], "more like the desert than like the plains"


def test_a_place_is_got_ready_while_the_dream_goes_on() -> None:
    """Until then nothing is seen of it."""
    env, forward = WorldEnv("small", num_steps=1), {**from_vector(np.zeros(25, np.float32)), "forward": 1}
    env.reset(seed=1, options=env.start_options("open plains at noon", 0))
    here = env.save_state()
    before = [env.step(forward)[0]["pov"] for _ in range(WAIT_CHUNKS + 1)]
    env.load_state(here)
    env.leave_mist()
    shown = [env.step(forward)[0]["pov"] for _ in range(WAIT_CHUNKS + FADE_CHUNKS)]
    same = [np.array_equal(one, other) for one, other in zip(before, shown, strict=False)]
    assert same == [True] * WAIT_CHUNKS + [False]


def test_a_place_is_a_sketch_at_first_and_grows() -> None:
    """Whoever comes to it; what was done there meanwhile stays done, and goes on exactly from a state kept on the way."""
    env, forward = WorldEnv("small", num_steps=1, renew=False), {**from_vector(np.zeros(25, np.float32)), "forward": 1}
    env.reset(seed=1, options=env.start_options("open plains at noon", 0))
    env.set_prompt("a desert at noon")
    there, way = env.save_state(), WAIT_CHUNKS + FADE_CHUNKS
    shown = [env.step(forward)[0]["pov"] for _ in range(way)]
    sketch = env.save_state()["context"].albums[0]
    known = (sketch.given.near >= 0).flatten(1).any(1)
    assert known.sum() == SKETCHED and known[0] and len(sketch.atlas.looks) > 500
    hit = {**forward, "forward": 0, "attack": 1, "camera": np.array([6, 0], np.float32)}
    shown += [env.step(hit)[0]["pov"] for _ in range(GROW_CHUNKS + 3)]
    whole = env.save_state()["context"].albums[0]
    assert (whole.given.near >= 0).flatten(1).any(1).all() and len(whole.atlas.looks) > 1.5 * len(sketch.atlas.looks)
    assert torch.equal(whole.numbers[: len(sketch)], sketch.numbers) and len(whole) > len(sketch)
    assert whole.lattice.since is not None, "a block is broken"
    for kept in (there, env.unpack_state(*env.pack_state(there)), pickle.loads(pickle.dumps(there))):
        env.load_state(kept)
        again = [env.step(action)[0]["pov"] for action in [forward] * way + [hit] * (GROW_CHUNKS + 3)]
        assert all(map(np.array_equal, again, shown))


def test_who_is_led_on_before_a_place_has_grown_takes_nothing_of_it_along() -> None:
    env, still = WorldEnv("small", num_steps=1, renew=False), from_vector(np.zeros(25, np.float32))
    env.reset(seed=1, options=env.start_options("open plains at noon", 0))
    for prompt in ("a desert at noon", "a snowy forest at noon"):
        env.set_prompt(prompt)
        for _ in range(WAIT_CHUNKS + FADE_CHUNKS):
            env.step(still)
    for _ in range(GROW_CHUNKS):
        env.step(still)
    start, album = env.guide.starts.nearest("a snowy forest at noon", 0), env.save_state()["context"].albums[0]
    assert start is not None and start.seen is not None
    assert torch.equal(album.given.pictures, torch.from_numpy(start.seen.frames)) and (album.given.near >= 0).any()


def test_of_several_dreams_each_is_led_in_its_own_time() -> None:
    envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=2, world="small", num_steps=1, renew=False)
    envs.reset(seed=1, options={"prompt": "open plains at noon"})
    way, led, prompts = WAIT_CHUNKS + FADE_CHUNKS, [], ["a desert at noon", "a snowy forest at noon"]
    for step in range(way + WAIT_CHUNKS):
        if step in (0, WAIT_CHUNKS):
            envs.unwrapped.set_prompts(prompts if step else [prompts[0], "open plains at noon"])
        *_, info = envs.step(envs.action_space.sample())
        led.append(info["led"].tolist())
    assert [one for one, _ in led] == [True] * way + [False] * WAIT_CHUNKS
    assert [other for _, other in led] == [False] * WAIT_CHUNKS + [True] * way
    starts = StartPictures(find_world("small") / "starts.safetensors", 96, 160)
    for number, prompt in enumerate(prompts):
        start, album = starts.nearest(prompt, 0), envs.unwrapped.save_state()["context"].albums[number]
        assert start is not None and start.seen is not None and album.num_given == len(start.seen), prompt
        assert album.lattice is not None and start.seen.lattice is not None


def test_who_asks_for_a_place_looks_at_it_and_not_at_the_ground() -> None:
    env = WorldEnv("small", renew=False)
    env.reset(seed=1, options=env.start_options("open plains at noon", 0))
    down = {**from_vector(np.zeros(25, np.float32)), "camera": np.array([30, 0], np.float32)}
    env.step(down)
    looked = env.save_state()["context"].around.view[0].clone()
    env.set_prompt("a desert at noon")
    start = StartPictures(find_world("small") / "starts.safetensors", 96, 160).nearest("a desert at noon", 0)
    for _ in range(WAIT_CHUNKS + FADE_CHUNKS):
        env.step(from_vector(np.zeros(25, np.float32)))
    view = env.save_state()["context"].around.view[0]
    assert start is not None and float(looked[0]) > 50
    assert view.tolist() == pytest.approx([start.pitch, 0], abs=0.01)


def test_of_the_spots_of_a_place_the_one_is_found_that_looks_most_like_what_is_seen() -> None:
    starts = StartPictures(find_world("small") / "starts.safetensors", 96, 160)
    place = starts[3]
    assert place.seen is not None
    inward = [place.seen.places[row, :2] @ heading(place.seen.views[row, 1]) <= 0 for row in range(len(place.seen))]
    rows = (np.array(inward) & (openness(place.seen.near) > 0.6)).nonzero()[0]
    row = rows[len(rows) // 2]
    found = [starts.nearest("", seed, like=place.seen.frames[row]) for seed in range(4)]
    spot = [*place.seen.places[row], place.seen.views[row, 1]]
    assert any(one is not None and np.allclose(one.spot, spot) for one in found)


def test_who_is_led_stays_in_the_same_light() -> None:
    """By night from place to place, whatever the darkest picture by day looks like."""
    starts = StartPictures(find_world("small") / "starts.safetensors", 96, 160)
    night = starts.nearest("night", 0)
    assert night is not None and night.seen is not None
    light, like = light_of(looks(night.seen.frames)), night.frame
    found = [starts.nearest("", seed, like, light) for seed in range(4)]
    day = starts.nearest("noon", 0)
    assert day is not None and day.seen is not None
    for start in found:
        assert start is not None and start.seen is not None
        lights = [light_of(looks(each.seen.frames)) for each in (start, day) if each.seen is not None]
        there, noon = (np.abs(each - light).sum() for each in lights)
        assert there < noon / 3


def test_a_clear_sky_and_a_grey_one_are_told_apart() -> None:
    """Who walks in the sun is not led into the rain, nor the other way round."""
    starts = StartPictures(find_world("small") / "starts.safetensors", 96, 160)
    for prompt, blue in (("clear noon", True), ("rain", False), ("storm", False)):
        start = starts.nearest(prompt, 1)
        assert start is not None and start.seen is not None
        light = light_of(looks(start.seen.frames))
        for seed in range(4):
            led = starts.nearest("", seed, start.frame, light)
            assert led is not None and led.seen is not None
            red, _, sky = light_of(looks(led.seen.frames)).tolist()
            assert (sky - red > 40) == blue, (prompt, red, sky)


def heading(yaw: float) -> np.ndarray:
    return np.array([np.sin(np.deg2rad(yaw)), np.cos(np.deg2rad(yaw))])
