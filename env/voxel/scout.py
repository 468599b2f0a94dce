"""Scouting: what the game looks like from where the player is, and from places that can be walked to, for worlds that begin
there."""

from collections import deque
from collections.abc import Sequence
from itertools import product

import numpy as np

from simworld.env.sightings import Sightings
from simworld.env.voxel import physics
from simworld.env.voxel.blocks import SOLID, WATER
from simworld.env.voxel.game import Game
from simworld.env.voxel.sky import WEATHERS
from simworld.tasks import turned

SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))
DEEPEST = 3
"""Blocks that a scout jumps down."""
CAVE = 2
"""Who stands so many blocks below the ground is in a cave."""
HEADINGS = (0.0, 90.0, 180.0, 270.0)
"""Degrees to the right of where the player looks, in which a scout looks from each place; the picture is wider than that."""
DOWN, STEEP = 10.0, 55.0
"""Degrees that scouts look down; and once more where the player stands, who may begin to dig at once."""
EAST = 90.0
"""Degrees from where the sun rises to where yaw 0 looks."""


def bare(game: Game) -> np.ndarray:
    """What the game shows, but for the outline of the block aimed at: the dream draws its own."""
    hit, game.hit = game.hit, np.zeros_like(game.hit)
    frame = game.render()
    game.hit = hit
    return frame


def daylight(game: Game) -> np.ndarray:
    """In what light the player's place lies, float32 [5]: the hour, as a share of a day from sunrise on; how many degrees to
    the right of sunrise the player looks; how much rain, snow and storm there is."""
    falls = [game.weather.intensity * (game.weather.kind == kind) for kind in WEATHERS[1:]]
    return np.array([game.time_of_day, (game.body[physics.YAW] + EAST) % 360, *falls], np.float32)


def look_from(game: Game, place: np.ndarray, view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is seen, and how far away, without hand or animals, by an eye at `place`, (right, ahead, above) of the player's in
    blocks, towards `view`, [pitch, yaw] in degrees, yaw to the right of where the player faces: as `Game.look`."""
    body = game.body.copy()
    aside, z = turned(float(place[0]), float(place[1]), float(body[physics.YAW]))
    game.body[[physics.X, physics.Y, physics.Z]] += -aside, place[2], z
    game.body[[physics.YAW, physics.PITCH]] = body[physics.YAW] + view[1], view[0]
    seen = game.look(nobody=True)
    game.body[:] = body
    return seen


def scout(game: Game, num_places: int, radius: float) -> Sightings:
    """What is seen all around from where the player stands, and from so many places as far from each other as can be, within
    `radius` blocks, without hand or animals; from fewer where the player is shut in. The game is as it was afterwards."""
    body = game.body.copy()
    eye, yaw = game.eye_pose[:3], body[physics.YAW]
    frames: list[np.ndarray] = []
    near, places, views = [], [], []
    for feet in [body[[physics.X, physics.Y, physics.Z]], *_apart(_roomy(reached(game, radius)), num_places)]:
        game.body[[physics.X, physics.Y, physics.Z]] = feet
        x, up, z = game.eye_pose[:3] - eye
        for down, heading in product((DOWN,) if frames else (DOWN, STEEP), HEADINGS):
            game.body[[physics.YAW, physics.PITCH]] = yaw + heading, down
            frame, depth = game.look(nobody=True)
            frames.append(frame)
            near.append(np.where(depth < 1e8, 1 / depth, 0).astype(np.float32))
            places.append((*turned(-x, z, -yaw), up))
            views.append((down, heading))
    game.body[:] = body
    return Sightings(np.stack(frames), np.stack(near), np.array(places, np.float32), np.array(views, np.float32))


def reached(game: Game, radius: float) -> np.ndarray:
    """The middles of all cells that one can walk to under the open sky, or what grows and is built there, stepping up one block
    at most, float64 [n, 3]; the first is the player's own place."""
    start = game.body[[physics.X, physics.Y, physics.Z]].copy()
    first = (int(np.floor(start[0])), int(np.floor(start[1] + 0.01)), int(np.floor(start[2])))
    seen, waiting = {first: start}, deque([first])
    while waiting:
        x, y, z = waiting.popleft()
        for aside, onward in SIDES:
            for rise in range(1, -DEEPEST - 1, -1):
                cell = (x + aside, y + rise, z + onward)
                feet = np.array([cell[0] + 0.5, float(cell[1]), cell[2] + 0.5])
                if cell in seen or np.linalg.norm((feet - start)[[0, 2]]) > radius:
                    continue
                if _stands(game, feet) and _free(game, np.array([feet[0], max(y, cell[1]), feet[2]])):
                    seen[cell] = feet
                    waiting.append(cell)
                    break
    return np.stack(list(seen.values()))


def _free(game: Game, feet: np.ndarray) -> bool:
    x, y, z = feet
    return bool(physics.box_is_free(game.blocks, SOLID, x, y, z, physics.PLAYER_HALF_WIDTH, physics.PLAYER_HEIGHT))


def _stands(game: Game, feet: np.ndarray) -> bool:
    """Whether there is ground below, and neither block nor water above it, and no cave about it."""
    eye, side = feet[1] + physics.EYE_HEIGHT, len(game.terrain.height)
    if feet[1] < game.terrain.height[int(feet[0]) % side, int(feet[2]) % side] - CAVE:
        return False
    below = physics.block_at(game.blocks, feet[0], feet[1] - 0.5, feet[2])
    dry = physics.block_at(game.blocks, feet[0], eye, feet[2]) != WATER
    return _free(game, feet) and (bool(SOLID[below]) or below == WATER) and dry


def _roomy(cells: np.ndarray) -> np.ndarray:
    """The first of the cells and those that have one to walk to on each side, where there are any."""
    known = {(int(x), int(z)) for x, _, z in np.floor(cells)}
    roomy = [all((int(x) + dx, int(z) + dz) in known for dx in (-1, 0, 1) for dz in (-1, 0, 1)) for x, _, z in np.floor(cells)]
    roomy[0] = True
    return cells[roomy] if sum(roomy) > 1 else cells


def _apart(places: np.ndarray, number: int) -> list[np.ndarray]:
    """So many of the places, each as far from those before it, and from the first of all, as can be."""
    nearest = np.full(len(places), np.inf)
    found: list[np.ndarray] = []
    for _ in range(min(number, len(places) - 1)):
        nearest = np.minimum(nearest, np.linalg.norm(places - (found[-1] if found else places[0]), axis=1))
        found.append(places[int(nearest.argmax())])
    return found


def at_hours(game: Game, hours: Sequence[float], nobody: bool) -> tuple[np.ndarray, np.ndarray]:
    """What the game would show now at such hours, uint8 [n, h, w, 3], and how far away that is, as `Game.look`. The game is as
    it was afterwards."""
    before, frames = game.time_of_day, []
    for game.time_of_day in hours:
        frame, depth = game.look(nobody)
        frames.append(frame)
    game.time_of_day = before
    return np.stack(frames), depth
