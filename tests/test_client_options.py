"""What a world's name means, and what is said where it means nothing."""

import pytest

from simworld.client import worlds
from simworld.client.options import PlayOptions


@pytest.mark.parametrize(
    ("world", "name", "arguments"),
    [
        ("small", "simworld:simworld/World-v0", {"world": "small", "num_steps": 2, "device": "cuda"}),
        ("runs/mine", "simworld:simworld/World-v0", {"world": "runs/mine", "num_steps": 2, "device": "cuda"}),
        ("voxel", "simworld:simworld/Voxel-v0", {"frame_skip": 2}),
        ("voxel-treechop", "simworld:simworld/VoxelTreechop-v0", {"frame_skip": 2}),
        ("other:MineRLThing-v0", "other:MineRLThing-v0", {}),
    ],
)
def test_a_name_becomes_a_gymnasium_id(world: str, name: str, arguments: dict[str, object]) -> None:
    assert worlds.environment(PlayOptions(world=world, steps=2, device="cuda")) == (name, arguments)


def test_an_unknown_game_lists_what_exists() -> None:
    with pytest.raises(ValueError, match=r"no world 'voxel-chess'; .*voxel-treechop, voxel-navigate, voxel-explore"):
        worlds.environment(PlayOptions(world="voxel-chess"))


@pytest.mark.parametrize("world", ["NoSuchThing-v0", "nosuchpackage:Thing-v0"])
def test_an_unknown_id_is_one_clear_error(world: str) -> None:
    with pytest.raises(ValueError, match=rf"world '{world}'"):
        worlds.make(PlayOptions(world=world))


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"scale": 0}, {"steps": -1}, {"seed": -5}])
def test_impossible_options_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))} is "):
        PlayOptions(**wrong)  # type: ignore[arg-type]
