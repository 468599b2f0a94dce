"""What the bot may be up to: each intention is a generator that sets keys and aims the mouse, one `yield` a step.

`choose(bot)` draws the next one by the weights of `INTENTIONS`. Knows the game through the bot's senses only. An
intention that turns out to be impossible ends at once and another is drawn.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from simworld.env.voxel import animals
from simworld.env.voxel.gaits import Intention, approach, dry_way, free_yaw, look_around, rest_pitch, turn_view, walk_towards
from simworld.env.voxel.handiwork import (
    build_bridge,
    build_pillar,
    build_wall,
    chop,
    dig,
    dig_stairs,
    enclosed,
    get_out,
    sunken,
    tunnel,
)
from simworld.env.voxel.physics import GROUND, IN_WATER, X, Y, Z

if TYPE_CHECKING:
    from simworld.env.voxel.bot import Bot


def choose(bot: "Bot") -> Intention:
    """Draw the next intention; blindly, only among those that need no sight. A swimmer makes for land."""
    if bot.game is not None and bot.game.body[IN_WATER] > 0 and bot.chance(0.7):
        return swim_ashore(bot)
    if bot.patient() and (sunken(bot) or (bot.bored() and enclosed(bot))):
        bot.lose_patience()
        return get_out(bot)
    if bot.faces_wall() and bot.chance(0.8):
        return turn_to_open(bot)
    known = [row for row in INTENTIONS if row[2] or bot.game is not None]
    handy = bot.handiness if bot.game is not None else 1.0  # blind hands find little to do
    weights = np.array([weight * (handy if act in HANDIWORK else 1.0) for act, weight, _ in known])
    chosen: Callable[[Bot], Intention] = known[int(bot.rng.choice(len(known), p=weights / weights.sum()))][0]
    return chosen(bot)


def walk(bot: "Bot") -> Intention:
    """Go somewhere, near or far."""
    gait = str(bot.rng.choice(["walk", "sprint", "hop", "sneak"], p=[0.56, 0.27, 0.11, 0.06]))
    yield from walk_towards(bot, free_yaw(bot, 50), int(bot.rng.integers(30, 160)), gait)


def stroll_and_return(bot: "Bot") -> Intention:
    """Walk away, turn round, and walk back the same way."""
    yaw, steps = free_yaw(bot, 60), int(bot.rng.integers(20, 70))
    yield from walk_towards(bot, yaw, steps, "walk")
    bot.aim(bot.yaw + 180, rest_pitch(bot), bot.rng.uniform(5, 12))
    yield from turn_view(bot)
    yield from walk_towards(bot, bot.yaw, steps, "walk")


def strafe(bot: "Bot") -> Intention:
    """Step sideways, perhaps circling what lies ahead."""
    side = ("left", "right")[int(bot.rng.integers(2))]
    circling = bot.rng.uniform(0.5, 2.5) * (1 if side == "left" else -1) if bot.chance(0.4) else 0.0
    for step in range(int(bot.rng.integers(10, 50))):
        bot.keys.add(side)
        if circling:
            bot.aim(bot.yaw + circling * 4, rest_pitch(bot) if step == 0 else bot.pitch)
        yield


def back_off(bot: "Bot") -> Intention:
    """Walk backwards."""
    for _ in range(int(bot.rng.integers(10, 40))):
        bot.keys.add("back")
        yield


def jump_about(bot: "Bot") -> Intention:
    """Jump on the spot or along the way."""
    onward = bot.chance(0.6)
    for _ in range(int(bot.rng.integers(15, 60))):
        bot.keys.add("jump")
        if onward:
            bot.keys.add("forward")
        yield


def look_away_and_back(bot: "Bot") -> Intention:
    """Remember a view, look elsewhere, and come back to it: standing still, so that it must look the same."""
    yaw, pitch = bot.yaw, float(np.clip(bot.pitch, -10, 25))
    for _ in range(int(bot.rng.integers(1, 4))):
        away = bot.rng.uniform(40, 180) * (1 if bot.chance(0.5) else -1)
        bot.aim(yaw + away, bot.rng.normal(8, 8), bot.rng.uniform(3, 12))
        yield from turn_view(bot, 60)
        for _ in range(int(bot.rng.integers(2, 40))):
            yield
        bot.aim(yaw, pitch, bot.rng.uniform(3, 12))
        yield from turn_view(bot, 60)
        for _ in range(int(bot.rng.integers(4, 30))):
            yield


def rest(bot: "Bot") -> Intention:
    """Hands off, for half a second to four."""
    bot.aim(bot.yaw, bot.pitch)
    for _ in range(int(bot.rng.integers(10, 80))):
        yield


def glance(bot: "Bot") -> Intention:
    """A look at the sky or at the ground, then back to the horizon."""
    pitch = bot.rng.uniform(-60, -25) if bot.chance(0.6) else bot.rng.uniform(35, 70)
    bot.aim(bot.yaw + bot.rng.normal(0, 20), pitch, bot.rng.uniform(3, 9))
    yield from turn_view(bot)
    for _ in range(int(bot.rng.integers(5, 30))):
        yield
    bot.aim(bot.yaw, rest_pitch(bot))
    yield from turn_view(bot)


def browse_hotbar(bot: "Bot") -> Intention:
    """Try what is in the hand: a few choices in a row."""
    for _ in range(int(bot.rng.integers(2, 6))):
        bot.keys.add(f"hotbar.{bot.rng.integers(1, 10)}")
        for _ in range(int(bot.rng.integers(3, 15))):
            yield


def follow_animal(bot: "Bot") -> Intention:
    """Walk after an animal and look at it, now and then give it a knock."""
    assert bot.game is not None
    game, body = bot.game, bot.game.body
    away = np.hypot(game.herd[:, X] - body[X], game.herd[:, Z] - body[Z])
    away[game.herd[:, animals.KIND] < 0] = np.inf
    index = int(np.argmin(away))
    if away[index] > 28:
        return
    animal = game.herd[index]
    yield from approach(bot, lambda: (animal[X], animal[Z]), 3.5, 120)
    knock = bot.chance(0.35)
    for step in range(int(bot.rng.integers(20, 90))):
        if animal[animals.KIND] < 0 or math.hypot(animal[X] - body[X], animal[Z] - body[Z]) > 12:
            return
        if step % 4 == 0:
            bot.aim_at(animal[X], animal[Y] + 0.6, animal[Z])
        if math.hypot(animal[X] - body[X], animal[Z] - body[Z]) > 4:
            bot.keys.add("forward")
        elif knock and bot.aim_error() < 3 and step % 12 < 2:
            bot.keys.add("attack")
        yield


def swim(bot: "Bot") -> Intention:
    """Go to water if some is near, and swim for a while; the reflexes keep the head up."""
    assert bot.game is not None
    body = bot.game.body
    for yaw in bot.yaw + bot.rng.permutation(np.arange(0, 360, 30)):
        length, _, shore = bot.way(float(yaw), 24.0)
        if (shore and length > 1) or body[IN_WATER] > 0:
            break
    else:
        return
    bot.aim(float(yaw), rest_pitch(bot))
    for step in range(int(length * 5) + int(bot.rng.integers(30, 100))):
        bot.keys.add("forward")
        if bot.chance(0.3):
            bot.keys.add("sprint")
        if step % 40 == 39:
            bot.aim(bot.yaw + bot.rng.normal(0, 30), bot.rng.normal(8, 10))
        yield


def swim_ashore(bot: "Bot") -> Intention:
    """Make for the nearest bank that one can climb; where there is none within sight, along the longest way."""
    assert bot.game is not None
    body = bot.game.body
    ways = [(bot.way(float(yaw), 40.0), float(yaw)) for yaw in bot.yaw + np.arange(0, 360, 15)]
    banks = [(way[0], yaw) for way, yaw in ways if way[2]]
    length, yaw = min(banks) if banks else max((way[0], yaw) for way, yaw in ways)
    if not banks and length < 4:
        yield from dig_stairs(bot)
        return
    bot.aim(yaw, rest_pitch(bot))
    for step in range(int(10 * length) + 20):
        bot.keys.add("forward")
        if step % 10 == 9:
            bot.aim(yaw + bot.rng.normal(0, 3), bot.pitch + bot.rng.normal(0, 1))
        yield
        if body[IN_WATER] == 0 and body[GROUND] > 0:
            return


def climb(bot: "Bot") -> Intention:
    """Make for the highest ground near by."""
    assert bot.game is not None
    body = bot.game.body
    offsets = bot.rng.integers(-24, 25, (40, 2))
    x, z = int(body[X]) + offsets[:, 0], int(body[Z]) + offsets[:, 1]
    best = int(np.argmax(bot.game.terrain.height[x & 255, z & 255]))
    yield from approach(bot, lambda: (x[best] + 0.5, z[best] + 0.5), 1.5, 200)
    yield from look_around(bot)


def visit_landmark(bot: "Bot") -> Intention:
    """Go and see the nearest building, then look at it."""
    assert bot.game is not None
    body = bot.game.body
    places = np.array([(x, y, z) for _, x, y, z in bot.game.terrain.landmarks], float)
    if len(places) == 0:
        return
    apart = (places[:, [0, 2]] - body[[X, Z]] + 128) % 256 - 128
    nearest = int(np.argmin(np.hypot(apart[:, 0], apart[:, 1])))
    if math.hypot(*apart[nearest]) > 60:
        return
    x, z = body[X] + apart[nearest, 0], body[Z] + apart[nearest, 1]
    yield from approach(bot, lambda: (x, z), 6.0, 260, "sprint" if bot.chance(0.4) else "walk")
    bot.aim_at(x, places[nearest, 1] + 2, z)
    yield from turn_view(bot)
    yield from strafe(bot)


def turn_to_open(bot: "Bot") -> Intention:
    """Nose to a wall: look where there is something to see, perhaps stepping back, and walk on there."""
    yaws = bot.yaw + np.arange(30, 331, 30) + bot.rng.normal(0, 8, 11)
    weights = np.array([bot.sight(float(yaw)) * (0.3 + dry_way(bot, float(yaw), 6.0)) for yaw in yaws]) + 1e-3
    yaw = float(bot.rng.choice(yaws, p=weights**2 / (weights**2).sum()))
    bot.aim(yaw, rest_pitch(bot), bot.rng.uniform(4, 12))
    back = bot.chance(0.3)
    for _ in turn_view(bot):
        if back:
            bot.keys.add("back")
        yield
    if bot.chance(0.7):
        yield from walk_towards(bot, yaw, int(bot.rng.integers(15, 60)), "walk")


def escape(bot: "Bot") -> Intention:
    """Stuck: turn to where there is a way and go, jumping; out of a hole, dig steps or pile blocks under the feet."""
    ways = [(bot.way(bot.yaw + turn, 8.0)[0], turn) for turn in (-150, -90, -45, 45, 90, 150, 180)]
    length, turn = max(ways)
    if length < 2.0 and bot.game is not None:
        yield from get_out(bot)
        return
    bot.aim(bot.yaw + turn, rest_pitch(bot), 8.0)
    yield from turn_view(bot)
    for step in range(20):
        bot.keys.add("forward")
        if step % 10 < 5:
            bot.keys.add("jump")
        yield


INTENTIONS: tuple[tuple[Callable[["Bot"], Intention], float, bool], ...] = (
    (walk, 84, True),
    (stroll_and_return, 3, True),
    (strafe, 14, True),
    (back_off, 13, True),
    (jump_about, 2, True),
    (look_around, 7, True),
    (look_away_and_back, 4, True),
    (rest, 7, True),
    (glance, 3, True),
    (browse_hotbar, 2, True),
    (dig, 30, True),
    (tunnel, 8, False),
    (chop, 8, False),
    (build_wall, 15, True),
    (build_pillar, 1.5, True),
    (build_bridge, 1.5, True),
    (follow_animal, 8, False),
    (swim, 2, False),
    (climb, 3, False),
    (visit_landmark, 4, False),
)
"""What the bot does, how often relative to the rest, and whether it can do so blindly."""
HANDIWORK = (dig, tunnel, chop, build_wall, build_pillar, build_bridge)
"""What breaks and places blocks; some players do it far more than others."""
