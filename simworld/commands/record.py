"""Record episodes of a game as VPT pairs (NAME.mp4 + NAME.jsonl + NAME.meta.json, 20 pictures a second).

The block game is played by its own bot, which plays like a person; a dream plays itself, by its policy head; another
Gymnasium environment with MineRL's actions is played by a wanderer that sees nothing. A recording that was stopped,
even killed, leaves whole episodes and no half ones; the same call goes on where it was. Seeds from 1,000,000 on are
kept for evaluation: train on none of them.

examples:
  simworld record --out recordings --episodes 20
  simworld record --env simworld/VoxelTreechop-v0 --out chopping --frames 600 --seed 100 --workers 2
"""

import argparse
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.add_argument("--env", default="simworld/Voxel-v0", metavar="ID", help="Gymnasium id (default: %(default)s)")
    parser.add_argument("--out", default="recordings", metavar="FOLDER", help="where to (default: %(default)s)")
    parser.add_argument("--episodes", type=int, default=10, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=1200, metavar="N", help="in each (default: 1200, a minute)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first, then counted up (default: 0)")
    parser.add_argument("--height", type=int, metavar="N", help="of the picture (default: the game's own)")
    parser.add_argument("--width", type=int, metavar="N", help="of the picture (default: the game's own)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that record (default: 1)")


def run(options: argparse.Namespace) -> None:
    """Record, and print each episode as it is done. ValueError for an unknown environment, or numbers out of range."""
    for name, least in (("episodes", 1), ("frames", 1), ("workers", 1), ("seed", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"--{name} is {getattr(options, name)}; it must be {least} or more")
    size = {name: getattr(options, name) for name in ("height", "width") if getattr(options, name) is not None}
    one = partial(record_episode, options.env, size, options.out, options.frames)
    seeds = range(options.seed, options.seed + options.episodes)
    if options.workers == 1:
        _show(map(one, seeds), options)
        return
    # A network's threads do not survive a fork, so that workers start afresh.
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        _show(pool.map(one, seeds), options)


def record_episode(env_id: str, size: dict[str, int], folder: str, num_frames: int, seed: int) -> tuple[str, int]:
    """Record the one episode of `seed`; its path without ending, and its number of frames (0: it was there already)."""
    import gymnasium

    import simworld.env  # noqa: F401  its ids are known from here on
    from simworld.training.recorder import own_policy, random_policy, record, voxel_bot

    try:
        env = gymnasium.make(env_id, disable_env_checker=True, **size)
    except (gymnasium.error.Error, ModuleNotFoundError, TypeError) as error:
        raise ValueError(f"--env {env_id}: {error}") from error
    try:
        make_policy = random_policy(env)
        if hasattr(env.unwrapped, "game"):
            make_policy = voxel_bot(env)
        elif getattr(env.unwrapped, "plays_itself", False):
            make_policy = own_policy(env)
        recorded: list[tuple[str, int]] = []
        record(
            env,
            make_policy,
            folder,
            num_frames=num_frames,
            seed=seed,
            on_episode=lambda path, frames: recorded.append((str(path), frames)),
        )
    finally:
        env.close()
    return recorded[0]


def _show(episodes: Iterable[tuple[str, int]], options: argparse.Namespace) -> None:
    for number, (path, num_frames) in enumerate(episodes, 1):
        done = f"{num_frames} frames" if num_frames else "was there already"
        print(f"{number}/{options.episodes}  {path}  {done}", flush=True)
