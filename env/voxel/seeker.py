"""A bot that is after a task's reward, most of the time: it shows what there is to learn about a task."""

import numpy as np

from simworld.actions import SLOT
from simworld.env.voxel import intentions
from simworld.env.voxel.bot import Bot, Intention
from simworld.env.voxel.darter import dart
from simworld.env.voxel.gaits import approach, free_yaw, walk_towards
from simworld.env.voxel.game import Game
from simworld.env.voxel.handiwork import chop
from simworld.env.voxel.stages import TaskStage
from simworld.tasks import Navigate, Treechop

STRAY, DART, HOP = 0.1, 0.25, 0.3
"""How often it does as other bots do, darts about, or hops along."""


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
