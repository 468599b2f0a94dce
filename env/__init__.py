"""Worlds as Gymnasium environments. Importing this package registers their ids and loads none of them.

`gymnasium.make("simworld:simworld/Voxel-v0")` plays the reference game, `simworld/World-v0` the dream; the tasks
`simworld/VoxelTreechop-v0`, `VoxelNavigate-v0`, `VoxelExplore-v0` and `VoxelRecall-v0` are the game with rewards,
and `simworld/World-v0` with `task="explore"` is the dream with them.
`gymnasium.make_vec` makes many of each: the dreams of a vector share one forward pass, its games one pool of threads.
`simworld/Doom-v0` and `simworld/MineRL-v0` are other people's games in the same shape, where they are installed.
"""

from gymnasium.envs.registration import register, registry

VOXEL = "simworld.env.voxel.voxel_env:VoxelEnv"
WORLD = "simworld.env.world_env:WorldEnv"
VECTORS = {
    VOXEL: "simworld.env.voxel.voxel_vector_env:VoxelVectorEnv",
    WORLD: "simworld.env.world_vector_env:WorldVectorEnv",
}
"""The vectors of what has one; Gymnasium makes those of the others."""

IDS: dict[str, tuple[str, dict[str, str], int | None]] = {
    "simworld/Voxel-v0": (VOXEL, {}, None),
    "simworld/VoxelTreechop-v0": (VOXEL, {"task": "treechop"}, 8000),
    "simworld/VoxelNavigate-v0": (VOXEL, {"task": "navigate"}, 6000),
    "simworld/VoxelExplore-v0": (VOXEL, {"task": "explore"}, 6000),
    "simworld/VoxelRecall-v0": (VOXEL, {"task": "recall"}, 400),
    "simworld/World-v0": (WORLD, {}, None),
    "simworld/Doom-v0": ("simworld.env.vizdoom_env:VizdoomEnv", {}, None),
    "simworld/MineRL-v0": ("simworld.env.minerl_env:make", {}, None),
}
"""Entry point, keyword arguments and the step limit (None: endless) of every id."""


def register_worlds() -> None:
    """Make the ids known to Gymnasium; doing so again changes nothing."""
    for world, (entry_point, kwargs, max_episode_steps) in IDS.items():
        if world not in registry:
            register(
                world,
                entry_point=entry_point,
                vector_entry_point=VECTORS.get(entry_point),
                kwargs=kwargs,
                max_episode_steps=max_episode_steps,
            )
