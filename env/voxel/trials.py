"""Trials: what a player's hands would do here and now, tried out in the reference game and taken back.

Knows the game; no store and no network. What it tells, `training/deeds.py` keeps and the dream's hands learn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simworld.env.voxel import interact
from simworld.env.voxel.blocks import AIMABLE, AIR, BOX, HARDNESS, HOTBAR, UNBREAKABLE
from simworld.env.voxel.bot import Bot
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import PITCH, YAW
from simworld.env.voxel.scout import bare as bare_frame

OTHER = 0.35
"""So often another block is taken into the hand."""
AT_WORK = 0.6
"""So often the hand swings and the block aimed at is cracked."""
UNAIMED = 0.3
"""So often a stale picture shows no outline; else the one that is seen up to `ASIDE` degrees aside."""
ASIDE = 40.0
EACH = 4
"""Trials of one player, who walks on for up to `STROLL` steps between two, and tries so often to find a block in reach."""
STROLL, TRIES = 12, 6
BREAK, PLACE = 0.4, 0.25
"""So often a block is really broken, or placed, after a trial."""
DOWN, TURN = (-15.0, 75.0), 60.0
"""Degrees: how far down such a player looks, and how far aside."""


@dataclass(frozen=True)
class Trial:
    """pictures: uint8 [h, w, 3] each. before: the hand at rest, nothing cracked. stale: the same, but what is outlined is not
    what is aimed at. bare: the same, and nothing is outlined. shown: how it looks while the block aimed at is cracked by
    `progress`, the hand at the phase `swing`, both in [0, 1), and key `hotbar` was pressed, 1 to 9, 0 for none. broken, placed:
    after attack has broken a block, or use placed one, with no outline; as bare where neither can be. toughness: steps of
    attack until it breaks, 0 where nothing will. can_place: whether use places anything. turn: degrees by which the sides of
    blocks are turned, for the eye; pitch: degrees that it looks down. aimed, place: float64 [3], from the eye to the centre of
    the block aimed at and to that of the one that use would place, (right, down, ahead) for who looks level, 0 for none."""

    before: np.ndarray
    stale: np.ndarray
    bare: np.ndarray
    shown: np.ndarray
    broken: np.ndarray
    placed: np.ndarray
    progress: float
    swing: float
    hotbar: int
    toughness: int
    can_place: bool
    turn: float
    pitch: float
    aimed: np.ndarray
    place: np.ndarray


def trials(game: Game, bot: Bot, rng: np.random.Generator) -> Iterator[Trial]:
    """Trials of one player, in a world that changes under its hands."""
    for _ in range(EACH):
        for _ in range(int(rng.integers(STROLL))):
            game.step(bot.act(game))
        _face_something(game, rng)
        yield trial(game, rng)
        done = rng.random()
        cell = game.place_cell()
        if done < BREAK and _breakable(game):
            game.break_block()
        elif BREAK <= done < BREAK + PLACE and cell is not None:
            game.set_block(*cell, game.held)


def trial(game: Game, rng: np.random.Generator) -> Trial:
    """Try out attack and use on what the game's player aims at; the game is as before, its player's hand at rest."""
    game.hand[:] = 0
    _aim(game)
    before = game.render()
    breakable = _breakable(game)
    progress, swing, hotbar, shown = _at_work(game, rng, breakable)
    broken = placed = bare = bare_frame(game)
    aimed = place = np.zeros(3)
    if game.hit[interact.HIT]:
        aimed = from_eye(game, game.hit[interact.HIT_X : interact.HIT_Z + 1])
    toughness = 0
    if breakable:
        x, y, z = (int(place) for place in game.hit[interact.HIT_X : interact.HIT_Z + 1])
        block = int(game.blocks[x & 255, y, z & 255])
        toughness = int(HARDNESS[block])
        game.break_block()
        broken = bare_frame(game)
        game.set_block(x, y, z, block)
    cell = game.place_cell()
    if cell is not None:
        block = int(game.blocks[cell[0] & 255, cell[1], cell[2] & 255])
        game.set_block(*cell, game.held)
        place = from_eye(game, np.array(cell))
        placed = bare_frame(game)
        game.set_block(*cell, block)
    game.broken = AIR
    stale = _stale(game, rng)
    return Trial(before, stale, bare, shown, broken, placed, progress, swing, hotbar, toughness, cell is not None,
                 -float(game.body[YAW]), float(game.body[PITCH]), aimed, place)  # fmt: skip


def _at_work(game: Game, rng: np.random.Generator, breakable: bool) -> tuple[float, float, int, np.ndarray]:
    """Progress, swing and hotbar of a picture, and it."""
    held, progress, swing, hotbar = game.held, 0.0, 0.0, 0
    if rng.random() < OTHER:
        hotbar = int(rng.integers(1, len(HOTBAR) + 1))
        game.held = HOTBAR[hotbar - 1]
    if rng.random() < AT_WORK:
        swing = float(rng.integers(interact.SWING_STEPS)) / interact.SWING_STEPS
        progress = float(rng.random()) if breakable else 0.0
    game.hand[interact.SWING], game.hand[interact.PROGRESS] = swing, progress
    shown = game.render()
    game.hand[:] = 0
    game.held = held
    return progress, swing, hotbar, shown


def _stale(game: Game, rng: np.random.Generator) -> np.ndarray:
    hit, body = game.hit.copy(), game.body.copy()
    if rng.random() < UNAIMED:
        game.hit[:] = 0
    else:
        game.body[[YAW, PITCH]] += rng.uniform(-ASIDE, ASIDE, 2)
        _aim(game)
        game.body[:] = body
    stale = game.render()
    game.hit[:] = hit
    return stale


def _face_something(game: Game, rng: np.random.Generator) -> None:
    yaw = float(game.body[YAW])
    for _ in range(TRIES):
        game.body[YAW], game.body[PITCH] = yaw + rng.uniform(-TURN, TURN), rng.uniform(*DOWN)
        _aim(game)
        if game.hit[interact.HIT]:
            return


def from_eye(game: Game, cell: np.ndarray) -> np.ndarray:
    """The centre of a cell, (right, down, ahead) for who looks level, in blocks from the eye."""
    eye_x, eye_y, eye_z, yaw, _ = game.eye_pose
    x, y, z = cell + 0.5
    sin, cos = np.sin(np.deg2rad(yaw)), np.cos(np.deg2rad(yaw))
    return np.array([(eye_x - x) * cos - (z - eye_z) * sin, eye_y - y, (z - eye_z) * cos + (eye_x - x) * sin])


def _breakable(game: Game) -> bool:
    _, x, y, z = game.hit[: interact.HIT_Z + 1]
    return bool(game.hit[interact.HIT]) and y > 0 and int(HARDNESS[game.blocks[x & 255, y, z & 255]]) < UNBREAKABLE


def _aim(game: Game) -> None:
    interact.look(game.blocks, AIMABLE, BOX, game.body, game.hit)
