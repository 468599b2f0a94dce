"""What the bot does with its hands: breaks and places blocks, for fun or to get out of where it is.

Intentions and parts of them: generators that set keys and aim the mouse, one `yield` a step.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from simworld.env.voxel import interact
from simworld.env.voxel.blocks import BIRCH_LOG, LOG, SOLID
from simworld.env.voxel.gaits import Intention, approach, look_around, rest_pitch, turn_view, walk_towards
from simworld.env.voxel.physics import BLOCKED, GROUND, X, Y, Z

if TYPE_CHECKING:
    from simworld.env.voxel.bot import Bot


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
    yield from turn_view(bot)
    for _ in range(int(bot.rng.integers(1, 6))):
        if bot.game is not None and not bot.game.hit[interact.HIT]:
            bot.aim(bot.yaw + bot.rng.normal(0, 12), max(30.0, min(55.0, bot.pitch + bot.rng.uniform(5, 20))))
            yield from turn_view(bot)
        yield from _break(bot)
        if bot.chance(0.6):
            bot.aim(bot.yaw + bot.rng.normal(0, 10), float(np.clip(bot.pitch + bot.rng.normal(0, 7), -30, 55)))
        yield from turn_view(bot, 10)
    bot.aim(bot.yaw, rest_pitch(bot))
    yield from turn_view(bot)


def _clear(bot: "Bot", x: int, y: int, z: int) -> Intention:
    """Look at one cell and break what is in it."""
    assert bot.game is not None
    for _ in range(2):
        if not SOLID[bot.game.blocks[x & 255, min(y, 63), z & 255]]:
            return
        bot.aim_at(x + 0.5, y + 0.5, z + 0.5)
        yield from turn_view(bot)
        yield from _break(bot)


def _cell(bot: "Bot") -> tuple[int, int, int]:
    """The cell that the player's feet are in."""
    assert bot.game is not None
    x, y, z = (int(math.floor(bot.game.body[slot] + 0.01)) for slot in (X, Y, Z))
    return x, y, z


def _ahead(bot: "Bot") -> tuple[int, int, int, int, int]:
    """The player's cell x, y, z and the step (x, z) along the axis that is faced most."""
    yaw = math.radians(round(bot.yaw / 90) * 90)
    return *_cell(bot), -round(math.sin(yaw)), round(math.cos(yaw))


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


def enclosed(bot: "Bot") -> bool:
    """Whether all ways are short, as in a house or a pit."""
    return all(bot.way(bot.yaw + turn, 7.0)[0] < 7.0 for turn in range(0, 360, 30))


def sunken(bot: "Bot") -> bool:
    """Whether the land around is higher than one can jump: a trench, a gorge, a hole."""
    assert bot.game is not None
    body, height = bot.game.body, bot.game.terrain.height
    angles = np.linspace(0, 2 * math.pi, 12, endpoint=False)
    x, z = (body[X] + 6 * np.cos(angles)).astype(int) & 255, (body[Z] + 6 * np.sin(angles)).astype(int) & 255
    return bool((height[x, z] >= body[Y] + 1).sum() >= 8)


def get_out(bot: "Bot") -> Intention:
    """Leave a house through a wall, a pit on a pillar of blocks, a cave by digging steps."""
    if not bot.roofed():
        yield from _pillar_out(bot)
    elif (yaw := _thin_wall(bot)) is not None:
        yield from _break_through(bot, yaw)
    else:
        yield from dig_stairs(bot)


def _thin_wall(bot: "Bot") -> float | None:
    """The direction of a wall within 8 blocks with free room behind it, or None."""
    assert bot.game is not None
    x, y, z = _cell(bot)
    for turn in (0, 90, -90, 180):
        yaw = round(bot.yaw / 90) * 90.0 + turn
        step_x, step_z = -round(math.sin(math.radians(yaw))), round(math.cos(math.radians(yaw)))
        line = [bool(SOLID[bot.game.blocks[(x + n * step_x) & 255, y, (z + n * step_z) & 255]]) for n in range(1, 12)]
        if True in line[:8]:
            wall = line.index(True)
            if not any(line[wall + 1 : wall + 4]):
                return yaw
    return None


def _break_through(bot: "Bot", yaw: float) -> Intention:
    """Walk up to the wall towards `yaw`, open it head and feet, and go out."""
    assert bot.game is not None
    bot.aim(yaw, 5.0)
    yield from turn_view(bot)
    for _ in range(45):
        x, y, z, step_x, step_z = _ahead(bot)
        if SOLID[bot.game.blocks[(x + step_x) & 255, min(63, y + 1), (z + step_z) & 255]]:
            break
        bot.keys.add("forward")
        yield
    x, y, z, step_x, step_z = _ahead(bot)
    yield from _clear(bot, x + step_x, y + 1, z + step_z)
    yield from _clear(bot, x + step_x, y, z + step_z)
    bot.aim_at(x + 6 * step_x + 0.5, y + 1.0, z + 6 * step_z + 0.5)
    yield from turn_view(bot)
    yield from walk_towards(bot, bot.yaw, 40, "walk")


