"""A bot that darts about: it runs and leaps, lets go, holds other keys and turns elsewhere before it has come anywhere, as do
people in haste, and learners who know nothing yet."""

from collections.abc import Mapping

import numpy as np

from simworld.env.voxel import intentions
from simworld.env.voxel.bot import Bot, Intention
from simworld.env.voxel.game import Game

LEAP, LAPSE = 0.4, 0.15
"""How often, while it darts about, it sprints and jumps at once, or lets all keys go: who is in the air flies on."""
HASTE = {"forward": 0.65, "back": 0.15, "left": 0.1, "right": 0.1, "sprint": 0.5, "jump": 0.35, "attack": 0.1}
"""How likely each key is held while it darts about."""
SIDESTEPS = {**HASTE, "left": 0.2, "right": 0.2, "sneak": 0.05}
"""The same of who does so all the time."""
STRAY, BLIND = 0.15, 0.5
"""How often it does as other bots do; and so many see nothing, and run into what others avoid."""
BEATS = (2, 2, 6, 16)
"""For so many frames it may hold the same keys."""


class Darter(Bot):
    """One that darts about most of the time."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.blind = np.random.default_rng([seed, 2]).random() < BLIND

    def act(self, game: Game | None) -> np.ndarray:
        """See `Bot`."""
        return super().act(None if self.blind else game)

    def choose(self) -> Intention:
        """See `Bot`."""
        if self.chance(STRAY):
            return intentions.choose(self)
        return dart(self, int(self.rng.choice(BEATS)), SIDESTEPS)


def dart(bot: Bot, beat: int = 2, habits: Mapping[str, float] = HASTE) -> Intention:
    """Hold other keys, each as often as `habits` say, and turn elsewhere every `beat` frames."""
    for _ in range(int(bot.rng.integers(5, 30))):
        keys = {key for key, chance in habits.items() if bot.chance(chance)}
        if bot.chance(LEAP):
            keys = {"forward", "sprint", "jump"}
        elif bot.chance(LAPSE):
            keys = set()
        bot.aim(bot.yaw + float(bot.rng.choice([-20.0, 0.0, 0.0, 20.0])), bot.pitch, 8.0)
        for _ in range(beat):
            bot.keys |= keys
            yield
