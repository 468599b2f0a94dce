"""Restoring what scenery shows: what holds whatever the network has learned."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.actions import SLOT
from simworld.model import sampler
from simworld.model.album import given_album
from simworld.model.checkpoint import load_network, load_world, save_network
from simworld.model.context import Context
from simworld.model.eye import beside_hand
from simworld.model.finish import Finish, drafted, restored
from simworld.model.leading import lead
from simworld.model.restorer import Restorer, RestorerConfig
from simworld.model.scenery import Shown
from simworld.model.shipped import find_world
from simworld.model.touch import Overlay
from simworld.model.world import World
from tests.tiny_world import shaken

SMALL = RestorerConfig(widths=[16, 32], blocks=[1, 1])


def seen(b: int, h: int, w: int) -> tuple[torch.Tensor, Shown]:
    generator = torch.Generator().manual_seed(7)
    frames, colors = (torch.rand(b, 2, *shape, generator=generator) * 2 - 1 for shape in ((h, w, 3), (3, h, w)))
    known = torch.rand(b, 2, 1, h, w, generator=generator) < 0.7
    return frames, Shown(colors, torch.rand(b, 2, 1, h, w, generator=generator), known, known, known)


def test_who_has_learned_nothing_leaves_frames_as_they_are() -> None:
    frames, shown = seen(1, 32, 48)
    assert torch.allclose(Restorer(SMALL)(frames, shown), frames, atol=1e-5)


@pytest.mark.parametrize("size", [(32, 48), (37, 51), (9, 90)])
def test_any_size_and_each_world_by_itself(size: tuple[int, int]) -> None:
    restorer, (frames, shown) = shaken(Restorer(SMALL)), seen(3, *size)
    together = restorer(frames, shown)
    assert together.shape == frames.shape and not torch.allclose(together, frames, atol=0.01)
    for number in range(3):
        alone = Shown(*(part[number : number + 1] for part in vars(shown).values() if part is not None))
        assert torch.allclose(restorer(frames[number : number + 1], alone), together[number : number + 1], atol=1e-4)


def test_what_is_not_known_is_not_looked_at() -> None:
    restorer, (frames, shown) = shaken(Restorer(SMALL)), seen(1, 32, 48)
    other = torch.where(shown.known, shown.colors, torch.rand_like(shown.colors))
    near = torch.where(shown.known, shown.near, 3.0)
    same = Shown(other, near, shown.known, shown.kept, shown.real)
    assert torch.allclose(restorer(frames, shown), restorer(frames, same), atol=1e-5)


def test_a_file_holds_it_and_says_what_is_wrong(tmp_path: Path) -> None:
    restorer, (frames, shown), path = shaken(Restorer(SMALL)), seen(1, 32, 48), tmp_path / "restorer.safetensors"
    assert isinstance(restorer, Restorer)
    save_network(path, restorer, {}, torch.float32)
    assert torch.equal(load_network(Restorer, path)(frames, shown), restorer(frames, shown))
    with pytest.raises(ValueError, match=r"sight\.safetensors"):
        load_network(Restorer, find_world("small") / "sight.safetensors")


class _Blackener(Restorer):
    def forward(self, frames: torch.Tensor, shown: Shown) -> torch.Tensor:
        return torch.full_like(frames, -1)


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(find_world("small"))


def begun(world: World) -> Context:
    """A dream that has seen one picture of noise."""
    frames = torch.from_numpy(np.random.default_rng(3).integers(0, 255, (1, 1, 96, 160, 3), np.uint8))
    context = sampler.start(world, [""], [0])
    sampler.append_frames(world, context, frames, torch.zeros(1, 0, world.config.denoiser.action_size))
    return context


def test_what_was_real_is_restored_away_from_where_it_was_seen(world: World) -> None:
    """All that is restored turns black: beside the hand, the left half, which was real; not what was dreamt, and nothing from
    where it was seen."""
    world.restorer = _Blackener(SMALL)
    context, (frames, shown) = begun(world), seen(1, 96, 160)
    real = torch.zeros_like(shown.known)
    real[..., :80] = True
    shown = Shown(shown.colors, shown.near, torch.ones_like(real), real, real)
    assert torch.equal(restored(Finish.of(world), drafted(world, Overlay(), context, frames, None, shown)), frames)
    context.around.place = torch.tensor([[0.0, 2.0, 0.0]])
    black = restored(Finish.of(world), drafted(world, Overlay(), context, frames, None, shown))
    assert (black[:, :, :40, :70] == -1).all() and torch.equal(black[:, :, :, 90:], frames[:, :, :, 90:])
    hand = ~beside_hand(world, context)[0, 0, 0]
    assert hand.any() and torch.equal(black[0, 0][hand], frames[0, 0][hand])


def test_what_is_restored_is_seen_and_not_remembered(world: World) -> None:
    forward = torch.zeros(1, 2, world.config.denoiser.action_size)
    forward[..., SLOT["forward"]] = 1
    contexts, dreamt = [], []
    for world.restorer in (None, _Blackener(SMALL)):
        context = begun(world)
        dreamt.append([sampler.extend(world, context, forward) for _ in range(6)][-1])
        contexts.append(context)
    assert float(dreamt[1].float().mean()) < float(dreamt[0].float().mean())
    one, other = contexts
    assert torch.equal(one.scenery.pictures, other.scenery.pictures) and torch.equal(one.around.colors, other.around.colors)
    assert torch.equal(one.memory.entries, other.memory.entries)


def test_a_goal_that_shows_is_restored_as_from_where_one_will_be(world: World) -> None:
    """The dream stands where it has really seen all; the goal is two blocks from where that was seen."""
    world.restorer = _Blackener(SMALL)
    still, spots = torch.zeros(1, 2, world.config.denoiser.action_size), torch.zeros(1, 4)
    picture = torch.full((1, 96, 160, 3), 200, dtype=torch.uint8)
    near, view, field_of_view = torch.full((1, 96, 160), 0.1), torch.zeros(1, 2), world.config.autoencoder.field_of_view
    album, bright = given_album(picture, near, torch.zeros(1, 3), view, field_of_view), []
    for spots[0, 1] in (0.0, 2.0):
        context = begun(world)
        lead(world, context, picture, 2, albums=[album], spots=spots.clone())
        bright.append([float(sampler.extend(world, context, still)[0, -1, :40].float().mean()) for _ in range(2)][-1])
    assert bright[1] < 0.5 * bright[0]
