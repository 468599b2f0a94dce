"""Does what an agent learns inside a dream work outside? Trains policies only in the dream, and scores them in the game.

    python docs/examples/train_in_dream.py --task navigate --out navigate.json

Beside them are scored a random player, the game's bot, and the same learner trained in the game for as many steps. All are
scored on the same evaluation seeds (1,000,000 and up), which nothing was trained on. A step is a chunk: 2 frames, 0.1 s.

The learner is fitted Q iteration (Ernst et al. 2005) with values linear in what is seen from afar: the mean colours, in
opponent colours, of ten columns of the picture. What holds to the left is taken to hold to the right. It learns from a
thousand steps.
"""

import argparse
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

from simworld.actions import from_vector
from simworld.env.voxel.bot import Bot
from simworld.env.wrappers import discrete

MOVES: tuple[dict[str, Any], ...] = (
    {},
    {"back": 1},
    {"camera": (0.0, -5.0)},
    {"camera": (0.0, 5.0)},
    {"forward": 1, "sprint": 1, "jump": 1},
    {"forward": 1, "sprint": 1, "jump": 1, "camera": (0.0, -4.0)},
    {"forward": 1, "sprint": 1, "jump": 1, "camera": (0.0, 4.0)},
)
"""What agents choose among."""
MIRRORED = [0, 1, 3, 2, 4, 6, 5]
"""Which move each is in a mirror."""
COLUMNS = 10
"""Of the picture's upper two thirds: at the bottom are the ground and the player's own hand."""
FEATURES = 3 * COLUMNS + 1
GAME_SIZE = {"height": 48, "width": 80}
"""The game is drawn at half the dream's size, which is quicker and does not change mean colours."""
FIRST_SEED = 1_000_000
GAMES = {"navigate": "simworld/VoxelNavigate-v0", "explore": "simworld/VoxelExplore-v0"}


@dataclass(frozen=True)
class Plan:
    """Round after round `num_envs` worlds play `length` steps, in which so many moves are drawn at random as `chances` says,
    the others by what was learned before. Then all is learned anew. `discount`: of what is earned a step later. `ridge`: how
    strongly weights are held to 0. `most`: what is earned in a step counts for no more while learning. `play`: steps that
    are scored."""

    task: str
    num_envs: int = 8
    length: int = 40
    chances: tuple[float, ...] = (1.0, 0.4, 0.3)
    discount: float = 0.9
    ridge: float = 30.0
    most: float = 2.0
    passes: int = 40
    play: int = 60

    @property
    def steps(self) -> int:
        """That it learns from."""
        return self.num_envs * self.length * len(self.chances)


@dataclass(frozen=True)
class Steps:
    """views, after: float [n, FEATURES], before and after a step. moves: int [n]. rewards: float [n]. over: bool [n]."""

    views: np.ndarray
    moves: np.ndarray
    rewards: np.ndarray
    after: np.ndarray
    over: np.ndarray


