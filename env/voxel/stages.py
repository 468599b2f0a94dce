"""Stages: the tasks of `simworld.tasks` set up in the reference game, and one of the game's own that needs memory.

Knows no gymnasium. `make_stage(name)` makes a stage; `begin(game)` once after a reset, then `score(game)` after every step
gives (reward, whether the task is over), truly.
"""

import math
from typing import Protocol

import numpy as np

from simworld.env.voxel.blocks import AIR, BIRCH_LOG, BOX, BRICK, LANTERN, LEAVES, LOG, PUMPKIN, REPLACEABLE, SOLID, STONE
from simworld.env.voxel.game import Game
from simworld.env.voxel.interact import HIT_SIZE, trace, view_direction
from simworld.env.voxel.physics import EYE_HEIGHT, YAW, X, Y, Z
from simworld.tasks import TASKS, Facts, Navigate, Task, Treechop, turned

LOGS = (LOG, BIRCH_LOG)
REACHED = 2.2
"""Blocks between a tree and who is to chop it."""
SIGHTS = 12
"""So many blocks around, trees are looked for."""
SEA = 24
BEACON_HEIGHT, BEACON_TURN, NUM_SPOTS = 16, 40.0, 9
STEEP = 4
"""So many blocks up or down do not matter."""
SIGNS = (BRICK, PUMPKIN)
SIGN_HEIGHT = 3
SIGN_AWAY, DOOR_AWAY = 4.0, 7.0
DOOR_TURN = 28.0
DOOR_NEAR = 2.0
SQUARE, SQUARE_HEIGHT = 9, 5
SHOWN, HIDDEN = 40, 80


class Stage(Protocol):
    """One play's task in the game. `biomes`: where to begin, drawn by the env, or () for anywhere. `by_day`: whether the hour
    is drawn from the day alone."""

    @property
    def biomes(self) -> tuple[str, ...]: ...
    @property
    def by_day(self) -> bool: ...
    def begin(self, game: Game) -> None: ...
    def score(self, game: Game) -> tuple[float, bool]: ...


