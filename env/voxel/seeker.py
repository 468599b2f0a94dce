"""A bot that is after a task's reward, most of the time: it shows what there is to learn about a task."""

import math

import numpy as np

from simworld.actions import SLOT
from simworld.env.voxel import intentions
from simworld.env.voxel.bot import Bot, Intention
from simworld.env.voxel.darter import dart
from simworld.env.voxel.gaits import approach, free_yaw, walk_towards
from simworld.env.voxel.game import Game
from simworld.env.voxel.handiwork import chop
from simworld.env.voxel.physics import X, Z
from simworld.env.voxel.stages import TaskStage
from simworld.tasks import Navigate, Recall, Treechop

STRAY, DART, HOP = 0.1, 0.25, 0.3
"""How often it does as other bots do, darts about, or hops along."""
MISTAKEN = 0.3
"""So many recall the wrong pillar."""
TURNED = 15.0
"""Degrees; who faces its goal better than that goes on."""


class Seeker(Bot):
    """`stage`: of the task that it is after, which must have begun when it first acts. `darts`: how often it darts about."""

    def __init__(self, seed: int, stage: TaskStage, darts: float = DART) -> None:
        super().__init__(seed)
        self.stage, self.darts = stage, darts
        self.hops = False
        self.mistaken = np.random.default_rng([seed, 4]).random() < MISTAKEN

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
        if isinstance(task, Recall):
            place = self.stage.place(-task.bearing if self.mistaken else task.bearing, task.away)
            return turn_and_go(self, place)
        return walk_towards(self, free_yaw(self, 40), int(self.rng.integers(40, 160)), gait)


def turn_and_go(bot: Bot, place: tuple[float, float], steps: int = 120) -> Intention:
    """Turn to a place, standing, then go straight there."""
    for _ in range(steps):
        assert bot.game is not None
        body = bot.game.body
        away_x, away_z = place[0] - body[X], place[1] - body[Z]
        if math.hypot(away_x, away_z) < 1:
            return
        bot.aim(math.degrees(math.atan2(-away_x, away_z)), 8.0, 12.0)
        if bot.aim_error() < TURNED:
            bot.keys.add("forward")
        yield
