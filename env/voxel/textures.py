"""Procedural block textures: soft 16x16 pictures, their smaller copies and their mean colours, drawn from code alone.

Knows no world. `atlas()` gives what the ray caster samples. Contrast is modest and features are large on purpose: the
pictures are to be compressed 32-fold by a network, and must not shimmer in motion.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from simworld.env.voxel.blocks import BLOCKS

SIDE = 16
LEVEL_OFFSET = (0, 256, 320)
"""Where the 16x16, 8x8 and 4x4 copies of a texture begin in its row of texels."""
NUM_TEXELS = 336
Painter = Callable[[np.random.Generator], np.ndarray]


def _soft(rng: np.random.Generator, cells: int, octaves: int = 2) -> np.ndarray:
    """Periodic smooth noise [16, 16], mean 0, about -1 to 1."""
    out = np.zeros((SIDE, SIDE))
    at = (np.arange(SIDE) + 0.5) / SIDE
    for octave in range(octaves):
        n = cells << octave
        grid = rng.uniform(-1, 1, (n, n))
        low = np.floor(at * n).astype(int) % n
        f = at * n - np.floor(at * n)
        f = f * f * (3 - 2 * f)
        rows = grid[low] * (1 - f)[:, None] + grid[(low + 1) % n] * f[:, None]
        out += (rows[:, low] * (1 - f) + rows[:, (low + 1) % n] * f) * 0.5**octave
    return out - out.mean()


def _tint(color: tuple[int, int, int], shade: np.ndarray) -> np.ndarray:
    """The colour (0 to 255) made lighter or darker by 1 + shade; float [16, 16, 3] in 0 to 1."""
    return np.asarray(color) / 255.0 * (1 + shade[..., None])


def _edge(picture: np.ndarray, amount: float) -> np.ndarray:
    """The picture with a darker rim, so that one block can be told from the next."""
    rim = np.zeros((SIDE, SIDE))
    rim[[0, -1]] = 1
    rim[:, [0, -1]] = 1
    return picture * (1 - amount * rim[..., None])


def plain(color: tuple[int, int, int], contrast: float, cells: int = 4, edge: float = 0.1) -> Painter:
    """One colour in soft blotches."""
    return lambda rng: _edge(_tint(color, contrast * _soft(rng, cells)), edge)


def covered(top: tuple[int, int, int], below: tuple[int, int, int]) -> Painter:
    """The side of a block whose top layer hangs over soil."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        soil = _tint(below, 0.14 * _soft(rng, 4))
        cover = _tint(top, 0.1 * _soft(rng, 4))
        depth = 4.5 + 1.6 * np.sin(np.arange(SIDE) / SIDE * 4 * np.pi) + rng.uniform(-0.6, 0.6, SIDE)
        mask = np.clip(depth[None] - np.arange(SIDE)[:, None], 0, 1)[..., None]
        return _edge(cover * mask + soil * (1 - mask), 0.08)

    return paint


def rows(color: tuple[int, int, int], count: int, seam: float, offset: bool = False, joint: float = 0.0) -> Painter:
    """Boards or courses of stone: `count` rows with darker seams (lighter if negative), joints staggered by `offset`."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        high = SIDE // count
        shade = 0.06 * _soft(rng, 4)
        for row in range(count):
            span = slice(row * high, (row + 1) * high)
            shade[span] += rng.uniform(-0.06, 0.06)
            shade[(row + 1) * high - 1] = -seam
            if joint:
                shade[span, (row % 2 * SIDE // 2 + 7) % SIDE if offset else 0] = -joint
        return _tint(color, shade)

    return paint


def stripes(color: tuple[int, int, int], amount: float, waves: int) -> Painter:
    """Bark and the like: upright soft stripes."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        wave = np.cos(np.arange(SIDE) / SIDE * 2 * np.pi * waves)[None] + 0.5 * _soft(rng, 4)
        return _edge(_tint(color, amount * wave), 0.08)

    return paint


