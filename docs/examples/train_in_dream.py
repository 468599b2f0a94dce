"""Does what an agent learns inside a dream work outside? Trains policies only in the dream, and scores them in the game.

    python docs/examples/train_in_dream.py --task navigate --out navigate.json

Beside them are scored a random player, the game's bot, and the same learner trained in the game for as many steps. All are
scored on the same evaluation seeds (1,000,000 and up), which nothing was trained on. A step is a chunk: 2 frames, 0.1 s.

The learner is proximal policy optimisation (Schulman et al. 2017) of a linear policy on what is seen from afar: the mean
colours, in opponent colours, of ten columns of the picture. It is small enough to learn from little more than a thousand steps.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
import torch.nn.functional as F
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
COLUMNS = 10
"""Of the picture's upper two thirds: at the bottom are the ground and the player's own hand."""
FIRST_SEED = 1_000_000
GAMES = {"navigate": "simworld/VoxelNavigate-v0", "explore": "simworld/VoxelExplore-v0"}


@dataclass(frozen=True)
class Plan:
    """`num_envs` worlds play episodes of `length` steps; every `stretch` steps the policy learns, in `epochs` passes."""

    task: str
    steps: int
    num_envs: int = 8
    length: int = 60
    stretch: int = 20
    epochs: int = 6
    rate: float = 0.02
    discount: float = 0.9
    trace: float = 0.9
    clip: float = 0.2
    curiosity: float = 0.01


def seen(pictures: np.ndarray) -> torch.Tensor:
    """What the policy sees of pictures uint8 [n, h, w, 3]: float [n, features], the last of them constant."""
    upper = torch.from_numpy(pictures[:, : 2 * pictures.shape[1] // 3]).float() / 255
    red, green, blue = upper.unflatten(2, (COLUMNS, -1)).mean((1, 3)).unbind(-1)
    opponent = torch.cat([red + green + blue - 1.5, 6 * (red - green), 2 * (red + green - 2 * blue)], 1)
    return torch.cat([opponent, torch.ones(len(pictures), 1)], 1)


class Policy(torch.nn.Module):
    """Linear: chances of each of MOVES, and what is still to be earned."""

    def __init__(self) -> None:
        super().__init__()
        size = 3 * COLUMNS + 1
        self.moves = torch.nn.Linear(size, len(MOVES), bias=False)
        self.worth = torch.nn.Linear(size, 1, bias=False)
        for layer in (self.moves, self.worth):
            torch.nn.init.zeros_(layer.weight)

    @torch.no_grad()
    def choose(self, pictures: np.ndarray, dice: torch.Generator | None = None) -> np.ndarray:
        """A move for each picture, drawn by dice; without them, the likeliest."""
        odds = self.moves(seen(pictures))
        return (odds.argmax(1) if dice is None else torch.multinomial(F.softmax(odds, 1), 1, generator=dice)[:, 0]).numpy()


def make(task: str, num_envs: int, dream: bool, world: str = "small") -> VectorEnv:
    """Dreams or games of a task, one step of either being 2 frames."""
    if dream:
        envs = gymnasium.make_vec("simworld:simworld/World-v0", num_envs=num_envs, world=world, num_steps=1, task=task)
    else:
        envs = gymnasium.make_vec(f"simworld:{GAMES[task]}", num_envs=num_envs, frame_skip=2)
    return discrete(envs, MOVES)


def train(plan: Plan, envs: VectorEnv, seed: int) -> Policy:
    """A policy that has learned from `plan.steps` steps in `envs`, in worlds of training seeds."""
    torch.manual_seed(seed)
    dice, numbers = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    policy = Policy()
    optimizer = torch.optim.Adam(policy.parameters(), plan.rate)
    scale = 1.0
    for begun in range(0, plan.steps, plan.num_envs * plan.length):
        pictures = envs.reset(seed=[int(one) for one in numbers.integers(FIRST_SEED, size=plan.num_envs)])[0]["pov"]
        alive = np.ones(plan.num_envs, bool)
        for _ in range(min(plan.length, (plan.steps - begun) // plan.num_envs) // plan.stretch):
            views, moves, rewards, counted, ended = [], [], [], [], []
            for _ in range(plan.stretch):
                views.append(seen(pictures))
                moves.append(policy.choose(pictures, dice))
                observations, reward, over, _, _ = envs.step(moves[-1])
                pictures = observations["pov"]
                rewards.append(reward)
                counted.append(alive)
                ended.append(over)
                alive = alive & ~over  # who is done waits for the others
            views.append(seen(pictures))
            earned = torch.tensor(np.array(rewards), dtype=torch.float32)
            scale = max(scale, float(earned.std()))
            learn(plan, policy, optimizer, torch.stack(views), torch.tensor(np.array(moves)), earned / scale,
                  torch.tensor(np.array(counted)), torch.tensor(np.array(ended)))  # fmt: skip
    return policy


def learn(
    plan: Plan,
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    views: torch.Tensor,
    moves: torch.Tensor,
    rewards: torch.Tensor,
    counted: torch.Tensor,
    ended: torch.Tensor,
) -> None:
    """Some epochs of PPO on one stretch: views [t + 1, n, features], the rest [t, n]."""
    with torch.no_grad():
        worth = policy.worth(views)[..., 0]
        before = F.log_softmax(policy.moves(views[:-1]), -1).gather(-1, moves[..., None])[..., 0]
    gain, gains = torch.zeros_like(rewards[0]), torch.zeros_like(rewards)
    for t in reversed(range(len(rewards))):
        onward = (~ended[t]).float()
        surprise = rewards[t] + plan.discount * onward * worth[t + 1] - worth[t]
        gain = surprise + plan.discount * plan.trace * onward * gain
        gains[t] = gain
    target = (gains + worth[:-1])[counted]
    views, moves, before, gains = views[:-1][counted], moves[counted], before[counted], gains[counted]
    gains = (gains - gains.mean()) / (gains.std() + 1e-6)
    for _ in range(plan.epochs):
        chances = F.log_softmax(policy.moves(views), -1)
        ratio = (chances.gather(-1, moves[:, None])[:, 0] - before).exp()
        better = torch.minimum(ratio * gains, ratio.clamp(1 - plan.clip, 1 + plan.clip) * gains).mean()
        spread = -(chances.exp() * chances).sum(1).mean()
        loss = F.mse_loss(policy.worth(views)[:, 0], target) - better - plan.curiosity * spread
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


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
    """The same for the game's own bot, which plays without any task."""
    games = envs.unwrapped.envs  # type: ignore[attr-defined]
    totals = []
    for number, env in enumerate(games):
        env.reset(seed=FIRST_SEED + number)
        bot, total, over = Bot(FIRST_SEED + number), 0.0, False
        for _ in range(length):
            # A step holds one action for two frames, as every agent's does.
            _, reward, over, _, _ = env.step(from_vector(bot.act(env.game)))
            total += reward
            if over:
                break
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
    dice = torch.Generator().manual_seed(0)
    if "bot" not in plays:
        untaught = Policy()
        plays["random"] = [score(games, plan.length, lambda seen: untaught.choose(seen, dice)).tolist() for _ in range(2)]
        plays["bot"] = [score_bot(games, plan.length).tolist()]
    for seed in range(num_seeds):
        for name, envs in worlds.items():
            if len(plays.setdefault(name, [])) > seed:
                continue
            began = time.process_time()
            policy = train(plan, envs, seed)
            took = time.process_time() - began
            plays[name].append(score(games, plan.length, policy.choose).tolist())
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
        draws.append((means[0] - floor) / (means[1] - floor))
    share = (scores["dream"].mean() - floor) / (scores["game"].mean() - floor)
    told["share"] = {"mean": float(share), "interval": [float(np.quantile(draws, q)) for q in (0.025, 0.975)]}
    return told


def main() -> None:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=GAMES, default="navigate")
    parser.add_argument("--steps", type=int, default=1440, help="of training, in the dream or in the game")
    parser.add_argument("--seeds", type=int, default=5, help="policies trained in each")
    parser.add_argument("--episodes", type=int, default=16, help="evaluation seeds that each is scored on")
    parser.add_argument("--world", default="small")
    parser.add_argument("--out", metavar="FILE", help="keeps what was found, and goes on there")
    options = parser.parse_args()
    out = Path(options.out) if options.out else None
    found = compare(Plan(options.task, options.steps), options.seeds, options.episodes, options.world, out)
    for name in ("random", "bot", "game", "dream", "share"):
        print(f"{name:>7} {found[name]['mean']:6.2f}  [{found[name]['interval'][0]:.2f}, {found[name]['interval'][1]:.2f}]")
    if out:
        out.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
