"""A scripted player that plays as people do: smooth mouse, long and short intentions, habits, idle fingers.

The bot is a mouse hand, a set of held keys and one intention at a time (intentions.py); reflexes jump over steps, swim
up and get unstuck. `Bot(seed).act(game)` is the action for what the game shows now; equal seeds and games give equal
actions. `act(None)` plays blindly, for worlds whose truth cannot be read (the dream): no reflexes, no seeking.
"""

import math
from collections.abc import Iterator

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.env.voxel import intentions
from simworld.env.voxel.blocks import BOX, SOLID, WATER
from simworld.env.voxel.game import Game
from simworld.env.voxel.interact import HIT_SIZE, trace, view_direction
from simworld.env.voxel.physics import BLOCKED, EYE, GROUND, IN_WATER, X, Y, Z
from simworld.env.voxel.sight import walkable

Intention = Iterator[None]

TAPS: dict[str, float] = {
    "forward": 3, "back": 3, "left": 7, "right": 7, "jump": 8, "sneak": 3, "sprint": 3, "attack": 7, "use": 5,
    "pickItem": 1, "drop": 0.3, "inventory": 0.2, "swapHands": 0.3, "ESC": 0.1,
}  # fmt: skip
"""Idle fingers: how often each key is tapped for no reason, relative to each other."""
TAP_CHANCE = 0.02
HOTBAR_CHANCE = 1 / 130
HANDY_SHARE = 0.5
"""So many players dig and build far more than the others."""
MOVES = ("forward", "back", "left", "right")


