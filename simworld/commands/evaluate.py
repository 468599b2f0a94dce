"""Measure a world against the real game: both start from the same frames and get the same actions.

Evaluation seeds are 1,000,000 and up, never used in training. Measured are reconstruction (the ceiling of the rest), the
horizon (PSNR and SSIM after 1, 2, 4, 8 … chunks, beside copy-last-frame), which actions can be read off the dream, how like
true clips it is, the number of sampling steps, looking away and back, walking there and back, whether broken and placed
blocks stay so, standing still, long play, rewards and endings of tasks where the world has a judge, prompts in wordings of
training and held out, and how much worse the denoising loss is with shuffled actions. "game" and "copy-last-frame" are
measured like worlds: the ceiling and the floor.
docs/measuring.md tells how each is measured.

examples:
  simworld evaluate --out evaluation
  simworld evaluate --world runs/mine/world --suite full --out evaluation
  simworld evaluate --world game
"""

import argparse
import json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("--world", default="small", metavar="WORLD", help="a trained world, or a reference (default: small)")
    parser.add_argument("--suite", default="quick", choices=("quick", "full"), help="minutes, or an hour (default: quick)")
    parser.add_argument("--seeds", type=int, metavar="N", help="evaluation seeds of each measure (default: the suite's)")
    parser.add_argument("--steps", type=int, default=4, choices=(1, 2, 4, 8), help="sampling steps (default: 4)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where the net runs (default: cpu)")
    parser.add_argument("--probes", metavar="FOLDER", help="what to read dreams with (default: the shipped ones)")
    parser.add_argument("--out", metavar="FOLDER", help="write figures, report and contact sheets to this folder")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file")
    parser.add_argument("--sheet", metavar="FILE", help="write the horizon's contact sheet to this .png")


def run(options: argparse.Namespace) -> None:
    """Evaluate and print the figures. ValueError for a world that cannot be loaded."""
    from simworld.training.evaluate import evaluate

    figures = evaluate(
        options.world,
        options.suite,
        options.steps,
        options.device,
        options.out,
        num_seeds=options.seeds,
        json_path=options.json,
        sheet_path=options.sheet,
        probes=options.probes,
    )
    print(json.dumps(figures, indent=2))
