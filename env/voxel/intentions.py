"""What the bot may be up to: each intention is a generator that sets keys and aims the mouse, one `yield` a step.

`choose(bot)` draws the next one by the weights of `INTENTIONS`. Knows the game through the bot's senses only. An
intention that turns out to be impossible ends at once and another is drawn.
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from simworld.env.voxel import animals, interact
from simworld.env.voxel.blocks import LOG, SOLID
from simworld.env.voxel.physics import GROUND, IN_WATER, X, Y, Z

if TYPE_CHECKING:
    from simworld.env.voxel.bot import Bot

Intention = Iterator[None]


def choose(bot: "Bot") -> Intention:
    """Draw the next intention; blindly, only among those that need no sight. A swimmer mostly makes for land."""
    if bot.game is not None and bot.game.body[IN_WATER] > 0 and bot.chance(0.7):
        return swim_ashore(bot)
    if bot.bored() and _enclosed(bot):
        return break_out(bot)
    known = [row for row in INTENTIONS if row[2] or bot.game is not None]
    weights = np.array([weight for _, weight, _ in known])
    chosen: Callable[[Bot], Intention] = known[int(bot.rng.choice(len(known), p=weights / weights.sum()))][0]
    return chosen(bot)


def _free_yaw(bot: "Bot", spread: float, distance: float = 14.0) -> float:
    """A direction within `spread` degrees of the view in which one can walk far and mostly dry."""
    yaws = bot.yaw + bot.rng.normal(0, spread, 7)
    lengths = []
    for yaw in yaws:
        lengths.append(_dry_way(bot, float(yaw), distance) + 0.05)
    weights = np.array(lengths) ** 2
    return float(bot.rng.choice(yaws, p=weights / weights.sum()))


def _dry_way(bot: "Bot", yaw: float, distance: float) -> float:
    """How far one can go towards `yaw`, ways into water counting less; for a swimmer, ways to a bank counting more."""
    length, _, shore = bot.way(yaw, distance)
    swimming = bot.game is not None and bot.game.body[IN_WATER] > 0
    return length * (2.0 if swimming else 0.4) if shore else length


def _rest_pitch(bot: "Bot") -> float:
    """Where a walking person's eyes rest: a little below the horizon."""
    return float(bot.rng.normal(9, 6))


def _turn(bot: "Bot", most: int = 40) -> Intention:
    """Wait until the mouse is there."""
    for _ in range(most):
        if bot.aim_error() < 1.5:
            return
        yield


def _walk(bot: "Bot", yaw: float, steps: int, gait: str) -> Intention:
    """Walk towards `yaw` for `steps`, curving gently, minding walls. gait: "walk", "sprint", "hop" or "sneak"."""
    pitch = _rest_pitch(bot)
    bot.aim(yaw, pitch)
    drift = bot.rng.normal(0, 0.5)
    strafe = None
    for step in range(steps):
        if step % 4 == 3:
            yaw += drift * 4 + bot.rng.normal(0, 1.4)
            if bot.chance(0.08):
                drift, pitch = bot.rng.normal(0, 0.6), _rest_pitch(bot)
            if _dry_way(bot, yaw, 6.0) < 4.0:
                yaw = _free_yaw(bot, 60)
                if _dry_way(bot, yaw, 6.0) < 2.0 and bot.chance(0.1):
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


def walk(bot: "Bot") -> Intention:
    """Go somewhere, near or far."""
    gait = str(bot.rng.choice(["walk", "sprint", "hop", "sneak"], p=[0.56, 0.27, 0.11, 0.06]))
    yield from _walk(bot, _free_yaw(bot, 50), int(bot.rng.integers(30, 160)), gait)


def stroll_and_return(bot: "Bot") -> Intention:
    """Walk away, turn round, and walk back the same way."""
    yaw, steps = _free_yaw(bot, 60), int(bot.rng.integers(20, 70))
    yield from _walk(bot, yaw, steps, "walk")
    bot.aim(bot.yaw + 180, _rest_pitch(bot), bot.rng.uniform(5, 12))
    yield from _turn(bot)
    yield from _walk(bot, bot.yaw, steps, "walk")


def strafe(bot: "Bot") -> Intention:
    """Step sideways, perhaps circling what lies ahead."""
    side = ("left", "right")[int(bot.rng.integers(2))]
    circling = bot.rng.uniform(0.5, 2.5) * (1 if side == "left" else -1) if bot.chance(0.4) else 0.0
    for step in range(int(bot.rng.integers(10, 50))):
        bot.keys.add(side)
        if circling:
            bot.aim(bot.yaw + circling * 4, _rest_pitch(bot) if step == 0 else bot.pitch)
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


