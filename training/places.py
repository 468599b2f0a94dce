"""Dreams of places of the game, beside what the game shows there: what scenery shows of frames, and the truth. `train_restorer`
learns from it.

A store is a folder: `frames.npy`, `colors.npy` and `truth.npy` uint8 [n, h, w, 3], `near.npy` float16 [n, h, w] and `marks.npy`
uint8 [n, h, w], as in `Moments`; memory-mapped, and written aside until all is there. Places and plays are a function of the
seed alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simworld.actions import KEYS, SLOT
from simworld.model import sampler
from simworld.model.eye import beside_hand
from simworld.model.pixels import to_float, to_uint8
from simworld.model.scenery import Shown
from simworld.model.surroundings import Surroundings, headed
from simworld.training.ahead import made_ahead
from simworld.training.array_store import Items, Layout, kept
from simworld.training.scouting import INSIDE, RADIUS, SPOTS, VOXEL_SCOUT, go_anywhere, scouted, tell, world_and_game
from simworld.training.sights import VOXEL_PLAYERS
from simworld.training.stream import load

HANDS = [SLOT[key] for key in KEYS if key in ("attack", "use", "drop", "inventory") or key.startswith("hotbar")]
"""What would change the dream's place and not the game's."""
MARKS = ("known", "real", "free")
NAMES = ("frames", "colors", "truth", "near", "marks")


@dataclass(kw_only=True)
class PlacesConfig:
    """`num_moments` of `num_dreams` dreams of each place, which go on for `num_chunks` chunks; of every `every`-th the last
    frame is kept. All but the last of the dreams know the place from `num_spots` spots within `radius` blocks; but of every
    `strange_every`-th place all know no more than the `known` frames before."""

    folder: str = "runs/places"
    world: str = "small"
    num_moments: int = 18_000
    num_spots: int = SPOTS
    radius: float = RADIUS
    num_dreams: int = 4
    num_chunks: int = 80
    every: int = 2
    strange_every: int = 3
    known: int = 15
    num_workers: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Moments:
    """frames: those that were dreamt, before they are restored. colors, near: what scenery shows of them. marks: whether it
    is known (1), real (2), and whether no hand is before it (4). truth: what the game shows from the same eye."""

    frames: np.ndarray
    colors: np.ndarray
    truth: np.ndarray
    near: np.ndarray
    marks: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    def pick(self, chosen: np.ndarray) -> tuple[Float[Tensor, "n 1 h w 3"], Shown, Float[Tensor, "n 1 h w 3"], Tensor]:
        """Of some moments the frames, what is shown of them, the truth, and where no hand is: [n, 1, h, w, 1], 1 or 0."""
        pictures = (self.frames, self.colors, self.truth)
        frames, colors, truth = (to_float(torch.from_numpy(part[chosen]))[:, None] for part in pictures)
        near = torch.from_numpy(self.near[chosen].astype(np.float32))[:, None, None]
        known, real, free = (torch.from_numpy(self.marks[chosen] & 1 << bit)[:, None, None] > 0 for bit in range(len(MARKS)))
        return frames, Shown(colors.movedim(-1, 2), near, known, known, real), truth, free.movedim(2, -1).float()


def moments(config: PlacesConfig) -> Moments:
    """The store of `config`, dreamt first where there is none. ValueError for a store of fewer."""

    def begin() -> tuple[Layout, Items]:
        world, _ = world_and_game(config.world)
        size = (world.config.height, world.config.width)
        pictures: Layout = {name: ((*size, 3), np.uint8) for name in NAMES[:3]}
        layout = {**pictures, "near": (size, np.float16), "marks": (size, np.uint8)}
        return layout, made_ahead(partial(dreams_of, config), config.num_workers)

    return Moments(*kept(Path(config.folder), NAMES, config.num_moments, "moments", begin))


def dreams_of(config: PlacesConfig, number: int) -> list[tuple[np.ndarray, ...]]:
    """The moments of a place of this number."""
    world, game = world_and_game(config.world)
    rng = np.random.default_rng([config.seed, number])
    go_anywhere(game, rng)
    players = [int(each) for each in rng.integers(2**31, size=config.num_dreams)]
    r, strange = world.config.autoencoder.time_stride, number % config.strange_every == config.strange_every - 1
    known = config.known if strange else 1
    place, num_frames = game.save_state(), known + r * config.num_chunks
    plays = [_walked(game, place, player, num_frames, known) for player in players]
    frames, actions, bodies = (np.stack(part) for part in zip(*plays, strict=True))
    context = sampler.start(world, [game.caption(rng)] * len(plays), list(range(len(plays))))
    leading = torch.from_numpy(actions)
    sampler.append_frames(world, context, torch.from_numpy(frames), leading[:, : known - 1])
    if not strange:
        place_seen = scouted(game, config.num_spots, config.radius)
        tell(world, context, [place_seen] * len(plays), [number < len(plays) - 1 for number in range(len(plays))])
    origin = context.around.place, context.around.view
    found: list[tuple[np.ndarray, ...]] = []
    for chunk, led in enumerate(leading[:, known - 1 :].split(r, 1)[: config.num_chunks]):
        draft, remember = sampler.see(world, context, led, 1)
        remember()
        if (chunk + number) % config.every == 0 and draft.restored is not None and draft.shown is not None:
            eyes = zip(bodies, *_since(context.around, *origin), strict=True)
            found += _kept(game, list(eyes), beside_hand(world, context), draft.frames, draft.shown)
    return [found[index] for index in rng.permutation(len(found))]


def _walked(game: Any, place: Any, player: int, num_frames: int, known: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first `known` frames of what a player does in the game from a place on, all actions, but for hands, and the body at
    the last of those frames; the game is as it was afterwards."""
    bot, bare = load(VOXEL_PLAYERS[player % len(VOXEL_PLAYERS)])(player), load(VOXEL_SCOUT + "bare")
    frames, actions = [], []
    for number in range(num_frames):
        if number < known:
            frames.append(bare(game))
            body = game.body.copy()
        actions.append(bot.act(game).copy())
        actions[-1][HANDS] = 0
        game.step(actions[-1])
    game.load_state(place)
    return np.stack(frames), np.stack(actions), body


