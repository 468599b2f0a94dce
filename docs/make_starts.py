"""The pictures that play starts from, rendered by the game on evaluation seeds: python docs/make_starts.py WORLD_FOLDER

Every biome by day, at dusk, by night and in bad weather, each with several captions, of which the nearest to a prompt is found,
and with what lies around it, gathered by looking about, from there and from places that can be walked to. So have, but for the
walk, the beginnings of the tasks that begin in places of their own.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from simworld.env.sightings import Sightings, packed, to_webp
from simworld.env.start_pictures import detail
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import PITCH, YAW
from simworld.env.voxel.scout import scout
from simworld.env.voxel.stages import TaskStage
from simworld.env.voxel.terrain import BIOMES
from simworld.env.voxel.voxel_env import VoxelEnv
from simworld.model.autoencoder import AutoencoderConfig
from simworld.model.checkpoint import write_tensors
from simworld.model.pixels import to_float, to_uint8
from simworld.model.surroundings import nothing_seen, paint
from simworld.training.truth import FIRST_SEED

SCENES = ((0.2, False), (0.45, False), (0.58, False), (0.3, True))
"""Time of day (0.25 noon, 0.5 sunset), and whether rain or, where it is cold, snow is falling."""
NUM_PLACES = 3
"""Places of each biome and scene."""
NUM_CAPTIONS = 8
TASK_SEED = 900_000
TASK_STARTS = {"navigate": 24, "treechop": 12, "recall": 16}
"""How many beginnings of each task, from which training seed on."""
SPOTS, RADIUS = 10, 13.0
"""From so many places about each one, within so many blocks, it is looked at."""
OPEN = 0.06
"""The least detail of a picture that is worth starting from."""


HAND = (slice(44, None), slice(100, None))
"""Rows and columns of the picture, 96 × 160, that the hand may cover."""
QUALITY = 80
"""Of the panoramas, in WebP."""


def look_about(game: Game) -> bytes:
    """What lies around the player, as a WebP panorama whose middle is where the player looks; the hand left out."""
    body, (yaw, pitch) = game.body, game.body[[YAW, PITCH]]
    around = nothing_seen(torch.zeros(1))
    hand = torch.zeros(1, 1, game.height, game.width)
    hand[0, 0][HAND] = 1
    hit, game.hit = game.hit, np.zeros_like(game.hit)  # no outline of a block aimed at
    for down in (-75.0, -40.0, 75.0, 40.0, 0.0):
        for turn in range(0, 360, 20):
            body[YAW], body[PITCH] = yaw + turn, down
            around.view = torch.tensor([[down, float(turn)]])
            seen = to_float(torch.from_numpy(game.render())[None]).movedim(-1, 1)
            paint(around, seen, hand, torch.zeros(1, dtype=torch.bool), AutoencoderConfig().field_of_view)
    game.hit = hit
    body[YAW], body[PITCH] = yaw, pitch
    assert float(around.seen_from.max()) < 1, "every direction was looked at"
    return to_webp(to_uint8(around.colors[0].movedim(0, -1)).numpy(), quality=QUALITY)


def bare(game: Game) -> np.ndarray:
    """What the game shows, but for the outline of the block aimed at: the dream draws its own."""
    hit, game.hit = game.hit, np.zeros_like(game.hit)
    frame = game.render()
    game.hit = hit
    return frame


def make_starts(folder: Path, height: int = 96, width: int = 160) -> None:
    """Write `starts.safetensors` into `folder`."""
    game = Game(height, width)
    frames, captions, panoramas, pitches, seen = [], [], [], [], []
    for number, biome in enumerate(BIOMES):
        for place, (time_of_day, falling) in enumerate(SCENES * NUM_PLACES):
            seed = FIRST_SEED + 100 * number + place
            weather = "clear" if not falling else "snow" if "snow" in biome else "rain"
            game.reset(seed)
            game.set_conditions(biome=biome, time_of_day=time_of_day, weather=weather)
            while detail(game.render()) < OPEN:  # nose to a wall
                game.set_conditions(biome=biome, time_of_day=time_of_day, weather=weather, respawn=True)
            frames.append(bare(game))
            panoramas.append(look_about(game))
            seen.append(scout(game, SPOTS, RADIUS))
            pitches.append(float(game.pose[4]))
            told = {game.caption(np.random.default_rng([seed, draw])) for draw in range(NUM_CAPTIONS)}
            captions.append(" / ".join(sorted(told)))
    _write(folder / "starts.safetensors", frames, pitches, panoramas, captions, **_sighted(seen))


def make_task_starts(folder: Path, task: str, num_starts: int, height: int = 96, width: int = 160) -> None:
    """Write `starts-TASK.safetensors` into `folder`: how plays of a task begin in worlds of training seeds."""
    env = VoxelEnv(height, width, task=task)
    assert isinstance(env.stage, TaskStage)
    frames, captions, panoramas, pitches, bearings = [], [], [], [], []
    for seed in range(TASK_SEED, FIRST_SEED):
        frame = env.reset(seed=seed)[0]["pov"]
        if detail(frame) < OPEN:
            continue
        frames.append(bare(env.game))
        panoramas.append(look_about(env.game))
        pitches.append(float(env.game.pose[4]))
        bearings.append(float(getattr(env.stage.task, "bearing", 0.0)))
        told = {env.game.caption(np.random.default_rng([seed, draw])) for draw in range(NUM_CAPTIONS)}
        captions.append(" / ".join(sorted(told)))
        if len(frames) == num_starts:
            break
    _write(folder / f"starts-{task}.safetensors", frames, pitches, panoramas, captions, bearing=torch.tensor(bearings))


def _sighted(seen: list[Sightings]) -> dict[str, torch.Tensor]:
    """The sightings of all starts, as `StartPictures` reads them."""
    frames, near = zip(*(packed(each) for each in seen), strict=True)
    tensors = {**_joined("seen_frames", frames), **_joined("seen_near", near)}
    tensors["seen_numbers"] = torch.tensor([len(each) for each in seen])
    for name in ("places", "views"):
        tensors[f"seen_{name}"] = torch.from_numpy(np.concatenate([getattr(each, name) for each in seen]))
    return tensors


def _joined(name: str, files: Sequence[bytes], sizes: str = "") -> dict[str, torch.Tensor]:
    """Files one after another, and how long each is."""
    joined = torch.from_numpy(np.frombuffer(b"".join(files), np.uint8).copy())
    return {name: joined, sizes or f"{name}_sizes": torch.tensor([len(file) for file in files])}


def _write(
    path: Path,
    frames: list[np.ndarray],
    pitches: list[float],
    panoramas: list[bytes],
    captions: list[str],
    **more: torch.Tensor,
) -> None:
    tensors = {
        **_joined("frames", [to_webp(frame, lossless=True, quality=100) for frame in frames]),
        "pitch": torch.tensor(pitches),
        **_joined("around", panoramas, "sizes"),
        **more,
    }
    write_tensors(path, tensors, {"kind": "starts", "captions": captions})


if __name__ == "__main__":
    make_starts(Path(sys.argv[1]))
    for name, number in TASK_STARTS.items():
        make_task_starts(Path(sys.argv[1]), name, number)