class TaskStage:
    """A task of `simworld.tasks`, which is told what is true. `task`: the present play's."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.task: Task = TASKS[name]()
        self.biomes, self.by_day = self.task.biomes, self.task.by_day
        self.origin = 0.0, 0.0, 0.0

    def begin(self, game: Game) -> None:
        """Set the scene; the play begins as the player now stands."""
        self.task = TASKS[self.name]()
        if isinstance(self.task, Treechop):
            before_tree(game)
        self.origin = float(game.body[X]), float(game.body[Z]), float(game.body[YAW])
        if isinstance(self.task, Navigate):
            self.task.bearing = build_beacon(game, self.task.away)

    @property
    def goal(self) -> tuple[float, float]:
        """x and z of the beacon of `Navigate`."""
        assert isinstance(self.task, Navigate)
        x, z, yaw = self.origin
        ahead = view_direction(yaw + self.task.bearing, 0.0)
        return x + self.task.away * ahead[0], z + self.task.away * ahead[2]

    def score(self, game: Game) -> tuple[float, bool]:
        """See the module."""
        return self.task.score(self.facts(game))

    def facts(self, game: Game) -> Facts:
        """What is true after this step."""
        x, z, yaw = self.origin
        # Yaw 0 faces +z and grows to the right, where -x lies.
        right, ahead = turned(x - float(game.body[X]), float(game.body[Z]) - z, -yaw)
        return Facts(right, ahead, log=game.broken in LOGS)


def before_tree(game: Game) -> None:
    """Stand before the nearest tree that one can stand before, looking at its trunk; where there is none, a bare trunk rises
    ahead."""
    x, y, z = (math.floor(game.body[slot]) for slot in (X, Y, Z))
    around = np.arange(-SIGHTS, SIGHTS + 1)
    columns = [(x + dx, z + dz) for dx in around for dz in around]
    for tree_x, tree_z in sorted(columns, key=lambda column: math.hypot(column[0] - x, column[1] - z)):
        for foot in range(max(1, y - 3), min(60, y + 4)):
            column = game.blocks[tree_x & 255, foot - 1 : foot + 3, tree_z & 255]
            if not np.isin(column[1:], LOGS).all() or column[0] in LOGS:
                continue
            for turn in range(0, 360, 45):
                ahead = view_direction(float(turn), 0.0)
                place = tree_x + 0.5 - REACHED * ahead[0], tree_z + 0.5 - REACHED * ahead[2]
                if _free(game, *place, foot):
                    _stand(game, *place, foot, float(turn))
                    return
    ahead = view_direction(float(game.body[YAW]), 0.0)
    tree_x, tree_z = math.floor(game.body[X] + REACHED * ahead[0]), math.floor(game.body[Z] + REACHED * ahead[2])
    for up in range(5):
        game.set_block(tree_x, min(y + up, 63), tree_z, LOG if up < 4 else LEAVES)
    _stand(game, float(game.body[X]), float(game.body[Z]), y, float(game.body[YAW]))


def _free(game: Game, x: float, z: float, floor: int) -> bool:
    """Whether one can stand there."""
    column = game.blocks[math.floor(x) & 255, floor - 1 : floor + 2, math.floor(z) & 255]
    return bool(SOLID[column[0]] and REPLACEABLE[column[1:]].all() and not SOLID[column[1:]].any())


def _stand(game: Game, x: float, z: float, floor: int, yaw: float) -> None:
    """Look at the second log from below."""
    game.stand(x, float(floor), z, yaw, math.degrees(math.atan2(EYE_HEIGHT - 1.5, REACHED)))


def build_beacon(game: Game, away: float) -> float:
    """Build it where it is best seen and gone to, within `BEACON_TURN` degrees of ahead; returns its bearing in degrees."""
    body = game.body

    def place(turn: float) -> tuple[int, int, int]:
        """Its column, and the ground there."""
        ahead = view_direction(float(body[YAW]) + turn, 0.0)
        x, z = math.floor(body[X] + away * ahead[0]), math.floor(body[Z] + away * ahead[2])
        return x, z, int(game.terrain.height[x & 255, z & 255])

    def faults(turn: float) -> tuple[bool, bool, float]:
        """Out of sight, in water, far above or below."""
        _, _, ground = place(turn)
        eye, hit = (body[X], body[Y] + EYE_HEIGHT, body[Z]), np.zeros(HIT_SIZE, np.int64)
        rise = math.degrees(math.atan2(max(ground, SEA) + BEACON_HEIGHT / 2 - eye[1], away))
        hidden = trace(game.blocks, SOLID, BOX, eye, view_direction(float(body[YAW]) + turn, -rise), away, hit) < away
        return hidden, ground < SEA, abs(ground - body[Y]) // STEEP

    # Drawn from the game's own dice, so that equal seeds give equal beacons.
    turn = float(min(game.rng.permutation(np.linspace(-BEACON_TURN, BEACON_TURN, NUM_SPOTS)), key=faults))
    x, z, ground = place(turn)
    for up in range(1, min(max(SEA - ground, 0) + BEACON_HEIGHT, 62 - ground)):
        for dx in (-1, 0, 1):
            for dz in (-1, 0, 1):
                game.set_block(x + dx, ground + up, z + dz, LANTERN if up % 4 == 0 else PUMPKIN)
    return turn


class Recall:
    """What stood there? A pillar of bricks or of pumpkins is seen ahead for 2 seconds, on a bare square, then is gone; 2
    seconds later a pillar of each rises, ahead to the left and to the right. 1 for going to the kind that was shown, -1 for
    going to the other; either ends it. From then on no picture tells which is right: it must be remembered."""

    biomes: tuple[str, ...] = ()
    by_day = False

    def begin(self, game: Game) -> None:
        self.lay_out(game, shown=int(game.rng.integers(2)), left=int(game.rng.integers(2)))

    def lay_out(self, game: Game, shown: int, left: int) -> None:
        """Clear the square and show sign number `shown` of `SIGNS`; number `left` will rise to the left."""
        x, self.floor, z = (math.floor(game.body[slot]) for slot in (X, Y, Z))
        self.floor = min(self.floor, 63 - SQUARE_HEIGHT)
        for across in range(-SQUARE, SQUARE + 1):
            for along in range(-SQUARE, SQUARE + 1):
                for up in range(SQUARE_HEIGHT):
                    self._fill(game, x + across, self.floor + up, z + along, AIR)
                self._fill(game, x + across, self.floor - 1, z + along, STONE)
        self.shown, self.began = shown, game.num_steps
        self.sign = self._place(game, 0.0, SIGN_AWAY)
        self.doors = {left: self._place(game, -DOOR_TURN, DOOR_AWAY), 1 - left: self._place(game, DOOR_TURN, DOOR_AWAY)}
        game.stand(x + 0.5, float(self.floor), z + 0.5, float(game.body[YAW]), 0.0)
        self._pillar(game, self.sign, SIGNS[shown])

    def score(self, game: Game) -> tuple[float, bool]:
        age = game.num_steps - self.began
        if age == SHOWN:
            self._pillar(game, self.sign, AIR)
        if age == HIDDEN:
            for kind, place in self.doors.items():
                self._pillar(game, place, SIGNS[kind])
        if age >= HIDDEN:
            for kind, (x, z) in self.doors.items():
                if math.hypot(x + 0.5 - game.body[X], z + 0.5 - game.body[Z]) < DOOR_NEAR:
                    return (1.0 if kind == self.shown else -1.0), True
        return 0.0, False

    def _place(self, game: Game, turn: float, away: float) -> tuple[int, int]:
        """The column that lies `away` blocks from the player, `turn` degrees to the right of ahead."""
        ahead_x, _, ahead_z = view_direction(float(game.body[YAW]) + turn, 0.0)
        return math.floor(game.body[X] + away * ahead_x), math.floor(game.body[Z] + away * ahead_z)

    def _pillar(self, game: Game, place: tuple[int, int], block: int) -> None:
        for up in range(SIGN_HEIGHT):
            game.set_block(place[0], self.floor + up, place[1], block)

    def _fill(self, game: Game, x: int, y: int, z: int, block: int) -> None:
        if game.blocks[x & 255, y, z & 255] != block:
            game.set_block(x, y, z, block)


def make_stage(name: str) -> Stage:
    """The stage of one of `NAMES`."""
    return Recall() if name == "recall" else TaskStage(name)


NAMES = (*TASKS, "recall")