def look_around(bot: "Bot") -> Intention:
    """Stand or walk on and look here and there."""
    walking = bot.chance(0.5)
    for _ in range(int(bot.rng.integers(1, 5))):
        bot.aim(bot.yaw + bot.rng.normal(0, 60), bot.rng.normal(8, 9), bot.rng.uniform(2, 12))
        for _ in range(int(bot.rng.integers(10, 45))):
            if walking:
                bot.keys.add("forward")
            yield


def look_away_and_back(bot: "Bot") -> Intention:
    """Remember a view, look elsewhere, and come back to it: standing still, so that it must look the same."""
    yaw, pitch = bot.yaw, float(np.clip(bot.pitch, -10, 25))
    for _ in range(int(bot.rng.integers(1, 4))):
        away = bot.rng.uniform(40, 180) * (1 if bot.chance(0.5) else -1)
        bot.aim(yaw + away, bot.rng.normal(8, 8), bot.rng.uniform(3, 12))
        yield from _turn(bot, 60)
        for _ in range(int(bot.rng.integers(2, 40))):
            yield
        bot.aim(yaw, pitch, bot.rng.uniform(3, 12))
        yield from _turn(bot, 60)
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
    yield from _turn(bot)
    for _ in range(int(bot.rng.integers(5, 30))):
        yield
    bot.aim(bot.yaw, _rest_pitch(bot))
    yield from _turn(bot)


def browse_hotbar(bot: "Bot") -> Intention:
    """Try what is in the hand: a few choices in a row."""
    for _ in range(int(bot.rng.integers(2, 6))):
        bot.keys.add(f"hotbar.{bot.rng.integers(1, 10)}")
        for _ in range(int(bot.rng.integers(3, 15))):
            yield


def _break(bot: "Bot", most: int = 40) -> Intention:
    """Hold attack until a block is gone; soon give up where there is none."""
    for step in range(most):
        bot.keys.add("attack")
        yield
        if bot.game is not None and (bot.game.broken or (step > 3 and not bot.game.hit[interact.HIT])):
            return


def dig(bot: "Bot") -> Intention:
    """Break a few blocks: the ground ahead, a bank, a trunk; one after another as they come before the crosshair."""
    pitch = float(bot.rng.choice([bot.rng.uniform(-10, 25), bot.rng.uniform(28, 50)]))
    bot.aim(bot.yaw + bot.rng.normal(0, 15), pitch, bot.rng.uniform(3, 10))
    yield from _turn(bot)
    for _ in range(int(bot.rng.integers(1, 6))):
        if bot.game is not None and not bot.game.hit[interact.HIT]:
            bot.aim(bot.yaw + bot.rng.normal(0, 12), max(30.0, min(55.0, bot.pitch + bot.rng.uniform(5, 20))))
            yield from _turn(bot)
        yield from _break(bot)
        if bot.chance(0.6):
            bot.aim(bot.yaw + bot.rng.normal(0, 10), float(np.clip(bot.pitch + bot.rng.normal(0, 7), -30, 55)))
        yield from _turn(bot, 10)
    bot.aim(bot.yaw, _rest_pitch(bot))
    yield from _turn(bot)


def _clear(bot: "Bot", x: int, y: int, z: int) -> Intention:
    """Look at one cell and break what is in it."""
    assert bot.game is not None
    for _ in range(2):
        if not SOLID[bot.game.blocks[x & 255, min(y, 63), z & 255]]:
            return
        bot.aim_at(x + 0.5, y + 0.5, z + 0.5)
        yield from _turn(bot)
        yield from _break(bot)


def _ahead(bot: "Bot") -> tuple[int, int, int, int, int]:
    """The player's cell x, y, z and the step (x, z) along the axis that is faced most."""
    assert bot.game is not None
    body = bot.game.body
    yaw = math.radians(round(bot.yaw / 90) * 90)
    x, y, z = (int(math.floor(body[slot] + 0.01)) for slot in (X, Y, Z))
    return x, y, z, -round(math.sin(yaw)), round(math.cos(yaw))


def tunnel(bot: "Bot") -> Intention:
    """Dig straight on into what lies ahead, and walk into the hole."""
    for _ in range(int(bot.rng.integers(1, 5))):
        x, y, z, step_x, step_z = _ahead(bot)
        if not SOLID[bot.game.blocks[(x + step_x) & 255, min(63, y + 1), (z + step_z) & 255]]:  # type: ignore[union-attr]
            return
        yield from _clear(bot, x + step_x, y + 1, z + step_z)
        yield from _clear(bot, x + step_x, y, z + step_z)
        bot.aim_at(x + 2 * step_x + 0.5, y + 1.5, z + 2 * step_z + 0.5)
        for _ in range(int(bot.rng.integers(4, 10))):
            bot.keys.add("forward")
            yield


