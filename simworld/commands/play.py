"""Play a world in a window: the dream of a trained network (default), or the real game that it was trained on.

Without arguments it begins with a start screen: a gallery of starts, a prompt, other worlds, plays to go on with. Files
dropped onto the window are started from.

Keys: W A S D and mouse to move and look, space jumps, shift sneaks, control sprints, mouse buttons break and place,
1-9 and the wheel choose a block, a gamepad does it all too. T types a prompt, Backspace held goes back in time, F5 remembers
a moment, F6 records, P lets the bot play, F1 shows all keys, Esc opens the menu with the settings. With no display, the bot
plays 30 seconds into play.mp4.

examples:
  simworld play
  simworld play --prompt "a snowy forest at night" --steps 4
  simworld play --image holiday.jpg
  simworld play --compare --seed 11
  simworld play --replay recordings/play-2026-01-31-120000
  simworld play --world voxel --seed 7
  simworld play --headless --bot --frames 600 --out play.mp4
"""

import argparse
import os
import sys
import threading

_BEGINS = ("world", "prompt", "image", "panorama", "video", "replay", "compare")
"""What says where a play begins."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument(
        "--world",
        metavar="WORLD",
        help="a trained world's name or folder; `voxel`, `voxel-treechop`, `voxel-navigate`, `voxel-explore` for the"
        " real game; or a Gymnasium id (default: small, the shipped world)",
    )
    parser.add_argument("--prompt", metavar="TEXT", help="what the world should be, in English (worlds that take text)")
    parser.add_argument("--image", metavar="FILE", help="a picture to start the dream from, cropped and scaled")
    parser.add_argument("--panorama", metavar="FILE", help="the same, of all directions: twice as wide as high")
    parser.add_argument("--video", metavar="FILE", help="a clip to go on from")
    parser.add_argument("--replay", metavar="FILE", help="do what was done in a recorded episode (F6 records; VPT's as well)")
    parser.add_argument("--compare", action="store_true", help="the game beside the dream, one set of keys for both")
    parser.add_argument("--choose", action="store_true", help="begin with the start screen, as without any argument")
    parser.add_argument("--seed", type=int, metavar="N", help="the same seed and keys give the same pictures")
    parser.add_argument(
        "--steps",
        type=int,
        choices=(1, 2, 4, 8),
        help="sampling steps per chunk: fewer are faster, more are finer (default: 4)",
    )
    parser.add_argument("--headless", action="store_true", help="open no window; write a video")
    parser.add_argument("--bot", action="store_true", help="let the bot play")
    parser.add_argument("--auto", action="store_true", help="let the dream play itself, by the policy it has learned")
    parser.add_argument("--frames", type=int, metavar="N", help="stop after N pictures (20 a second)")
    parser.add_argument("--out", metavar="FILE", help="write what is played to this .mp4")
    parser.add_argument("--scale", type=int, metavar="N", help="screen pixels per picture pixel (default: fits)")
    parser.add_argument(
        "--day", type=float, metavar="MINUTES", help="how long a day is in the dream; 0: the light stands still (default: 10)"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), help="where the net runs (default: cpu)")
    parser.add_argument(
        "--dtype", choices=("bfloat16", "float32"), help="number format of the net (default: the faster one here)"
    )


def run(options: argparse.Namespace) -> None:
    """Play. ValueError for a world, size or file that cannot be had."""
    from simworld.client.options import PlayOptions
    from simworld.client.play import play
    from simworld.client.worker import WORLD_THREAD

    given = {name: value for name, value in vars(options).items() if value is not None}
    if "replay" in given and "world" not in given:
        from simworld.client import worlds
        from simworld.client.replay import recorded_world

        given |= worlds.titled(recorded_world(given["replay"]) or PlayOptions.world)
    # Who says nothing of what to play chooses in the window.
    said = {name for name, value in given.items() if value is not False}
    if not said & {*_BEGINS, "seed", "bot", "auto", "frames", "headless"}:
        given["choose"] = True
    play(PlayOptions(**given))
    if any(thread.name == WORLD_THREAD and thread.is_alive() for thread in threading.enumerate()):
        # A chunk that takes long is not waited for; torch would complain of being left in the middle of it.
        sys.stdout.flush()
        os._exit(0)
