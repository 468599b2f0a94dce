"""Measure how fast a world plays on this machine, as the window plays it, decoding and display included.

Figures: fps, chunk_ms_p50, chunk_ms_p95, latency_ms_p95 (key to picture), rss_mb, first_picture_s, flops_per_chunk,
floor_share (of the speed that this machine's matrix units allow), num_steps, and for each stage of a chunk its time, its
arithmetic and the share of that speed that it reaches.

examples:
  simworld benchmark
  simworld benchmark --steps 1 --seconds 20 --json benchmark.json
  simworld benchmark --steps 2 --dtype float32     as on a machine that multiplies no bfloat16
  simworld benchmark --page docs/performance.md
"""

import argparse
import json
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("--world", default="small", metavar="WORLD", help="as in `simworld play` (default: small)")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="of measured play (default: 60)")
    parser.add_argument("--steps", type=int, default=4, choices=(1, 2, 4, 8), help="sampling steps (default: 4)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where the net runs (default: cpu)")
    parser.add_argument(
        "--dtype", choices=("bfloat16", "float32"), help="number format of the net (default: the faster one here)"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file")
    parser.add_argument("--page", metavar="FILE", help="write where the time of a chunk goes to this Markdown file")


def run(options: argparse.Namespace) -> None:
    """Measure and print the figures. ValueError for a world that cannot be loaded."""
    from simworld.client.benchmark import benchmark

    figures = benchmark(
        world=options.world,
        seconds=options.seconds,
        num_steps=options.steps,
        device=options.device,
        json_path=options.json,
        dtype=options.dtype,
    )
    if options.page:
        from simworld.client.performance_page import write_page

        write_page(Path(options.page), figures)
    print(json.dumps(figures, indent=2))
