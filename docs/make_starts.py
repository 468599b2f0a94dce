"""The pictures that play starts from, rendered by the game on training seeds: python docs/make_starts.py WORLD_FOLDER [READER]

Every biome by day, at dusk, by night and in bad weather, each with several captions, of which the nearest to a prompt is found,
and with what lies around it, gathered by looking about, from there and from places that can be walked to. So have, but for the
walk, the beginnings of the tasks that begin in places of their own. READER: the file of a scene reader that knows what biomes
typically look like, of `simworld train probes` with another seed than that of the one which measures dreams; without one the
folder's own starts, but for those of tasks, are rendered anew where they are.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simworld.env.panoramas import panorama
from simworld.env.sightings import Sightings, looks, openness, packed, packed_lattice, to_avif, unpacked_lattice
from simworld.env.start_pictures import detail
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import YAW
from simworld.env.voxel.render import FIELD_OF_VIEW
from simworld.env.voxel.scout import bare, daylight, reached, scout
from simworld.env.voxel.stages import TaskStage
from simworld.env.voxel.terrain import BIOMES
from simworld.env.voxel.voxel_env import VoxelEnv
from simworld.model.checkpoint import read_tensors, write_tensors
from simworld.model.lattice import Lattice
from simworld.model.masonry import lattice_of
from simworld.training.probes import load_scene_reader
from simworld.training.scene_reader import SceneReader
from simworld.training.scouting import RADIUS, SPOTS
from simworld.training.showing import View, share, show, view
from simworld.training.truth import FIRST_SEED

SCENES = ((0.2, False), (0.5, False), (0.58, False), (0.3, True))
"""Time of day (0.25 noon, 0.5 sunset), and whether it is wet or cold then."""
COLD = ("snow", "taiga")
"""Where snow falls instead of rain, and at night as well: a snowy forest is a taiga in snow."""
DUSK = 0.5
START_SEED, TASK_SEED = 800_000, 900_000
NUM_CAPTIONS = 24
TASK_STARTS = {"navigate": 24, "treechop": 12, "recall": 16}
"""How many beginnings of each task, from which training seed on."""
WORLDS, CHOICE, NEARLY, WIDE = 4, 48, 0.8, 2000
"""Of so many worlds the one is taken, and of so many places of each, that shows most of what it is called, ahead and `ASIDE`,
and most plainly; of places that show so much of what the best does, the most open one, if one can walk to so many cells from
there."""
ASIDE = (-60.0, 60.0)
"""Degrees."""
OPEN = 0.06
"""The least detail of a picture that is worth starting from."""


QUALITY, FIRST_QUALITY = 55, 85
"""Of the panoramas and of the first pictures, in AVIF."""


@dataclass(frozen=True)
class Found:
    """Where a start is: of the places where the game, in the world of a seed and under such `conditions`, lets players begin,
    one after another, that of a number."""

    seed: int
    number: int


@dataclass(frozen=True)
class Sighted:
    """Sightings as a file keeps them; see `StartPictures`."""

    frames: bytes
    near: bytes
    lattice: tuple[bytes, np.ndarray]
    places: np.ndarray
    views: np.ndarray
    looks: np.ndarray
    open: np.ndarray


def make_starts(folder: Path, reader: Path | None, height: int = 96, width: int = 160) -> None:
    """Write `starts.safetensors` into `folder`, with all cores. reader: the file of a scene reader; None for the places of the
    file that is there."""
    jobs = [(number, scene, height, width) for number in range(len(BIOMES)) for scene in range(len(SCENES))]
    with ProcessPoolExecutor() as workers:
        if reader is None:
            found = [Found(*each) for each in read_tensors(folder / "starts.safetensors")[1]["found"]]
        else:
            found = list(workers.map(partial(find_start, load_scene_reader(reader)), jobs))
        made = list(workers.map(make_start, jobs, found))
    frames, pitches, panoramas, captions, seen, light = zip(*made, strict=True)
    more = {**_sighted(seen), "daylight": torch.from_numpy(np.stack(light))}
    where = [(one.seed, one.number) for one in found]
    _write(folder / "starts.safetensors", frames, pitches, panoramas, captions, where, **more)


def conditions(biome: int, scene: int) -> dict[str, Any]:
    """What the game is told of a biome and a scene of these numbers."""
    name, (time_of_day, wet) = BIOMES[biome], SCENES[scene]
    cold = name in COLD
    weather = "snow" if cold and (wet or time_of_day > DUSK) else ("rain", "storm")[biome % 2] if wet else "clear"
    return {"biome": name, "time_of_day": time_of_day, "weather": weather}


def find_start(reader: SceneReader, job: tuple[int, int, int, int]) -> Found:
    """Where a start is to be in a biome and a scene of these numbers, in pictures of such a height and width."""
    torch.set_num_threads(1)
    (biome, scene, *size), found = job, []
    game, told = Game(*size), conditions(biome, scene)
    for world in range(WORLDS):
        seed = START_SEED + 100 * biome + 10 * world + scene
        plain, number = settle(game, reader, seed, **told)
        found.append((plain, Found(seed, number)))
    best = [one for _, one in sorted(found, key=lambda each: each[0], reverse=True)]
    for one in best:
        begin(game, one, **told)
        if lattice_of_sightings(scout(game, SPOTS, RADIUS)) is not None:  # else there is too much water to tell its blocks
            return one
    return best[-1]


def begin(game: Game, found: Found, **told: Any) -> None:
    """Put the player where a start is."""
    game.reset(found.seed)
    for _ in range(found.number + 1):
        game.set_conditions(**told, respawn=True)


def make_start(job: tuple[int, int, int, int], found: Found) -> tuple[np.ndarray, float, bytes, str, Sighted, np.ndarray]:
    """A start in a biome and a scene of these numbers, of such a height and width: its frame, pitch, panorama, captions, what
    is seen of it from elsewhere, and in what light."""
    torch.set_num_threads(1)
    game, told = Game(*job[2:]), conditions(*job[:2])
    begin(game, found, **told)
    seen = scout(game, SPOTS, RADIUS)
    lattice = packed_lattice(lattice_of_sightings(seen))
    files = packed(replace(seen, lattice=unpacked_lattice(*lattice)), FIELD_OF_VIEW)
    captions = {game.caption(np.random.default_rng([found.seed, draw])) for draw in range(NUM_CAPTIONS)}
    print(f"{', '.join(map(str, told.values()))}: {len(seen)} sightings, {len(files[0])} + {len(files[1])} bytes", flush=True)
    sighted = Sighted(*files, lattice, seen.places, seen.views, looks(seen.frames), openness(seen.near))
    around = to_avif(panorama(game), QUALITY)
    return bare(game), float(game.pose[4]), around, " / ".join(sorted(captions)), sighted, daylight(game)


def settle(game: Game, reader: SceneReader, seed: int, biome: str, **told: Any) -> tuple[float, int]:
    """Put the player, in the world of a seed, where the biome is seen and looks like itself, there is a view and room to walk;
    returns how much of what is seen is the biome, and how plainly, 0 where that is too little, and the number of the place."""
    game.reset(seed)
    found = []
    for number in range(CHOICE):
        game.set_conditions(biome=biome, **told, respawn=True)
        ahead, *_ = views = [_turned(game, angle) for angle in (0, *ASIDE)]
        fit = show([ahead], "place", biome) and detail(ahead.frame) > OPEN
        clear = share(views, "place", biome) * _plainly(reader, views, biome) if fit else 0.0
        found.append((clear, float(-(1 / game.look()[1]).mean()), number, game.save_state()))

    def room(state: Any) -> int:
        game.load_state(state)
        return min(len(reached(game, RADIUS)), WIDE)

    clearest = max(clear for clear, *_ in found)
    best = [one for one in found if one[0] >= NEARLY * clearest]
    chosen = max(best, key=lambda one: (room(one[3]), *one[1:3]))
    game.load_state(chosen[3])
    return chosen[0], chosen[2]


def _plainly(reader: SceneReader, views: Sequence[View], biome: str) -> float:
    """How sure a reader is, of pictures, that they show the biome."""
    found = reader.read(torch.from_numpy(np.stack([view.frame for view in views])))["place"]
    return float(found[:, reader.config.classes["place"].index(biome)].mean())


def _turned(game: Game, angle: float) -> View:
    """What is seen so many degrees aside."""
    game.body[YAW] += angle
    seen = view(game)
    game.body[YAW] -= angle
    return seen


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
        panoramas.append(to_avif(panorama(env.game), QUALITY))
        pitches.append(float(env.game.pose[4]))
        bearings.append(float(getattr(env.stage.task, "bearing", 0.0)))
        told = {env.game.caption(np.random.default_rng([seed, draw])) for draw in range(NUM_CAPTIONS)}
        captions.append(" / ".join(sorted(told)))
        if len(frames) == num_starts:
            break
    _write(folder / f"starts-{task}.safetensors", frames, pitches, panoramas, captions, [], bearing=torch.tensor(bearings))


def _sighted(seen: Sequence[Sighted]) -> dict[str, torch.Tensor]:
    """The sightings of all starts, as `StartPictures` reads them."""
    tensors = {"seen_numbers": torch.tensor([len(each.places) for each in seen])}
    for field in ("frames", "near"):
        tensors |= _joined(f"seen_{field}", [getattr(each, field) for each in seen])
    files, lie = zip(*(each.lattice for each in seen), strict=True)
    tensors |= {**_joined("lattices", files), "lattices_lie": torch.from_numpy(np.stack(lie))}
    for field in ("places", "views", "looks", "open"):
        tensors[f"seen_{field}"] = torch.from_numpy(np.concatenate([getattr(each, field) for each in seen]))
    return tensors


def lattice_of_sightings(seen: Sightings) -> Lattice | None:
    """The blocks that sightings show."""
    parts = (torch.from_numpy(part) for part in (seen.near, seen.places, seen.views))
    return lattice_of(*parts, FIELD_OF_VIEW)


def _joined(name: str, files: Sequence[bytes], sizes: str = "") -> dict[str, torch.Tensor]:
    """Files one after another, and how long each is."""
    joined = torch.from_numpy(np.frombuffer(b"".join(files), np.uint8).copy())
    return {name: joined, sizes or f"{name}_sizes": torch.tensor([len(file) for file in files])}


def _write(
    path: Path,
    frames: Sequence[np.ndarray],
    pitches: Sequence[float],
    panoramas: Sequence[bytes],
    captions: Sequence[str],
    found: Sequence[tuple[int, int]],
    **more: torch.Tensor,
) -> None:
    tensors = {
        **_joined("frames", [to_avif(frame, FIRST_QUALITY) for frame in frames]),
        "pitch": torch.tensor(list(pitches)),
        **_joined("around", panoramas, "sizes"),
        **more,
    }
    write_tensors(path, tensors, {"kind": "starts", "captions": list(captions), "found": list(found)})


if __name__ == "__main__":
    world = Path(sys.argv[1])
    make_starts(world, Path(sys.argv[2]) if sys.argv[2:] else None)
    for name, number in TASK_STARTS.items() if sys.argv[2:] else ():
        make_task_starts(world, name, number)
