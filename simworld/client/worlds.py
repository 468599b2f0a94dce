"""Which Gymnasium env a world's name means: the dream, the reference game and its tasks, or any env by its id.

Knows names and keyword arguments only; importing this imports neither Gymnasium nor torch.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simworld.client.options import PlayOptions
from simworld.frames import FPS

if TYPE_CHECKING:
    import gymnasium

DREAM = "simworld:simworld/World-v0"
GAMES = {
    "voxel": "simworld:simworld/Voxel-v0",
    "voxel-treechop": "simworld:simworld/VoxelTreechop-v0",
    "voxel-navigate": "simworld:simworld/VoxelNavigate-v0",
    "voxel-explore": "simworld:simworld/VoxelExplore-v0",
}
"""The reference game and its tasks, by the name a player types."""
CHUNK_FRAMES = 2
"""Pictures per step asked of the reference game: as many as the shipped dream makes."""
DEFAULT_STEPS = 4
_BESIDE = " beside the game"
_GYMNASIUM_ID = re.compile(r".+-v\d+")


def environment(options: PlayOptions) -> tuple[str, dict[str, Any]]:
    """The id and the keyword arguments for `gymnasium.make`. ValueError for a name like `voxel-…` that is no game."""
    world = options.world
    if world in GAMES:
        return GAMES[world], {"frame_skip": CHUNK_FRAMES}
    if world.startswith("voxel") and not Path(world).exists():
        raise ValueError(f"play: no world {world!r}; the reference game is played as {', '.join(GAMES)}")
    if _GYMNASIUM_ID.fullmatch(world) and not Path(world).exists():
        return world, {}
    how: dict[str, Any] = {"device": options.device} | ({"dtype": options.dtype} if options.dtype else {})
    if options.day is not None:
        how["day"] = round(options.day * 60 * FPS)
    return DREAM, {"world": world, "num_steps": options.steps or DEFAULT_STEPS, **how}


def make(options: PlayOptions) -> "gymnasium.Env":
    """The env itself, made and not yet reset. ValueError, naming what exists, for a world that cannot be had."""
    import gymnasium

    name, arguments = environment(options)
    try:
        if options.compare:
            return _side_by_side(name, {**arguments, "renew": False})
        env = gymnasium.make(name, disable_env_checker=True, **arguments)
        if options.auto and not getattr(env.unwrapped, "plays_itself", False):
            raise ValueError(f"{options.world} has no policy to play itself; a dream gets one by simworld train heads world=…")
        return env
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        raise ValueError(f"play: world {options.world!r}: {error}") from error
    except (ValueError, FileNotFoundError) as error:
        if name != DREAM:
            raise
        raise ValueError(f"{error}; besides dreams there are {', '.join(GAMES)}, and any Gymnasium id") from error


def found() -> list[str]:
    """What can be played here: the shipped dreams, those trained in ./runs, the game and its tasks."""
    from simworld.model.shipped import shipped_worlds

    trained = sorted(str(path.parent) for path in Path("runs").glob("**/dynamics.safetensors"))
    return [*shipped_worlds(), *trained, *GAMES]


def title(options: PlayOptions) -> str:
    """The world's name for people, for its moments and recordings."""
    return f"{options.world}{_BESIDE}" if options.compare else options.world


def titled(name: str) -> dict[str, Any]:
    """The play options that have this title."""
    return {"world": name.removesuffix(_BESIDE), **({"compare": True} if name.endswith(_BESIDE) else {})}


def _side_by_side(name: str, arguments: dict[str, Any]) -> "gymnasium.Env":
    """The game and a dream of it, with pictures of the dream's size. The dream is left to itself: led to a start picture, it
    could not be compared."""
    import gymnasium

    from simworld.client.side_by_side import SideBySide

    if name != DREAM:
        raise ValueError(f"play: --compare shows a dream beside the game; {name} is no dream")
    dream = gymnasium.make(name, disable_env_checker=True, **arguments)
    height, width, _ = dream.observation_space["pov"].shape  # type: ignore[index]
    world: Any = dream.unwrapped
    size = {"height": height, "width": width, "frame_skip": world.frame_skip}
    return SideBySide(gymnasium.make(GAMES["voxel"], disable_env_checker=True, **size), dream)
