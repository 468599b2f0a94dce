"""The last minute of a world, so that it can be gone back to: a state now and then, and all that was asked in between.

Going back to a chunk is loading the state before it and asking the same again, which is exact. Knows no window and no env.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from simworld.client.requests import SetPrompt, Step
from simworld.frames import FPS

SECONDS = 60
"""How far one can go back."""
_DENSE_CHUNKS, _DENSE, _SPARSE = 20, 5, 40
"""Of the latest chunks every fifth state is kept, of older ones every fortieth: little memory, and little to do again."""


@dataclass
class _Stretch:
    """The state after chunk `number`, and what was asked from there to the next stretch."""

    number: int
    state: Any
    asked: list[Step | SetPrompt] = field(default_factory=list)


class Past:
    """Chunks are numbered from the last start of the world on, which is chunk 0. `chunk_frames`: pictures of one."""

    def __init__(self, chunk_frames: int) -> None:
        self.number = 0
        self._length = SECONDS * FPS // chunk_frames
        self._stretches: deque[_Stretch] = deque()

    @property
    def due(self) -> bool:
        """Whether a state is to be kept now."""
        return not self._stretches or self.number - self._stretches[-1].number >= _DENSE

    @property
    def state(self) -> Any:
        """The latest that was kept, None where there is none."""
        return self._stretches[-1].state if self._stretches else None

    def begin(self, state: Any, number: int = 0) -> None:
        """A world begins, as chunk `number`, in `state`."""
        self.number = number
        self._stretches = deque([_Stretch(number, state)])

    def asked(self, request: Step | SetPrompt) -> None:
        """The world has done this; a Step is one more chunk."""
        if self._stretches:
            self._stretches[-1].asked.append(request)
        self.number += isinstance(request, Step)

    def keep(self, state: Any) -> None:
        """The world is in `state` now."""
        self._stretches.append(_Stretch(self.number, state))
        while len(self._stretches) > 2 and self._stretches[1].number <= self.number - self._length:
            self._stretches.popleft()
        self._thin()

    def way_to(self, number: int) -> tuple[Any, list[Step | SetPrompt]]:
        """The state to load and what to ask from there to be just after chunk `number`; what came later is forgotten.
        ValueError where that is too long ago."""
        while self._stretches and self._stretches[-1].number > number:
            self._stretches.pop()
        if not self._stretches:
            raise ValueError("that is too long ago to go back to")
        latest = self._stretches[-1]
        asked: list[Step | SetPrompt] = []
        reached = latest.number
        for request in latest.asked:
            if isinstance(request, Step):
                if reached == number:
                    break
                reached += 1
            asked.append(request)
        latest.asked = list(asked)
        self.number = reached
        return latest.state, asked

    def _thin(self) -> None:
        """What has become old is kept more sparsely: a stretch then takes over what was asked in the one that goes."""
        recent = self.number - _DENSE_CHUNKS
        kept: list[_Stretch] = []
        for stretch in self._stretches:
            if kept and stretch.number < recent and stretch.number - kept[-1].number < _SPARSE:
                kept[-1].asked += stretch.asked
            else:
                kept.append(stretch)
        self._stretches = deque(kept)
