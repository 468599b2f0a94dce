"""Play of tasks in the reference game, with the truth about it: what a judge learns from, and is measured against.

Players who are after the task's reward play it from its beginning. Training seeds below 1,000,000, evaluation seeds from there
on. Knows games only by name.
"""

import copy
from dataclasses import dataclass

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA
from simworld.tasks import TASKS, Facts, Task, Track, turned
from simworld.training.stream import load

ENV = "simworld.env.voxel.voxel_env:VoxelEnv"
SEEKER = "simworld.env.voxel.seeker:Seeker"


@dataclass(frozen=True)
class TaskPlay:
    """One play. frames: uint8 [t, h, w, 3]. actions: float32 [t - 1, 25]. moved: float32 [t - 1, 2], blocks (aside, onward) as
    seen half way through the action's turn. log: bool [t - 1], whether a log broke. rewards: float32 [t - 1], true ones, and
    over: bool [t - 1]; after the end nothing is paid. task, track: as the first frame found them. caption: of that frame.
    ended: whether the task was over before."""

    frames: np.ndarray
    actions: np.ndarray
    moved: np.ndarray
    log: np.ndarray
    rewards: np.ndarray
    over: np.ndarray
    task: Task
    track: Track
    caption: str
    ended: bool


def play_task(
    name: str, seed: int, num_frames: int, height: int, width: int, unseen: int = 0, darts: float | None = None
) -> TaskPlay:
    """Play a task in the world of a seed, the first `unseen` steps before the first frame; who is done plays on, unpaid. darts:
    how often the player darts about rather than going after the reward, where not as usual.
    ValueError for a task that there is not."""
    if name not in TASKS:
        raise ValueError(f"task is {name!r}; it must be one of {', '.join(TASKS)}")
    env = load(ENV)(height, width, task=name)
    env.reset(seed=seed)
    game, stage = env.game, env.stage
    player = load(SEEKER)(seed, stage) if darts is None else load(SEEKER)(seed, stage, darts)
    heading, ended = 0.0, False
    for _ in range(unseen):
        action = player.act(game)
        game.step(action)
        heading += float(action[CAMERA][1])
        ended = ended or stage.score(game)[1]
    begun = stage.facts(game)
    task, track = copy.deepcopy(stage.task), Track(begun.right, begun.ahead, heading)
    caption = game.caption(np.random.default_rng(seed))
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    actions = np.empty((num_frames - 1, ACTION_SIZE), np.float32)
    told: list[tuple[Facts, float, bool]] = [(begun, 0.0, ended)]
    for t in range(num_frames):
        frames[t] = game.render()
        if t < num_frames - 1:
            actions[t] = player.act(game)
            game.step(actions[t])
            reward, over = (0.0, False) if any(each[2] for each in told) else stage.score(game)
            told.append((stage.facts(game), reward, over))
    places = np.array([[facts.right, facts.ahead] for facts, _, _ in told])
    headings = heading + np.cumsum(actions[:, CAMERA][:, 1]) - actions[:, CAMERA][:, 1] / 2
    steps = zip(np.diff(places, axis=0), headings, strict=True)
    moved = [turned(float(step[0]), float(step[1]), -float(each)) for step, each in steps]
    return TaskPlay(
        frames,
        actions,
        np.array(moved, np.float32),
        np.array([facts.log for facts, _, _ in told[1:]]),
        np.array([reward for _, reward, _ in told[1:]], np.float32),
        np.array([over for _, _, over in told[1:]]),
        task,
        track,
        caption,
        ended,
    )
