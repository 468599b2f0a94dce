"""Hands: do they change what they should, when they should, and in the dream that they belong to?"""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, SLOT
from simworld.env.voxel.strokes import strokes
from simworld.model import leading, sampler
from simworld.model.album import Album
from simworld.model.batch import stack
from simworld.model.camera import rays
from simworld.model.checkpoint import load_network, load_world, save_network
from simworld.model.context import RECALL, Context
from simworld.model.context_parts import put_together, take_apart
from simworld.model.cube import Cube, meet
from simworld.model.grip import hand, painted, unknown
from simworld.model.hands import Hands, HandsConfig
from simworld.model.lattice import WHOLE, Lattice, cast
from simworld.model.pixels import to_uint8
from simworld.model.projection import axes
from simworld.model.sight import Sight, SightConfig
from simworld.model.world import World
from tests.tiny_world import HEIGHT, WIDTH, shaken, tiny_world, write_tiny_world

SIZE = (48, 80)
LOOKS = torch.from_numpy(strokes(HEIGHT, WIDTH)).movedim(-1, 2)
"""Of hands in pictures of the tiny world."""
SMALL = HandsConfig(height=48, width=80, widths=[8, 16], told=16)


def actions(num: int, b: int = 1, **pressed: slice) -> Tensor:
    told = torch.zeros(b, num, ACTION_SIZE)
    for key, when in pressed.items():
        told[:, when, SLOT[key.replace("_", ".")]] = 1
    return told


def picture(seed: int = 0) -> Tensor:
    coarse = torch.rand(1, 3, 6, 10, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, SIZE, mode="bicubic").clamp(-1, 1)


def near_ground(pitch: float = 45.0) -> tuple[Tensor, Tensor]:
    """How near flat ground is 1.62 blocks below the eye, and how far down that looks."""
    down = torch.tensor([pitch])
    _, y, z = rays(SIZE, 70.0, torch.device("cpu"))
    angle = torch.deg2rad(down)
    return ((y * angle.cos() + z * angle.sin()) / 1.62).clamp(min=0)[None, None], down


def test_of_a_block_that_is_known_only_how_long_it_withstands_is_read() -> None:
    torch.manual_seed(0)
    near, pitch = near_ground()
    cube = Cube(torch.tensor([[0.0, 1.0, 1.0]]), torch.zeros(1))
    assert shaken(Hands(SMALL)).aim_at(cube, picture(), near) is None, "these do not read that alone"
    hands = shaken(Hands(replace(SMALL, matter=[8, 16])))
    known, read = hands.aim_at(cube, picture(), near), hands.aim_twice(picture(), near, pitch)
    assert known is not None and known.frames is not None and read.frames is not None
    assert torch.allclose(known.frames, read.frames, atol=1e-5) and known.read[0, 2] == read.read[0, 2]
    assert known.cube is cube and (known.read[:, :2] > 0).all()


