"""What a play measured: pictures shown and late, step times, key-to-picture latencies, memory. Knows no window.

Every time is in seconds of `time.perf_counter`, given by the caller. HUD, farewell line and benchmark read from here.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_HISTORY = 36_000
"""Values kept of each measure: half an hour of pictures, so that a long play's memory stays flat."""
_RECENT_SECONDS = 2.0
_RSS_SECONDS = 2.0


def rss_mb() -> float:
    """The resident memory of this process, and of those that it has started, in MB; NaN where the system has no /proc."""
    processes = ["self", *(str(child.pid) for child in multiprocessing.active_children())]
    try:
        pages = sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in processes)
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def process_age() -> float:
    """Seconds since this process was started; 0 where the system has no /proc."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return 0.0
    return uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def percentile(values: Iterable[float], percent: float) -> float:
    """The `percent`-th percentile, NaN of nothing."""
    array = np.fromiter(values, float)
    return float(np.percentile(array, percent)) if array.size else float("nan")


@dataclass
class Stats:
    """started: when play began. pictures: shown so far, `late` of them later than due. flips: when each was shown.
    latencies: from a key or button event to the flip of the first picture computed with it. step_seconds: of each env
    step. paused_seconds: while the world stood still; paused_at: since when. rss: (time, MB) every two seconds.
    chunk_frames: pictures of the last step. All seconds.
    """

    started: float
    pictures: int = 0
    late: int = 0
    chunk_frames: int = 1
    first_flip: float | None = None
    paused_seconds: float = 0.0
    paused_at: float | None = None
    flips: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    step_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    rss: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_HISTORY))

    def shown(self, now: float, late: bool, event_times: Iterable[float]) -> None:
        """One picture was flipped at `now`; `event_times` are those of the input that it is the first to show."""
        self.pictures += 1
        self.late += late
        self.flips.append(now)
        self.latencies.extend(now - time for time in event_times)
        if self.first_flip is None:
            self.first_flip = now
        if not self.rss or now - self.rss[-1][0] >= _RSS_SECONDS:
            self.rss.append((now, rss_mb()))

    def pause(self, paused: bool, now: float) -> None:
        """The world stands still from `now` on, or goes on."""
        if paused:
            self.paused_at = now
        elif self.paused_at is not None:
            if self.first_flip is not None:  # before the first picture nothing is counted
                self.paused_seconds += now - max(self.paused_at, self.first_flip)
            self.paused_at = None

    @property
    def first_picture_s(self) -> float:
        """Seconds from the start of play to the first picture; NaN before it."""
        return float("nan") if self.first_flip is None else self.first_flip - self.started

    @property
    def fps(self) -> float:
        """Pictures a second from the first picture to the last; NaN of fewer than two."""
        if self.first_flip is None or self.pictures < 2:
            return float("nan")
        return (self.pictures - 1) / max(self.flips[-1] - self.first_flip - self.paused_seconds, 1e-9)

    def recent_fps(self, now: float) -> float:
        """Pictures a second over the last two seconds, 0 when nothing was shown."""
        count = 0
        for time in reversed(self.flips):
            if now - time > _RECENT_SECONDS:
                break
            count += 1
        span = min(_RECENT_SECONDS, now - (self.first_flip if self.first_flip is not None else now))
        return count / span if span > 0 else 0.0

    @property
    def late_share(self) -> float:
        """Share of the pictures that were shown late, 0..1."""
        return self.late / self.pictures if self.pictures else 0.0

    def rss_growth(self) -> float:
        """MB that memory grew from a third of the play (all is loaded then) to its end."""
        if len(self.rss) < 2:
            return 0.0
        values = [megabytes for _, megabytes in self.rss]
        return values[-1] - values[len(values) // 3]

    def __str__(self) -> str:
        parts = [f"{self.pictures} pictures", f"{self.fps:.1f} a second", f"{100 * self.late_share:.1f} % late"]
        if self.step_seconds:
            parts.append(f"{1000 * percentile(self.step_seconds, 50):.0f} ms a chunk")
        if self.latencies:
            middle, high = (1000 * percentile(self.latencies, percent) for percent in (50, 95))
            parts.append(f"key to picture {middle:.0f} ms (p95 {high:.0f})")
        return ", ".join(parts)
