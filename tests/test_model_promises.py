"""What design.md promises of the networks: pieces equal the whole, cached equals uncached, causal means causal, any size."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_world import HEIGHT, WIDTH, tiny_world
from torch import Tensor

from simworld.model import batch, leading, sampler
from simworld.model.autoencoder import Autoencoder
from simworld.model.camera import turn
from simworld.model.denoiser import Before, Conditions, Sight
from simworld.model.motion import (
    expected_frames,
    measured_flow,
)
from simworld.model.path import Path
from simworld.model.pixels import to_float, to_uint8
from simworld.model.registration import flow_between
from simworld.model.text import TextConfig, pieces
from simworld.model.world import World

SIZE = (HEIGHT, WIDTH)


@pytest.fixture
def autoencoder() -> Autoencoder:
    return tiny_world().autoencoder


@pytest.fixture
def world() -> World:
    return tiny_world()


def frames_of(num_frames: int, size: tuple[int, int] = SIZE, b: int = 1) -> Tensor:
    return torch.rand(b, num_frames, *size, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.inference_mode()
@pytest.mark.parametrize("time_stride", [1, 2, 4])
def test_a_clip_in_pieces_equals_the_whole(time_stride: int) -> None:
    autoencoder = tiny_world(time_stride).autoencoder
    r = time_stride
    frames = frames_of(1 + 4 * r)
    whole = autoencoder.encode(frames)
    parts = [autoencoder.encode(frames[:, : 1 + r]), autoencoder.encode(frames[:, 1 + r :], continued=True)]
    assert (torch.cat(parts, 1) - whole).abs().max() < 1e-4
    decoded, _ = autoencoder.decode(whole, SIZE)
    first, state = autoencoder.decode(whole[:, :2], SIZE)
    second, state = autoencoder.decode(whole[:, 2:3], SIZE, state)
    third, _ = autoencoder.decode(whole[:, 3:], SIZE, state)
    assert decoded.shape == frames.shape
    assert (torch.cat([first, second, third], 1) - decoded).abs().max() < 1e-4


@torch.inference_mode()
def test_the_autoencoder_is_causal_and_remembers(autoencoder: Autoencoder) -> None:
    frames = frames_of(9)
    changed = frames.clone()
    changed[:, 5:] = 0
    latents, latents_changed = autoencoder.encode(frames), autoencoder.encode(changed)
    assert torch.equal(latents[:, :3], latents_changed[:, :3]) and not torch.equal(latents[:, 3:], latents_changed[:, 3:])
    decoded, _ = autoencoder.decode(latents, SIZE)
    decoded_changed, _ = autoencoder.decode(latents_changed, SIZE)
    assert (decoded[:, :5] - decoded_changed[:, :5]).abs().max() < 1e-5
    alone, _ = autoencoder.decode(latents[:, 4:], SIZE)
    assert (alone[:, -1] - decoded[:, -1]).abs().max() > 1e-6, "the decoder forgot the latents before"


@torch.inference_mode()
@pytest.mark.parametrize("size", [(32, 48), (33, 50), (7, 90), (16, 16)])
def test_any_size_and_images_as_clips_of_one_frame(autoencoder: Autoencoder, size: tuple[int, int]) -> None:
    image = frames_of(1, size)
    latents = autoencoder.encode(image)
    assert latents.shape == (1, 1, *autoencoder.config.latent_size(*size), 8)
    decoded, _ = autoencoder.decode(latents, size)
    assert decoded.shape == image.shape


def test_impossible_clips_are_refused(autoencoder: Autoencoder) -> None:
    with pytest.raises(ValueError, match="1 \\+ 2·n frames"):
        autoencoder.encode(frames_of(4))
    with pytest.raises(ValueError, match="cells"):
        autoencoder.decode(torch.zeros(1, 1, 2, 3, 8), (64, 64))


@torch.inference_mode()
def test_the_decoder_carries_on_what_latents_cannot_hold(autoencoder: Autoencoder) -> None:
    """Where it trusts the picture before, it shows that picture, turned with the camera, whatever the latent says."""
    trusting = deepcopy(autoencoder)
    _, trust = trusting.refiner.leave.bias.split(trusting.refiner.split)
    trusting.refiner.leave.weight.zero_()
    trusting.refiner.leave.bias.zero_()
    trust.fill_(20)
    given = F.interpolate(trusting.padded(frames_of(1, (6, 9))[:, 0])[..., :6, :9], SIZE, mode="bilinear")
    _, state = trusting.decode(torch.zeros(1, 1, 2, 3, 8), SIZE)
    state.picture = given
    camera = torch.tensor([[[[0.0, 2.0], [1.0, 0.0]]]])
    after, _ = trusting.decode(torch.zeros(1, 1, 2, 3, 8), SIZE, state, camera)
    expected = turn(given, torch.tensor([[1.0, 2.0]]), 70.0)[..., 8:-8, 8:-8]
    assert (after[:, 1].movedim(-1, 1)[..., 8:-8, 8:-8] - expected).abs().mean() < 0.05
    assert (after[:, 1].movedim(-1, 1) - given).abs().mean() > 0.1, "the camera turned"


@torch.inference_mode()
def test_a_vivid_decoder_keeps_more_of_what_was_shown(autoencoder: Autoencoder) -> None:
    frames = frames_of(3)
    latents = autoencoder.encode(frames)
    _, state = autoencoder.decode(latents[:, :1], SIZE)
    state.picture = autoencoder.padded(frames_of(2)[:, -1])
    learned, vivid = (autoencoder.decode(latents[:, 1:], SIZE, state.fork(), None, vividness)[0] for vividness in (0.0, 8.0))
    kept = state.picture.movedim(1, -1)[:, None]
    assert (vivid - kept).abs().mean() < 0.8 * (learned - kept).abs().mean()


@torch.inference_mode()
def test_what_is_fixed_to_the_camera_stands_still(autoencoder: Autoencoder) -> None:
    still, soft = torch.zeros(2, 3, 32, 48), torch.full((1, 6, 32, 48), 0.2)
    still[..., 16:, 24:] = 1.0
    soft[..., 16:, 24:] = 0.9
    moved = torch.full((2, 3, 32, 48), 0.1)
    closest = autoencoder._closest(soft, moved, still)
    assert (closest[..., 20:, 30:] == 1.0).all() and torch.allclose(closest[..., :10, :], torch.tensor(0.1))


def test_registration_finds_a_shift() -> None:
    texture = F.interpolate(torch.rand(1, 3, 14, 22, generator=torch.Generator().manual_seed(0)), (112, 176), mode="bilinear")
    source, target = texture[..., 8:104, 8:168], texture[..., 13:109, 5:165]
    flow = flow_between(target, source) * torch.tensor([160 / 2, 96 / 2])
    inner = flow[:, 16:-16, 16:-16]
    assert (inner - torch.tensor([-3.0, 5.0])).abs().mean() < 0.3
    assert flow_between(torch.zeros(1, 3, 32, 48), torch.zeros(1, 3, 32, 48)).abs().max() == 0, "no texture, no flow"


def conditions(world: World, z: Tensor) -> Conditions:
    """Of latents that are half noise."""
    b, t = z.shape[:2]
    tau, actions = torch.full((b, t), 0.5), torch.randn(b, t, 2, 25, generator=torch.Generator().manual_seed(2))
    return Conditions(
        tau=tau,
        level=torch.zeros(b, t, dtype=torch.long),
        actions=actions,
        acted=torch.arange(t).expand(b, t) > 0,
        times=torch.arange(t).float().expand(b, t),
        text=world.denoiser.read_text(world.text(["a snowy forest"] * b)),
        before=world.before(z, tau, actions),
    )


def latents_of(world: World, t: int, b: int = 1) -> Tensor:
    return torch.randn(b, t, *world.latent_shape, generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def test_play_sees_the_past_only_and_editing_sees_all(world: World) -> None:
    z = latents_of(world, 5)
    changed = z.clone()
    changed[:, 3:] = 0
    for sight in (Sight.causal, Sight.full):
        plain, other = (world.denoiser(x, conditions(world, x), sight=sight) for x in (z, changed))
        heard = (plain[:, :3] - other[:, :3]).abs().max()
        assert heard > 1e-4 if sight is Sight.full else heard < 1e-5


@torch.inference_mode()
def test_a_paired_clip_is_denoised_as_in_play(world: World) -> None:
    """All latents at once, each beside the remembered ones before it, as one after the other in a causal clip."""
    past, noisy = latents_of(world, 8).chunk(2, 1)
    given = conditions(world, past)
    twice = Conditions(
        *(torch.cat([part, part], 1) for part in (given.tau, given.level, given.actions, given.acted, given.times)),
        given.text,
        Before(*(torch.cat([part, part], 1) for part in (given.before.latents, given.before.tau, given.before.expected))),
    )
    paired = world.denoiser(torch.cat([past, noisy], 1), twice, sight=Sight.paired)
    for t in range(4):
        clip = torch.cat([past[:, :t], noisy[:, t : t + 1], past[:, t + 1 :]], 1)
        assert (world.denoiser(clip, given)[:, t] - paired[:, t]).abs().max() < 1e-4


@torch.inference_mode()
@pytest.mark.parametrize("num_latents", [5, 14])
def test_the_cached_rollout_equals_the_uncached(world: World, num_latents: int) -> None:
    z = latents_of(world, num_latents)
    given = conditions(world, z)
    whole = world.denoiser(z, given)
    memory = sampler.start(world, ["a snowy forest"], [0]).memory
    latest: Conditions | None = None
    for t in range(num_latents):
        now = slice(t, t + 1)
        one = replace(
            given,
            tau=given.tau[:, now],
            level=given.level[:, now],
            actions=given.actions[:, now],
            acted=given.acted[:, now],
            times=given.times[:, now],
            before=Before(given.before.latents[:, now], given.before.tau[:, now], given.before.expected[:, now]),
        )
        # Passes of denoising at other noise levels must leave no trace, the latent before being written on the way.
        noise = torch.randn_like(z[:, now])
        if latest is None:
            world.denoiser(noise, one, memory)
        else:
            assert not memory.written
            world.denoiser(torch.cat([memory.previous[0], noise], 1), latest.then(one), memory)
            memory.written = True
        cached = world.denoiser(z[:, now], one, memory)
        assert (cached - whole[:, now]).abs().max() < 1e-4
        memory.advance(z[:, now], one.tau, one.before, world.no_flow(1))
        latest = one


@torch.inference_mode()
def test_a_latent_is_remembered_alike_on_the_way_to_the_next_and_by_itself(world: World) -> None:
    """Whether heads ask for it in between or not, at every age of the memory."""
    context = sampler.start(world, ["a desert"], [3])
    sampler.extend(world, context, None)
    for action in torch.randn(9, 1, 2, 25, generator=torch.Generator().manual_seed(0)):
        asked, along = context.fork(), context.fork()
        latest = sampler.impression(world, asked)
        assert asked.memory.written and not context.memory.written and context.impression is None
        assert torch.equal(latest.actions, context.actions[:, -2:]) and sampler.impression(world, asked) is latest
        frames, others = (sampler.extend(world, one, action, 2) for one in (along, asked))
        assert (frames.int() - others.int()).abs().max() <= 1
        now, then = (sampler.impression(world, one).tokens for one in (along, asked))
        assert (now - then).abs().max() < 1e-3 and (now - latest.tokens).abs().max() > 1e-2
        sampler.extend(world, context, action, 2)


@torch.inference_mode()
def test_another_prompt_counts_from_the_next_latent_on(world: World) -> None:
    context = sampler.start(world, ["a desert"], [3])
    sampler.extend(world, context, None)
    told = context.fork()
    sampler.set_prompts(world, told, ["a snowy forest"])
    sampler.impression(world, context)
    assert torch.equal(told.memory.entries, context.memory.entries), "the latest is remembered under its own"
    action = torch.zeros(1, 2, 25)
    for one in (told, context):
        sampler.extend(world, one, action, 1)
    assert not torch.equal(sampler.impression(world, told).tokens, sampler.impression(world, context).tokens)


@torch.inference_mode()
def test_actions_text_and_noise_level_are_heard(world: World) -> None:
    z = latents_of(world, 3)
    given = conditions(world, z)
    before = world.denoiser(z, given)
    for change in ("actions", "tau", "level"):
        other = conditions(world, z)
        setattr(other, change, getattr(other, change) + 1)
        assert (world.denoiser(z, other) - before).abs().max() > 1e-4, f"deaf to {change}"
    other = conditions(world, z)
    other.text = world.denoiser.read_text(world.text(["a desert at noon"]))
    assert (world.denoiser(z, other) - before).abs().max() > 1e-4


@torch.inference_mode()
def test_prompts_may_change_within_a_clip(world: World) -> None:
    z = latents_of(world, 4)
    given, switched = conditions(world, z), conditions(world, z)
    tokens = world.text(["a snowy forest", "a desert at noon"])
    switched.text = world.denoiser.read_text(tokens, torch.tensor([[0, 0, 1, 1]]))
    plain, changed = world.denoiser(z, given), world.denoiser(z, switched)
    assert (plain[:, :2] - changed[:, :2]).abs().max() < 1e-5
    assert (plain[:, 2:] - changed[:, 2:]).abs().max() > 1e-4


@pytest.mark.parametrize("num_steps", [1, 2, 4, 8])
def test_the_same_weights_sample_in_any_number_of_steps(world: World, num_steps: int) -> None:
    context = sampler.start(world, [""], [5])
    first = sampler.extend(world, context, None, num_steps)
    second = sampler.extend(world, context, torch.zeros(1, 2, 25), num_steps)
    assert first.shape == (1, 1, *SIZE, 3) and second.shape == (1, 2, *SIZE, 3) and second.dtype == torch.uint8


def test_num_steps_that_no_network_learned_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="num_steps is 3"):
        sampler.extend(world, sampler.start(world, [""], [0]), None, 3)


def test_a_context_forks_and_replays_exactly(world: World) -> None:
    context = sampler.start(world, ["rain"], [9])
    sampler.extend(world, context, None, 2)
    fork = context.fork()
    actions = torch.randn(3, 1, 2, 25, generator=torch.Generator().manual_seed(4))
    one = torch.cat([sampler.extend(world, context, action, 2) for action in actions], 1)
    two = torch.cat([sampler.extend(world, fork, action, 2) for action in actions], 1)
    assert torch.equal(one, two)


def test_stacked_contexts_step_as_they_would_alone(world: World) -> None:
    actions = torch.randn(2, 2, 25, generator=torch.Generator().manual_seed(4))
    alone = [sampler.start(world, [prompt], [seed]) for prompt, seed in (("", 1), ("a desert at noon", 2))]
    for context in alone:
        sampler.extend(world, context, None, 1)
    together = batch.stack(alone)
    separate = torch.cat([sampler.extend(world, context, actions[i : i + 1], 1) for i, context in enumerate(alone)])
    assert (sampler.extend(world, together, actions, 1).int() - separate.int()).abs().max() <= 1


@torch.inference_mode()
def test_a_led_dream_arrives_where_it_is_led(world: World) -> None:
    frames, actions = to_uint8(frames_of(3, b=2)), torch.zeros(2, 2, 25)
    picture = torch.randint(0, 256, (2, *SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(5))
    context = sampler.start(world, ["", ""], [1, 2])
    sampler.append_frames(world, context, frames, actions)
    leading.lead(world, context, picture, num_chunks=3)
    fork = context.fork()
    apart = [
        float((sampler.extend(world, context, actions)[:, -1].float() - picture.float()).abs().mean()) for _ in range(3)
    ]
    assert apart[0] > apart[1] > 1 > apart[2] == 0 and not leading.is_led(context) and leading.is_led(fork)
    assert not torch.equal(sampler.extend(world, context, actions)[:, -1], picture), "and dreams on from there"
    with pytest.raises(ValueError, match="in 0 chunks"):
        leading.lead(world, context, picture, num_chunks=0)
    with pytest.raises(ValueError, match="these worlds take"):
        leading.lead(world, context, picture[:, 1:], num_chunks=3)


def test_real_frames_can_start_a_dream(world: World) -> None:
    context = sampler.start(world, [""], [1])
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (1, 5, *SIZE, 3), np.uint8))
    sampler.append_frames(world, context, frames, torch.zeros(1, 4, 25))
    assert context.memory.counts == [3]
    with pytest.raises(ValueError, match="pixels"):
        sampler.append_frames(world, context, frames[:, :, :16], torch.zeros(1, 4, 25))
    with pytest.raises(ValueError, match="actions"):
        sampler.append_frames(world, context, frames[:, :4], torch.zeros(1, 3, 25))


@pytest.mark.parametrize("path", list(Path))
def test_a_path_with_the_true_latent_leads_to_it(path: Path) -> None:
    clean, noise = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    tau, lower = torch.tensor([0.9, 0.6]), torch.tensor([0.4, 0.0])
    noisy = path.noised(clean, noise, tau)
    assert torch.allclose(path.step(noisy, clean, tau, lower), path.noised(clean, noise, lower), atol=1e-5)
    arrived = torch.randn(2, 3, 4)
    shortcut = path.clean_of_step(noisy, arrived, tau, lower)
    assert torch.allclose(path.step(noisy, shortcut, tau, lower), arrived, atol=1e-4)


def test_words_share_pieces_with_their_kin() -> None:
    config = TextConfig()
    forest, forests, desert = (set(pieces(word, config)[0]) for word in ("forest", "forests", "desert"))
    assert len(forest & forests) > len(forest & desert)
    with pytest.raises(ValueError, match="10000 characters"):
        pieces("a" * 10_000, config)


@torch.inference_mode()
def test_what_is_expected_turns_with_the_camera_and_moves_on(autoencoder: Autoencoder) -> None:
    frames = frames_of(1, b=4)
    autoencoder.learn_components(frames.expand(4, 2, *SIZE, 3))  # of pictures that stand still
    latents, nothing, still = autoencoder.encode(frames[:1])[:, 0], torch.zeros(1, 2, 4, 6), torch.zeros(1, 2, 2)
    undriven = torch.zeros(1, 2, 12, 20)
    frame = autoencoder.last_frames(latents)
    assert (autoencoder.expected(frame, nothing, undriven, still) - latents).abs().max() < 1e-3
    turns = torch.tensor([[[0.0, 3.0], [0.0, 3.0]]])
    assert (autoencoder.expected(frame, nothing, undriven, turns) - latents).abs().max() > 1e-2
    picture = F.interpolate(torch.rand(1, 3, 14, 22, generator=torch.Generator().manual_seed(0)), (112, 176), mode="bilinear")
    start, after, later = (picture[..., 8 + n : 104 + n, 8:168] for n in (0, 4, 8))
    flow = measured_flow(after, start, still, 70.0)
    expected = expected_frames(after, flow, undriven, still, 70.0)[:, -1]
    inner = (slice(None), slice(None), slice(16, -16), slice(16, -16))
    assert (expected - later)[inner].abs().mean() < 0.6 * (after - later)[inner].abs().mean()


@torch.inference_mode()
def test_play_expects_what_training_expects(world: World) -> None:
    world.config.context_noise = 0.0
    actions = torch.randn(1, 8, 25, generator=torch.Generator().manual_seed(4))
    context = sampler.start(world, [""], [0])
    frames = to_uint8(frames_of(9))
    sampler.append_frames(world, context, frames, actions)
    latents = world.autoencoder.encode(to_float(frames))
    leading = torch.cat([torch.zeros(1, 1, 2, 25), actions.unflatten(1, (4, 2)), torch.ones(1, 1, 2, 25)], 1)
    clip = torch.cat([latents, latents[:, :1]], 1)
    trained = world.before(clip, torch.zeros(1, 6), leading)
    played = world.expected(context.memory.previous[0][:, 0], context.memory.flow, torch.ones(1, 2, 25))
    assert (played - trained.expected[:, -1]).abs().max() < 1e-4
