"""How well a world tells what tasks pay: the judge's rewards and endings in a dream, against the game's under the same actions.

Players who are after each task's reward play it in the game, on evaluation seeds. The dream is shown the first frames, and
goes on under the same actions. Rewards and endings are told second by second: a second counts as rewarded where 1 or more
was earned.
"""

import copy
import itertools
from dataclasses import replace

import numpy as np
import torch

from simworld.actions import CAMERA
from simworld.frames import FPS
from simworld.model.judge import Judge, Verdict
from simworld.tasks import TASKS, Facts
from simworld.training.metrics import average_precision
from simworld.training.players import Dream
from simworld.training.task_play import TaskPlay, play_task
from simworld.training.train_judge import follow, true_chunks
from simworld.training.truth import FIRST_SEED

FIRST = FIRST_SEED + 600_000
"""Evaluation seeds of these plays, apart from those that anything else is measured on."""
UNSEEN = {"navigate": 60}
"""So many steps are played before the dream begins, lest no beacon be reached in its time."""
NUM_TELLINGS = 32
SPREAD = 0.1
"""A judge's way is told often, each time longer or shorter by about so much: how often a telling pays is the score by which
rewards are found."""


def rewarding(player: Dream, judge: Judge, num_clips: int, seconds: int = 6) -> dict[str, dict[str, float]]:
    """Average precision of rewards and of endings of each task in which there were any: `dream`; `seen`, the same judge on the
    game's own frames, its ceiling; `share`, that of the seconds with an event, its floor; and how many `seconds` there were."""
    r, per_second = player.stride, FPS // player.stride
    num_shown = (player.known - 1) // r
    num_chunks = num_shown + seconds * per_second
    found: dict[str, dict[str, float]] = {}
    for name in TASKS:
        length, unseen = 1 + r * num_chunks, UNSEEN.get(name, 0)
        any_plays = (play_task(name, seed, length, *player.size, unseen) for seed in itertools.count(FIRST))
        plays = list(itertools.islice((play for play in any_plays if not play.ended), num_clips))
        true = [
            _by_second(play.rewards.reshape(-1, r).sum(1), np.asarray(play.over.reshape(-1, r).any(1)), num_shown, seconds)
            for play in plays
        ]
        told = {}
        for kind, shown in (("dream", num_shown), ("seen", num_chunks)):
            with torch.inference_mode():
                verdicts = [judge.verdict(seen) for seen in follow(player.net, plays, shown, player.num_steps)]
            told[kind] = [_told(play, number, verdicts, num_shown, seconds) for number, play in enumerate(plays)]
        for place, (what, least) in enumerate((("reward", 1.0), ("ending", 0.5))):
            # Once it is over, nothing is told.
            counted = np.concatenate([np.cumsum(over) - over < 1 for _, over in true])
            events = np.concatenate([one[place] >= least for one in true])[counted]
            if events.any():
                scores = {kind: np.concatenate([one[place] for one in ones])[counted] for kind, ones in told.items()}
                found[f"{name}_{what}"] = {
                    **{kind: round(average_precision(score, events), 3) for kind, score in scores.items()},
                    "share": round(float(events.mean()), 3),
                    "seconds": len(events),
                }
    return found


def _told(
    play: TaskPlay, number: int, verdicts: list[Verdict], num_shown: int, seconds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reward and ending of each second after those shown, the mean over tellings; what was shown is known."""
    dice, r = np.random.default_rng(number), len(play.actions) // len(verdicts)
    moved, log = true_chunks(play, r)
    turns = play.actions[:, CAMERA][:, 1].reshape(-1, r).sum(1)
    guessed = np.array([[float(verdict.aside[number]), float(verdict.onward[number])] for verdict in verdicts])
    chances = np.array([float(verdict.log[number]) for verdict in verdicts])
    told = []
    for _ in range(NUM_TELLINGS):
        way = np.concatenate([moved[:num_shown], guessed[num_shown:] * (1 + SPREAD * dice.standard_normal())])
        broke = np.concatenate([log[:num_shown], dice.random(len(chances) - num_shown) < chances[num_shown:]])
        told.append(_by_second(*tell(play, way, turns, broke), num_shown, seconds))
    rewards, over = zip(*told, strict=True)
    return np.mean(rewards, 0), np.mean(over, 0)


def tell(play: TaskPlay, moved: np.ndarray, turns: np.ndarray, broke: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a play's task pays chunk by chunk, float [n], and where it is over, bool [n], for a way [n, 2] with turns [n], and
    for logs broken [n]."""
    task, track = copy.deepcopy(play.task), replace(play.track)
    rewards, over = np.zeros(len(turns)), np.zeros(len(turns), bool)
    for chunk, (step, turn, log) in enumerate(zip(moved, turns, broke, strict=True)):
        track.go(float(step[0]), float(step[1]), float(turn))
        rewards[chunk], over[chunk] = task.score(Facts(track.right, track.ahead, bool(log)))
        if over[chunk]:
            break
    return rewards, over


def _by_second(rewards: np.ndarray, over: np.ndarray, num_shown: int, num_seconds: int) -> tuple[np.ndarray, np.ndarray]:
    """Rewards summed, and 1 where it ended, second by second of the chunks after those shown."""
    seconds = (part[num_shown:].reshape(num_seconds, -1) for part in (rewards, over))
    earned, ended = seconds
    return earned.sum(1), ended.any(1).astype(float)