def rings(bark: tuple[int, int, int], wood: tuple[int, int, int]) -> Painter:
    """The sawn end of a log."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        at = np.abs(np.arange(SIDE) - 7.5)
        far = np.maximum(at[None], at[:, None])
        ring = _tint(wood, 0.08 * np.cos(far * 2.2))
        return np.where((far > 6)[..., None], np.asarray(bark) / 255.0, ring)

    return paint


def stones(color: tuple[int, int, int], amount: float, spots: tuple[int, int, int] | None = None) -> Painter:
    """Rounded stones with darker gaps; with `spots`, some of them are of that colour."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        centres = (np.array([(r, c) for r in range(3) for c in range(3)]) + rng.uniform(0.2, 0.8, (9, 2))) * SIDE / 3
        grid = np.stack(np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5, indexing="ij"), -1)
        away = np.abs(grid[:, :, None] - centres)
        away = np.linalg.norm(np.minimum(away, SIDE - away), axis=-1)
        first, second = np.sort(away, axis=-1)[..., :2].transpose(2, 0, 1)
        shade = amount * (np.clip((second - first) / 2.5, 0, 1) - 0.7) + 0.04 * _soft(rng, 4)
        picture = _tint(color, shade)
        if spots is not None:
            chosen = rng.permutation(9)[:4]
            mask = np.isin(away.argmin(-1), chosen) & (second - first > 0.8)
            picture = np.where(mask[..., None], _tint(spots, shade), picture)
        return picture

    return paint


def leafy(color: tuple[int, int, int], contrast: float) -> Painter:
    """Foliage: tufts of light and dark, opaque."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        tufts = np.tanh(2.2 * _soft(rng, 4, 2))
        picture = _tint(color, contrast * tufts)
        picture[..., 0] += 0.06 * contrast * tufts
        return _edge(picture, 0.06)

    return paint


def veined(color: tuple[int, int, int], contrast: float, ore: tuple[int, int, int] | None = None) -> Painter:
    """Rock in soft layers; with `ore`, lumps of it show."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        layers = np.repeat(_soft(rng, 4)[::2], 2, axis=0) if ore is None else _soft(rng, 4)
        picture = _tint(color, contrast * layers)
        if ore is not None:
            for row, column in ((3, 4), (4, 11), (9, 7), (12, 12), (11, 2)):
                picture[row : row + 2, column : column + 3] = np.asarray(ore) / 255.0
        return _edge(picture, 0.1)

    return paint


