"""Restoring what scenery shows: what holds whatever the network has learned."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.actions import CAMERA
from simworld.model import sampler
from simworld.model.checkpoint import load_restorer, load_world, save_restorer
from simworld.model.eye import beside_hand
from simworld.model.restorer import Restorer, RestorerConfig
from simworld.model.scenery import Shown
from simworld.model.shipped import find_world
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
    save_restorer(path, restorer, {}, torch.float32)
    assert torch.equal(load_restorer(path)(frames, shown), restorer(frames, shown))
    with pytest.raises(ValueError, match=r"sight\.safetensors"):
        load_restorer(find_world("small") / "sight.safetensors")


class _Blackener(Restorer):
    def forward(self, frames: torch.Tensor, shown: Shown) -> torch.Tensor:
        return torch.full_like(frames, -1)


def test_it_changes_what_was_real_and_nothing_that_is_remembered() -> None:
    """Two dreams, one of them restored to black: of what was really shown, beside the hand, nothing is left; what was never seen
    stays as it was dreamt; and all goes on alike."""
    world = load_world(find_world("small"))
    frames = torch.from_numpy(np.random.default_rng(3).integers(0, 255, (1, 1, 96, 160, 3), np.uint8))
    turn = torch.zeros(1, 2, world.config.denoiser.action_size)
    turn[..., CAMERA] = torch.tensor([0.0, 10.0])
    contexts, dreamt = [], []
    for restorer in (None, _Blackener(SMALL)):
        world.restorer = restorer
        context = sampler.start(world, [""], [0])
        sampler.append_frames(world, context, frames, turn[:, :0])
        dreamt.append([sampler.extend(world, context, turn) for _ in range(2)][-1][0, -1])
        contexts.append(context)
    plain, black = dreamt
    left, right = slice(0, 60), slice(130, None)  # 40 of 104 degrees have turned into view
    assert (black[:40, left] == 0).all() and (plain[:40, left] > 0).any()
    assert torch.equal(black[:40, right], plain[:40, right])
    hand = ~beside_hand(world, context)[0, 0, 0]
    assert hand.any() and torch.equal(black[hand], plain[hand])
    one, other = contexts
    assert torch.equal(one.scenery.pictures, other.scenery.pictures) and torch.equal(one.around.colors, other.around.colors)
    assert torch.equal(one.memory.entries, other.memory.entries)
