"""Stages: the tasks of `simworld.tasks` set up in the reference game.

Knows no gymnasium. `begin(game)` once after a reset, then `score(game)` after every step gives (reward, whether the task is
over), truly.
"""

import math

import numpy as np

from simworld.env.voxel.blocks import (
    AIR,
    BIRCH_LOG,
    BOX,
    BRICK,
    COBBLESTONE,
    LANTERN,
    LEAVES,
    LOG,
    PUMPKIN,
    REPLACEABLE,
    SOLID,
    STONE,
)  # fmt: skip
from simworld.env.voxel.game import Game
from simworld.env.voxel.interact import HIT_SIZE, trace, view_direction
from simworld.env.voxel.physics import EYE_HEIGHT, YAW, X, Y, Z
from simworld.tasks import TASKS, Facts, Navigate, Recall, Task, Treechop, turned

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
ALLEY = 5
"""Blocks from the player to the end of the alley."""
SQUARE, SQUARE_HEIGHT = 9, 5


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
        bearing = build_alley(game) if isinstance(self.task, Recall) else 0.0
        self.origin = float(game.body[X]), float(game.body[Z]), float(game.body[YAW])
        if isinstance(self.task, Navigate):
            bearing = build_beacon(game, self.task.away)
        if isinstance(self.task, (Navigate, Recall)):
            self.task.bearing = bearing

    @property
    def goal(self) -> tuple[float, float]:
        """x and z of the beacon of `Navigate`, or of the right pillar of `Recall`."""
        assert isinstance(self.task, (Navigate, Recall))
        return self.place(self.task.bearing, self.task.away)

    def place(self, bearing: float, away: float) -> tuple[float, float]:
        """x and z of what is so far away from where the play began, so many degrees to the right of where the player looked."""
        x, z, yaw = self.origin
        ahead = view_direction(yaw + bearing, 0.0)
        return x + away * ahead[0], z + away * ahead[2]

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


def build_alley(game: Game) -> float:
    """Build what `Recall` begins with, and stand before it: on a bare square an alley with a pillar at its end, and behind the
    player a wall, lest one look into the alley from afar, and a pillar of either kind. Returns the bearing of that of the kind
    in the alley, in degrees."""
    x, floor, z = (math.floor(game.body[slot]) for slot in (X, Y, Z))
    floor = min(floor, 63 - SQUARE_HEIGHT)
    yaw = 90.0 * round(float(game.body[YAW]) / 90.0)
    ahead, right = (view_direction(yaw + turn, 0.0) for turn in (0.0, 90.0))

    def rise(onward: int, aside: int, block: int) -> None:
        """Build a column."""
        east, south = (round(onward * ahead[axis] + aside * right[axis]) for axis in (0, 2))
        for up in range(SIGN_HEIGHT):
            game.set_block(x + east, floor + up, z + south, block)

    for across in range(-SQUARE, SQUARE + 1):
        for along in range(-SQUARE, SQUARE + 1):
            for up in range(-1, SQUARE_HEIGHT):
                block = STONE if up < 0 else AIR
                if game.blocks[(x + across) & 255, floor + up, (z + along) & 255] != block:
                    game.set_block(x + across, floor + up, z + along, block)
    # Drawn from the game's own dice, so that equal seeds give equal plays.
    shown, side = int(game.rng.integers(2)), int(game.rng.choice([-1, 1]))
    rise(ALLEY, 0, SIGNS[shown])
    for onward in range(1, ALLEY + 1):
        for aside in (-1, 1):
            rise(onward, aside, COBBLESTONE)
    for aside in (-1, 0, 1):
        rise(ALLEY + 1, aside, COBBLESTONE)
        rise(-2, aside, COBBLESTONE)
    away, bearing = Recall.away, math.radians(Recall.bearing)
    for kind, there in ((shown, side), (1 - shown, -side)):
        rise(round(away * math.cos(bearing)), round(there * away * math.sin(bearing)), SIGNS[kind])
    game.stand(x + 0.5, float(floor), z + 0.5, yaw, 0.0)
    return side * Recall.bearing
