"""A bot that is after a task's reward, most of the time: it shows what there is to learn about a task."""

import numpy as np

from simworld.actions import SLOT
from simworld.env.voxel import intentions
from simworld.env.voxel.bot import Bot, Intention
from simworld.env.voxel.gaits import approach, free_yaw, walk_towards
from simworld.env.voxel.game import Game
from simworld.env.voxel.handiwork import chop
from simworld.env.voxel.stages import TaskStage
from simworld.tasks import Navigate, Treechop

STRAY, DART, HOP = 0.1, 0.25, 0.3
"""How often it does as other bots do, darts about, or hops along."""
LEAP, LAPSE = 0.4, 0.15
"""How often, while it darts about, it sprints and jumps at once, or lets all keys go: who is in the air flies on."""
HASTE = {"forward": 0.65, "back": 0.15, "left": 0.1, "right": 0.1, "sprint": 0.5, "jump": 0.35, "attack": 0.1}
"""How likely each key is held while it darts about."""


class Seeker(Bot):
    """`stage`: of the task that it is after, which must have begun when it first acts. `darts`: how often it darts about."""

    def __init__(self, seed: int, stage: TaskStage, darts: float = DART) -> None:
        super().__init__(seed)
        self.stage, self.darts = stage, darts
        self.hops = False

    def act(self, game: Game | None) -> np.ndarray:
        """See `Bot`."""
        action = super().act(game)
        if self.hops and action[SLOT["forward"]]:
            action[[SLOT["sprint"], SLOT["jump"]]] = 1
        return action

    def choose(self) -> Intention:
        """See `Bot`."""
        self.hops = self.chance(HOP)
        if self.chance(STRAY):
            return intentions.choose(self)
        if self.chance(self.darts):
            return dart(self)
        task, gait = self.stage.task, ("walk", "sprint")[int(self.chance(0.5))]
        if isinstance(task, Treechop):
            return chop(self)
        if isinstance(task, Navigate):
            return approach(self, lambda: self.stage.goal, 1.0, 400, gait)
        return walk_towards(self, free_yaw(self, 40), int(self.rng.integers(40, 160)), gait)


def dart(bot: Bot) -> Intention:
    """Hold other keys and turn elsewhere every tenth of a second, as who has not learned anything yet does."""
    for _ in range(int(bot.rng.integers(5, 30))):
        keys = {key for key, chance in HASTE.items() if bot.chance(chance)}
        if bot.chance(LEAP):
            keys = {"forward", "sprint", "jump"}
        elif bot.chance(LAPSE):
            keys = set()
        bot.aim(bot.yaw + float(bot.rng.choice([-20.0, 0.0, 0.0, 20.0])), bot.pitch, 8.0)
        for _ in range(2):
            bot.keys |= keys
            yield
