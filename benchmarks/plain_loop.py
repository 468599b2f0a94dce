"""How much faster is a dream than a plain loop without KV cache, in which every step of every picture passes the whole context
through the network again, as Oasis samples? python benchmarks/plain_loop.py [--steps 4] [--rounds 8]

Compared, in one run on this machine, in turns: this world (a latent is two frames, finished latents are remembered as keys and
values); the very same network and context in the plain loop; and a network of the same size in the plain loop with a latent a
frame, as Oasis has it. Same picture size, 32 frames of context, steps, threads and number format. That the plain loop dreams
the same latents is checked, not believed. All else of a chunk (conditioning, decoding, far memory) costs them alike.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.denoiser import STEP_COUNTS, Before, Conditions
from simworld.model.precision import fastest_dtype
from simworld.model.shipped import find_world
from simworld.model.stages import per_chunk, watching
from simworld.model.world import World

CONTEXT_FRAMES = 32


@dataclass
class Remembered:
    """What a plain loop has to keep of a finished latent: as noisy as it is remembered, and what it was told."""

    latent: Tensor
    tau: Tensor
    given: Conditions


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="small", help="a shipped world's name or a folder (default: small)")
    parser.add_argument("--steps", type=int, default=4, choices=sorted(STEP_COUNTS), help="sampling steps (default: 4)")
    parser.add_argument("--rounds", type=int, default=8, help="chunks of each kind, in turns (default: 8)")
    options = parser.parse_args()
    for threads in sorted({1, torch.get_num_threads()}):  # play dreams on one, and finishes pictures on the other
        torch.set_num_threads(threads)
        print(f"\nthreads: {threads}")
        for name, figure in compare(options.world, options.steps, options.rounds).items():
            print(f"{name}: {figure}")


@torch.inference_mode()
def compare(name: str, num_steps: int, rounds: int) -> dict[str, Any]:
    """The figures, by name: milliseconds a picture, and ratios."""
    world = load_world(find_world(name), fastest_dtype("cpu"))
    r = world.config.autoencoder.time_stride
    world.config = replace(world.config, temperature=1.0)  # else one step is all that is taken, by either
    oasis = like_oasis(world)
    context, past = play(world, CONTEXT_FRAMES // r)
    oasis_context, oasis_past = play(oasis, CONTEXT_FRAMES)
    ours, plain, per_frame, rest, apart = [], [], [], [], []
    for _ in range(rounds):
        given, generator = sampler._conditions(world, context, actions(world)), context.generators[0].get_state()
        started = time.perf_counter()
        latent = sample_plainly(world, context, past, given, num_steps)
        plain.append((time.perf_counter() - started) / r)
        context.generators[0].set_state(generator)
        apart.append(float((sampler.sample(world, context.fork(), given, num_steps) - latent).float().abs().mean()))
        context.memory.own()  # a copy that is not play's
        with watching() as watch, watch.over("chunk"):
            sampler.extend(world, context, actions(world), num_steps)
        ms = {stage: part["ms"] for stage, part in per_chunk(watch, 1).items()}
        mine = ms["denoise"] + ms["cache write"]
        ours.append(mine / 1000 / r)
        rest.append((sum(ms.values()) - mine) / 1000 / r)
        past = [*past[1:], Remembered(*context.memory.previous, given)]
        oasis_given = sampler._conditions(oasis, oasis_context, actions(oasis))
        started = time.perf_counter()
        sample_plainly(oasis, oasis_context, oasis_past, oasis_given, num_steps)
        per_frame.append(time.perf_counter() - started)
    mine, same, frames, all_else = (1000 * statistics.median(times) for times in (ours, plain, per_frame, rest))
    return {
        "steps": num_steps,
        "context, frames": CONTEXT_FRAMES,
        "network, ms a picture": round(mine, 2),
        "network in a plain loop, ms a picture": round(same, 2),
        "network in a plain loop with a latent a frame, ms a picture": round(frames, 2),
        "mean difference of the latents that both dream": round(statistics.mean(apart), 4),
        "plain ÷ ours, same network": round(same / mine, 2),
        "plain with a latent a frame ÷ ours": round(frames / mine, 2),
        "the rest of a picture, ms": round(all_else, 2),
        "whole pictures: plain with a latent a frame ÷ ours": round((frames + all_else) / (mine + all_else), 2),
    }


def like_oasis(world: World) -> World:
    """A world of the same size and untrained, of which each latent is one frame, with as many frames of context."""
    config = world.config
    autoencoder = replace(config.autoencoder, time_stride=1)
    denoiser = replace(config.denoiser, time_stride=1, window=CONTEXT_FRAMES)
    torch.manual_seed(0)
    with torch.inference_mode(False):  # so that its weights may be packed as ours are
        return World(replace(config, autoencoder=autoencoder, denoiser=denoiser)).to(world.dtype).eval().requires_grad_(False)


def actions(world: World) -> Tensor:
    """Walking and turning, for a chunk."""
    chunk = torch.zeros(1, world.config.denoiser.time_stride, ACTION_SIZE)
    chunk[..., SLOT["forward"]] = 1
    chunk[..., CAMERA] = torch.tensor([0.0, 3.0])
    return chunk


def play(world: World, num_latents: int) -> tuple[sampler.Context, list[Remembered]]:
    """A dream with `num_latents` - 1 finished latents, and what a plain loop must keep of them."""
    context = sampler.start(world, [""], [0])
    past = []
    for number in range(num_latents - 1):
        chunk = actions(world) if number else None
        given = sampler._conditions(world, context, chunk)
        sampler.extend(world, context, chunk, 1)
        past.append(Remembered(*context.memory.previous, given))
    return context, past


def sample_plainly(
    world: World, context: sampler.Context, past: list[Remembered], given: Conditions, num_steps: int
) -> Tensor:
    """As `sampler.sample`, but that every step has the whole context in its clip."""
    level = torch.full_like(given.level, STEP_COUNTS.index(num_steps))
    z = sampler._noise(world, context)
    for number in range(num_steps):
        tau = torch.full_like(given.tau, 1 - number / num_steps)
        clip = Conditions(
            torch.cat([*(one.tau for one in past), tau], 1),
            torch.cat([*(one.given.level for one in past), level], 1),
            *(
                torch.cat([*(getattr(one.given, part) for one in past), getattr(given, part)], 1)
                for part in ("actions", "acted", "times")
            ),
            given.text,
            Before(
                *(
                    torch.cat([*(getattr(one.given.before, part) for one in past), getattr(given.before, part)], 1)
                    for part in ("latents", "tau", "expected")
                )
            ),
        )
        clean = world.denoiser(torch.cat([*(one.latent for one in past), z], 1), clip)[:, -1:]
        z = world.config.path.step(z, clean, tau, tau - 1 / num_steps) if number < num_steps - 1 else clean
    return z


if __name__ == "__main__":
    main()