def framed(core: tuple[int, int, int], frame: tuple[int, int, int]) -> Painter:
    """A bright pane in a dark frame."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        at = np.abs(np.arange(SIDE) - 7.5)
        far = np.maximum(at[None], at[:, None])
        picture = _tint(core, 0.12 * (1 - far / 4))
        return np.where((far > 6)[..., None], np.asarray(frame) / 255.0, picture)

    return paint


def bloom(petals: tuple[int, int, int], stem: tuple[int, int, int]) -> Painter:
    """The side of a flower or mushroom: its head above, its foot below."""

    def paint(rng: np.random.Generator) -> np.ndarray:
        head = (np.arange(SIDE) < 8)[:, None, None]
        return np.where(head, _tint(petals, 0.08 * _soft(rng, 4)), _tint(stem, 0.1 * _soft(rng, 4)))

    return paint


def birch(rng: np.random.Generator) -> np.ndarray:
    """White bark with a few dark dashes."""
    picture = _tint((221, 219, 208), 0.06 * _soft(rng, 4))
    for row, column, wide in ((2, 2, 4), (6, 10, 4), (10, 4, 3), (13, 11, 4)):
        picture[row : row + 2, column : column + wide] = (0.34, 0.33, 0.31)
    return picture


def pumpkin(rng: np.random.Generator) -> np.ndarray:
    """A carved face."""
    picture = stripes((226, 133, 32), 0.09, 4)(rng)
    for top, left, high, wide in ((4, 3, 3, 3), (4, 10, 3, 3), (10, 3, 2, 10), (9, 3, 2, 2), (9, 11, 2, 2)):
        picture[top : top + high, left : left + wide] = (0.3, 0.15, 0.05)
    return picture


_DIRT, _GRASS, _SNOW, _DRY, _SWAMP = (134, 98, 68), (103, 164, 62), (212, 221, 232), (186, 174, 84), (88, 116, 62)
PAINTERS: dict[str, Painter] = {
    "none": plain((0, 0, 0), 0),
    "grass_top": plain(_GRASS, 0.13, edge=0.09),
    "grass_side": covered(_GRASS, _DIRT),
    "dirt": plain(_DIRT, 0.17),
    "stone": veined((132, 133, 138), 0.16),
    "sand": plain((214, 199, 150), 0.08, edge=0.07),
    "sandstone": rows((206, 188, 138), 4, 0.13),
    "snow": plain(_SNOW, 0.035, edge=0.06),
    "snowy_side": covered(_SNOW, _DIRT),
    "dry_grass_top": plain(_DRY, 0.12, edge=0.08),
    "dry_grass_side": covered(_DRY, _DIRT),
    "swamp_grass_top": plain(_SWAMP, 0.15, edge=0.09),
    "swamp_grass_side": covered(_SWAMP, (98, 78, 58)),
    "water": plain((52, 106, 196), 0.05, edge=0.0),
    "log_side": stripes((112, 84, 52), 0.18, 4),
    "log_top": rings((104, 78, 50), (178, 144, 92)),
    "birch_side": birch,
    "leaves": leafy((66, 130, 44), 0.27),
    "birch_leaves": leafy((128, 164, 66), 0.23),
    "spruce_leaves": leafy((46, 94, 66), 0.25),
    "snowy_leaves": covered(_SNOW, (58, 100, 78)),
    "acacia_leaves": leafy((122, 150, 46), 0.22),
    "planks": rows((178, 142, 88), 4, 0.24),
    "cobblestone": stones((128, 128, 130), 0.36),
    "mossy_stone": stones((122, 126, 118), 0.34, (92, 124, 72)),
    "cactus_top": rings((60, 112, 48), (112, 168, 82)),
    "cactus_side": stripes((76, 144, 60), 0.17, 4),
    "ice": veined((164, 202, 240), 0.08),
    "bricks": rows((166, 84, 66), 4, -0.38, True, -0.38),
    "tiles": rows((148, 62, 48), 4, 0.22, True, 0.14),
    "gravel": stones((142, 134, 130), 0.2, (118, 108, 104)),
    "lantern_top": framed((255, 206, 110), (92, 66, 40)),
    "lantern_side": framed((255, 222, 132), (112, 80, 46)),
    "glass": plain((200, 226, 236), 0.03),
    "bedrock": stones((70, 70, 74), 0.4),
    "path": plain((168, 140, 88), 0.12),
    "clay": plain((150, 150, 142), 0.1),
    "red_petals": plain((216, 48, 44), 0.08, edge=0.0),
    "red_flower": bloom((216, 48, 44), (74, 138, 52)),
    "yellow_petals": plain((248, 214, 56), 0.08, edge=0.0),
    "yellow_flower": bloom((248, 214, 56), (74, 138, 52)),
    "blue_petals": plain((92, 112, 226), 0.08, edge=0.0),
    "blue_flower": bloom((92, 112, 226), (74, 138, 52)),
    "shrub": leafy((86, 148, 54), 0.2),
    "dry_shrub": leafy((142, 112, 62), 0.22),
    "mushroom_top": plain((196, 56, 44), 0.1, edge=0.0),
    "mushroom": bloom((196, 56, 44), (226, 214, 192)),
    "pumpkin_top": stripes((212, 122, 30), 0.12, 4),
    "pumpkin_side": pumpkin,
    "coal_ore": veined((132, 133, 138), 0.1, (46, 46, 50)),
    "gold_ore": veined((132, 133, 138), 0.1, (238, 200, 76)),
    "wool": plain((214, 210, 202), 0.07, edge=0.06),
}


def _shrunk(picture: np.ndarray) -> np.ndarray:
    """Half the size, each texel the mean of four."""
    side = picture.shape[0] // 2
    return picture.reshape(side, 2, side, 2, 3).mean((1, 3))


def _cracks() -> np.ndarray:
    """When each texel of a block under the pick breaks: float32 [16, 16], 0 at once to 1 at the end, above 1 never."""
    rng = np.random.default_rng(7)
    when = np.full((SIDE, SIDE), 2.0)
    for branch in range(9):
        row, column, angle = 7.5, 7.5, branch * 2 * np.pi / 9 + rng.uniform(-0.3, 0.3)
        for step in range(14):
            angle += rng.uniform(-0.55, 0.55)
            row, column = row + 0.8 * np.sin(angle), column + 0.8 * np.cos(angle)
            if 0 <= row < SIDE and 0 <= column < SIDE:
                texel = int(row), int(column)
                when[texel] = min(when[texel], (step + 0.5) / 13 * 0.8 + 0.2 * (branch % 3) / 3)
    return when.astype(np.float32)


@cache
def atlas() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the renderer samples: texels float32 [textures, 336, 3] in 0 to 1 (16x16, 8x8 and 4x4 copies one after
    another, rows from the top), means float32 [textures, 3], faces int64 [blocks, 3] (texture of top, side and bottom by
    block id), cracks float32 [16, 16]."""
    names = {name: index for index, name in enumerate(PAINTERS)}
    texels = np.empty((len(names), NUM_TEXELS, 3), np.float32)
    for name, index in names.items():
        picture = np.clip(PAINTERS[name](np.random.default_rng(1000 + index)), 0, 1)
        half = _shrunk(picture)
        parts = [part.reshape(-1, 3) for part in (picture, half, _shrunk(half))]
        texels[index] = np.concatenate(parts)
    means = texels[:, : SIDE * SIDE].mean(1)
    faces = np.array([[names[block.top], names[block.side], names[block.bottom]] for block in BLOCKS], np.int64)
    return texels, means, faces, _cracks()
