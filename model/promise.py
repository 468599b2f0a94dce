"""Promise: what a thread of its own makes, while others go on that will need it. Knows nothing of what it is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")
_THREAD = ThreadPoolExecutor(1, "promise")


def _itself(made: Any) -> Any:
    return made


class Promise(Generic[Made]):
    """What `make` returns, or raises, as soon as it is `kept`. A copy that is pickled is what was made itself."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._making = _THREAD.submit(make)

    def kept(self) -> Made:
        """What was made, which may have to be waited for."""
        return self._making.result()

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[Made]]:
        return _itself, (self.kept(),)


def kept(value: Made | Promise[Made]) -> Made:
    """What was made, or the value itself where nobody promised it."""
    return value.kept() if isinstance(value, Promise) else value
