"""Going back in time as the player sees it: what was shown, backwards, faster the longer it lasts. Knows no world."""

from collections.abc import Sequence

from simworld.client.requests import Chunk
from simworld.frames import FPS

_FASTER_SECONDS = 3.0


class Rewinding:
    """`past`: chunks with rising numbers, the present one last. Begins at `now`."""

    def __init__(self, past: Sequence[Chunk], now: float) -> None:
        self._past = past
        self._at = len(past) - 1
        self._begun = self._next = now

    @property
    def chunk(self) -> Chunk:
        """Where it is now."""
        return self._past[self._at]

    @property
    def seconds(self) -> float:
        """How far back that is."""
        return (self._past[-1].number - self.chunk.number) * len(self._past[-1].frames) / FPS

    @property
    def at_end(self) -> bool:
        """Whether it goes no farther back."""
        return self._at == 0

    def tick(self, now: float) -> Chunk | None:
        """The chunk to show the end of now; None until the next is due."""
        if now < self._next:
            return None
        self._next = now + 1 / FPS
        self._at = max(0, self._at - (1 if now - self._begun < _FASTER_SECONDS else 2))
        return self.chunk