def _enclosed(bot: "Bot") -> bool:
    """Whether all ways are short, as in a house or a pit."""
    return all(bot.way(bot.yaw + turn, 7.0)[0] < 7.0 for turn in range(0, 360, 30))


def break_out(bot: "Bot") -> Intention:
    """Go straight for a wall and through it."""
    assert bot.game is not None
    for _ in range(40):
        x, y, z, step_x, step_z = _ahead(bot)
        if SOLID[bot.game.blocks[(x + step_x) & 255, min(63, y + 1), (z + step_z) & 255]]:
            break
        bot.aim_at(x + 6 * step_x + 0.5, y + 0.8, z + 6 * step_z + 0.5)
        bot.keys.add("forward")
        yield
    for _ in range(3):
        x, y, z, step_x, step_z = _ahead(bot)
        yield from _clear(bot, x + step_x, y + 1, z + step_z)
        yield from _clear(bot, x + step_x, y, z + step_z)
        bot.aim_at(x + 6 * step_x + 0.5, y + 0.8, z + 6 * step_z + 0.5)
        yield from _turn(bot)
        for _ in range(6):
            bot.keys.add("forward")
            yield
    yield from _walk(bot, bot.yaw, 30, "walk")


def dig_stairs(bot: "Bot") -> Intention:
    """Dig a way up and out, a step at a time, until there is a way on."""
    for _ in range(8):
        x, y, z, step_x, step_z = _ahead(bot)
        for cell in ((x + step_x, y + 1, z + step_z), (x, y + 2, z), (x + step_x, y + 2, z + step_z)):
            yield from _clear(bot, *cell)
        bot.aim_at(x + 2 * step_x + 0.5, y + 2.0, z + 2 * step_z + 0.5)
        yield from _turn(bot)
        for _ in range(14):
            bot.keys |= {"forward", "jump"}
            yield
        if bot.way(bot.yaw, 5.0)[0] >= 3:
            return


def chop(bot: "Bot") -> Intention:
    """Go to the nearest trunk in sight and break some of it."""
    assert bot.game is not None
    body, blocks = bot.game.body, bot.game.blocks
    x, y, z = (int(math.floor(body[slot])) for slot in (X, Y, Z))
    cells = np.ix_(
        np.arange(x - 9, x + 10) & 255, np.arange(max(1, y - 2), min(63, y + 4)), np.arange(z - 9, z + 10) & 255
    )
    trunks = np.argwhere(blocks[cells] == LOG) + np.array([x - 9, max(1, y - 2), z - 9])
    if len(trunks) == 0:
        return
    trunk = trunks[np.argmin(np.linalg.norm(trunks - np.array([body[X], body[Y], body[Z]]), axis=1))]
    yield from _approach(bot, lambda: (trunk[0] + 0.5, trunk[2] + 0.5), 2.6, 120)
    for up in range(int(bot.rng.integers(1, 5))):
        if math.hypot(trunk[0] + 0.5 - body[X], trunk[2] + 0.5 - body[Z]) > 4:
            return
        bot.aim_at(trunk[0] + 0.5, trunk[1] + up + 0.5, trunk[2] + 0.5)
        yield from _turn(bot)
        yield from _break(bot)


def _place(bot: "Bot", steps: int = 5) -> Intention:
    """Click use, holding it a little."""
    for _ in range(steps):
        bot.keys.add("use")
        yield
        if bot.game is not None and bot.game.placed:
            return


def _pick_block(bot: "Bot") -> Intention:
    if bot.chance(0.6):
        bot.keys.add(f"hotbar.{bot.rng.integers(1, 10)}")
        yield


def build_wall(bot: "Bot") -> Intention:
    """Place a row of blocks on the ground ahead, sweeping sideways, sometimes two rows high."""
    yield from _pick_block(bot)
    turn = bot.rng.uniform(12, 22) * (1 if bot.chance(0.5) else -1)
    for _ in range(int(bot.rng.integers(1, 3))):
        bot.aim(bot.yaw, bot.rng.uniform(26, 40), bot.rng.uniform(3.5, 9))
        yield from _turn(bot)
        for _ in range(int(bot.rng.integers(2, 6))):
            yield from _place(bot)
            for _ in range(int(bot.rng.integers(0, 5))):
                yield
            bot.aim(bot.yaw + turn, bot.pitch)
            yield from _turn(bot, 15)
        turn = -turn
    for _ in range(int(bot.rng.integers(0, 25))):
        bot.keys.add("back")
        yield
    bot.aim(bot.yaw - turn, _rest_pitch(bot))
    yield from _turn(bot)


