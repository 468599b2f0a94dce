"""Finisher: another process that finishes drafts, on another core, while the dream goes on.

A process, not a thread: both make many small calls, and would wait for Python's lock. What passes between them is copied.
"""

import io
import multiprocessing
import pickle
import signal
from multiprocessing.connection import Connection
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from simworld.model.finish import Draft, Finish, finished

_LISTENS, _READY = 1, 2
"""How often the process has then said something."""
_PATIENCE = 1.0
"""Seconds in which the process must have ended that was asked to."""


class Finisher:
    """Drafts are finished one after the other, in the order in which they are given, by a process of so many threads. It
    takes seconds to start; this does not wait for it."""

    def __init__(self, finish: Finish, num_threads: int) -> None:
        processes = multiprocessing.get_context("spawn")
        self._pipe, theirs = processes.Pipe()
        self._process = processes.Process(target=_serve, args=(theirs, num_threads), daemon=True)
        self._process.start()
        theirs.close()
        # Given with the process's arguments, they would have to be waited for.
        self._networks: bytes | None = _packed(finish)
        self._said = 0

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    @property
    def ready(self) -> bool:
        """Whether it has started, and runs."""
        try:
            while self._said < _READY and self._pipe.poll():
                self._pipe.recv_bytes()
                self._said += 1
        except (EOFError, OSError):
            return False
        return self._said == _READY and self.runs

    def give(self, draft: Draft) -> bool:
        """Hand over a draft, if the process is ready. The first that comes before is what it tries its hands on: the first of
        all takes long."""
        try:
            if self.ready:
                self._pipe.send_bytes(_packed(draft))
                return True
            if self._said == _LISTENS and self._networks is not None:
                self._pipe.send_bytes(self._networks)
                self._pipe.send_bytes(_packed(draft))
                self._networks = None
        except OSError:
            pass
        return False

    def take(self) -> UInt8[Tensor, "b r h w 3"]:
        """The frames of the first draft that they were not taken of, once they are finished. EOFError or OSError where the
        process has ended."""
        frames: Tensor = pickle.loads(self._pipe.recv_bytes())
        return frames

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, num_threads: int) -> None:
    """Say that one listens, and again when the networks have finished a first draft, then finish what comes, until the other
    end is closed. Who interrupts the player's process ends this one with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(num_threads)
    try:
        pipe.send_bytes(b"")
        networks: Finish = pickle.loads(pipe.recv_bytes())
        finished(networks, pickle.loads(pipe.recv_bytes()))
        pipe.send_bytes(b"")
        while True:
            pipe.send_bytes(_packed(finished(networks, pickle.loads(pipe.recv_bytes()))))
    except (EOFError, OSError):
        return


class _Pickler(pickle.Pickler):
    """Tensors as arrays, which takes a hundredth of the time of torch's own way."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is not Tensor or value.dtype == torch.bfloat16 or value.device.type != "cpu":
            return NotImplemented
        return torch.from_numpy, (value.numpy(),)


def _packed(value: Any) -> bytes:
    file = io.BytesIO()
    _Pickler(file, protocol=5).dump(value)
    return file.getvalue()
