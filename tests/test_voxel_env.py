"""The reference game as a Gymnasium environment: spaces, info, frame skip, saved states, tasks, bad input."""

import itertools
import math

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from simworld.actions import KEYS, from_vector, noop
from simworld.env.voxel.blocks import BOX, LANTERN, PUMPKIN, SOLID
from simworld.env.voxel.bot import Bot
from simworld.env.voxel.interact import HIT, HIT_SIZE, HIT_X, HIT_Z, trace, view_direction
from simworld.env.voxel.physics import EYE_HEIGHT, box_is_free
from simworld.env.voxel.stages import ALLEY, SIGNS, TaskStage
from simworld.env.voxel.voxel_env import VoxelEnv
from simworld.tasks import TASKS, Explore, Facts, Navigate, Recall, Treechop

SIZE = {"height": 24, "width": 40}


@pytest.fixture(scope="module")
def env() -> VoxelEnv:
    return VoxelEnv(**SIZE, frame_skip=2, render_mode="rgb_array")


# MineRL's camera is in degrees, and the checker would rather see actions in [-1, 1].
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized space.*:UserWarning")
@pytest.mark.parametrize("name", ["Voxel", "VoxelNavigate", "VoxelTreechop", "VoxelExplore"])
def test_gymnasium_approves(name: str) -> None:
    made = gymnasium.make(f"simworld:simworld/{name}-v0", **SIZE, render_mode="rgb_array", disable_env_checker=True)
    check_env(made.unwrapped)


def test_tasks_are_truncated_and_free_play_is_not() -> None:
    names = ("Voxel", "VoxelTreechop", "VoxelNavigate", "VoxelExplore", "VoxelRecall")
    limits = {name: gymnasium.spec(f"simworld/{name}-v0").max_episode_steps for name in names}
    assert limits == {"Voxel": None, "VoxelTreechop": 8000, "VoxelNavigate": 6000, "VoxelExplore": 6000, "VoxelRecall": 400}


def test_info_tells_the_truth(env: VoxelEnv) -> None:
    observation, info = env.reset(seed=1, options={"biome": "forest", "time_of_day": 0.3, "weather": "rain"})
    assert set(info) == {"pose", "biome", "time_of_day", "weather", "caption", "frames"}
    assert (info["biome"], info["time_of_day"], info["weather"]) == ("forest", 0.3, "rain")
    assert info["pose"].shape == (5,) and info["pose"].dtype == np.float64
    assert info["caption"] and isinstance(info["caption"], str)
    assert np.array_equal(info["frames"], observation["pov"][None])
    observation, _, _, _, info = env.step(noop())
    assert info["frames"].shape == (2, 24, 40, 3) and info["frames"].dtype == np.uint8
    assert np.array_equal(info["frames"][-1], observation["pov"])
    assert np.array_equal(env.render(), observation["pov"])


def test_frame_skip_holds_the_action_for_each_frame(env: VoxelEnv) -> None:
    single = VoxelEnv(**SIZE)
    env.reset(seed=3)
    single.reset(seed=3)
    action = {**noop(), "forward": 1, "camera": np.array([1.0, 10.0], np.float32)}
    for _ in range(5):
        _, _, _, _, info = env.step(action)
        frames = [single.step(action)[0]["pov"] for _ in range(2)]
        assert np.array_equal(info["frames"], frames)


