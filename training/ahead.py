"""Items made ahead by several processes, which come in the order of their numbers, whoever is done first."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from typing import TypeVar

import torch

Item = TypeVar("Item")
AHEAD = 2
"""So many numbers are made ahead for each worker."""


def made_ahead(make: Callable[[int], Sequence[Item]], num_workers: int) -> Iterator[Item]:
    """What `make` makes of 0, 1, 2 …, item after item, without end; each process has one thread."""
    with ProcessPoolExecutor(num_workers, get_context("spawn"), torch.set_num_threads, (1,)) as workers:
        numbers, waiting = count(), list[Future[Sequence[Item]]]()
        while True:
            while len(waiting) < AHEAD * num_workers:
                waiting.append(workers.submit(make, next(numbers)))
            yield from waiting.pop(0).result()