class Bot:
    """`keys`: names held this step, set by the intention each step. `aim(yaw, pitch)`: where the mouse is to go."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.keys: set[str] = set()
        self.yaw, self.pitch = 0.0, 0.0
        self.game: Game | None = None
        self._target = (0.0, 8.0)
        self._speed = np.zeros(2)
        self._quickness = 5.0
        self._tremble = 0.0
        self._daring = False
        self._intention: Intention = iter(())
        self._taps: dict[str, int] = {}
        self._trail: list[tuple[float, float]] = []
        self._hit = np.zeros(HIT_SIZE, np.int64)
        self._haunt = (0.0, 0.0), 0
        self._tried = -1000
        # Players differ: how fast they move the mouse, how restless their fingers are, how much they dig and build.
        self._temper = float(self.rng.uniform(0.7, 1.4))
        self.handiness = 8.0 if np.random.default_rng([seed, 1]).random() < HANDY_SHARE else 1.0

    def act(self, game: Game | None) -> np.ndarray:
        """The action, float32 [25], for the game as it stands; None: play without seeing."""
        first = self.game is None and game is not None
        self.game = game
        if game is not None:
            self.yaw, self.pitch = float(game.pose[3]), float(game.pose[4])
            if first:
                self._target = (self.yaw, self.pitch)
        self.keys = set()
        if next(self._intention, self) is self:
            self._intention = self.choose()
            self._quickness = max(2.0, float(self.rng.lognormal(1.5, 0.5)) * self._temper)
            self._tremble = float(self.rng.choice([0.0, 0.08, 0.3], p=[0.5, 0.3, 0.2]))
            self._daring = self.chance(0.1)
            self.keys = set()
            next(self._intention, None)
        if game is not None:
            self._reflexes(game)
        self._fidget()
        action = np.zeros(ACTION_SIZE, np.float32)
        for key in self.keys:
            action[SLOT[key]] = 1
        action[CAMERA] = self._move_mouse()
        if game is None:
            self.yaw += float(action[-1])
            self.pitch = float(np.clip(self.pitch + action[-2], -90, 90))
        return action

    def choose(self) -> Intention:
        """What to do next."""
        return intentions.choose(self)

    def aim(self, yaw: float, pitch: float, quickness: float | None = None) -> None:
        """Head the mouse for (yaw, pitch) in degrees, at no more than `quickness` degrees a step."""
        self._target = (yaw, float(np.clip(pitch, -88, 88)))
        if quickness is not None:
            self._quickness = quickness

    def aim_at(self, x: float, y: float, z: float) -> None:
        """Head the mouse for a point of the world. Only with a game in sight."""
        assert self.game is not None
        body = self.game.body
        away_x, away_y, away_z = x - body[X], y - body[Y] - 1.62, z - body[Z]
        self.aim(
            math.degrees(math.atan2(-away_x, away_z)),
            math.degrees(-math.atan2(away_y, math.hypot(away_x, away_z))),
        )

    def aim_error(self) -> float:
        """How far the view is from where the mouse is heading, in degrees."""
        turn, tilt = self._way_to_go()
        return math.hypot(turn, tilt)

    def way(self, yaw: float, distance: float = 12.0) -> tuple[float, float, bool]:
        """How far one could go towards `yaw`, the height there, and whether a shore ends it; blindly: all is free."""
        if self.game is None:
            return distance, 0.0, False
        body = self.game.body
        return walkable(self.game.blocks, SOLID, WATER, (body[X], body[Y], body[Z]), yaw, distance)

    def sight(self, yaw: float) -> float:
        """How far one sees towards `yaw` at the height of the eyes, at most 16 blocks; blindly: far."""
        if self.game is None:
            return 16.0
        body = self.game.body
        eye = (body[X], body[Y] + body[EYE], body[Z])
        return trace(self.game.blocks, SOLID, BOX, eye, view_direction(yaw, 0.0), 16.0, self._hit)

    def faces_wall(self) -> bool:
        """Whether there is nothing but a wall to see."""
        return max(self.sight(self.yaw + turn) for turn in (-20.0, 0.0, 20.0)) < 2.0

    def roofed(self) -> bool:
        """Whether something solid hangs over the player's head."""
        if self.game is None:
            return False
        x, y, z = (int(math.floor(self.game.body[slot])) for slot in (X, Y, Z))
        return bool(SOLID[self.game.blocks[x & 255, max(0, y + 2) :, z & 255]].any())

    def patient(self) -> bool:
        """Whether it is long enough ago that the bot last tried to get out of somewhere; blindly, it never tries."""
        return self.game is not None and abs(self.game.num_steps - self._tried) > 250

    def lose_patience(self) -> None:
        """Remember a try to get out."""
        assert self.game is not None
        self._tried = self.game.num_steps

    def bored(self) -> bool:
        """True when the last 15 seconds led nowhere; asked when a new intention is due."""
        if self.game is None:
            return False
        here, now = (float(self.game.body[X]), float(self.game.body[Z])), self.game.num_steps
        (x, z), since = self._haunt
        if math.dist(here, (x, z)) > 8 or not 0 <= now - since <= 600:
            self._hit = np.zeros(HIT_SIZE, np.int64)
        self._haunt = here, now
        return now - since > 300

    def chance(self, probability: float) -> bool:
        """True with `probability`."""
        return bool(self.rng.random() < probability)

    def _way_to_go(self) -> tuple[float, float]:
        turn = (self._target[0] - self.yaw + 180.0) % 360.0 - 180.0
        return turn, self._target[1] - self.pitch

    def _move_mouse(self) -> tuple[float, float]:
        """This step's (pitch, yaw) change: accelerates, slows down near the target, trembles or rests exactly still."""
        turn, tilt = self._way_to_go()
        distance = math.hypot(turn, tilt)
        if distance < 0.6 and np.abs(self._speed).max() < 0.8:
            self._speed[:] = 0
            if self._tremble == 0 or self.rng.random() < 0.6:
                return 0.0, 0.0
            jitter = self.rng.normal(0, self._tremble, 2)
            return float(jitter[0]), float(jitter[1])
        pace = min(self._quickness, 0.3 * distance + 0.15)
        wanted = np.array([tilt, turn]) * (pace / max(distance, 1e-6))
        limit = 0.25 * self._quickness + 0.3
        self._speed += np.clip(wanted - self._speed, -limit, limit)
        speed = self._speed * (1 + self.rng.normal(0, 0.08, 2)) if self._tremble else self._speed
        return float(speed[0]), float(speed[1])

    def _reflexes(self, game: Game) -> None:
        """What fingers do by themselves: jump at a step, stop at an abyss, swim up, turn where there is no way on."""
        body = game.body
        heading = self._heading()
        if body[IN_WATER] > 0:
            if not self.keys & {"sneak"} and self.chance(0.9):
                self.keys.add("jump")
        elif heading is not None and body[GROUND] > 0 and "sneak" not in self.keys:
            near, _, _ = self.way(heading, 1.5)
            if self._solid_ahead(game, heading):
                if near >= 1.0 or (body[BLOCKED] > 0 and self.chance(0.3)):
                    self.keys.add("jump")
            elif near < 1.0 and not self._daring:
                self.keys -= set(MOVES)
        self._trail = [*self._trail[-29:], (float(body[X]), float(body[Z]))] if heading is not None else []
        if len(self._trail) == 30 and math.dist(self._trail[0], self._trail[-1]) < 0.8:
            self._trail = []
            self._intention = intentions.escape(self)

    def _heading(self) -> float | None:
        """The direction in degrees that the held keys walk to, or None."""
        ahead = ("forward" in self.keys) - ("back" in self.keys)
        aside = ("right" in self.keys) - ("left" in self.keys)
        if ahead == 0 and aside == 0:
            return None
        return self.yaw + math.degrees(math.atan2(aside, ahead))

    def _solid_ahead(self, game: Game, heading: float) -> bool:
        body = game.body
        x = int(math.floor(body[X] - 0.85 * math.sin(math.radians(heading))))
        z = int(math.floor(body[Z] + 0.85 * math.cos(math.radians(heading))))
        return bool(SOLID[game.blocks[x & 255, min(63, int(body[Y] + 0.01)), z & 255]])

    def _fidget(self) -> None:
        """Taps for no reason, and another block in the hand now and then."""
        self._taps = {key: left - 1 for key, left in self._taps.items() if left > 1}
        if self.chance(TAP_CHANCE * self._temper):
            names, weights = list(TAPS), np.array(list(TAPS.values()))
            self._taps[str(self.rng.choice(names, p=weights / weights.sum()))] = int(self.rng.integers(1, 9))
        self.keys |= set(self._taps)
        if self.chance(HOTBAR_CHANCE):
            self.keys.add(f"hotbar.{self.rng.integers(1, 10)}")


class BlindBot(Bot):
    """One that plays without seeing, and so runs into things and off them."""

    def act(self, game: Game | None) -> np.ndarray:
        return super().act(None)
