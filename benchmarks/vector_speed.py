"""How much faster many dreams are together than one alone: python benchmarks/vector_speed.py [--world small] [--device cpu]
With --game, the same of the block game, whose vector plays in threads.

For each number of worlds, frames a second of all of them, and per processor second, beside one world's; and the share of the
machine's matrix rate that is reached: floating-point operations counted, over the bf16 rate measured in the same run. The
rates of one run compare with each other; what else the machine does slows all of them.
"""

import argparse
import resource
import time
from typing import Any

import gymnasium
import numpy as np
import torch

from simworld.actions import noop
from simworld.model.flops import flops

DREAM, GAME = "simworld:simworld/World-v0", "simworld:simworld/Voxel-v0"
WARM_UP, LEAST_STEPS, FRAMES = 2, 4, 192


def matrix_rate(device: str, dtype: torch.dtype) -> float:
    """Floating-point operations a second in large matrix products."""
    n = 2048 if device == "cpu" else 8192
    one, other = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(6):
        started = time.perf_counter()
        torch.mm(one, other)
        if device != "cpu":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best


def walking(num_envs: int) -> dict[str, Any]:
    """Every world walks and turns, each another way."""
    actions: dict[str, Any] = {key: np.zeros(num_envs, np.int64) for key in noop() if key != "camera"}
    actions["forward"][:] = 1
    actions["camera"] = np.stack([np.zeros(num_envs), np.linspace(-4, 4, num_envs)], 1).astype(np.float32)
    return actions


def measure(env_id: str, num_envs: int, arguments: dict[str, Any], vectorized: str) -> dict[str, float]:
    """Seconds and processor seconds of a step, and of the reset before it."""
    envs = gymnasium.make_vec(env_id, num_envs, vectorized, **arguments)
    started = time.perf_counter()
    envs.reset(seed=0)
    reset = time.perf_counter() - started
    actions = walking(num_envs)
    for _ in range(WARM_UP):
        envs.step(actions)
    num_steps = max(LEAST_STEPS, FRAMES // num_envs)
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(num_steps):
        envs.step(actions)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    envs.close()
    return {"wall": wall / num_steps, "processor": processor / num_steps, "reset": reset}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="small")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=4, help="num_steps of the env")
    parser.add_argument("--nums", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--game", action="store_true")
    options = parser.parse_args()
    env_id, work, rate, r = GAME, 0, 1.0, 2
    arguments: dict[str, Any] = {"frame_skip": r}
    if not options.game:
        env_id, arguments = DREAM, {"world": options.world, "device": options.device, "num_steps": options.steps}
        single = gymnasium.make(DREAM, **arguments).unwrapped
        rate = matrix_rate(options.device, single.world.dtype)
        work, r = flops(single.world, options.steps), single.frame_skip
        print(f"{work / 1e9:.2f} GFLOP a chunk of {r} frames; matrix rate {rate / 1e9:.0f} GFLOP/s")
    print("worlds | frames/s | × one | frames per processor second | × one | share of matrix rate | reset, s | peak memory, MB")
    base = measure(env_id, 1, arguments, "sync")
    for name, num, figures in [("single env", 1, base)] + [(str(n), n, {}) for n in options.nums]:
        figures = figures or measure(env_id, num, arguments, "vector_entry_point")
        speed, per_core = num * r / figures["wall"], num * r / max(figures["processor"], 1e-9)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if options.device != "cpu":
            memory = torch.cuda.max_memory_allocated() / 2**20
        print(
            f"{name} | {speed:.1f} | {speed * base['wall'] / r:.2f} | "
            f"{per_core:.1f} | {per_core * base['processor'] / r:.2f} | "
            f"{num * work / figures['wall'] / rate:.1%} | {figures['reset']:.1f} | {memory:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
