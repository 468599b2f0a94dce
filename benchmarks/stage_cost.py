"""What each stage of a chunk costs one core: python benchmarks/stage_cost.py [--dtype float32]

Milliseconds of processor time of one thread, the median of many chunks, while the player walks, turns and digs. Unlike what
`simworld benchmark` measures, other programs on the machine hardly change it: to be compared before and after a change.
"""

import argparse
import time

import torch

from simworld.model.checkpoint import load_world
from simworld.model.precision import FORMATS, number_format
from simworld.model.profile import profile
from simworld.model.shipped import find_world


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="small", help="a shipped world's name or a folder (default: small)")
    parser.add_argument("--steps", type=int, default=4, choices=(1, 2, 4, 8), help="sampling steps (default: 4)")
    parser.add_argument("--dtype", choices=FORMATS, help="number format (default: the faster one here)")
    parser.add_argument("--chunks", type=int, default=60, help="to measure (default: 60)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    world = load_world(find_world(options.world), number_format(options.dtype, "cpu"))
    found = profile(world, options.steps, options.chunks, time.thread_time)
    for name, part in found.stages.items():
        print(f"{name}: {part['ms']:.2f} ms, {part['flops'] / 1e9:.2f} GFLOP")
    print(f"a chunk: {found.ms:.2f} ms, {found.flops / 1e9:.2f} GFLOP")


if __name__ == "__main__":
    main()
