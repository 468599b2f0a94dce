"""Where the time and the arithmetic of a chunk go, stage by stage: what `simworld benchmark` states and docs/performance.md
holds. Functions of the sampler that are a stage say so (`stage`); what of a chunk is in none of them is decoding.
"""

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode

Stage = TypeVar("Stage", bound=Callable[..., Any])
REST = "decode"


@dataclass
class Watch:
    """seconds: for each stage those of each of its calls. flops: for each stage the floating-point operations of all its
    calls, counted only where `counter` is given. clock: tells seconds."""

    counter: FlopCounterMode | None = None
    clock: Callable[[], float] = time.perf_counter
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    flops: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @contextmanager
    def over(self, name: str) -> Iterator[None]:
        """Watch what happens within."""
        _settle()
        counted = self.counter.get_total_flops() if self.counter else 0
        started = self.clock()
        yield
        _settle()
        self.seconds[name].append(self.clock() - started)
        if self.counter:
            self.flops[name] += self.counter.get_total_flops() - counted


_watches: list[Watch] = []


def stage(name: str) -> Callable[[Stage], Stage]:
    """Marks a function as a stage of a chunk."""

    def mark(function: Stage) -> Stage:
        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if not _watches:
                return function(*args, **kwargs)
            with _watches[-1].over(name):
                return function(*args, **kwargs)

        return watched  # type: ignore[return-value]

    return mark


@contextmanager
def watching(
    counter: FlopCounterMode | None = None, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Watch]:
    """Watch all stages within; nothing is watched, and nothing costs, elsewhere."""
    _watches.append(Watch(counter, clock))
    try:
        yield _watches[-1]
    finally:
        _watches.pop()


def per_chunk(watch: Watch, num_chunks: int) -> dict[str, dict[str, float]]:
    """For each stage, and for `REST` of "chunk", its milliseconds in a median chunk and its floating-point operations."""
    totals = {name: _median_sum(seconds, num_chunks) for name, seconds in watch.seconds.items()}
    flops = {name: watch.flops.get(name, 0) / num_chunks for name in totals}
    whole, whole_flops = totals.pop("chunk"), flops.pop("chunk")
    totals[REST] = whole - sum(totals.values())
    flops[REST] = whole_flops - sum(flops.values())
    order = [name for name in ORDER if name in totals]
    return {name: {"ms": 1000 * totals[name], "flops": flops[name]} for name in order}


ORDER = (
    *("scenery", "conditioning", "denoise", REST, "hands", "far memory", "restore", "grain", "falls", "relight"),
    "cache write",
)
"""The stages, as they follow each other."""


def _median_sum(seconds: list[float], num_chunks: int) -> float:
    """A stage may come several times in a chunk: the median chunk's sum."""
    times = len(seconds) // num_chunks
    sums = torch.tensor(seconds[: times * num_chunks]).reshape(num_chunks, times).sum(1)
    return float(sums.median())


def _settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
