"""The client's clock: when the next picture is due, whether it came late, and when the next chunk must be started.

Knows neither pictures nor worlds, and never reads a clock: every `now` is given, in seconds, so tests need not wait.
"""

from collections import deque
from statistics import median_low

from simworld.frames import FPS

LATE_SECONDS = 0.010
"""A picture shown more than this after its time counts as late."""
_CATCH_UP = 0.8
"""After a late picture the next ones follow at this share of the interval until the lost time is made good."""
_MOST_DEBT = 5
"""Intervals of lost time that are made good; what is lost beyond stays lost: no stall may end in a fast-forward."""
_MARGIN_SECONDS = 0.006
"""Between a chunk's expected end and its first picture's time: what a flip in between may cost."""
_STEPS_KEPT, _HICCUPS = 40, 4
"""Of so many steps the slowest are not planned for: planning for all but one is seen 15 ms later, and not more evenly."""


class Pacer:
    """`interval` seconds between pictures; 0 never waits and knows no lateness (writing a video).

    The last picture was shown at `_last`; `_drawn` is when its drawing began, as far as that is known: what drawing takes is
    not to be waited for again."""

    def __init__(self, interval: float = 1 / FPS) -> None:
        self.interval = interval
        self._steps: deque[float] = deque(maxlen=_STEPS_KEPT)
        self._per_picture: deque[float] = deque(maxlen=_STEPS_KEPT)
        self._schedule = float("-inf")
        self._last = self._drawn = float("-inf")

    def restart(self) -> None:
        """Forget the schedule: the next picture is due at once and cannot be late (a new world, a pause)."""
        self._schedule = self._last = self._drawn = float("-inf")

    def due(self, now: float) -> float:
        """When the next picture is to be shown, or `now` where no schedule binds it."""
        due = max(self._schedule, self._drawn + self._least_spacing)
        return due if due > float("-inf") else now

    def shown(self, now: float) -> bool:
        """A picture was shown at `now`; returns whether it was late."""
        if self.interval == 0:
            return False
        fresh = self._last == float("-inf")
        late = not fresh and now - max(self._schedule, self._last + self.interval) > LATE_SECONDS
        due = self.due(now)
        self._drawn = due if due <= now < due + LATE_SECONDS else now
        schedule = now if fresh else self._schedule
        self._schedule = max(schedule + self.interval, now - _MOST_DEBT * self.interval)
        self._last = now
        return late

    def stepped(self, seconds: float, num_frames: int, period: float) -> None:
        """The `num_frames` pictures of a chunk were there after `seconds`; such chunks can follow each other in `period`."""
        self._steps.append(seconds)
        self._per_picture.append(period / num_frames)

    @property
    def expected_step(self) -> float:
        """Seconds the next step may need: the fifth slowest of the last 40, so that a few hiccups raise no lag."""
        return sorted(self._steps)[-_HICCUPS - 1 :][0] if self._steps else float("inf")

    def start_at(self, now: float, num_waiting: int) -> float:
        """The latest time to start a chunk so that it is ready once the `num_waiting` pictures before it are shown."""
        if self.interval == 0 or not self._steps:
            return now
        behind = self._schedule < self._drawn + self._least_spacing
        spacing = self._least_spacing if behind else self.interval
        return self.due(now) + num_waiting * spacing - self.expected_step - _MARGIN_SECONDS

    @property
    def _least_spacing(self) -> float:
        """Pictures never follow faster than this; a slow world's are spread evenly instead of coming in bursts."""
        if self.interval == 0:
            return 0.0
        return max(_CATCH_UP * self.interval, median_low(self._per_picture) if self._per_picture else 0.0)