def test_saved_states_go_on_exactly(env: VoxelEnv) -> None:
    env.reset(seed=8)
    bot = Bot(0)
    actions = []
    for _ in range(30):
        actions.append(from_vector(bot.act(env.game)))
        env.step(actions[-1])
    state = env.save_state()
    first = [env.step(action) for action in actions]
    env.reset(seed=9)
    observation, _ = env.load_state(state)
    second = [env.step(action) for action in actions]
    assert observation["pov"].shape == (24, 40, 3)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one[4]["frames"], other[4]["frames"])
        assert one[4]["caption"] == other[4]["caption"] and np.array_equal(one[4]["pose"], other[4]["pose"])


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"frame_skip": 0}, "frame_skip"),
        ({"render_mode": "human"}, "rgb_array"),
        ({"task": "fly"}, "treechop"),
        ({"height": 2}, "height"),
    ],
)
def test_impossible_arguments_are_refused(kwargs: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        VoxelEnv(**{**SIZE, **kwargs})


def test_bad_actions_and_options_are_refused(env: VoxelEnv) -> None:
    env.reset(seed=0)
    with pytest.raises(ValueError, match="fly"):
        env.step({**noop(), "fly": 1})
    with pytest.raises(ValueError, match="jump"):
        env.step({key: value for key, value in noop().items() if key != "jump"})
    with pytest.raises(ValueError, match="time_of_day"):
        env.reset(seed=0, options={"hour": 3})
    with pytest.raises(ValueError, match="savanna"):
        env.reset(seed=0, options={"biome": "moon"})


def test_every_action_of_the_table_is_in_the_space(env: VoxelEnv) -> None:
    assert set(env.action_space.spaces) == {*KEYS, "camera"}


def test_treechop_pays_for_logs_and_ends_after_eight() -> None:
    task = Treechop()
    scores = [task.score(Facts(log=log)) for log in [False, True, True, False] + [True] * 6]
    assert [reward for reward, _ in scores[:4]] == [0, 1, 1, 0]
    assert sum(reward for reward, _ in scores) == task.enough
    assert [over for _, over in scores] == [False] * (len(scores) - 1) + [True]


def test_navigate_pays_for_getting_nearer_to_the_beacon() -> None:
    task = Navigate(bearing=90.0)
    assert task.score(Facts()) == (0.0, False)
    assert task.score(Facts(right=task.away / 2)) == (pytest.approx(task.away / 2), False)
    assert task.score(Facts(right=task.away / 2)) == (0.0, False), "standing still pays nothing"
    assert task.score(Facts(right=1.0)) == (0.0, False)
    reward, over = task.score(Facts(right=task.away - 1))
    assert reward == pytest.approx(task.arrival + task.away / 2 - 1) and over


def test_explore_pays_for_every_new_square_once() -> None:
    task = Explore()
    rewards = [task.score(Facts(right=0.0, ahead=ahead)) for ahead in (0.0, 1.9, 2.1, 1.0, 2.1, -2.1, 260.0)]
    assert [reward for reward, _ in rewards] == [0, 0, 1, 0, 0, 1, 1]
    assert not any(over for _, over in rewards)


@pytest.mark.parametrize("name", TASKS)
def test_the_game_tells_tasks_what_is_true(name: str) -> None:
    made = VoxelEnv(**SIZE, task=name)
    made.reset(seed=7)
    game, stage = made.game, made.stage
    assert isinstance(stage, TaskStage) and stage.facts(game) == Facts()
    x, y, z, yaw, _ = game.pose
    ahead, right = view_direction(yaw, 0.0), view_direction(yaw + 90.0, 0.0)
    game.stand(x + 3 * ahead[0] + 2 * right[0], y, z + 3 * ahead[2] + 2 * right[2], yaw + 50.0, 0.0)
    facts = stage.facts(game)
    assert facts.right == pytest.approx(2) and facts.ahead == pytest.approx(3), "as the player stood in the beginning"
    if TASKS[name].biomes:
        assert game.biome in TASKS[name].biomes
    if TASKS[name].by_day:
        assert 0 < game.time_of_day < 0.5


def test_the_beacon_stands_where_the_task_says() -> None:
    made = VoxelEnv(**SIZE, task="navigate")
    first = made.reset(seed=4)[0]["pov"]
    task = made.stage.task
    ahead = view_direction(made.game.pose[3] + task.bearing, 0.0)
    x, z = (int(np.floor(made.game.pose[slot] + task.away * ahead[slot])) & 255 for slot in (0, 2))
    column = made.game.blocks[x, :, z]
    assert (column == PUMPKIN).sum() >= 8 and (column == LANTERN).sum() >= 3 and abs(task.bearing) <= 40
    made.reset(seed=5)
    assert np.array_equal(made.reset(seed=4)[0]["pov"], first), "the same for equal seeds"


def test_who_begins_before_a_tree_can_chop_it() -> None:
    made = VoxelEnv(**SIZE, task="treechop", frame_skip=2)
    for seed in range(3):
        made.reset(seed=seed)
        rewards = [made.step({**noop(), "attack": 1})[1] for _ in range(14)]
        assert sum(rewards) == 1


def test_recall_pays_for_going_to_the_kind_that_was_shown() -> None:
    task = Recall(bearing=-90.0)
    assert [task.score(Facts(right=right)) for right in (0.0, 5.0, -5.0)] == [(0, False), (0, False), (0, False)]
    assert task.score(Facts(right=-6.0)) == (1, True) and task.score(Facts(right=6.0)) == (-1, True)


@pytest.mark.parametrize("seed", range(4))
def test_the_right_pillar_is_of_the_kind_in_the_alley(seed: int) -> None:
    env = VoxelEnv(**SIZE, task="recall")
    env.reset(seed=seed)
    game, task = env.game, env.stage.task
    game.herd[:, 0] = -1  # no animal in the way
    x, y, z, yaw, _ = game.pose
    ahead = view_direction(yaw, 0.0)
    shown = game.blocks[int(x + ALLEY * ahead[0]) & 255, int(y), int(z + ALLEY * ahead[2]) & 255]
    kinds = {}
    for turn in (task.bearing, -task.bearing):
        there = env.stage.place(turn, task.away)
        kinds[turn] = game.blocks[int(there[0]) & 255, int(y) : int(y) + 3, int(there[1]) & 255]
    assert (kinds[task.bearing] == shown).all() and set(kinds[-task.bearing]) == set(SIGNS) - {shown}
    state = env.save_state()
    for turn, paid in ((task.bearing, 1.0), (-task.bearing, -1.0)):
        env.load_state(state)
        env.game.herd[:, 0] = -1
        env.step({**noop(), "camera": np.array([0, turn], np.float32)})
        rewards = [0.0]
        while len(rewards) < 60 and not rewards[-1]:
            rewards.append(env.step({**noop(), "forward": 1})[1])
        assert rewards[-1] == paid


def test_nowhere_is_the_alley_seen_together_with_a_pillar() -> None:
    """So that who forgets at once cannot know where to go."""
    env = VoxelEnv(**SIZE, task="recall")
    env.reset(seed=1)
    game, task = env.game, env.stage.task
    x, y, z, yaw, _ = game.pose
    height, width = SIZE["height"], SIZE["width"]
    angle_of_view = 2 * math.degrees(math.atan(math.tan(math.radians(35)) * width / height))
    ahead = view_direction(yaw, 0.0)
    signs = [(x + ALLEY * ahead[0], z + ALLEY * ahead[2])]
    pillars = [env.stage.place(turn, task.away) for turn in (task.bearing, -task.bearing)]

    def seen(eye: tuple[float, float, float], columns: list[tuple[float, float]]) -> list[float]:
        """Towards which degrees some of them is seen."""
        found = []
        for column, up, dx, dz in itertools.product(columns, (0.1, 1.5, 2.9), (-0.49, 0.49), (-0.49, 0.49)):
            way = np.array([column[0] + dx - eye[0], y + up - eye[1], column[1] + dz - eye[2]])
            away = float(np.linalg.norm(way))
            trace(game.blocks, SOLID, BOX, eye, tuple(way / away), away + 1, hit := np.zeros(HIT_SIZE, np.int64))
            if hit[HIT] and (hit[HIT_X], hit[HIT_Z]) == (math.floor(column[0]), math.floor(column[1])):
                found.append(math.degrees(math.atan2(-way[0], way[2])))
        return found

    both, sign_only = [], 0
    for dx, dz, up in itertools.product(np.arange(-8, 9), np.arange(-8, 9), (EYE_HEIGHT, EYE_HEIGHT + 1.25)):
        place = x + dx, z + dz
        near = min(math.dist(place, pillar) for pillar in pillars) < task.near
        if near or not box_is_free(game.blocks, SOLID, place[0], y, place[1], 0.3, 1.8):
            continue
        eye = place[0], y + up, place[1]
        if alley := seen(eye, signs):
            sign_only += 1
            apart = [abs((one - other + 180) % 360 - 180) for one in alley for other in seen(eye, pillars)]
            both += [(dx, dz, min(apart))] if apart and min(apart) < angle_of_view else []
    assert sign_only > 2 and not both
