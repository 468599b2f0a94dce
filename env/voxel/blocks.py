"""The block table: every kind of block of the reference game and what is known about it.

Knows nothing of worlds, pictures or players. `BLOCKS[id]` is the full record; compiled code reads the arrays beside it
(`SOLID`, `OPAQUE`, ...), each indexed by block id. Texture names are drawn by `textures.py`.
"""

from dataclasses import dataclass

import numpy as np

UNBREAKABLE = 1_000_000
"""Hardness of a block that no hand can break."""


@dataclass(frozen=True)
class Block:
    """One kind of block.

    `solid`: bodies collide with it. `opaque`: it stops light and hides what is behind. `hardness`: steps (1/20 s) of
    digging until it breaks, 0 for what cannot be aimed at (air, water). `top`, `side`, `bottom`: texture names.
    `glow`: light it gives, 0 to 15. `size`: (half width, height) of the drawn box in blocks, (0.5, 1) a full cube.
    """

    id: int
    name: str
    solid: bool
    opaque: bool
    hardness: int
    top: str
    side: str
    bottom: str
    glow: int = 0
    size: tuple[float, float] = (0.5, 1.0)


(AIR, GRASS, DIRT, STONE, SAND, SNOW, WATER, LOG, LEAVES) = range(9)
(PLANKS, COBBLESTONE, CACTUS, ICE, BRICK, GRAVEL, LANTERN, GLASS) = range(9, 17)
(BEDROCK, SANDSTONE, SNOWY_GRASS, DRY_GRASS, SWAMP_GRASS, BIRCH_LOG, BIRCH_LEAVES, SPRUCE_LEAVES, SNOWY_LEAVES) = range(17, 26)
(ACACIA_LEAVES, PATH, MOSSY_STONE, TILES, CLAY) = range(26, 31)
(RED_FLOWER, YELLOW_FLOWER, BLUE_FLOWER, SHRUB, DRY_SHRUB, MUSHROOM) = range(31, 37)
(PUMPKIN, COAL_ORE, GOLD_ORE, WOOL) = range(37, 41)


def _cube(id: int, name: str, hardness: int, top: str, side: str | None = None, bottom: str | None = None) -> Block:
    """A full, solid, opaque cube; side and bottom look like the top unless they are named."""
    return Block(id, name, True, True, hardness, top, side or top, bottom or side or top)


def _plant(id: int, name: str, top: str, side: str, size: tuple[float, float]) -> Block:
    """A small thing to walk through that comes off at once."""
    return Block(id, name, False, False, 3, top, side, side, 0, size)


BLOCKS: tuple[Block, ...] = (
    Block(AIR, "air", False, False, 0, "none", "none", "none"),
    _cube(GRASS, "grass", 10, "grass_top", "grass_side", "dirt"),
    _cube(DIRT, "dirt", 9, "dirt"),
    _cube(STONE, "stone", 24, "stone"),
    _cube(SAND, "sand", 9, "sand"),
    _cube(SNOW, "snow", 6, "snow"),
    Block(WATER, "water", False, False, 0, "water", "water", "water"),
    _cube(LOG, "log", 20, "log_top", "log_side", "log_top"),
    _cube(LEAVES, "leaves", 5, "leaves"),
    _cube(PLANKS, "planks", 16, "planks"),
    _cube(COBBLESTONE, "cobblestone", 22, "cobblestone"),
    Block(CACTUS, "cactus", True, True, 8, "cactus_top", "cactus_side", "cactus_top", 0, (0.44, 1.0)),
    _cube(ICE, "ice", 10, "ice"),
    _cube(BRICK, "bricks", 24, "bricks"),
    _cube(GRAVEL, "gravel", 10, "gravel"),
    Block(LANTERN, "lantern", True, False, 6, "lantern_top", "lantern_side", "lantern_top", 14, (0.3, 0.72)),
    Block(GLASS, "glass", True, False, 6, "glass", "glass", "glass"),
    _cube(BEDROCK, "bedrock", UNBREAKABLE, "bedrock"),
    _cube(SANDSTONE, "sandstone", 18, "sand", "sandstone"),
    _cube(SNOWY_GRASS, "snowy grass", 10, "snow", "snowy_side", "dirt"),
    _cube(DRY_GRASS, "dry grass", 10, "dry_grass_top", "dry_grass_side", "dirt"),
    _cube(SWAMP_GRASS, "swamp grass", 10, "swamp_grass_top", "swamp_grass_side", "dirt"),
    _cube(BIRCH_LOG, "birch log", 20, "log_top", "birch_side", "log_top"),
    _cube(BIRCH_LEAVES, "birch leaves", 5, "birch_leaves"),
    _cube(SPRUCE_LEAVES, "spruce leaves", 5, "spruce_leaves"),
    _cube(SNOWY_LEAVES, "snowy leaves", 5, "snow", "snowy_leaves", "spruce_leaves"),
    _cube(ACACIA_LEAVES, "acacia leaves", 5, "acacia_leaves"),
    _cube(PATH, "path", 10, "path", "dirt"),
    _cube(MOSSY_STONE, "mossy stone", 22, "mossy_stone"),
    _cube(TILES, "roof tiles", 18, "tiles"),
    _cube(CLAY, "clay", 10, "clay"),
    _plant(RED_FLOWER, "red flower", "red_petals", "red_flower", (0.2, 0.55)),
    _plant(YELLOW_FLOWER, "yellow flower", "yellow_petals", "yellow_flower", (0.2, 0.5)),
    _plant(BLUE_FLOWER, "blue flower", "blue_petals", "blue_flower", (0.2, 0.5)),
    _plant(SHRUB, "shrub", "shrub", "shrub", (0.32, 0.5)),
    _plant(DRY_SHRUB, "dry shrub", "dry_shrub", "dry_shrub", (0.28, 0.45)),
    _plant(MUSHROOM, "mushroom", "mushroom_top", "mushroom", (0.22, 0.42)),
    _cube(PUMPKIN, "pumpkin", 10, "pumpkin_top", "pumpkin_side", "pumpkin_side"),
    _cube(COAL_ORE, "coal ore", 26, "coal_ore"),
    _cube(GOLD_ORE, "gold ore", 30, "gold_ore"),
    _cube(WOOL, "wool", 8, "wool"),
)

HOTBAR: tuple[int, ...] = (DIRT, STONE, PLANKS, COBBLESTONE, LOG, LEAVES, SAND, BRICK, LANTERN)
"""What the keys 1 to 9 hold."""

SOLID = np.array([block.solid for block in BLOCKS])
OPAQUE = np.array([block.opaque for block in BLOCKS])
HARDNESS = np.array([block.hardness for block in BLOCKS], np.int32)
GLOW = np.array([block.glow for block in BLOCKS], np.uint8)
AIMABLE = HARDNESS > 0
"""True for what the crosshair can point at: everything but air and water."""
REPLACEABLE = np.array([not block.solid for block in BLOCKS])
"""True where a block may be placed straight into the cell: air, water and plants."""
BOX = np.array([block.size for block in BLOCKS], np.float32)
"""float32 [n, 2]: half width and height of the drawn box; a cube is (0.5, 1)."""
