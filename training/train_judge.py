"""Trains a world's judge on play of tasks in the reference game: what the world makes of each latent, and what was true.

    simworld train judge world=runs/small/world

The world goes along with the first part of each play, and dreams the rest under the same actions, for it is dreams that are to
be judged. The last tenth of the plays is kept aside to be judged on.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from tqdm import tqdm

from simworld.actions import CAMERA
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.judge import Evidence, Judge, JudgeConfig, evidence, load_judge, save_judge
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.model.world import World
from simworld.tasks import turned
from simworld.training.metrics import average_precision
from simworld.training.task_play import TaskPlay, play_task

HELD_OUT = 0.1
FEW = 5
"""Fewer broken logs than this do not tell from which chance on one is held to have broken; who goes on from a judge keeps its
own."""
KINDS = ("treechop", "treechop", "navigate", "explore")
"""What is played in turn: breaking a log is rarer than walking."""


@dataclass(kw_only=True)
class JudgeTraining:
    """`world`: a name or folder, into which the judge goes unless `out` is another file. `num_plays` plays of `num_frames` are
    gone through, `batch_plays` at once, the last `dreamt` share of each in a dream; then `steps` steps of `batch_size` moments.
    `darts`: how often players dart about as those do who have not learned anything yet, and are to be judged all the same.
    `decay`: of the weights, against learning by heart. `init`: a file of a judge of the same world to go on from."""

    world: str = "small"
    out: str = ""
    num_plays: int = 160
    num_frames: int = 65
    dreamt: float = 0.5
    darts: float = 0.5
    batch_plays: int = 8
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 1e-3
    decay: float = 0.5
    init: str = ""
    device: str = "cpu"
    seed: int = 0


@dataclass
class Moments:
    """Evidence and truth of chunks, play after play, `each` of a play."""

    seen: Evidence
    moved: Float[Tensor, "n 2"]
    log: Bool[Tensor, " n"]
    each: int

    def pick(self, index: Tensor) -> tuple[Evidence, Tensor, Tensor]:
        seen = replace(self.seen, **{name: part[index].float() for name, part in vars(self.seen).items()})
        return seen, self.moved[index], self.log[index]


def follow(world: World, plays: list[TaskPlay], num_shown: int, num_steps: int = 1) -> Iterator[Evidence]:
    """What there is to judge by, chunk by chunk, of plays that the world sees for `num_shown` chunks and then dreams."""
    r, device = world.config.autoencoder.time_stride, world.device
    frames = torch.from_numpy(np.stack([play.frames for play in plays])).to(device)
    actions = torch.from_numpy(np.stack([play.actions for play in plays])).to(device)
    context = sampler.start(world, [play.caption for play in plays], list(range(len(plays))))
    sampler.append_frames(world, context, frames[:, :1], actions[:, :0])
    before = frames[:, 0]
    for number, led in enumerate(actions.split(r, 1)):
        if number < num_shown:
            shown = frames[:, 1 + r * number : 1 + r * (number + 1)]
            sampler.append_frames(world, context, shown, led)
        else:
            shown = sampler.extend(world, context, led, num_steps)
        yield evidence(world, context, before, shown[:, -1])
        before = shown[:, -1]


def true_chunks(play: TaskPlay, r: int) -> tuple[np.ndarray, np.ndarray]:
    """How far the player came in each chunk of r frames, float32 [n, 2], and whether a log broke, bool [n]."""
    turns = play.actions[:, CAMERA][:, 1].reshape(-1, r)
    # From the middle of each action's turn to the middle of the chunk's.
    off = turns.cumsum(1) - turns / 2 - turns.sum(1, keepdims=True) / 2
    steps = zip(play.moved, off.ravel(), strict=True)
    moved = [turned(float(step[0]), float(step[1]), float(by)) for step, by in steps]
    return np.array(moved, np.float32).reshape(-1, r, 2).sum(1), np.asarray(play.log.reshape(-1, r).any(1))


@torch.inference_mode()
def moments(world: World, config: JudgeTraining) -> Moments:
    """Play, and go along."""
    r, size = world.config.autoencoder.time_stride, (world.config.height, world.config.width)
    num_chunks = (config.num_frames - 1) // r
    num_shown = round(num_chunks * (1 - config.dreamt))
    found: list[Evidence] = []
    truth: list[tuple[np.ndarray, np.ndarray]] = []
    for first in tqdm(range(0, config.num_plays, config.batch_plays), desc="going along", mininterval=5):
        numbers = range(first, min(first + config.batch_plays, config.num_plays))
        plays = [
            play_task(
                KINDS[number % len(KINDS)],
                config.seed * config.num_plays + number,
                1 + r * num_chunks,
                *size,
                darts=config.darts,
            )
            for number in numbers
        ]
        chunks = list(follow(world, plays, num_shown))
        names = ("tokens", "actions", "before", "after")
        parts = {name: torch.stack([getattr(seen, name) for seen in chunks], 1).half().cpu() for name in names}
        found.append(Evidence(**{name: part.flatten(0, 1) for name, part in parts.items()}))
        truth += [true_chunks(play, r) for play in plays]
    seen = Evidence(**{name: torch.cat([vars(part)[name] for part in found]) for name in vars(found[0])})
    moved, log = (torch.from_numpy(np.concatenate(part)) for part in zip(*truth, strict=True))
    return Moments(replace(seen), moved, log, num_chunks)


def train(config: JudgeTraining) -> Judge:
    """Train the judge that `config` describes and write it; prints how well it judges plays that it has not seen. ValueError
    for a world that is not there, or for too few plays."""
    folder = find_world(config.world)
    world = load_world(folder, fastest_dtype(config.device), config.device)
    known = moments(world, config)
    num = len(known.log)
    num_judged = max(known.each, int(HELD_OUT * num) // known.each * known.each)
    if num_judged >= num:
        raise ValueError(f"{num // known.each} plays are too few to learn from and to be judged on; give 2 or more")
    judge, nats = fit(known, num - num_judged, config, world)
    figures = judged(judge, known, torch.arange(num - num_judged, num))
    # From which chance on a log is held to have broken: where misses and false alarms balance on plays that it has not seen.
    chances, true = judge.verdict(known.pick(torch.arange(num - num_judged, num))[0]).log, known.log[num - num_judged :]
    count = max(1, int(true.sum()))
    if count < FEW and config.init:
        judge.config.least = load_judge(Path(config.init)).config.least
    else:
        judge.config.least = float(chances.sort(descending=True).values[count - 1])
    figures = {name: value for name, value in figures.items() if not math.isnan(value)}  # no log broke there
    figures |= {"loss": nats, "plays": num // known.each, "logs": int(known.log.sum()), "least": judge.config.least}
    print(", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    save_judge(Path(config.out) if config.out else folder / "judge.safetensors", judge, figures)
    return judge.eval()


def fit(known: Moments, num_known: int, config: JudgeTraining, world: World) -> tuple[Judge, float]:
    """A judge of the first `num_known` moments, as it was when it was best on the others, and its loss there."""
    torch.manual_seed(config.seed)
    judge = Judge(
        JudgeConfig(
            num_tokens=known.seen.tokens.shape[1],
            token_width=known.seen.tokens.shape[2],
            recall=known.seen.actions.shape[1],
            action_size=world.config.denoiser.action_size,
        )
    )
    judge.mean.copy_(known.moved[:num_known].mean(0))
    judge.spread.copy_(known.moved[:num_known].std(0).clamp(min=1e-3))
    if config.init:
        start = load_judge(Path(config.init))
        if replace(start.config, least=judge.config.least) != judge.config:
            raise ValueError(f"init: {config.init} is of another world: its judge is {start.config}, this one's {judge.config}")
        judge.load_state_dict(start.state_dict())
    optimizer = torch.optim.AdamW(judge.parameters(), config.learning_rate, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps)
    dice = torch.Generator().manual_seed(config.seed)
    others = known.pick(torch.arange(num_known, len(known.log)))
    best, kept = float("inf"), {name: tensor.clone() for name, tensor in judge.state_dict().items()}
    for step in tqdm(range(config.steps), desc="judge", mininterval=5):
        optimizer.zero_grad()
        judge.loss(*known.pick(torch.randint(num_known, (config.batch_size,), generator=dice))).backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99 or step == config.steps - 1:
            with torch.no_grad():
                error = float(judge.loss(*others))
            if error < best:
                best, kept = error, {name: tensor.clone() for name, tensor in judge.state_dict().items()}
    judge.load_state_dict(kept)
    return judge.requires_grad_(False), best


def judged(judge: Judge, known: Moments, index: Tensor) -> dict[str, float]:
    """How well moments are judged: the mean error in blocks a chunk, beside that of who always says the mean, and the average
    precision of breaking logs, beside the share of chunks in which one breaks."""
    seen, moved, log = known.pick(index)
    verdict = judge.verdict(seen)
    told = torch.stack([verdict.aside, verdict.onward], 1)
    return {
        "blocks_off": float((told - moved).norm(dim=1).mean()),
        "blocks_off_by_mean": float((judge.mean - moved).norm(dim=1).mean()),
        "log_precision": average_precision(verdict.log.numpy(), log.numpy()),
        "log_share": float(log.float().mean()),
    }


