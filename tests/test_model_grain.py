"""Grain: what holds whatever it has learned."""

from pathlib import Path

import pytest
import torch
from test_model_faces import hall
from tiny_world import HEIGHT, WIDTH, shaken, tiny_world

from simworld.model import sampler
from simworld.model.album import Album
from simworld.model.checkpoint import load_network, load_world, save_network
from simworld.model.daylight import lit, unknown
from simworld.model.faces import NOWHERE, SPOTS, faces_of
from simworld.model.finish import Finish, drafted, grained
from simworld.model.grain import Grain, GrainConfig
from simworld.model.scenery import Shown
from simworld.model.shipped import find_world
from simworld.model.touch import Overlay

SMALL = GrainConfig(kinds=4, width=8, blocks=1, hints=4, hidden=8)


def scene(n: int, h: int, w: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures, how near they are, and their spots, above nowhere."""
    generator = torch.Generator().manual_seed(7)
    pictures = torch.rand(n, 3, h, w, generator=generator) * 1.6 - 0.8
    near = torch.rand(n, 1, h, w, generator=generator)
    spots = torch.randint(SPOTS, (n, 1, h, w), generator=generator, dtype=torch.int32)
    spots[:, :, : h // 2] = NOWHERE
    return pictures, near, spots


@pytest.mark.parametrize("size", [(32, 48), (33, 45)])
def test_each_picture_has_its_own_grain_and_only_where_faces_are(size: tuple[int, int]) -> None:
    grain, given = shaken(Grain(SMALL)), scene(3, *size)
    together = grain(*given)
    assert torch.equal(together[:, :, : size[0] // 2], given[0][:, :, : size[0] // 2])
    assert not torch.equal(together, given[0])
    for row in range(3):
        assert torch.allclose(grain(*(part[row, None] for part in given))[0], together[row], atol=1e-4)
    nowhere = torch.full_like(given[2], NOWHERE)
    assert torch.equal(grain(given[0], given[1], nowhere), given[0])


def test_a_new_grain_changes_nothing_and_what_is_black_stays_so() -> None:
    pictures, near, spots = scene(1, 32, 48)
    assert torch.equal(Grain(SMALL)(pictures, near, spots), pictures)
    black = torch.full_like(pictures, -1)
    assert torch.equal(shaken(Grain(SMALL))(black, near, spots), black)


def test_a_grain_is_found_again(tmp_path: Path) -> None:
    grain, given, path = shaken(Grain(SMALL)), scene(1, 32, 48), tmp_path / "grain.safetensors"
    assert isinstance(grain, Grain)
    save_network(path, grain, {}, torch.float32)
    assert torch.equal(load_network(Grain, path)(*given), grain(*given))
    with pytest.raises(ValueError, match=r"restorer\.safetensors"):
        load_network(Grain, find_world("small") / "restorer.safetensors")


def test_dreams_have_grain_where_blocks_are_known_and_the_sun_is() -> None:
    world = tiny_world()
    world.grain = _Whitener(SMALL)
    context = sampler.start(world, ["", "", ""], [0, 1, 2])
    lattice = hall()
    context.albums = [Album(lattice=lattice), Album(lattice=lattice), Album()]
    context.daylight = lit(torch.tensor([[0.2, -90.0, 0, 0, 0]] * 3), 0)
    context.daylight.seen = torch.tensor([0.2, unknown(1, world.device).seen[0], 0.2])
    frames, eyes = torch.zeros(3, 2, HEIGHT, WIDTH, 3), (torch.zeros(3, 2, 3), torch.zeros(3, 2, 2))
    near = torch.full((3, 2, 1, HEIGHT, WIDTH), 1 / 3)
    some = torch.ones_like(near, dtype=torch.bool)
    shown = Shown(torch.zeros(3, 2, 3, HEIGHT, WIDTH), near, some, some, some, sure=some)
    field_of_view = world.config.autoencoder.field_of_view
    shown.faces, shown.on_faces = faces_of([lattice, lattice, None], *eyes, near[:, :, 0], field_of_view)

    def with_grain() -> torch.Tensor:
        return grained(Finish.of(world), drafted(world, Overlay(), context, frames, eyes, shown), frames)

    fine = with_grain()
    assert fine[0].mean() > 0.5 and torch.equal(fine[1:], frames[1:])
    shown.sure = torch.zeros_like(some)
    shown.sure[..., :20] = True
    fine = with_grain()
    assert fine[0, :, :, :20].mean() > 0.5 and torch.equal(fine[0, :, :, 20:], frames[0, :, :, 20:])
    world.grain = None
    assert with_grain() is frames


def test_the_shipped_world_has_grain() -> None:
    assert load_world(find_world("small")).grain is not None


class _Whitener(Grain):
    def forward(self, pictures: torch.Tensor, near: torch.Tensor, spots: torch.Tensor) -> torch.Tensor:
        return torch.where(spots >= 0, 1.0, pictures)
