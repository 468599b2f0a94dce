"""Measure a world against the real game: both start from the same frames and get the same actions.

Evaluation seeds are 1,000,000 and up, never used in training. Measured are reconstruction (the ceiling of the rest),
the horizon (PSNR and SSIM after 1, 2, 4, 8 … chunks, beside copy-last-frame and the ceiling), and how much worse the
denoising loss is with shuffled actions. The contact sheet shows the truth above the dream.

examples:
  simworld evaluate --json evaluation.json --sheet evaluation.png
  simworld evaluate --world runs/mine/world --seeds 4
"""

import argparse
import json


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("--world", default="small", metavar="WORLD", help="a trained world (default: small)")
    parser.add_argument("--seeds", type=int, default=16, metavar="N", help="evaluation seeds (default: 16)")
    parser.add_argument("--steps", type=int, default=4, choices=(1, 2, 4, 8), help="sampling steps (default: 4)")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where the net runs (default: cpu)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to this file")
    parser.add_argument("--sheet", metavar="FILE", help="write a contact sheet to this .png")


def run(options: argparse.Namespace) -> None:
    """Evaluate and print the figures. ValueError for a world that cannot be loaded."""
    from simworld.training.evaluate import evaluate

    figures = evaluate(
        world=options.world,
        num_seeds=options.seeds,
        num_steps=options.steps,
        device=options.device,
        json_path=options.json,
        sheet_path=options.sheet,
    )
    print(json.dumps(figures, indent=2))
