"""A bot that is after a task's reward, most of the time: it shows what there is to learn about a task."""

from simworld.env.voxel import intentions
from simworld.env.voxel.bot import Bot, Intention
from simworld.env.voxel.gaits import approach, free_yaw, walk_towards
from simworld.env.voxel.handiwork import chop
from simworld.env.voxel.stages import TaskStage
from simworld.tasks import Navigate, Treechop

STRAY = 0.15
"""How often it does as other bots do."""


class Seeker(Bot):
    """`stage`: of the task that it is after, which must have begun when it first acts."""

    def __init__(self, seed: int, stage: TaskStage) -> None:
        super().__init__(seed)
        self.stage = stage

    def choose(self) -> Intention:
        """See `Bot`."""
        if self.chance(STRAY):
            return intentions.choose(self)
        task, gait = self.stage.task, ("walk", "sprint")[int(self.chance(0.5))]
        if isinstance(task, Treechop):
            return chop(self)
        if isinstance(task, Navigate):
            return approach(self, lambda: self.stage.goal, 1.0, 400, gait)
        return walk_towards(self, free_yaw(self, 40), int(self.rng.integers(40, 160)), gait)
