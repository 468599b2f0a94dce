"""The reference game: a seeded block world, a player, animals, a clock and weather; 20 steps a second.

Knows no gymnasium, window or file. `reset(seed)`, then `step(action vector)` and `render()`; `save_state`/`load_state`
are exact. Equal seed and actions give equal frames bit for bit. The rules of bodies, hands and animals lie in their own
files; here they are put in order: camera, keys, hands, animals, sky.
"""

import copy
from typing import Any

import numpy as np

from simworld.actions import ACTION_SIZE, SLOT
from simworld.env.voxel import animals, captions, interact, physics
from simworld.env.voxel.blocks import (
    AIMABLE,
    AIR,
    BOX,
    DIRT,
    DRY_GRASS,
    GRASS,
    HARDNESS,
    HOTBAR,
    REPLACEABLE,
    SAND,
    SNOW,
    SNOWY_GRASS,
    SOLID,
    STONE,
    SWAMP_GRASS,
    WATER,
)
from simworld.env.voxel.render import NOBODY, render
from simworld.env.voxel.sky import sky_state
from simworld.env.voxel.spawn import find_spawn
from simworld.env.voxel.terrain import BIOMES, generate, set_block
from simworld.env.voxel.weather import Weather

DAY_STEPS = 12_000
MOVE_KEYS = np.array([SLOT[key] for key in ("forward", "back", "left", "right", "jump", "sneak", "sprint")], np.int64)
HOTBAR_KEYS = tuple((SLOT[f"hotbar.{number}"], block) for number, block in enumerate(HOTBAR, 1))
PASTURE = np.zeros(len(SOLID), bool)
"""Bool by block id: what animals live on."""
PASTURE[[GRASS, DIRT, SAND, SNOW, STONE, SNOWY_GRASS, DRY_GRASS, SWAMP_GRASS]] = True
OTHER_TERRAINS = 8
"""How many further seeds are tried when a wanted biome is missing from a terrain."""