def build_pillar(bot: "Bot") -> Intention:
    """Jump and place blocks under the feet, look around from above, go on."""
    yield from _pick_block(bot)
    before = bot.pitch
    bot.aim(bot.yaw, 86.0, bot.rng.uniform(6, 12))
    yield from _turn(bot)
    for _ in range(int(bot.rng.integers(10, 50))):
        bot.keys |= {"jump", "use"}
        yield
    bot.aim(bot.yaw, min(before, 30.0), bot.rng.uniform(4, 10))
    yield from _turn(bot)
    yield from look_around(bot)


def build_bridge(bot: "Bot") -> Intention:
    """Sneak backwards and lay blocks where the feet were."""
    yield from _pick_block(bot)
    bot.aim(bot.yaw, bot.rng.uniform(70, 78))
    yield from _turn(bot)
    for _ in range(int(bot.rng.integers(20, 70))):
        bot.keys |= {"back", "sneak", "use"}
        yield
    bot.aim(bot.yaw, _rest_pitch(bot))
    yield from _turn(bot)


def _approach(
    bot: "Bot", where: Callable[[], tuple[float, float]], near: float, steps: int, gait: str = "walk"
) -> Intention:
    """Walk towards a place that may move, until `near` blocks from it, round obstacles; give up before bad ground."""
    assert bot.game is not None
    body = bot.game.body
    pitch, detours = _rest_pitch(bot), 0
    for step in range(steps):
        x, z = where()
        distance = math.hypot(x - body[X], z - body[Z])
        if distance < near:
            return
        if step % 5 == 0:
            bearing = math.degrees(math.atan2(-(x - body[X]), z - body[Z]))
            if _dry_way(bot, bearing, 6.0) < min(4.0, distance - near):
                # Round what stands in the way.
                sides = [bearing + turn for turn in (-100, -70, -40, 40, 70, 100)]
                free = [side for side in sides if _dry_way(bot, side, 6.0) > 4.0]
                detours += 1
                if not free or detours > 14:
                    return
                bearing = min(free, key=lambda side: abs((side - bot.yaw + 180) % 360 - 180))
            bot.aim(bearing + bot.rng.normal(0, 1.5), pitch)
        bot.keys.add("forward")
        if gait == "sprint":
            bot.keys.add("sprint")
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
    yield from _approach(bot, lambda: (animal[X], animal[Z]), 3.5, 120)
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
    bot.aim(float(yaw), _rest_pitch(bot))
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
    bot.aim(yaw, _rest_pitch(bot))
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
    yield from _approach(bot, lambda: (x[best] + 0.5, z[best] + 0.5), 1.5, 200)
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
    yield from _approach(bot, lambda: (x, z), 6.0, 260, "sprint" if bot.chance(0.4) else "walk")
    bot.aim_at(x, places[nearest, 1] + 2, z)
    yield from _turn(bot)
    yield from strafe(bot)


def escape(bot: "Bot") -> Intention:
    """Stuck: turn to where there is a way and go, jumping; out of a hole, dig steps or pile blocks under the feet."""
    ways = [(bot.way(bot.yaw + turn, 8.0)[0], turn) for turn in (-150, -90, -45, 45, 90, 150, 180)]
    length, turn = max(ways)
    if length < 2.0 and bot.game is not None:
        if bot.chance(0.3):
            yield from build_pillar(bot)
        else:
            yield from dig_stairs(bot)
        return
    bot.aim(bot.yaw + turn, _rest_pitch(bot), 8.0)
    yield from _turn(bot)
    for step in range(20):
        bot.keys.add("forward")
        if step % 10 < 5:
            bot.keys.add("jump")
        yield


INTENTIONS: tuple[tuple[Callable[["Bot"], Intention], float, bool], ...] = (
    (walk, 76, True),
    (stroll_and_return, 3, True),
    (strafe, 14, True),
    (back_off, 13, True),
    (jump_about, 2, True),
    (look_around, 7, True),
    (look_away_and_back, 4, True),
    (rest, 7, True),
    (glance, 3, True),
    (browse_hotbar, 2, True),
    (dig, 20, True),
    (tunnel, 8, False),
    (chop, 8, False),
    (build_wall, 13, True),
    (build_pillar, 1.5, True),
    (build_bridge, 1.5, True),
    (follow_animal, 8, False),
    (swim, 2, False),
    (climb, 3, False),
    (visit_landmark, 4, False),
)
"""What the bot does, how often relative to the rest, and whether it can do so blindly."""
