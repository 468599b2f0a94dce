"""Tasks in a dream: the judge learns from the game what happened, and the dream pays and ends by what it says."""

import json
import math
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from tiny_world import HEIGHT, WIDTH, write_tiny_world

from simworld.actions import SLOT, noop
from simworld.env.dream_task import DreamTask
from simworld.env.world_env import WorldEnv
from simworld.model.checkpoint import read_tensors, write_tensors
from simworld.model.judge import Judge, Verdict, load_judge, save_judge
from simworld.tasks import TASKS, Facts, Track
from simworld.training.metrics import average_precision
from simworld.training.players import Dream
from simworld.training.rewarding import rewarding, tell
from simworld.training.task_play import play_task
from simworld.training.train_judge import JudgeTraining, train, true_chunks

RUN = {**noop(), "forward": 1, "sprint": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny world with a judge that has learned a little."""
    folder = write_tiny_world(tmp_path_factory.mktemp("world"))
    train(JudgeTraining(world=str(folder), num_plays=20, num_frames=33, darts=0.1, batch_plays=10, steps=200, batch_size=64))
    return folder


def dream(folder: Path, task: str) -> WorldEnv:
    made = gymnasium.make("simworld:simworld/World-v0", world=str(folder), num_steps=1, task=task).unwrapped
    assert isinstance(made, WorldEnv)
    return made


def verdicts(aside: list[float], onward: list[float], log: list[float]) -> Verdict:
    chances = torch.tensor(log, dtype=torch.float32)
    return Verdict(*(torch.tensor(part, dtype=torch.float32) for part in (aside, onward)), chances, chances > 0.5)


def test_a_track_is_where_the_player_is() -> None:
    track = Track()
    track.go(0.0, 2.0, 0.0)
    track.go(0.0, 0.0, 90.0)
    track.go(0.5, 3.0, 0.0)  # to the right of who heads right is backward
    assert (track.right, track.ahead, track.heading) == (pytest.approx(3.0), pytest.approx(1.5), 90.0)


@pytest.mark.parametrize("name", TASKS)
def test_what_is_true_chunk_by_chunk_is_paid_as_in_the_game(name: str) -> None:
    play = play_task(name, 3, 121, 24, 40, unseen=20)
    moved, log = true_chunks(play, 2)
    turns = play.actions[:, -1].reshape(-1, 2).sum(1)
    rewards, over = tell(play, moved, turns, log)
    assert rewards.sum() == pytest.approx(play.rewards.sum(), abs=0.7 if name == "navigate" else 0.01)
    assert over.any() == play.over.any() and rewards.sum() > 0


def test_the_judge_knows_more_than_nothing(folder: Path) -> None:
    figures = read_tensors(folder / "judge.safetensors")[1]["summary"]
    assert figures["blocks_off"] < 0.9 * figures["blocks_off_by_mean"] and figures["plays"] == 20


def test_a_dream_pays_by_what_its_judge_says() -> None:
    actions = torch.zeros(2, 25)
    explore = DreamTask("explore")
    explore.begin(0.0)
    paid = [explore.score(verdicts([9.0, 0.0], [9.0, 1.0], [0, 0]), 1, actions)[0] for _ in range(7)]
    assert paid == [0, 1, 0, 0, 0, 1, 0], "a block a chunk, squares of four"
    chop = DreamTask("treechop")
    chop.begin(0.0)
    assert [chop.score(verdicts([0], [0], [chance]), 0, actions) for chance in (0.2, 0.9)] == [(0, False), (1, False)]
    assert [chop.score(verdicts([0], [0], [0.9]), 0, actions)[1] for _ in range(7)] == [False] * 6 + [True] and chop.over
    navigate, turning = DreamTask("navigate"), actions.clone()
    navigate.begin(30.0)
    turning[:, -1] = 15.0
    assert navigate.score(verdicts([0], [0], [0]), 0, turning) == (0, False)
    assert navigate.score(verdicts([0], [10.0], [0]), 0, actions) == (pytest.approx(10.0), False), "straight to the beacon"
    aside = navigate.fork()
    assert navigate.score(verdicts([0], [19.0], [0]), 0, actions) == (pytest.approx(39.0), True)
    assert aside.task.score(Facts(*(10 * part for part in (math.sin(math.pi / 6), math.cos(math.pi / 6))))) == (0, False)


# MineRL's camera is in degrees, and the checker would rather see actions in [-1, 1].
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized space.*:UserWarning")
@pytest.mark.parametrize("name", TASKS)
def test_gymnasium_approves(name: str, folder: Path) -> None:
    check_env(dream(folder, name))


def test_rewards_go_on_exactly_and_alike_in_a_vector(folder: Path) -> None:
    env = dream(folder, "navigate")
    env.reset(seed=5, options={"bearing": 20.0})
    env.step(RUN)
    state = env.save_state()
    values, arrays = env.pack_state(state)
    first = [env.step(RUN)[1] for _ in range(4)]
    assert sum(first) > 0
    env.load_state(env.unpack_state(json.loads(json.dumps(values)), arrays))
    assert [env.step(RUN)[1] for _ in range(4)] == first
    vector = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=2, world=str(folder), num_steps=1, task="navigate")
    envs = vector.unwrapped
    envs.reset(seed=[5, 6], options={"bearing": 20.0})
    both = {name: np.array([value] * 2) for name, value in RUN.items()}
    envs.step(both)
    kept = envs.save_state()
    together = [envs.step(both)[1][0] for _ in range(4)]
    assert together == pytest.approx(first, abs=1e-3)
    envs.load_state(kept)
    assert [envs.step(both)[1][0] for _ in range(4)] == together


def test_a_task_ends_in_a_dream(folder: Path) -> None:
    env = dream(folder, "navigate")
    env.reset(seed=1)
    env._task.track.ahead = 28.5
    over = False
    for _ in range(30):
        _, reward, over, truncated, _ = env.step(RUN)
        if over:
            break
    assert over and reward > 20 and not truncated
    with pytest.raises(ValueError, match=r"task of this dream is over; call reset"):
        env.step(RUN)
    assert env.reset(seed=1)[0]["pov"].shape == (HEIGHT, WIDTH, 3) and not env.step(RUN)[2]


def test_precision_is_high_where_scores_tell_events() -> None:
    events = np.array([True, False, True, False])
    assert average_precision(np.array([0.9, 0.1, 0.8, 0.2]), events) == 1
    assert average_precision(np.array([0.0, 0.0, 0.0, 0.0]), events) == 0.5
    assert average_precision(np.array([0.1, 0.9, 0.2, 0.8]), events) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert math.isnan(average_precision(np.zeros(2), np.zeros(2, bool)))


def test_rewards_of_a_dream_are_measured_against_the_game(folder: Path) -> None:
    player = Dream(str(folder), num_steps=1)
    assert player.judge is not None
    figures = rewarding(player, player.judge, num_clips=2, seconds=2)
    assert figures and {"dream", "seen", "share", "seconds"} == set(next(iter(figures.values())))
    assert all(0 < row["share"] <= 1 and 0 < row["dream"] <= 1 for row in figures.values())


def test_what_cannot_be_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="task is 'fly'; in a dream it must be one of treechop, navigate, explore"):
        dream(folder, "fly")
    with pytest.raises(ValueError, match=r"has no judge.safetensors; make one: simworld train judge world="):
        dream(write_tiny_world(tmp_path / "other"), "explore")
    with pytest.raises(ValueError, match="bearing is 'left'"):
        dream(folder, "navigate").reset(seed=1, options={"bearing": "left"})
    explore = dream(folder, "explore")
    explore.reset(seed=1)
    with pytest.raises(ValueError, match="of a dream with task explore; this one's is navigate"):
        dream(folder, "navigate").unpack_state(*explore.pack_state(explore.save_state()))
    tensors, header = read_tensors(folder / "judge.safetensors")
    write_tensors(tmp_path / "kind", tensors, {**header, "kind": "heads"})
    with pytest.raises(ValueError, match="kind: holds 'heads'"):
        load_judge(tmp_path / "kind")
    write_tensors(tmp_path / "shape", {**tensors, "log.bias": torch.zeros(3)}, header)
    with pytest.raises(ValueError, match="do not fit its own config"):
        load_judge(tmp_path / "shape")


def test_who_darts_about_flies_on() -> None:
    """Players that the judge learns from leap and let go as beginners do: the game carries them on."""
    play = play_task("navigate", 5, 121, 24, 40, darts=1.0)
    keys = play.actions[:, [SLOT[key] for key in ("forward", "back", "left", "right", "jump")]]
    idle = ~keys.any(1)
    idle[1:] &= keys[:-1].any(1)  # just let go
    assert idle.sum() >= 5 and np.linalg.norm(play.moved[idle], axis=1).mean() > 0.05


def test_going_on_from_another_judge_keeps_what_it_knew(folder: Path, tmp_path: Path) -> None:
    known = load_judge(folder / "judge.safetensors")
    again = JudgeTraining(
        world=str(folder), init=str(folder / "judge.safetensors"),
        out=str(tmp_path / "judge.safetensors"),
        num_plays=2, num_frames=17, batch_plays=2, steps=20, learning_rate=1e-9, decay=0.0,
    )  # fmt: skip
    new = train(again)
    assert torch.allclose(new.moved.weight, known.moved.weight, atol=1e-3) and new.config.least == known.config.least
    other = load_judge(folder / "judge.safetensors")
    other.config.narrow += 1
    with pytest.raises(ValueError, match=r"init: .* is of another world"):
        save_judge(tmp_path / "other.safetensors", Judge(other.config), {})
        train(replace(again, init=str(tmp_path / "other.safetensors")))