class Game:
    """One play. Attributes to read: `terrain`, `blocks`, `body` (slots of physics.py), `herd` (slots of animals.py),
    `time_of_day` in [0, 1), `weather` (weather.py), `held` block id, `num_steps` since the reset, `last_action`
    float32 [25], `broken` and `placed` block ids of this step (0: none), `hit` (slots of interact.py)."""

    def __init__(self, height: int = 96, width: int = 160) -> None:
        if height < 8 or width < 8:
            raise ValueError(f"game: frames of {height} x {width} are too small; height and width must be at least 8")
        self.height, self.width = height, width
        self.terrain = generate(0)
        self._natural: dict[tuple[int, int, int], int] = {}
        self.body = np.zeros(physics.BODY_SIZE)
        self.hand = np.zeros(interact.HAND_SIZE)
        self.hit = np.zeros(interact.HIT_SIZE, np.int64)
        self.herd = np.zeros((animals.NUM_ANIMALS, animals.ANIMAL_SIZE))
        self.dice = np.zeros(1, np.uint64)
        self.weather = Weather()
        self.last_action = np.zeros(ACTION_SIZE, np.float32)
        self.reset(0)

    def reset(
        self,
        seed: int,
        *,
        biome: str | None = None,
        time_of_day: float | None = None,
        weather: str | None = None,
    ) -> None:
        """Begin a new play in the world of `seed` (>= 0). What is not given is drawn from the seed.

        ValueError for a biome or weather that does not exist or a time outside [0, 1).
        """
        self.seed = int(seed)
        self.rng = np.random.default_rng(self.seed)
        self.dice[0] = self.rng.integers(2**63, dtype=np.uint64)
        self.num_steps = 0
        # Clouds and rain must not look alike at the start of every play.
        self.sky_offset = int(self.rng.integers(1_000_000))
        self._enter(self.seed)
        self.held = int(self.rng.choice(HOTBAR))
        self.last_action[:] = 0
        self.set_conditions(
            biome=biome,
            time_of_day=float(self.rng.random()) if time_of_day is None else time_of_day,
            weather=weather,
            respawn=True,
        )
        if weather is None:
            self.weather.begin(self.biome, self.rng)

    def set_conditions(
        self,
        *,
        biome: str | None = None,
        time_of_day: float | None = None,
        weather: str | None = None,
        respawn: bool = False,
    ) -> None:
        """Change what is given, now: another time, weather, or stand elsewhere (in `biome`; `respawn`: anywhere).

        Where the terrain has no such biome the play moves to another terrain. ValueError for a biome or weather that
        does not exist or a time outside [0, 1).
        """
        if time_of_day is not None:
            if not 0 <= time_of_day < 1:
                raise ValueError(f"time_of_day is {time_of_day}; it must be in [0, 1): 0 sunrise, 0.25 noon, 0.75 midnight")
            self.time_of_day = float(time_of_day)
        if weather is not None:
            self.weather.set(weather, self.rng)
        if biome is None and not respawn:
            return
        pose = find_spawn(self.terrain, self.rng, biome)
        for other in range(OTHER_TERRAINS):
            if pose is not None:
                break
            self._enter((self.seed + 7_919 * (other + 1)) % 2**31)
            pose = find_spawn(self.terrain, self.rng, biome)
        if pose is None:
            raise ValueError(f"no {biome!r} was found near the world of seed {self.seed}; choose another seed or biome")
        self.stand(*pose)

    def stand(self, x: float, y: float, z: float, yaw: float, pitch: float) -> None:
        """Put the player at rest with the feet at (x, y, z), facing (yaw, pitch), and gather new animals around."""
        self.body[:] = 0
        self.body[[physics.X, physics.Y, physics.Z, physics.YAW, physics.PITCH]] = x, y, z, yaw, pitch
        self.body[physics.EYE] = physics.EYE_HEIGHT
        # As after a step of standing there, so that the very first jump counts.
        half, height = physics.PLAYER_HALF_WIDTH, physics.PLAYER_HEIGHT
        self.body[physics.GROUND] = not physics.box_is_free(self.blocks, SOLID, x, y - 0.01, z, half, height)
        self.body[physics.VY] = -physics.GRAVITY * 0.98
        self.hand[:] = 0
        self.broken = self.placed = AIR
        animals.populate(self.blocks, SOLID, PASTURE, self.herd, self.body, self.dice)
        interact.look(self.blocks, AIMABLE, BOX, self.body, self.hit)

    def step(self, action: np.ndarray) -> None:
        """One step, 1/20 s, under an action vector float32 [25] (`simworld.actions`). ValueError for another shape."""
        if np.shape(action) != (ACTION_SIZE,):
            raise ValueError(f"action vector has shape {np.shape(action)}; it must be ({ACTION_SIZE},)")
        self.last_action = np.array(action, np.float32)
        action = self.last_action
        self._choose_block(action)
        physics.step_player(self.blocks, SOLID, WATER, self.body, action, MOVE_KEYS)
        self._use_hands(action)
        animals.step(self.blocks, SOLID, PASTURE, WATER, self.herd, self.body, self.dice)
        self.time_of_day = (self.time_of_day + 1 / DAY_STEPS) % 1.0
        self.weather.step(self.biome, self.rng)
        self.num_steps += 1

    def render(self) -> np.ndarray:
        """What the player sees now: a new uint8 [height, width, 3]."""
        return self.look()[0]

    def look(self, nobody: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """What the player sees now, uint8 [height, width, 3], and how far away each pixel of it is, the hand left aside:
        blocks along the view's axis, float32 [height, width], 1e9 for the sky. What `nobody` would see from there has no hand,
        no animals, and nothing that is aimed at."""
        body, weather = self.body, self.weather
        eye = np.array([body[physics.X], body[physics.Y] + body[physics.EYE], body[physics.Z]])
        sky = sky_state(self.time_of_day, weather.kind, weather.intensity, self.num_steps + self.sky_offset)
        target = self.hit[: interact.HIT_Z + 1].copy()
        if nobody:
            target[:] = 0
        frame = np.empty((self.height, self.width, 3), np.uint8)
        depth = render(
            self.terrain,
            eye,
            float(body[physics.YAW]),
            float(body[physics.PITCH]),
            sky,
            self.entities[:0] if nobody else self.entities,
            NOBODY if nobody else self.held,
            float(self.hand[interact.SWING]),
            target,
            float(self.hand[interact.PROGRESS]),
            frame,
        )
        return frame, depth

    @property
    def pose(self) -> np.ndarray:
        """float64 [5]: x, y, z of the feet in blocks (not wrapped at the torus's edge), yaw and pitch in degrees."""
        return self.body[[physics.X, physics.Y, physics.Z, physics.YAW, physics.PITCH]]

    @property
    def eye_pose(self) -> np.ndarray:
        """The same of the eye."""
        pose = self.pose
        pose[1] += self.body[physics.EYE]
        return pose

    @property
    def biome(self) -> str:
        """The biome that the player stands in."""
        x, z = int(np.floor(self.body[physics.X])), int(np.floor(self.body[physics.Z]))
        return BIOMES[self.terrain.biome[x & 255, z & 255]]

    @property
    def entities(self) -> np.ndarray:
        """The animals as float32 [n, 8]: kind, x, y, z, yaw, walk phase, scale, tint."""
        living = self.herd[self.herd[:, animals.KIND] >= 0]
        slots = [animals.KIND, physics.X, physics.Y, physics.Z, physics.YAW, animals.PHASE, animals.SCALE, animals.TINT]
        return np.ascontiguousarray(living[:, slots], np.float32)

    def caption(self, rng: np.random.Generator | None = None, held_out: bool = False) -> str:
        """Words for this moment (captions.py), chosen by `rng`; without one, equal moments get equal words."""
        return captions.caption(self, rng or np.random.default_rng([self.seed, self.num_steps]), held_out)

    def save_state(self) -> dict[str, Any]:
        """All that decides the future, a small dict of copies for `load_state`: changed cells, not the whole world."""
        changed = {cell: int(self.blocks[cell]) for cell in self._natural}
        rest = {name: value for name, value in self.__dict__.items() if name not in ("terrain", "_natural")}
        return copy.deepcopy({**rest, "changed": changed, "terrain_seed": self.terrain.seed})

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on exactly from a `save_state` of a game of the same frame size; ValueError for another size."""
        size = (state["height"], state["width"])
        if size != (self.height, self.width):
            raise ValueError(f"the state is of a {size[0]} x {size[1]} game; this one is {self.height} x {self.width}")
        rest = copy.deepcopy(state)
        self._enter(rest.pop("terrain_seed"))
        changed: dict[tuple[int, int, int], int] = rest.pop("changed")
        for (x, y, z), block in changed.items():
            self.set_block(x, y, z, block)
        self.__dict__.update(rest)

    @property
    def blocks(self) -> np.ndarray:
        """uint8 [256, 64, 256] indexed [x, y, z]; change cells with `set_block` only."""
        return self.terrain.blocks

    def set_block(self, x: int, y: int, z: int, block: int) -> None:
        """Change one cell of the world; x and z wrap. ValueError for y outside 0..63."""
        cell = int(x) & 255, int(y), int(z) & 255
        self._natural.setdefault(cell, int(self.blocks[cell]))
        set_block(self.terrain, *cell, block)

    def _enter(self, seed: int) -> None:
        """Be in the untouched world of `seed`; mending the present one is much cheaper than making another."""
        if self.terrain.seed != seed:
            self.terrain = generate(seed)
        else:
            for cell, block in self._natural.items():
                set_block(self.terrain, *cell, block)
        self._natural = {}

    def _beside_water(self, x: int, y: int, z: int) -> bool:
        """Water does not flow here, but it fills the hole of a block that is broken below or beside it."""
        sides = ((x + 1, y, z), (x - 1, y, z), (x, y, z + 1), (x, y, z - 1), (x, min(y + 1, 63), z))
        return any(self.blocks[side_x & 255, side_y, side_z & 255] == WATER for side_x, side_y, side_z in sides)

    def _choose_block(self, action: np.ndarray) -> None:
        for slot, block in HOTBAR_KEYS:
            if action[slot]:
                self.held = block
        if action[SLOT["pickItem"]] and self.hit[interact.HIT]:
            _, x, y, z = self.hit[: interact.HIT_Z + 1]
            self.held = int(self.blocks[x & 255, y, z & 255])

    def break_block(self) -> None:
        """Break the block that is aimed at, at once. One must be (`hit`)."""
        _, x, y, z = self.hit[: interact.HIT_Z + 1]
        self.broken = int(self.blocks[x & 255, y, z & 255])
        self.set_block(x, y, z, WATER if self._beside_water(x, y, z) else AIR)

    def place_cell(self) -> tuple[int, int, int] | None:
        """The cell in which use would put a block, None where it can put none."""
        possible, x, y, z = interact.place_cell(self.blocks, REPLACEABLE, self.body, self.hit)
        return (int(x), int(y), int(z)) if possible else None

    def _use_hands(self, action: np.ndarray) -> None:
        attack, use = bool(action[SLOT["attack"]]), bool(action[SLOT["use"]])
        body, hand, hit = self.body, self.hand, self.hit
        self.broken = self.placed = AIR
        distance = interact.look(self.blocks, AIMABLE, BOX, body, hit)
        if attack:
            direction = interact.view_direction(body[physics.YAW], body[physics.PITCH])
            eye = body[physics.Y] + body[physics.EYE]
            prey = animals.struck(self.herd, body[physics.X], eye, body[physics.Z], direction, distance)
            if prey >= 0:
                if hand[interact.SWING] == 0:
                    animals.strike(self.herd[prey], body[physics.X], body[physics.Z])
                hit[interact.HIT] = 0
        if interact.work(self.blocks, HARDNESS, hand, hit, attack):
            self.break_block()
        cell = self.place_cell()
        if interact.place(hand, use, cell is not None) and cell is not None:
            self.placed = self.held
            self.set_block(*cell, self.held)
        interact.swing(hand, attack or self.placed != AIR)
        if self.broken != AIR or self.placed != AIR:
            interact.look(self.blocks, AIMABLE, BOX, body, hit)
