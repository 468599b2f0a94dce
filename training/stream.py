"""Clips straight from the game: worker processes play, training reads, no file lies between.

Clip n comes from lane n % num_lanes (`lane.Lane`), whatever the number of workers: equal seeds give equal clips in
equal order on any machine, and neighbours in a batch come from different worlds. Pictures cross through shared memory,
the rest through a pipe. Workers die with the process that made them. Knows no network, and games only by name.

    with GameplayStream(num_workers=2, clip_frames=32, height=96, width=160, seed=0) as stream:
        clip = next(stream)
    stream = GameplayStream(..., start_at=saved)      # where saved was stream.state()

As with all of Python's multiprocessing, a script that makes a stream needs `if __name__ == "__main__":`.
"""

import contextlib
import ctypes
import importlib
import multiprocessing
import os
import signal
import threading
import traceback
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from simworld.training.clip import Clip
from simworld.training.lane import Lane

VOXEL_GAME = "simworld.env.voxel.game:Game"
VOXEL_BOT = "simworld.env.voxel.bot:Bot"
VOXEL_BIOMES = "simworld.env.voxel.terrain:BIOMES"
NUM_SLOTS = 8
"""Finished clips that a worker may be ahead of the reader."""


class GameplayError(RuntimeError):
    """A worker failed; the message holds its traceback."""


@dataclass(frozen=True)
class _Work:
    """What a worker is told. `game`, `bot` and `biomes` are "module:name"."""

    worker: int
    num_workers: int
    num_lanes: int
    start_at: int
    clip_shape: tuple[int, int, int, int]
    seed: int
    game: str
    bot: str
    biomes: str | None


class GameplayStream:
    """An endless iterator of `Clip`s of `clip_frames` frames at `height` × `width`, played by `num_workers` processes.

    seed: 0 or more; equal seeds, clip_frames, sizes and num_lanes give the same clips in the same order. start_at: a
    `state()`, to continue there. num_lanes: games under way at once (each holds a world in memory), at least
    num_workers. game, bot: "module:name" of any game and player of the shapes in `lane.py`; biomes: of the names of
    the places to begin at, None where the game is to choose. ValueError for impossible numbers, `GameplayError` with
    the worker's traceback where a worker fails.
    """

    def __init__(
        self,
        num_workers: int,
        clip_frames: int,
        height: int,
        width: int,
        seed: int = 0,
        *,
        start_at: int = 0,
        num_lanes: int = 32,
        game: str = VOXEL_GAME,
        bot: str = VOXEL_BOT,
        biomes: str | None = VOXEL_BIOMES,
    ) -> None:
        if clip_frames < 2:
            raise ValueError(f"clip_frames is {clip_frames}; a clip needs at least 2 frames to hold an action")
        if not 1 <= num_workers <= num_lanes:
            raise ValueError(f"num_workers is {num_workers}; it must lie in 1..num_lanes ({num_lanes})")
        if seed < 0 or start_at < 0:
            raise ValueError(f"seed is {seed}, start_at is {start_at}; both must be 0 or more")
        self.num_workers, self.num_lanes = num_workers, num_lanes
        self._position = start_at
        self._taken = [0] * num_workers
        self._frames: list[np.ndarray] = []
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        self._close = weakref.finalize(self, _end, self._processes, self._pipes)
        context = multiprocessing.get_context("spawn")
        clip_shape = (clip_frames, height, width, 3)
        for worker in range(num_workers):
            # Anonymous shared memory: unlike named blocks, nothing of it can outlive the processes.
            memory = context.RawArray(ctypes.c_uint8, NUM_SLOTS * int(np.prod(clip_shape)))
            self._frames.append(_slots(memory, clip_shape))
            pipe, far_end = context.Pipe()
            work = _Work(worker, num_workers, num_lanes, start_at, clip_shape, seed, game, bot, biomes)
            process = context.Process(target=_run_worker, args=(work, memory, far_end), name=f"gameplay-{worker}", daemon=True)
            process.start()
            far_end.close()
            self._pipes.append(pipe)
            self._processes.append(process)

    def __iter__(self) -> Iterator[Clip]:
        return self

    def __next__(self) -> Clip:
        if not self._close.alive:
            raise GameplayError("the gameplay stream is closed; make a new one with start_at=state()")
        worker = self._position % self.num_lanes % self.num_workers
        pipe, process = self._pipes[worker], self._processes[worker]
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            process.join()
            message = f"it ended without a word, exit code {process.exitcode} (-9: killed, perhaps out of memory)"
        if isinstance(message, str):
            self.close()
            raise GameplayError(f"gameplay worker {worker} of {self.num_workers} failed:\n{message}")
        actions, prompts, seed = message
        frames = self._frames[worker][self._taken[worker] % NUM_SLOTS].copy()
        with contextlib.suppress(OSError):  # a worker that died since is reported when its turn comes
            pipe.send_bytes(b"taken")
        self._taken[worker] += 1
        self._position += 1
        return Clip(frames, actions, prompts, seed)

    def state(self) -> int:
        """How many clips came before the next one, counted from the very start: the `start_at` that continues here."""
        return self._position

    def close(self) -> None:
        """End the workers. Happens by itself when the stream is collected or Python ends."""
        self._close()

    def __enter__(self) -> "GameplayStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end(processes: list[Any], pipes: list[Connection]) -> None:
    for process in processes:
        process.kill()  # workers hold nothing that could be lost
    for process in processes:
        process.join()
    for pipe in pipes:
        pipe.close()


def _slots(memory: Any, clip_shape: tuple[int, ...]) -> np.ndarray:
    return np.frombuffer(memory, np.uint8).reshape(NUM_SLOTS, *clip_shape)


def _run_worker(work: _Work, memory: Any, pipe: Connection) -> None:
    """Play this worker's lanes in the order of the stream until the reader is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the reader's to handle
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ["NUMBA_NUM_THREADS"] = "1"  # one core for each worker
    try:
        _play(work, _slots(memory, work.clip_shape), pipe)
    except Exception:
        with contextlib.suppress(OSError):
            pipe.send(traceback.format_exc())
        raise SystemExit(1) from None


def _play(work: _Work, slots: np.ndarray, pipe: Connection) -> None:
    make_game, make_bot = load(work.game), load(work.bot)
    biomes = load(work.biomes) if work.biomes else ()
    clip_frames, height, width, _ = work.clip_shape
    lanes = {
        lane: Lane(
            make_game,
            make_bot,
            biomes=biomes,
            height=height,
            width=width,
            clip_frames=clip_frames,
            seed=work.seed,
            lane=lane,
        )
        for lane in range(work.worker, work.num_lanes, work.num_workers)
    }
    num_played = 0
    position = work.start_at
    while True:
        index, lane = divmod(position, work.num_lanes)
        position += 1
        if lane not in lanes:
            continue
        played = lanes[lane].play(index, slots[num_played % NUM_SLOTS])
        num_played += 1
        try:
            pipe.send(played)
            if num_played >= NUM_SLOTS:
                pipe.recv_bytes()  # wait until the clip in the next slot has been taken
        except (EOFError, OSError):
            return  # the reader closed the stream


def load(name: str) -> Any:
    """What "module:name" stands for."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
