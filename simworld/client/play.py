"""Playing a world: `play(PlayOptions(world="voxel"))` opens a window, or writes a video where there is none."""

import os
import sys
import time
from dataclasses import replace

import pygame

from simworld.client import worlds
from simworld.client.app import App
from simworld.client.headless import FALLBACK_FRAMES, play_headless
from simworld.client.options import PlayOptions
from simworld.client.stats import Stats
from simworld.frames import FPS


def play(options: PlayOptions) -> Stats:
    """Play until the player quits or `options.frames` pictures are shown; returns what was measured.

    Without a display says so in a line and lets the wanderer play 30 seconds into a video. Raises ValueError for a
    world, prompt or file that cannot be had.
    """
    started = time.perf_counter()
    worlds.environment(options)
    if options.headless:
        return play_headless(options, started)
    try:
        if not display_announced():
            raise pygame.error("neither DISPLAY nor WAYLAND_DISPLAY is set")
        app = App(options, started)
    except pygame.error as error:
        num_frames, out = options.frames or FALLBACK_FRAMES, options.out or "play.mp4"
        print(f"no display ({error}): the bot plays {num_frames / FPS:g} seconds into {out}", file=sys.stderr)
        return play_headless(replace(options, headless=True, bot=True, frames=num_frames, out=out), started)
    stats = app.run()
    if stats.pictures:
        print(f"played {stats}")
    return stats


def display_announced() -> bool:
    """Whether this machine says that it has a display. Where it does not, asking SDL only makes SDL complain."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER", "SDL_VIDEO_DRIVER")
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in names)
