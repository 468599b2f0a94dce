"""The weather of a play: spells of clear sky, rain, snow or storm that ease in and out, by seeded dice.

Knows no world and no pictures; `Game` asks it once a step and tells it what the place is like when a spell begins.
"""

from dataclasses import dataclass

import numpy as np

from simworld.env.voxel.sky import WEATHERS

SPELLS: dict[str, tuple[tuple[str, float], ...]] = {
    "cold": (("snow", 1.0),),
    "dry": (("rain", 0.5), ("storm", 0.5)),
    "mild": (("rain", 0.6), ("storm", 0.3), ("snow", 0.1)),
}
"""What falls when the sky is not clear, with its chance, by climate."""
CLIMATES: dict[str, str] = {"snow": "cold", "taiga": "cold", "mountains": "cold", "desert": "dry", "savanna": "dry"}
"""The climate of a biome; mild where none is named."""
CLEAR_CHANCE = 0.65
EASE = 1.0 / 120
"""Change of intensity a step: six seconds from clear to full."""
CLEAR_STEPS = (2000, 6000)
WET_STEPS = (1000, 3000)


@dataclass
class Weather:
    """`kind` is one of WEATHERS, `intensity` 0..1 how hard it falls now, `target` where that is heading, `left` steps
    until the next change."""

    kind: str = "clear"
    intensity: float = 0.0
    target: float = 0.0
    left: int = 3000

    @property
    def name(self) -> str:
        """What a person would call it now: a beginning or ending drizzle is still "clear"."""
        return self.kind if self.intensity >= 0.3 else "clear"

    def set(self, kind: str, rng: np.random.Generator) -> None:
        """Be `kind` at once, at full strength. ValueError for a weather that does not exist."""
        if kind not in WEATHERS:
            raise ValueError(f"weather is {kind!r}; it must be one of {', '.join(WEATHERS)}")
        wet = kind != "clear"
        self.kind = kind
        self.target = float(rng.uniform(0.75, 1.0)) if wet else 0.0
        self.intensity = self.target
        self.left = int(rng.integers(*(WET_STEPS if wet else CLEAR_STEPS)))

    def begin(self, biome: str, rng: np.random.Generator) -> None:
        """Draw a weather to start a play with."""
        self.set("clear" if rng.random() < CLEAR_CHANCE else falling_in(biome, rng), rng)

    def step(self, biome: str, rng: np.random.Generator) -> None:
        """One step: ease towards the target; at the end of a spell draw the next one for `biome`."""
        if self.intensity < self.target:
            self.intensity = min(self.target, self.intensity + EASE)
        elif self.intensity > self.target:
            self.intensity = max(self.target, self.intensity - EASE)
            if self.intensity == 0.0:
                self.kind = "clear"
        self.left -= 1
        if self.left > 0:
            return
        if self.target == 0.0:
            self.kind, self.target = falling_in(biome, rng), float(rng.uniform(0.75, 1.0))
            self.left = int(rng.integers(*WET_STEPS))
        else:
            self.target = 0.0
            self.left = int(rng.integers(*CLEAR_STEPS))


def falling_in(biome: str, rng: np.random.Generator) -> str:
    """Draw what falls from the sky of `biome`: "rain", "snow" or "storm"."""
    spells = SPELLS[CLIMATES.get(biome, "mild")]
    return str(rng.choice([kind for kind, _ in spells], p=[chance for _, chance in spells]))
