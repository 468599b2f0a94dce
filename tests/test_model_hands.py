"""Hands: do they change what they should, when they should, and in the dream that they belong to?"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model import sampler
from simworld.model.batch import stack
from simworld.model.checkpoint import load_hands, load_world, save_hands
from simworld.model.hands import RECALL, SWING, Hands, HandsConfig, busy
from simworld.model.world import World
from tests.tiny_world import HEIGHT, WIDTH, shaken, tiny_world, write_tiny_world

SMALL = HandsConfig(widths=[8, 16], blocks=[1, 1], told=16)


def actions(num: int, b: int = 1, **pressed: slice) -> Tensor:
    told = torch.zeros(b, num, ACTION_SIZE)
    for key, when in pressed.items():
        told[:, when, SLOT[key]] = 1
    return told


def frames(h: int = 48, w: int = 80, seed: int = 0) -> Tensor:
    return torch.rand(1, 2, h, w, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("size", [(48, 80), (33, 47)])
def test_any_size_stays(size: tuple[int, int]) -> None:
    assert shaken(Hands(SMALL))(frames(*size), actions(RECALL)).shape == (1, 2, *size, 3)


def test_hands_hear_keys_turns_and_time() -> None:
    hands = shaken(Hands(SMALL))
    plain = hands(frames(), actions(RECALL))
    turning = actions(RECALL)
    turning[:, 5, CAMERA] = 8.0
    others = [actions(RECALL, attack=slice(30, None)), actions(RECALL, attack=slice(10, None)), turning]
    others += [actions(RECALL, use=slice(30, None)), actions(RECALL, **{"hotbar.3": slice(20, 21)})]
    shown = [plain, *(hands(frames(), told) for told in others)]
    for number, one in enumerate(shown):
        for other in shown[:number]:
            assert float((one - other).abs().max()) > 1e-4


def test_untrained_hands_hardly_touch_a_picture() -> None:
    torch.manual_seed(0)
    smooth = torch.nn.functional.interpolate(frames(6, 10).flatten(0, 1).movedim(-1, 1), (48, 80), mode="bicubic")
    smooth = smooth.movedim(1, -1)[None]
    with torch.no_grad():
        touched = Hands(SMALL)(smooth, actions(RECALL)) - smooth
    assert float(touched.abs().mean()) < 0.05


def test_hands_rest_after_a_swing() -> None:
    assert busy(actions(20, attack=slice(19, None))).all()
    assert busy(actions(20, use=slice(20 - SWING, 21 - SWING))).all()
    assert not busy(actions(20, attack=slice(0, 20 - SWING), forward=slice(None))).any()


def handed(world: World) -> World:
    torch.manual_seed(1)
    world.hands = shaken(Hands(SMALL))
    return world


def dream(world: World, *chunks: Tensor, b: int = 1) -> list[Tensor]:
    context = sampler.start(world, [""] * b, list(range(b)))
    return [sampler.extend(world, context, chunk, 1).float() for chunk in (None, *chunks)]


def test_a_dream_changes_only_where_hands_are_at_work() -> None:
    idle, attack = actions(2), actions(2, attack=slice(None))
    bare, with_hands = (dream(world, idle, attack, idle) for world in (tiny_world(), handed(tiny_world())))
    assert torch.equal(bare[1], with_hands[1])
    assert float((bare[2] - with_hands[2]).abs().mean()) > 1
    both = torch.cat([idle, attack])
    side_by_side = dream(handed(tiny_world()), torch.cat([idle, idle]), both, b=2)
    assert torch.equal(side_by_side[2][0], dream(tiny_world(), torch.cat([idle, idle]), both, b=2)[2][0])


def test_what_hands_did_is_remembered() -> None:
    """The dream goes on from the changed picture, and forks and stacks know what the hands did."""
    world = handed(tiny_world())
    attack = actions(2, attack=slice(None))
    context = sampler.start(world, [""], [3])
    for chunk in (None, attack):
        shown = sampler.extend(world, context, chunk, 1)
    assert context.decoder is not None
    kept = context.decoder.picture[..., :HEIGHT, :WIDTH].movedim(1, -1)
    assert float((kept * 127.5 + 127.5 - shown[:, -1].float()).abs().max()) <= 1
    other, both = context.fork(), stack([context.fork(), context.fork()])
    on = sampler.extend(world, context, attack, 1)
    assert torch.equal(on, sampler.extend(world, other, attack, 1))
    assert torch.equal(context.actions[:, -4:, SLOT["attack"]], torch.ones(1, 4))
    assert float((on.float() - sampler.extend(world, both, attack.expand(2, -1, -1), 1)[:1].float()).abs().max()) <= 2
    assert context.actions.shape[1] == RECALL


def test_hands_on_disk_belong_to_their_world(tmp_path: Path) -> None:
    folder = write_tiny_world(tmp_path)
    assert load_world(folder).hands is None
    hands = shaken(Hands(SMALL))
    save_hands(folder / "hands.safetensors", hands, {"note": "untrained"}, torch.float32)
    found = load_world(folder, torch.float32).hands
    assert found is not None
    told = actions(RECALL, use=slice(30, None))
    assert torch.equal(found(frames(), told), hands(frames(), told))
    save_hands(folder / "hands.safetensors", Hands(replace(SMALL, time_stride=4)), {})
    with pytest.raises(ValueError, match=r"hands\.safetensors: for chunks of 4 frames; this world's have 2"):
        load_world(folder)
    (folder / "hands.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"hands\.safetensors: not a readable"):
        load_hands(folder / "hands.safetensors")
