"""Drafts under way: finished here when their pictures are asked for, or meanwhile by a process of its own (`finisher`)."""

import contextlib
from collections import deque

import torch
from jaxtyping import UInt8
from torch import Tensor

from simworld.model.finish import Draft, Finish, finished
from simworld.model.finisher import Finisher


class Drafts:
    """Their pictures come in the order of the drafts, and are the same whoever finishes them."""

    def __init__(self, finish: Finish) -> None:
        self._finish = finish
        self._under_way: deque[tuple[Draft, bool]] = deque()
        self._finisher: Finisher | None = None
        self._threads = 1

    def __len__(self) -> int:
        return len(self._under_way)

    def finish_aside(self) -> None:
        """Start a process, which takes seconds, with half of the threads that PyTorch has here; who calls this has the others
        until it ends. Nothing happens where there is but one."""
        threads = torch.get_num_threads()
        if self._finisher is None and threads > 1:
            self._threads = threads
            self._finisher = Finisher(self._finish, threads // 2)
            torch.set_num_threads(threads - threads // 2)

    @property
    def finished_aside(self) -> bool:
        """Whether a process finishes what is added."""
        return self._finisher is not None and self._finisher.ready

    def add(self, draft: Draft) -> None:
        """One more is under way."""
        if self._finisher is not None and not self._finisher.runs:
            self.close()
        self._under_way.append((draft, self._finisher is not None and self._finisher.give(draft)))

    def take(self) -> UInt8[Tensor, "b r h w 3"]:
        """The pictures of the first; finished here also where the process that had them has ended."""
        draft, aside = self._under_way.popleft()
        if aside and self._finisher is not None:
            with contextlib.suppress(EOFError, OSError):
                return self._finisher.take()
        return finished(self._finish, draft)

    def close(self) -> None:
        """End the process, where there is one."""
        if self._finisher is not None:
            self._finisher.close()
            self._finisher = None
            torch.set_num_threads(self._threads)