def seen(pictures: np.ndarray) -> np.ndarray:
    """What is seen of pictures uint8 [n, h, w, 3]: float [n, FEATURES], the last of them 1."""
    n, h, w, _ = pictures.shape
    upper = pictures[:, : 2 * h // 3, : w // COLUMNS * COLUMNS].astype(np.float32) / 255
    red, green, blue = np.moveaxis(upper.reshape(n, -1, COLUMNS, w // COLUMNS, 3).mean((1, 3)), -1, 0)
    opponent = [red + green + blue - 1.5, 6 * (red - green), 2 * (red + green - 2 * blue)]
    return np.concatenate([*opponent, np.ones((n, 1))], 1)


def mirrored(views: np.ndarray) -> np.ndarray:
    """The same, seen in a mirror."""
    colors, one = views[:, :-1].reshape(-1, 3, COLUMNS), views[:, -1:]
    return np.concatenate([colors[..., ::-1].reshape(len(views), -1), one], 1)


class Policy:
    """`worth` float [moves, FEATURES]: of what is seen, for each move."""

    def __init__(self) -> None:
        self.worth = np.zeros((len(MOVES), FEATURES))

    def choose(self, pictures: np.ndarray) -> np.ndarray:
        """The best move for each picture."""
        return (seen(pictures) @ self.worth.T).argmax(1)

    def learn(self, steps: Steps, plan: Plan) -> None:
        """Fitted Q iteration over all steps so far."""
        views, after = (np.concatenate([part, mirrored(part)]) for part in (steps.views, steps.after))
        moves = np.concatenate([steps.moves, np.array(MIRRORED)[steps.moves]])
        rewards, over = np.tile(np.minimum(steps.rewards, plan.most), 2), np.tile(steps.over, 2)
        held = plan.ridge * np.eye(FEATURES)
        held[-1, -1] = 1e-3
        solve = []
        for move in range(len(MOVES)):
            some = views[moves == move]
            solve.append(np.linalg.solve(some.T @ some + held, some.T))
        self.worth = np.zeros_like(self.worth)
        for _ in range(plan.passes):
            target = rewards + plan.discount * ~over * (after @ self.worth.T).max(1)
            self.worth = np.stack([part @ target[moves == move] for move, part in enumerate(solve)])


def make(task: str, num_envs: int, dream: bool, world: str = "small") -> VectorEnv:
    """Dreams or games of a task, one step of either being 2 frames."""
    if dream:
        envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=num_envs, world=world, num_steps=1, task=task)
    else:
        envs = gymnasium.make_vec(f"simworld:{GAMES[task]}", num_envs=num_envs, frame_skip=2, **GAME_SIZE)
    return discrete(envs, MOVES)


def train(plan: Plan, envs: VectorEnv, seed: int) -> Policy:
    """A policy that has learned from `plan.steps` steps in `envs`, in worlds of training seeds."""
    dice, policy = np.random.default_rng(seed), Policy()
    rows: list[tuple[np.ndarray, ...]] = []
    for chance in plan.chances:
        seeds = [int(one) for one in dice.integers(FIRST_SEED, size=plan.num_envs)]
        pictures, alive = envs.reset(seed=seeds)[0]["pov"], np.ones(plan.num_envs, bool)
        for _ in range(plan.length):
            random = dice.integers(len(MOVES), size=plan.num_envs)
            moves = np.where(dice.random(plan.num_envs) < chance, random, policy.choose(pictures))
            observations, rewards, over, _, _ = envs.step(moves)
            after = observations["pov"]
            rows.append(tuple(part[alive] for part in (seen(pictures), moves, rewards, seen(after), over)))
            alive &= ~over  # who is done waits for the others
            pictures = after
        policy.learn(Steps(*(np.concatenate(part) for part in zip(*rows, strict=True))), plan)
    return policy


def score(envs: VectorEnv, length: int, choose: Any) -> np.ndarray:
    """What is earned in the game in the first `length` steps on evaluation seeds, one of each env: float [n]."""
    observations, _ = envs.reset(seed=FIRST_SEED)
    pictures, alive, total = observations["pov"], np.ones(envs.num_envs, bool), np.zeros(envs.num_envs)
    for _ in range(length):
        observations, rewards, over, _, _ = envs.step(choose(pictures))
        pictures = observations["pov"]
        total += rewards * alive
        alive &= ~over
    return total


def score_bot(envs: VectorEnv, length: int) -> np.ndarray:
    """The same for the game's own bot, which plays without any task, and acts anew in every frame, as it is made to."""
    games = envs.unwrapped.envs  # type: ignore[attr-defined]
    totals = []
    for number, env in enumerate(games):
        env.reset(seed=FIRST_SEED + number)
        bot, total, num_frames, env.frame_skip = Bot(FIRST_SEED + number), 0.0, length * env.frame_skip, 1
        for _ in range(num_frames):
            _, reward, over, _, _ = env.step(from_vector(bot.act(env.game)))
            total += reward
            if over:
                break
        env.frame_skip = num_frames // length
        totals.append(total)
    return np.array(totals)


def interval(values: np.ndarray, dice: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap interval of the mean over the first axis."""
    draws = values[dice.integers(len(values), size=(4000, len(values)))].mean(1)
    return float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def compare(plan: Plan, num_seeds: int, num_episodes: int, world: str, out: Path | None) -> dict[str, Any]:
    """All scores in the game, [seeds, episodes] of each kind of player, and what they come to. What `out` holds already is not
    done again."""
    known: dict[str, Any] = json.loads(out.read_text()) if out and out.exists() else {}
    plays: dict[str, list[list[float]]] = known.get("plays", {})
    games = make(plan.task, num_episodes, dream=False)
    worlds = {name: make(plan.task, plan.num_envs, name == "dream", world) for name in ("dream", "game")}
    dice = np.random.default_rng(0)
    if "bot" not in plays:
        aimless = [score(games, plan.play, lambda seen: dice.integers(len(MOVES), size=len(seen))) for _ in range(4)]
        plays["random"] = [one.tolist() for one in aimless]
        plays["bot"] = [score_bot(games, plan.play).tolist()]
    for seed in range(num_seeds):
        for name, envs in worlds.items():
            if len(plays.setdefault(name, [])) > seed:
                continue
            began = time.process_time()
            policy = train(plan, envs, seed)
            took = time.process_time() - began
            plays[name].append(score(games, plan.play, policy.choose).tolist())
            print(f"{plan.task}: trained in the {name}, seed {seed}, {took:.0f} s: {np.mean(plays[name][-1]):.2f}", flush=True)
            known = {"plan": asdict(plan), "plays": plays}
            if out:
                out.write_text(json.dumps(known) + "\n")
    return {**known, **summary({name: np.array(rows) for name, rows in plays.items()})}


def summary(scores: dict[str, np.ndarray]) -> dict[str, Any]:
    """Means with 95 % intervals over training seeds (over episodes, for who does not learn), and how much of what the game
    teaches the dream teaches."""
    numbers = np.random.default_rng(0)
    told: dict[str, Any] = {}
    for name, rows in scores.items():
        each = rows.mean(1) if name in ("dream", "game") else rows.mean(0)
        told[name] = {"mean": float(rows.mean()), "interval": interval(each, numbers), "seeds": rows.mean(1).tolist()}
    floor = scores["random"].mean()
    draws = []
    for _ in range(4000):
        means = [rows.mean(1)[numbers.integers(len(rows), size=len(rows))].mean() for rows in (scores["dream"], scores["game"])]
        if means[1] != floor:
            draws.append((means[0] - floor) / (means[1] - floor))
    learned = scores["game"].mean() - floor
    share = (scores["dream"].mean() - floor) / learned if learned else math.nan  # the game itself taught nothing
    told["share"] = {"mean": float(share), "interval": [float(np.quantile(draws or [math.nan], q)) for q in (0.025, 0.975)]}
    return told


def main() -> None:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=GAMES, default="navigate")
    parser.add_argument("--seeds", type=int, default=5, help="policies trained in each")
    parser.add_argument("--episodes", type=int, default=16, help="evaluation seeds that each is scored on")
    parser.add_argument("--world", default="small")
    parser.add_argument("--out", metavar="FILE", help="keeps what was found, and goes on there")
    options = parser.parse_args()
    out = Path(options.out) if options.out else None
    found = compare(Plan(options.task), options.seeds, options.episodes, options.world, out)
    for name in ("random", "bot", "game", "dream", "share"):
        print(f"{name:>7} {found[name]['mean']:6.2f}  [{found[name]['interval'][0]:.2f}, {found[name]['interval'][1]:.2f}]")
    if out:
        out.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