def test_hands_hear_what_is_seen_and_where_it_is() -> None:
    torch.manual_seed(0)
    hands, (near, pitch) = shaken(Hands(SMALL)), near_ground()
    aims = [hands.aim(*each) for each in ((picture(), near, pitch), (-picture(), near, pitch), (picture(), near, pitch + 9))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert float((aims[one].read - aims[other].read).abs().max()) > 1e-5
        assert float((aims[one].cube.center - aims[other].cube.center).abs().max()) > 1e-5
    night = hands.aim(0.3 * picture() - 0.5, near, pitch)
    assert float((night.read - aims[0].read).abs().max()) < 0.3 * float((aims[1].read - aims[0].read).abs().max())


def test_a_mirror_turns_what_is_aimed_at_about() -> None:
    torch.manual_seed(0)
    hands, (near, pitch) = shaken(Hands(SMALL)), near_ground()
    one, other = (hands.aim_twice(seen, near, pitch) for seen in (picture(), picture().flip(-1)))  # the ground is even
    assert torch.allclose(one.cube.center, other.cube.center * torch.tensor([-1.0, 1.0, 1.0]), atol=1e-4)
    assert torch.allclose(one.cube.turn, -other.cube.turn, atol=1e-2) and torch.allclose(one.read, other.read, atol=1e-4)
    assert abs(float(one.cube.center[0, 0])) > 1e-3, "it is aside"


def test_faces_hear_what_is_held_and_the_light() -> None:
    hands, (_, pitch) = shaken(Hands(SMALL)), near_ground()
    met = meet(Cube(torch.tensor([[0.0, 1.5, 1.5]]), torch.zeros(1)), pitch, SIZE, 70.0)
    other = picture().clone()
    other[..., 24:, 52:] *= -1
    one, two = hands.placed(picture(), met), hands.placed(other, met)
    assert float((one - two).abs()[..., met.met[0]].max()) > 1e-4
    assert torch.allclose(hands.placed(0.5 * picture() - 0.4, met), 0.5 * one - 0.4, atol=0.1)


def test_outline_and_cracks_darken() -> None:
    hands, (_, pitch) = Hands(SMALL).requires_grad_(False), near_ground()
    met = meet(Cube(torch.tensor([[0.0, 2.12, 1.62]]), torch.zeros(1)), pitch, SIZE, 70.0)
    bare, cracked = (hands.shade(met, torch.tensor([progress]))[0, 0] for progress in (0.0, 0.9))
    assert float(bare[met.met[0]].min()) < 0.5 and float(bare[24, 40]) == 1, "only its rim"
    assert float(cracked[24, 40]) < 0.5 and bool((cracked <= bare).all())


def handed(world: World, *, breakable: float = 9.0, toughness: float = 1.0) -> World:
    """A world in which everything is 2.8 blocks away, and whose hands hold that all can be broken, within so many frames (the
    logarithm)."""
    torch.manual_seed(1)
    world.config.autoencoder.field_of_view = 70.0
    world.sight = shaken(Sight(SightConfig(widths=[8, 16], blocks=[1, 1], hidden=16)))
    world.sight.unet.leave.weight.data[:] = 0
    world.sight.unet.leave.bias.data[:] = -1.0
    world.hands = shaken(Hands(replace(SMALL, height=HEIGHT, width=WIDTH)))
    rows, columns = world.hands.looks.shape[-2:]
    world.hands.looks.copy_(LOOKS[..., -rows:, -columns:])
    last = world.hands.aim_layers[-1]
    last.weight.data[5:] = 0
    last.bias.data[5:] = torch.tensor([breakable, 9.0, toughness])
    last.weight.data[:3] = 0
    last.bias.data[:3] = torch.tensor([0.0, 0.2, 0.3])
    return world


def dream(world: World, *chunks: Tensor, b: int = 1) -> tuple[Tensor, Tensor]:
    """What is shown last, and the picture that the dream goes on from."""
    context = sampler.start(world, [""] * b, list(range(b)))
    for chunk in (None, *chunks):
        shown = sampler.extend(world, context, chunk, 1).float()
    assert context.decoder is not None
    return shown, context.decoder.picture


def unhanded(world: World) -> World:
    handed(world).hands = None
    return world


def held_out(colors: float = 0.2, step: int = 0, light: float = 0.5, block: int = 4) -> Tensor:
    """A real picture of one colour, uint8, in which the hand holds the fifth block, or another."""
    plain = torch.full((1, 3, HEIGHT, WIDTH), colors)
    grip = replace(unknown(1, plain.device), held=torch.eye(9)[[block]], light=torch.tensor([[light, 0.6, 0.7]]))
    return to_uint8(painted(plain[:, None], hand(LOOKS, grip, torch.tensor([[step]])))[:, 0].movedim(1, -1))


IDLE, ATTACK, USE = actions(2), actions(2, attack=slice(None)), actions(2, use=slice(None))


def test_what_is_but_shown_does_not_stay() -> None:
    """Cracks are seen, and the dream goes on as if they had not been."""
    plain, plain_picture = dream(unhanded(tiny_world()), IDLE, ATTACK, ATTACK)
    shown, picture_ = dream(handed(tiny_world(), toughness=2.0), IDLE, ATTACK, ATTACK)
    assert float((plain - shown).abs().max()) > 10 and torch.equal(plain_picture, picture_)
    assert bool((shown <= plain).all()), "they darken"


def test_only_whose_hands_work_changes_the_world() -> None:
    both = torch.cat([IDLE, USE])
    _, side_by_side = dream(handed(tiny_world()), torch.cat([IDLE, IDLE]), both, b=2)
    _, plain = dream(unhanded(tiny_world()), torch.cat([IDLE, IDLE]), both, b=2)
    assert torch.equal(side_by_side[0], plain[0]) and float((side_by_side[1] - plain[1]).abs().mean()) > 0.003


@pytest.mark.parametrize(("chunk", "breakable"), [(ATTACK, 9.0), (USE, -9.0)])
def test_what_hands_did_is_remembered(chunk: Tensor, breakable: float) -> None:
    """A block that came or went stays so: the dream goes on from there, and forks, stacks and files know it."""
    world = handed(tiny_world(), breakable=breakable)
    context = sampler.start(world, [""], [3])
    for actions_ in (None, chunk, chunk):
        shown = sampler.extend(world, context, actions_, 1)
        if bool(context.work.changing):
            break
    assert float(context.work.since) == 0, "it has just broken, or been placed"
    assert context.decoder is not None
    kept = context.decoder.picture[..., :HEIGHT, :WIDTH].movedim(1, -1)
    assert float((kept * 127.5 + 127.5 - shown[:, -1].float()).abs().max()) <= 1
    last = context.albums[0].own[-1].picture
    assert torch.equal(last, to_uint8(context.scenery.pictures[0, -1].movedim(0, -1))), "it is kept at once"
    other, both = context.fork(), stack([context.fork(), context.fork()])
    saved = put_together(take_apart(context), world)
    on = sampler.extend(world, context, IDLE, 1)
    assert torch.equal(on, sampler.extend(world, other, IDLE, 1)) and torch.equal(on, sampler.extend(world, saved, IDLE, 1))
    assert float((on.float() - sampler.extend(world, both, IDLE.expand(2, -1, -1), 1)[:1].float()).abs().max()) <= 2
    assert bool(context.actions.any()) and context.actions.shape[1] == RECALL


@pytest.mark.parametrize(("chunk", "breakable"), [(ATTACK, 9.0), (USE, -9.0)])
def test_hands_take_and_put_the_very_block_that_is_known(chunk: Tensor, breakable: float) -> None:
    world = handed(tiny_world(), breakable=breakable)
    context = sampler.start(world, [""], [3])
    sampler.extend(world, context, None, 1)
    high = torch.zeros(14, 14, 12, dtype=torch.uint8)
    high[:, 10:] = WHOLE  # a wall, turned by twenty degrees
    before = Lattice(20.0, torch.tensor([-7.3, -7.4, -6.2]), high, torch.full_like(high, WHOLE))
    context.albums = [Album(lattice=before)]
    for _ in range(6):
        sampler.extend(world, context, chunk, 1)
        if bool(context.work.changing):
            break
    after = context.albums[0].lattice
    assert after is not None
    changed = (after.high != before.high).nonzero()
    assert len(changed) == 1, "one block, and no other"
    place, view = context.around.place[:, None], context.around.view[:, None]
    met = cast([before], place, view, (HEIGHT, WIDTH), 70.0)
    assert met is not None
    right, down, ahead = axes(view[0, 0]) @ rays((HEIGHT, WIDTH), 70.0, met.near.device)[:, HEIGHT // 2, WIDTH // 2]
    point = place[0, 0] + torch.stack([right, ahead, -down]) / met.near[0, 0, HEIGHT // 2, WIDTH // 2]
    steps = before.within(point) - (changed[0] + 0.5)
    aimed = steps.abs().max() < 0.5 + 1e-2
    assert aimed and bool(before.high[tuple(changed[0])]) == (chunk is ATTACK), "the one aimed at, or the one before it"


def test_what_is_known_to_be_aimed_at_is_outlined_and_only_shown_so() -> None:
    world, high = handed(tiny_world()), torch.zeros(14, 14, 12, dtype=torch.uint8)
    high[:, 10:] = WHOLE
    for corner, near in ((-7.4, True), (-5.0, False)):  # a wall 2.6 blocks ahead, or 5
        context = sampler.start(world, [""], [3])
        sampler.extend(world, context, None, 1)
        lattice = Lattice(0.0, torch.tensor([-7.3, corner, -6.2]), high, torch.full_like(high, WHOLE))
        context.albums = [Album(lattice=lattice)]
        context.around.view = torch.zeros(1, 2)
        shown = sampler.extend(world, context, IDLE, 1)[0, -1].float()
        assert context.decoder is not None
        kept = context.decoder.picture[0, :, :HEIGHT, :WIDTH].movedim(0, -1) * 127.5 + 127.5
        darker = (shown < kept - 2).any(-1)
        assert not (shown > kept + 2).any() and bool(darker.any()) == near
        if near:
            rows, columns = darker.any(1).nonzero()[:, 0], darker.any(0).nonzero()[:, 0]
            tall = HEIGHT / 2 / math.tan(math.radians(35)) / 2.6  # of a block, in pixels
            assert len(rows) == pytest.approx(tall, abs=3) and len(columns) == pytest.approx(tall, abs=3)
            assert not darker[HEIGHT // 2, WIDTH // 2], "the rim alone"


def begun(world: World, picture: Tensor) -> Context:
    """A dream that goes on from a real picture."""
    context = sampler.start(world, [""], [3])
    sampler.append_frames(world, context, picture[:, None], torch.zeros(1, 0, ACTION_SIZE))
    return context


def corner_of(frames: Tensor) -> Tensor:
    """Where the hand rests, all of it."""
    return frames.float()[..., LOOKS[4, 0, 3] > 0.99, :]


def test_what_a_real_picture_shows_in_hand_stays_there() -> None:
    world, real = handed(tiny_world()), held_out()
    context = begun(world, real)
    assert context.grip.held.argmax() == 4
    for _ in range(4):
        frames = sampler.extend(world, context, IDLE, 1)
    assert float((corner_of(frames) - corner_of(real)[:, None]).abs().max()) <= 2
    saved, both = put_together(take_apart(context), world), stack([context.fork(), begun(world, real)])
    assert torch.equal(saved.grip.light, context.grip.light) and bool((both.grip.held.argmax(1) == 4).all())
    plain = sampler.start(world, [""], [3])
    for actions_ in (None, IDLE):
        sampler.extend(world, plain, actions_, 1)
    assert not plain.grip.known, "who dreams from nothing has no hand"
    leading.lead(world, plain, real, 2)
    for _ in range(3):
        frames = sampler.extend(world, plain, IDLE, 1)
    assert plain.grip.known and float((corner_of(frames) - corner_of(real)[:, None]).abs().max()) <= 2, "until it arrives"


def test_who_is_led_elsewhere_brings_what_is_in_hand() -> None:
    """From the fifth block to the ninth, a lantern, which is smaller; and to where another light falls on it."""
    world = handed(tiny_world())
    context, lantern = begun(world, held_out()), actions(2, hotbar_9=slice(0, 1))
    before = sampler.extend(world, context, lantern, 1)[0, -1].float()
    gone = (LOOKS[4, 0, 3] > 0.99) & (LOOKS[8, 0, 3] < 0.01)
    assert float((before - held_out()[0].float()).abs()[gone].mean()) > 20, "nothing is left of the other block"
    there = held_out(colors=-0.4, light=0.3)
    leading.lead(world, context, there, 2)
    for _ in range(3):
        frames = sampler.extend(world, context, IDLE, 1)
    wanted = held_out(colors=-0.4, light=0.3, block=8).float()
    seen = LOOKS[8, 0, 3] > 0.99
    assert float((frames.float() - wanted[:, None]).abs()[..., seen, :].max()) <= 2
    assert context.grip.held.argmax() == 8 and abs(float(context.grip.light[0, 0]) - 0.3) < 0.02


def test_a_stroke_is_seen_and_no_part_of_the_world() -> None:
    world, real = handed(tiny_world(), breakable=-9.0), held_out()
    context = begun(world, real)
    frames = sampler.extend(world, context, ATTACK, 1)
    assert context.grip.step == 2 and context.decoder is not None
    for frame, step in zip(frames[0], (1, 2), strict=True):
        struck_, apart = LOOKS[4, step, 3] > 0.99, (frame.float() - held_out(step=step)[0].float()).abs()
        assert int(struck_.sum()) > 50 and float(apart[struck_].max()) <= 2
    picture = (context.decoder.picture[..., :HEIGHT, :WIDTH].movedim(1, -1) + 1) * 127.5
    assert float((corner_of(picture) - corner_of(real)).abs().max()) <= 2, "the dream goes on from a hand at rest"
    away = (LOOKS[4, 2, 3] > 0.99) & (LOOKS[4, 0, 3] < 0.01)
    brick = held_out(step=2)[0].float()
    assert float((picture[0] - brick).abs()[away].mean()) > 10, "and from no other"
    for _ in range(3):
        frames = sampler.extend(world, context, IDLE, 1)
    assert context.grip.step == 0 and float((corner_of(frames) - corner_of(real)[:, None]).abs().max()) <= 2


def test_another_block_is_taken_in_hand_and_nothing_else_changes() -> None:
    key = actions(2, hotbar_3=slice(1, 2))
    apart = (dream(handed(tiny_world()), key)[1] - dream(unhanded(tiny_world()), key)[1]).abs()[0].amax(0)
    assert float(corner_of(apart[:HEIGHT, :WIDTH, None]).mean()) > 0.01
    assert not apart[: HEIGHT // 4].any() and not apart[:, : WIDTH // 4].any()
    later = (dream(handed(tiny_world()), key, IDLE, IDLE)[1] - dream(unhanded(tiny_world()), key, IDLE, IDLE)[1]).abs()[0]
    assert float(corner_of(later.amax(0)[:HEIGHT, :WIDTH, None]).mean()) > 0.01, "it stays in hand"


def test_a_dream_saved_before_there_were_hands_goes_on() -> None:
    world = handed(tiny_world())
    context = sampler.start(world, [""], [3])
    sampler.extend(world, context, None, 1)
    parts = take_apart(context)
    del parts["work"], parts["grip"]
    assert torch.equal(sampler.extend(world, put_together(parts, world), ATTACK, 1), sampler.extend(world, context, ATTACK, 1))


def test_hands_on_disk_belong_to_their_world(tmp_path: Path) -> None:
    folder = write_tiny_world(tmp_path)
    assert load_world(folder).hands is None
    hands = shaken(Hands(replace(SMALL, height=HEIGHT, width=WIDTH)))
    save_network(folder / "hands.safetensors", hands, {"note": "untrained"}, torch.float32)
    found = load_world(folder, torch.float32).hands
    assert found is not None
    near, pitch = near_ground()
    assert torch.equal(found.aim(picture(), near, pitch).read, hands.aim(picture(), near, pitch).read)
    save_network(folder / "hands.safetensors", Hands(SMALL), {})
    with pytest.raises(ValueError, match=r"hands\.safetensors: for pictures of 48×80 pixels; this world's are 32×48"):
        load_world(folder)
    (folder / "hands.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"hands\.safetensors: not a readable"):
        load_network(Hands, folder / "hands.safetensors")
