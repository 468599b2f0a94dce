"""How the bot gets about: waiting for its mouse, looking round, walking somewhere, going up to something.

Parts that intentions are made of: generators that set keys and aim the mouse, one `yield` a step. They know the game
through the bot's senses only.
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from simworld.env.voxel.physics import GROUND, IN_WATER, X, Z

if TYPE_CHECKING:
    from simworld.env.voxel.bot import Bot

Intention = Iterator[None]


def free_yaw(bot: "Bot", spread: float, distance: float = 14.0) -> float:
    """A direction within `spread` degrees of the view in which one can walk far and mostly dry."""
    yaws = bot.yaw + bot.rng.normal(0, spread, 7)
    lengths = []
    for yaw in yaws:
        lengths.append(dry_way(bot, float(yaw), distance) + 0.05)
    weights = np.array(lengths) ** 2 * np.array([0.2 + bot.sight(float(yaw)) / 16 for yaw in yaws])
    return float(bot.rng.choice(yaws, p=weights / weights.sum()))


def dry_way(bot: "Bot", yaw: float, distance: float) -> float:
    """How far one can go towards `yaw`, ways into water counting less; for a swimmer, ways to a bank counting more."""
    length, _, shore = bot.way(yaw, distance)
    swimming = bot.game is not None and bot.game.body[IN_WATER] > 0
    return length * (2.0 if swimming else 0.4) if shore else length


def rest_pitch(bot: "Bot") -> float:
    """Where a walking person's eyes rest: a little below the horizon."""
    return float(bot.rng.normal(9, 6))


def turn_view(bot: "Bot", most: int = 40) -> Intention:
    """Wait until the mouse is there."""
    for _ in range(most):
        if bot.aim_error() < 1.5:
            return
        yield


def walk_towards(bot: "Bot", yaw: float, steps: int, gait: str) -> Intention:
    """Walk towards `yaw` for `steps`, curving gently, minding walls. gait: "walk", "sprint", "hop" or "sneak"."""
    pitch = rest_pitch(bot)
    bot.aim(yaw, pitch)
    drift = bot.rng.normal(0, 0.5)
    strafe = None
    for step in range(steps):
        if step % 4 == 3:
            yaw += drift * 4 + bot.rng.normal(0, 1.4)
            if bot.chance(0.08):
                drift, pitch = bot.rng.normal(0, 0.6), rest_pitch(bot)
            if dry_way(bot, yaw, 6.0) < 4.0:
                yaw = free_yaw(bot, 60)
                if dry_way(bot, yaw, 6.0) < 2.0 and bot.chance(0.1):
                    return
            bot.aim(yaw, pitch)
            if bot.chance(0.06):
                strafe = None if strafe else ("left", "right")[int(bot.rng.integers(2))]
        if abs((bot.yaw - yaw + 180) % 360 - 180) < 100:
            bot.keys.add("forward")
        if strafe:
            bot.keys.add(strafe)
        if gait in ("sprint", "hop"):
            bot.keys.add("sprint")
        if gait == "hop" and (bot.game is None or bot.game.body[GROUND] > 0):
            bot.keys.add("jump")
        if gait == "sneak":
            bot.keys.add("sneak")
        yield


def approach(bot: "Bot", where: Callable[[], tuple[float, float]], near: float, steps: int, gait: str = "walk") -> Intention:
    """Walk towards a place that may move, until `near` blocks from it, round obstacles; give up before bad ground."""
    assert bot.game is not None
    body = bot.game.body
    pitch, detours = rest_pitch(bot), 0
    for step in range(steps):
        x, z = where()
        distance = math.hypot(x - body[X], z - body[Z])
        if distance < near:
            return
        if step % 5 == 0:
            bearing = math.degrees(math.atan2(-(x - body[X]), z - body[Z]))
            if dry_way(bot, bearing, 6.0) < min(4.0, distance - near):
                # Round what stands in the way.
                sides = [bearing + turn for turn in (-100, -70, -40, 40, 70, 100)]
                free = [side for side in sides if dry_way(bot, side, 6.0) > 4.0]
                detours += 1
                if not free or detours > 14:
                    return
                bearing = min(free, key=lambda side: abs((side - bot.yaw + 180) % 360 - 180))
            bot.aim(bearing + bot.rng.normal(0, 1.5), pitch)
        bot.keys.add("forward")
        if gait == "sprint":
            bot.keys.add("sprint")
        yield


def look_around(bot: "Bot") -> Intention:
    """Stand or walk on and look here and there."""
    walking = bot.chance(0.5)
    for _ in range(int(bot.rng.integers(1, 5))):
        bot.aim(bot.yaw + bot.rng.normal(0, 60), bot.rng.normal(8, 9), bot.rng.uniform(2, 12))
        for _ in range(int(bot.rng.integers(10, 45))):
            if walking:
                bot.keys.add("forward")
            yield
