"""Tasks: what a player is rewarded for, defined once for every world. Each is data and a small function of the facts of play.

    task = TASKS["explore"]()
    reward, over = task.score(Facts(right=0.1, ahead=9.0))      # after every step

The game tells the facts (`env/voxel/stages.py` sets the scene and looks), a dream's judge guesses them (`model/judge.py`).
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

OPEN_LAND = ("plains", "savanna", "desert", "snow")
WOODS = ("forest", "birch forest", "taiga")


@dataclass(frozen=True)
class Facts:
    """What tasks pay by, after a step of play. right, ahead: where the player is, in blocks to the right of and ahead of where
    the play began, as the player then stood. log: whether a log broke in this step."""

    right: float = 0.0
    ahead: float = 0.0
    log: bool = False


@dataclass
class Track:
    """Where somebody is who began at (0, 0), heading straight ahead. right, ahead: as in `Facts`; heading: degrees turned to
    the right since."""

    right: float = 0.0
    ahead: float = 0.0
    heading: float = 0.0

    def go(self, aside: float, onward: float, turn: float) -> None:
        """Go so many blocks to the right and onward, as seen half way through a turn of so many degrees."""
        right, ahead = turned(aside, onward, self.heading + turn / 2)
        self.right, self.ahead = self.right + right, self.ahead + ahead
        self.heading += turn


def turned(aside: float, onward: float, heading: float) -> tuple[float, float]:
    """(right, ahead) as seen from straight ahead of what is (aside, onward) as seen `heading` degrees further to the right."""
    angle = math.radians(heading)
    return aside * math.cos(angle) + onward * math.sin(angle), onward * math.cos(angle) - aside * math.sin(angle)


class Task(Protocol):
    """The score of one play. `biomes`: where it begins, by name, or () for anywhere. `by_day`: whether by daylight."""

    biomes: ClassVar[tuple[str, ...]]
    by_day: ClassVar[bool]

    def score(self, facts: Facts) -> tuple[float, bool]:
        """The reward of a step, and whether the task is over."""
        ...


@dataclass
class Treechop:
    """1 for every log that is broken; over after `enough`. It begins before a tree."""

    biomes: ClassVar[tuple[str, ...]] = WOODS
    by_day: ClassVar[bool] = True

    enough: int = 8
    chopped: int = 0

    def score(self, facts: Facts) -> tuple[float, bool]:
        """See `Task`."""
        self.chopped += facts.log
        return float(facts.log), self.chopped >= self.enough


@dataclass
class Navigate:
    """1 for each block nearer than ever before to a beacon, `arrival` for coming as `near`, which ends it. The beacon stands
    `away` blocks from where the play began, `bearing` degrees to the right (left, if negative) of where the player looked."""

    biomes: ClassVar[tuple[str, ...]] = OPEN_LAND
    by_day: ClassVar[bool] = True

    bearing: float = 0.0
    away: float = 32.0
    near: float = 4.0
    arrival: float = 20.0
    best: float = field(default=math.inf)

    def score(self, facts: Facts) -> tuple[float, bool]:
        """See `Task`."""
        distance, arrived = self.distance(facts), self.distance(facts) < self.near
        reward = max(0.0, min(self.best, self.away) - distance)
        self.best = min(self.best, self.away, distance)
        return reward + (self.arrival if arrived else 0.0), arrived

    def distance(self, facts: Facts) -> float:
        """To the beacon, in blocks."""
        right, ahead = turned(0.0, self.away, self.bearing)
        return math.hypot(right - facts.right, ahead - facts.ahead)


@dataclass
class Explore:
    """1 for every square of `side` × `side` blocks that is entered for the first time, the play beginning in the middle of one;
    it is never over."""

    biomes: ClassVar[tuple[str, ...]] = ()
    by_day: ClassVar[bool] = False

    side: float = 4.0
    seen: set[tuple[int, int]] = field(default_factory=lambda: {(0, 0)})

    def score(self, facts: Facts) -> tuple[float, bool]:
        """See `Task`."""
        square = math.floor(facts.right / self.side + 0.5), math.floor(facts.ahead / self.side + 0.5)
        new = square not in self.seen
        self.seen.add(square)
        return float(new), False


@dataclass
class Recall:
    """What was that? A pillar is shown at the end of an alley ahead. Of two pillars that stand behind, out of sight, one is of
    its kind: 1 for coming as `near` to that one, -1 for coming so to the other; either ends it. The right one stands `away`
    blocks from where the play began, `bearing` degrees to the right (left, if negative) of where the player looked, the other
    as far to the other side. No picture shows what is in the alley together with what stands behind: it must be remembered."""

    biomes: ClassVar[tuple[str, ...]] = OPEN_LAND
    by_day: ClassVar[bool] = True

    bearing: float = 129.8
    away: float = 7.8
    near: float = 2.5

    def score(self, facts: Facts) -> tuple[float, bool]:
        """See `Task`."""
        for bearing, reward in ((self.bearing, 1.0), (-self.bearing, -1.0)):
            right, ahead = turned(0.0, self.away, bearing)
            if math.hypot(right - facts.right, ahead - facts.ahead) < self.near:
                return reward, True
        return 0.0, False


TASKS: dict[str, type[Treechop] | type[Navigate] | type[Explore] | type[Recall]] = {
    "treechop": Treechop,
    "navigate": Navigate,
    "explore": Explore,
    "recall": Recall,
}