def _since(
    around: Surroundings, places: Float[Tensor, "b 3"], views: Float[Tensor, "b 2"]
) -> tuple[np.ndarray, np.ndarray]:
    """Where eyes have come since they were at `places` and faced `views`: (right, ahead, above) of there, in blocks, and by
    how much they have turned, [pitch, yaw] in degrees."""
    come = headed((around.place - places)[:, None], -views[:, 1])[:, 0]
    return come.numpy(), (around.view - views).numpy()


def _kept(
    game: Any,
    eyes: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    free: Bool[Tensor, "b 1 1 h w"],
    frames: Float[Tensor, "b r h w 3"],
    shown: Shown,
) -> Iterator[tuple[np.ndarray, ...]]:
    """The last of the frames of each dream, beside what the game shows from where its eye is: the body's, how far it has come
    since, and turned."""
    marks = shown.known[:, -1, 0] * 1 + shown.real[:, -1, 0] * 2 + free[:, 0, 0] * 4
    colors = to_uint8(shown.colors[:, -1].movedim(1, -1))
    parts = to_uint8(frames[:, -1]), colors, shown.near[:, -1, 0].half(), marks.to(torch.uint8)
    before = game.body.copy()
    for number, (body, come, turned) in enumerate(eyes):
        game.body[:] = body
        truth, depth = load(VOXEL_SCOUT + "look_from")(game, come, turned + (game.pose[4], 0))
        if depth.min() > INSIDE:
            frame, color, near, mark = (part[number].numpy() for part in parts)
            yield frame, color, truth, near, mark
    game.body[:] = before