def _pillar_out(bot: "Bot") -> Intention:
    """Go to the nearest wall, pile up blocks under the feet until there is a way over it, and go it."""
    assert bot.game is not None
    body = bot.game.body
    yaw = bot.yaw + min((bot.way(bot.yaw + turn, 8.0)[0], turn) for turn in range(-180, 180, 30))[1]
    bot.aim(yaw, 10.0, 9.0)
    yield from turn_view(bot)
    for _ in range(30):
        bot.keys.add("forward")
        yield
        if body[BLOCKED] > 0:
            break
    bot.aim(yaw, 86.0, 10.0)
    yield from turn_view(bot)
    highest, since = float(body[Y]), 0
    for step in range(120):
        if body[Y] >= highest + 1:
            highest, since = float(body[Y]), step
        if step - since > 30 or (body[GROUND] > 0 and bot.way(yaw, 5.0)[0] >= 3):
            break
        bot.keys |= {"jump", "use"}
        yield
    bot.aim(yaw, rest_pitch(bot), 10.0)
    yield from turn_view(bot)
    yield from walk_towards(bot, yaw, 30, "walk")


def dig_stairs(bot: "Bot") -> Intention:
    """Dig a way up and out, a step at a time, until there is a way on."""
    for _ in range(4):
        x, y, z, step_x, step_z = _ahead(bot)
        for cell in ((x + step_x, y + 1, z + step_z), (x, y + 2, z), (x + step_x, y + 2, z + step_z)):
            yield from _clear(bot, *cell)
        bot.aim_at(x + 2 * step_x + 0.5, y + 2.0, z + 2 * step_z + 0.5)
        yield from turn_view(bot)
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
    cells = np.ix_(np.arange(x - 9, x + 10) & 255, np.arange(max(1, y - 2), min(63, y + 4)), np.arange(z - 9, z + 10) & 255)
    trunks = np.argwhere(np.isin(blocks[cells], (LOG, BIRCH_LOG))) + np.array([x - 9, max(1, y - 2), z - 9])
    if len(trunks) == 0:
        return
    trunk = trunks[np.argmin(np.linalg.norm(trunks - np.array([body[X], body[Y], body[Z]]), axis=1))]
    yield from approach(bot, lambda: (trunk[0] + 0.5, trunk[2] + 0.5), 2.6, 120)
    for up in range(int(bot.rng.integers(1, 5))):
        if math.hypot(trunk[0] + 0.5 - body[X], trunk[2] + 0.5 - body[Z]) > 4:
            return
        bot.aim_at(trunk[0] + 0.5, trunk[1] + up + 0.5, trunk[2] + 0.5)
        yield from turn_view(bot)
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
        yield from turn_view(bot)
        for _ in range(int(bot.rng.integers(2, 6))):
            yield from _place(bot)
            for _ in range(int(bot.rng.integers(0, 5))):
                yield
            bot.aim(bot.yaw + turn, bot.pitch)
            yield from turn_view(bot, 15)
        turn = -turn
    for _ in range(int(bot.rng.integers(0, 25))):
        bot.keys.add("back")
        yield
    bot.aim(bot.yaw - turn, rest_pitch(bot))
    yield from turn_view(bot)


def build_pillar(bot: "Bot") -> Intention:
    """Jump and place blocks under the feet, look around from above, go on."""
    yield from _pick_block(bot)
    before = bot.pitch
    bot.aim(bot.yaw, 86.0, bot.rng.uniform(6, 12))
    yield from turn_view(bot)
    for _ in range(int(bot.rng.integers(10, 50))):
        bot.keys |= {"jump", "use"}
        yield
    bot.aim(bot.yaw, min(before, 30.0), bot.rng.uniform(4, 10))
    yield from turn_view(bot)
    yield from look_around(bot)


def build_bridge(bot: "Bot") -> Intention:
    """Sneak backwards and lay blocks where the feet were."""
    yield from _pick_block(bot)
    bot.aim(bot.yaw, bot.rng.uniform(70, 78))
    yield from turn_view(bot)
    for _ in range(int(bot.rng.integers(20, 70))):
        bot.keys |= {"back", "sneak", "use"}
        yield
    bot.aim(bot.yaw, rest_pitch(bot))
    yield from turn_view(bot)
