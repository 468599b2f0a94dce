"""The rules of the reference game: timing, bodies, hands, animals, weather, captions, saved states."""

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numba
import numpy as np
import pytest

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.env import voxel
from simworld.env.voxel import physics
from simworld.env.voxel.animals import ANIMAL_SIZE, KIND, NUM_ANIMALS, SCALE
from simworld.env.voxel.blocks import AIR, BRICK, CACTUS, DIRT, HARDNESS, HOTBAR, SOLID, STONE, WATER
from simworld.env.voxel.captions import see
from simworld.env.voxel.game import Game
from simworld.env.voxel.terrain import BIOMES

FLOOR = 20


def press(*keys: str, pitch: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """The action vector that holds `keys` and turns the camera."""
    action = np.zeros(ACTION_SIZE, np.float32)
    for key in keys:
        action[SLOT[key]] = 1
    action[CAMERA] = pitch, yaw
    return action


@pytest.fixture(scope="module")
def game() -> Game:
    return Game(24, 40)


@pytest.fixture(scope="module")
def plain() -> Game:
    """A game in a world that is stone up to y = 20 for 16 blocks around (100, 100)."""
    game = Game(24, 40)
    game.set_conditions(time_of_day=0.25, weather="clear")
    game.blocks[84:117, FLOOR:, 84:117] = AIR
    game.blocks[84:117, 1:FLOOR, 84:117] = STONE
    game.terrain.refresh()
    return game


@pytest.fixture
def flat(plain: Game) -> Iterator[Game]:
    """The player at (100.5, 20, 100.5) facing +z on an untouched plain, without animals."""
    untouched = plain.terrain.copy()
    plain.stand(100.5, FLOOR, 100.5, 0.0, 0.0)
    plain.herd = plain.herd[:0]
    plain.time_of_day = 0.25
    yield plain
    plain.terrain = untouched
    plain.herd = np.zeros((NUM_ANIMALS, ANIMAL_SIZE))


def test_equal_seeds_and_actions_give_equal_frames(game: Game) -> None:
    rng = np.random.default_rng(0)
    actions = [press(*rng.choice(list(SLOT)[:9], 2), pitch=rng.normal(0, 4), yaw=rng.normal(0, 9)) for _ in range(40)]
    runs = []
    for _ in range(2):
        game.reset(11)
        frames = [game.render()]
        for action in actions:
            game.step(action)
            frames.append(game.render())
        runs.append(np.stack(frames))
        game.reset(12)
    assert np.array_equal(*runs)
    assert len({frame.tobytes() for frame in runs[0]}) > 20


def test_an_action_shows_in_the_next_frame_and_not_before(flat: Game) -> None:
    before = flat.render()
    flat.step(press())
    assert np.abs(flat.render().astype(int) - before).mean() < 1
    flat.step(press(yaw=20.0))
    assert np.abs(flat.render().astype(int) - before).mean() > 3
    assert flat.pose[3] == pytest.approx(20.0)


def test_the_camera_turns_at_once_and_stops_at_straight_up_and_down(flat: Game) -> None:
    flat.step(press(pitch=50.0, yaw=-90.0))
    assert flat.pose[3:] == pytest.approx([-90.0, 50.0])
    flat.step(press(pitch=120.0))
    assert flat.pose[4] == 90.0
    flat.step(press(pitch=-300.0))
    assert flat.pose[4] == -90.0


@pytest.mark.parametrize(
    ("keys", "speed", "direction"),
    [
        (["forward"], 4.3, (0, 1)),
        (["forward", "sprint"], 5.6, (0, 1)),
        (["forward", "sneak"], 1.3, (0, 1)),
        (["back"], 4.3, (0, -1)),
        (["left"], 4.3, (1, 0)),
        (["right"], 4.3, (-1, 0)),
    ],
)
def test_speeds_and_directions_are_minecrafts(flat: Game, keys: list[str], speed: float, direction: tuple) -> None:
    for _ in range(15):
        flat.step(press(*keys))
    start = flat.pose
    for _ in range(20):
        flat.step(press(*keys))
    moved = (flat.pose - start)[[0, 2]]
    assert np.hypot(*moved) == pytest.approx(speed, abs=0.05)
    assert moved / np.hypot(*moved) == pytest.approx(direction, abs=1e-6)


def test_a_jump_is_a_block_and_a_quarter_high(flat: Game) -> None:
    flat.step(press())
    heights = []
    for step in range(16):
        flat.step(press("jump") if step == 0 else press())
        heights.append(flat.pose[1] - FLOOR)
    assert max(heights) == pytest.approx(1.25, abs=0.01)
    assert heights[-1] == 0


def test_walls_stop_and_steps_are_jumped(flat: Game) -> None:
    flat.set_block(100, FLOOR, 104, STONE)
    for _ in range(40):
        flat.step(press("forward"))
    assert flat.pose[:3] == pytest.approx([100.5, FLOOR, 103.7], abs=1e-6)
    for _ in range(12):
        flat.step(press("forward", "jump"))
    assert flat.pose[2] > 104 and flat.pose[1] >= FLOOR + 1


def test_no_body_ever_enters_a_block(game: Game) -> None:
    game.reset(3)
    rng = np.random.default_rng(3)
    for step in range(400):
        if step % 5 == 0:
            keys = rng.choice(["forward", "back", "left", "right", "jump", "sprint"], 3)
        game.step(press(*keys, yaw=rng.normal(0, 15)))
        x, y, z = game.pose[:3]
        half, height = physics.PLAYER_HALF_WIDTH, physics.PLAYER_HEIGHT
        assert physics.box_is_free(game.blocks, SOLID, x, y, z, half - 1e-6, height - 1e-6)


def test_sneaking_does_not_fall_off_an_edge(flat: Game) -> None:
    flat.blocks[100, FLOOR - 3 : FLOOR, 102:110] = AIR
    flat.blocks[99:102, FLOOR - 3 : FLOOR, 102:110] = AIR
    for _ in range(60):
        flat.step(press("forward", "sneak"))
    assert flat.pose[1] == FLOOR and 101.5 < flat.pose[2] < 102.31


def test_swimming_up_and_out(flat: Game) -> None:
    flat.blocks[98:103, FLOOR - 4 : FLOOR, 98:103] = WATER
    flat.stand(100.5, FLOOR - 3.5, 100.5, 0.0, 0.0)
    for _ in range(60):
        flat.step(press("jump"))
    assert flat.pose[1] > FLOOR - 1
    for _ in range(60):
        flat.step(press("jump", "forward"))
    assert flat.pose[2] > 103 and flat.pose[1] >= FLOOR


def test_attack_breaks_after_the_hardness_and_not_before(flat: Game) -> None:
    flat.set_block(100, FLOOR + 1, 102, DIRT)
    flat.step(press(pitch=0.0))
    intact = flat.render()
    for _ in range(int(HARDNESS[DIRT]) - 1):
        flat.step(press("attack"))
        assert flat.broken == AIR
    assert flat.blocks[100, FLOOR + 1, 102] == DIRT
    assert not np.array_equal(flat.render(), intact), "cracks and the arm are seen"
    flat.step(press("attack"))
    assert flat.broken == DIRT and flat.blocks[100, FLOOR + 1, 102] == AIR
    assert np.abs(flat.render().astype(int) - intact).mean() > 3


def test_letting_go_or_looking_away_loses_the_progress(flat: Game) -> None:
    flat.set_block(100, FLOOR + 1, 102, DIRT)
    for _ in range(3):
        for _ in range(int(HARDNESS[DIRT]) - 1):
            flat.step(press("attack"))
        flat.step(press())
    assert flat.blocks[100, FLOOR + 1, 102] == DIRT


def test_out_of_reach_nothing_breaks(flat: Game) -> None:
    flat.set_block(100, FLOOR + 1, 106, DIRT)
    for _ in range(40):
        flat.step(press("attack"))
    assert flat.blocks[100, FLOOR + 1, 106] == DIRT


def test_use_places_the_held_block_and_repeats_every_four_steps(flat: Game) -> None:
    flat.step(press("hotbar.8", pitch=35.0))
    assert flat.held == BRICK
    empty = flat.render()
    placed = []
    for _ in range(9):
        flat.step(press("use"))
        placed.append(flat.placed)
    assert placed[0] == placed[4] == BRICK
    assert placed.count(BRICK) <= 3 and placed[1:4] == [AIR] * 3
    assert np.abs(flat.render().astype(int) - empty).mean() > 3


def test_no_block_is_placed_into_the_player(flat: Game) -> None:
    flat.step(press(pitch=90.0))
    for _ in range(10):
        flat.step(press("use"))
        assert flat.placed == AIR
    for _ in range(40):
        flat.step(press("use", "jump"))
    assert flat.pose[1] >= FLOOR + 2, "jumping, one builds a pillar under the feet"


def test_hotbar_and_pick_choose_what_is_held(flat: Game) -> None:
    for number, block in enumerate(HOTBAR, 1):
        flat.step(press(f"hotbar.{number}"))
        assert flat.held == block
    flat.set_block(100, FLOOR + 1, 102, CACTUS)
    flat.step(press())
    flat.step(press("pickItem"))
    assert flat.held == CACTUS


def test_keys_without_meaning_change_nothing(flat: Game) -> None:
    held = flat.held
    for key in ("drop", "inventory", "swapHands", "ESC"):
        flat.step(press(key))
    assert flat.pose == pytest.approx([100.5, FLOOR, 100.5, 0, 0])
    assert flat.held == held and flat.broken == flat.placed == AIR


def test_water_fills_a_hole_dug_beside_it(flat: Game) -> None:
    flat.blocks[100, FLOOR - 1, 103] = WATER
    flat.set_block(100, FLOOR - 1, 102, DIRT)
    flat.stand(100.5, FLOOR, 100.5, 0.0, 45.0)
    for _ in range(60):
        flat.step(press("attack"))
        if flat.broken:
            break
    assert flat.blocks[100, FLOOR - 1, 102] == WATER


def test_saved_states_go_on_exactly(game: Game) -> None:
    game.reset(5, weather="rain")
    actions = [press("forward", "attack", pitch=6.0 if step < 5 else 0.0, yaw=3.0) for step in range(80)]
    for action in actions[:40]:
        game.step(action)
    state = game.save_state()
    futures = []
    for _ in range(2):
        for action in actions[40:]:
            game.step(action)
        futures.append((game.render(), game.pose, game.herd.copy(), game.caption()))
        game.reset(6)
        game.load_state(state)
    assert np.array_equal(futures[0][0], futures[1][0])
    assert np.array_equal(futures[0][1], futures[1][1]) and np.array_equal(futures[0][2], futures[1][2])
    assert futures[0][3] == futures[1][3]


def test_a_state_of_another_size_is_refused(game: Game) -> None:
    state = {**game.save_state(), "height": 96}
    with pytest.raises(ValueError, match="96"):
        game.load_state(state)


def test_day_follows_night_in_ten_minutes(game: Game) -> None:
    game.reset(1, time_of_day=0.999)
    for _ in range(24):
        game.step(press())
    assert game.time_of_day == pytest.approx(0.999 + 24 / 12_000 - 1, abs=1e-9)


def test_the_weather_changes_slowly(game: Game) -> None:
    game.reset(2, weather="clear")
    kinds, last = set(), game.weather.intensity
    for _ in range(20_000):
        game.weather.step(game.biome, game.rng)
        assert abs(game.weather.intensity - last) <= 1 / 100
        last = game.weather.intensity
        kinds.add(game.weather.name)
    assert "clear" in kinds and len(kinds) > 1


@pytest.mark.parametrize("biome", BIOMES)
def test_play_begins_where_and_when_it_is_wished(game: Game, biome: str) -> None:
    game.reset(21, biome=biome, time_of_day=0.6, weather="snow")
    assert (game.biome, game.time_of_day, game.weather.name) == (biome, 0.6, "snow")
    assert 0 <= game.pose[4] <= 15
    if biome != "ocean":
        assert game.blocks[int(game.pose[0]) & 255, int(game.pose[1]), int(game.pose[2]) & 255] != WATER


def test_impossible_wishes_say_what_would_be_possible(game: Game) -> None:
    with pytest.raises(ValueError, match="savanna"):
        game.reset(0, biome="moon")
    with pytest.raises(ValueError, match="storm"):
        game.set_conditions(weather="hail")
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        game.set_conditions(time_of_day=1.0)
    with pytest.raises(ValueError, match="25"):
        game.step(np.zeros(24, np.float32))
    with pytest.raises(ValueError, match="8"):
        Game(4, 4)


def test_animals_live_near_the_player_and_wander_on_the_ground(game: Game) -> None:
    game.reset(4, biome="plains")
    start = game.herd.copy()
    for _ in range(100):
        game.step(press())
    living = game.herd[:, KIND] >= 0
    assert 20 <= living.sum() <= 40
    walked = np.hypot(*(game.herd[:, [0, 2]] - start[:, [0, 2]]).T)
    assert (walked > 0.5).sum() >= 5 and (walked < 12).all()


def test_a_struck_animal_flees(flat: Game) -> None:
    flat.herd = np.zeros((1, ANIMAL_SIZE))
    flat.herd[0, [physics.X, physics.Y, physics.Z]] = 100.5, FLOOR, 102.5
    flat.herd[0, SCALE] = 1.0
    flat.step(press(pitch=25.0))
    flat.step(press("attack"))
    for _ in range(30):
        flat.step(press())
    assert flat.herd[0, physics.Z] > 104.5


def test_captions_say_what_is_so(game: Game) -> None:
    rng = np.random.default_rng(0)
    wordings = json.loads(files("simworld.env.voxel").joinpath("captions.json").read_text("utf-8"))
    for biome, time, name, weather in (("desert", 0.25, "noon", "clear"), ("taiga", 0.75, "midnight", "snow")):
        game.reset(31, biome=biome, time_of_day=time, weather=weather)
        facts = see(game)
        assert (facts.time, facts.weather) == (name, weather)
        captions = {game.caption(rng).lower() for _ in range(200)}
        assert len(captions) > 80
        text = " ".join(captions)
        for wording in (wordings["place"][facts.place], wordings["time"][name]["at"]):
            assert sum(phrase.removeprefix("a ").lower() in text for phrase in wording["train"]) >= 2
            assert not any(phrase.lower() in text for phrase in wording["held_out"])
    assert any("snow" in caption for caption in captions)
    lengths = [len(caption.split()) for caption in captions]
    assert min(lengths) <= 4 and max(lengths) > 12


def test_held_out_wordings_are_never_training_wordings() -> None:
    wordings = json.loads(files("simworld.env.voxel").joinpath("captions.json").read_text("utf-8"))

    def lists(node: dict) -> list[dict]:
        return [node] if "train" in node else [found for child in node.values() for found in lists(child)]

    found = lists(wordings)
    assert len(found) > 60
    for wording in found:
        assert wording["train"] and wording["held_out"]
        assert not set(wording["train"]) & set(wording["held_out"])


def test_equal_moments_have_equal_captions(game: Game) -> None:
    game.reset(9)
    assert game.caption() == game.caption()


def test_compiled_code_is_kept_under_the_name_of_its_sources(tmp_path: Path) -> None:
    """Else a change in one file would leave what was compiled of its callers, and the old rules, in force."""
    assert Path(numba.config.CACHE_DIR).name.startswith("compiled-")
    (tmp_path / "rules.py").write_text("GRAVITY = 1")
    before = voxel.fingerprint(tmp_path)
    assert voxel.fingerprint(tmp_path) == before
    (tmp_path / "rules.py").write_text("GRAVITY = 2")
    assert voxel.fingerprint(tmp_path) != before
