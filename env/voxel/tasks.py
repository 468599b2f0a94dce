"""Tasks: what an agent is rewarded for in the reference game. Each is a small record of functions over a `Game`.

Knows no gymnasium. `TASKS[name]` makes a fresh task; `begin(game)` once after a reset, then `score(game)` after every
step gives (reward, whether the task is over).
"""

import math
from typing import Protocol

from simworld.env.voxel.blocks import AIR, BIRCH_LOG, BRICK, LANTERN, LOG, PUMPKIN, SOLID, STONE
from simworld.env.voxel.game import Game
from simworld.env.voxel.interact import view_direction
from simworld.env.voxel.physics import YAW, X, Y, Z

LOGS = (LOG, BIRCH_LOG)
NUM_LOGS = 8
GOAL_DISTANCE = 64.0
GOAL_NEAR = 3.0
GOAL_REWARD = 100.0
BEACON_HEIGHT = 14
AREA = 8
WOODS = ("forest", "birch forest", "taiga")
SIGNS = (BRICK, PUMPKIN)
SIGN_HEIGHT = 3
SIGN_AWAY, DOOR_AWAY = 4.0, 7.0
DOOR_TURN = 28.0
DOOR_NEAR = 2.0
SQUARE, SQUARE_HEIGHT = 9, 5
SHOWN, HIDDEN = 40, 80


class Task(Protocol):
    """One episode's score keeper. `biomes`: where to begin, drawn by the env, or () for anywhere."""

    @property
    def biomes(self) -> tuple[str, ...]: ...
    def begin(self, game: Game) -> None: ...
    def score(self, game: Game) -> tuple[float, bool]: ...


class Treechop:
    """1 for every log that is broken; over after 8."""

    biomes: tuple[str, ...] = WOODS

    def begin(self, game: Game) -> None:
        self.chopped = 0

    def score(self, game: Game) -> tuple[float, bool]:
        if game.broken not in LOGS:
            return 0.0, False
        self.chopped += 1
        return 1.0, self.chopped == NUM_LOGS


class Navigate:
    """1 for each block nearer than ever before to a beacon 64 blocks away, 100 on arrival, which ends it.

    The beacon is a tall pillar of bricks and lanterns, seen from afar.
    """

    biomes: tuple[str, ...] = ()

    def begin(self, game: Game) -> None:
        # The driest of eight directions, drawn from the game's own dice, so that equal seeds give equal beacons.
        angle = float(game.rng.uniform(0, 2 * math.pi))
        spots = [
            (
                math.floor(game.body[X] + GOAL_DISTANCE * math.cos(angle + turn * math.pi / 4)),
                math.floor(game.body[Z] + GOAL_DISTANCE * math.sin(angle + turn * math.pi / 4)),
            )
            for turn in range(8)
        ]
        sea = 24
        x, z = max(spots, key=lambda spot: min(int(game.terrain.height[spot[0] & 255, spot[1] & 255]), sea + 2))
        ground = int(game.terrain.height[x & 255, z & 255])
        while ground < 63 and SOLID[game.blocks[x & 255, ground + 1, z & 255]]:
            ground += 1
        for up in range(1, min(max(sea - ground, 0) + BEACON_HEIGHT, 62 - ground)):
            game.set_block(x, ground + up, z, LANTERN if up % 3 == 0 else BRICK)
        self.goal = x + 0.5, z + 0.5
        self.best = self._distance(game)

    def score(self, game: Game) -> tuple[float, bool]:
        distance = self._distance(game)
        reward, self.best = max(0.0, self.best - distance), min(self.best, distance)
        arrived = distance < GOAL_NEAR
        return reward + (GOAL_REWARD if arrived else 0.0), arrived

    def _distance(self, game: Game) -> float:
        return math.hypot(self.goal[0] - game.body[X], self.goal[1] - game.body[Z])


class Explore:
    """1 for every area of 8 x 8 columns that is entered for the first time; it is never over."""

    biomes: tuple[str, ...] = ()

    def begin(self, game: Game) -> None:
        self.seen = {self._area(game)}

    def score(self, game: Game) -> tuple[float, bool]:
        area = self._area(game)
        new = area not in self.seen
        self.seen.add(area)
        return float(new), False

    def _area(self, game: Game) -> tuple[int, int]:
        return (math.floor(game.body[X]) & 255) // AREA, (math.floor(game.body[Z]) & 255) // AREA


class Recall:
    """What stood there? A pillar of bricks or of pumpkins is seen ahead for 2 seconds, on a bare square, then is gone; 2
    seconds later a pillar of each rises, ahead to the left and to the right. 1 for going to the kind that was shown, -1 for
    going to the other; either ends it. From then on no picture tells which is right: it must be remembered."""

    biomes: tuple[str, ...] = ()

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


TASKS: dict[str, type[Task]] = {"treechop": Treechop, "navigate": Navigate, "explore": Explore, "recall": Recall}
