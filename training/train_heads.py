"""Trains a world's heads on recorded play: what the world makes of each latent, and what the player did next.

    simworld train heads world=runs/small/world data.folder=runs/small/clips

The world goes along with each clip, as in play, and stays as it is. The last tenth of the clips is kept aside to be judged on.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm import tqdm

from simworld.actions import CAMERA
from simworld.choices import Factors
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.context import Impression
from simworld.model.heads import Heads, HeadsConfig, save_heads
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.model.world import World
from simworld.training.data import DataConfig, clips

HELD_OUT = 0.1


@dataclass(kw_only=True)
class HeadsTraining:
    """`world`: a name or folder, into which the heads go unless `out` is another file. `num_clips` of the data's clips are gone
    through, `batch_clips` at once; then `steps` steps of `batch_size` moments. `decay`: of the weights, against learning by
    heart."""

    world: str = "small"
    out: str = ""
    data: DataConfig = field(default_factory=DataConfig)
    num_clips: int = 400
    batch_clips: int = 8
    steps: int = 3000
    batch_size: int = 256
    learning_rate: float = 1e-3
    decay: float = 0.1
    device: str = "cpu"
    seed: int = 0


@dataclass
class Moments:
    """Impressions and what was chosen next, clip after clip, `each` of a clip."""

    tokens: Float[Tensor, "n tokens d"]
    actions: Float[Tensor, "n r a"]
    choices: Int[Tensor, "n choices"]
    each: int

    def pick(self, index: Tensor) -> tuple[Impression, Tensor]:
        return Impression(self.tokens[index].float(), self.actions[index]), self.choices[index]


@torch.inference_mode()
def moments(world: World, config: HeadsTraining) -> Moments:
    """Go along with the clips, as in play."""
    store = clips(config.data)
    r, device = world.config.autoencoder.time_stride, world.device
    num_clips, num_chunks = min(config.num_clips, len(store)), store.actions.shape[1] // r
    tokens: list[Tensor] = []
    told: list[Tensor] = []
    chosen: list[Tensor] = []
    factors = Factors()
    for first in tqdm(range(0, num_clips, config.batch_clips), desc="going along", mininterval=5):
        rows = slice(first, min(first + config.batch_clips, num_clips))
        frames = torch.from_numpy(np.array(store.frames[rows])).to(device)
        actions = torch.from_numpy(np.array(store.actions[rows])).to(device)
        prompts = [spans[0].text if spans else "" for spans in store.prompts[rows]]
        context = sampler.start(world, prompts, list(range(first, first + len(prompts))))
        impressions: list[Impression] = []
        for chunk in range(num_chunks):
            seen = frames[:, :1] if chunk == 0 else frames[:, 1 + r * (chunk - 1) : 1 + r * chunk]
            led = actions[:, :0] if chunk == 0 else actions[:, r * (chunk - 1) : r * chunk]
            sampler.append_frames(world, context, seen, led)
            impressions.append(sampler.impression(world, context))
        tokens += torch.stack([impression.tokens for impression in impressions], 1).half().cpu().unbind(0)
        told += torch.stack([impression.actions for impression in impressions], 1).float().cpu().unbind(0)
        chosen += actions.unflatten(1, (num_chunks, r)).cpu().unbind(0)
    next_actions = torch.cat(chosen)
    # A chunk's action: keys held in any of its frames, the camera's mean.
    held = next_actions.amax(1)
    held[:, CAMERA] = next_actions[..., CAMERA].mean(1)
    choices = torch.from_numpy(np.stack([factors.choice(vector) for vector in held.numpy()]))
    return Moments(torch.cat(tokens).clone(), torch.cat(told).clone(), choices, num_chunks)


def train(config: HeadsTraining) -> Heads:
    """Train the heads that `config` describes and write them; prints how well they foretell players that they have not seen.
    ValueError for a world or clips that are not there, or for too few clips."""
    folder = find_world(config.world)
    world = load_world(folder, fastest_dtype(config.device), config.device)
    known = moments(world, config)
    num = len(known.choices)
    num_judged = max(known.each, int(HELD_OUT * num) // known.each * known.each)
    if num_judged >= num:
        raise ValueError(f"{num // known.each} clips are too few to learn from and to be judged on; give 2 or more")
    torch.manual_seed(config.seed)
    heads = Heads(
        HeadsConfig(
            num_tokens=known.tokens.shape[1],
            token_width=known.tokens.shape[2],
            time_stride=world.config.denoiser.time_stride,
            action_size=world.config.denoiser.action_size,
        )
    )
    optimizer = torch.optim.AdamW(heads.parameters(), config.learning_rate, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps)
    dice = torch.Generator().manual_seed(config.seed)
    judged = torch.arange(num - num_judged, num)
    best, kept = float("inf"), {name: tensor.clone() for name, tensor in heads.state_dict().items()}
    for step in tqdm(range(config.steps), desc="heads", mininterval=5):
        optimizer.zero_grad()
        loss = heads.loss(*known.pick(torch.randint(num - num_judged, (config.batch_size,), generator=dice)))
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99 or step == config.steps - 1:
            with torch.no_grad():
                error = float(heads.loss(*known.pick(judged)))
            if error < best:
                best, kept = error, {name: tensor.clone() for name, tensor in heads.state_dict().items()}
    heads.load_state_dict(kept)
    figures = {"nats": best, "nats_by_frequency": by_frequency(known, num - num_judged), "clips": num // known.each}
    print(
        f"foretells a chunk's action at {figures['nats']:.2f} nats; by how often each choice is made: "
        f"{figures['nats_by_frequency']:.2f}"
    )
    save_heads(Path(config.out) if config.out else folder / "heads.safetensors", heads, figures)
    return heads.eval()


def by_frequency(known: Moments, num_known: int) -> float:
    """The loss, on moments from `num_known` on, of who knows only how often each choice was made in those before."""
    total = 0.0
    for choices, size in zip(known.choices.T, Factors().sizes, strict=True):
        chance = (torch.bincount(choices[:num_known], minlength=size) + 0.5) / (num_known + 0.5 * size)
        total -= float(chance.log()[choices[num_known:]].mean())
    return total
