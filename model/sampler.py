"""Playing a world: from noise to the next latent, and from chunk to chunk, as free functions over a world and a context.

    context = start(world, prompts=["a snowy forest at night"], seeds=[7])
    frames = extend(world, context, actions, num_steps=4)      # uint8 [b, r, h, w, 3], as long as you like

All functions work on b worlds at once that share one forward pass. Inference only.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from simworld.actions import CAMERA
from simworld.model import bearings
from simworld.model import grip as grips
from simworld.model import ground as grounds
from simworld.model.album import Album
from simworld.model.body import came
from simworld.model.context import RECALL, Context, Goal, Impression, copied
from simworld.model.daylight import Daylight, facing, passed, relit
from simworld.model.daylight import unknown as unknown_daylight
from simworld.model.denoiser import STEP_COUNTS, Conditions, Text
from simworld.model.eye import beheld, beside_hand, beyond, look, nothing_known, own, recalled, went
from simworld.model.finish import Draft, Finish, drafted, finished
from simworld.model.ground import nothing_shown
from simworld.model.leading import led, sighted, surroundings
from simworld.model.memory import Before, Memory
from simworld.model.passers import left_out
from simworld.model.pixels import to_float, to_uint8
from simworld.model.scenery import Shown
from simworld.model.stages import stage
from simworld.model.surroundings import known, recall
from simworld.model.touch import bare, seen_in_hand, touched
from simworld.model.work import elsewhere, nothing_done
from simworld.model.world import World


@torch.inference_mode()
def start(world: World, prompts: list[str], seeds: list[int]) -> Context:
    """Contexts that remember nothing yet. '' prompts nothing in particular. ValueError for a prompt too long, or when
    prompts and seeds differ in number."""
    if len(prompts) != len(seeds):
        raise ValueError(f"{len(prompts)} prompts for {len(seeds)} seeds; give one of each per world")
    config = world.config.denoiser
    rows, columns, _ = world.latent_shape
    shape = (config.depth, 2, len(seeds), config.num_heads, config.window, rows * columns + config.num_registers, 64)
    nothing = torch.zeros(len(seeds), 1, *world.latent_shape, dtype=world.dtype, device=world.device)
    pure = torch.ones(len(seeds), 1, device=world.device)
    entries = torch.zeros(shape, dtype=world.dtype, device=world.device)
    memory = Memory(entries, (nothing, pure), Before(nothing, pure, nothing), world.no_flow(len(seeds)), [0] * len(seeds))
    generators = [torch.Generator(world.device).manual_seed(seed) for seed in seeds]
    nowhere = torch.zeros(len(seeds), world.config.height, world.config.width, 3, device=world.device)
    around = surroundings(world, len(seeds), None, None)
    actions = torch.zeros(len(seeds), RECALL, config.action_size, device=world.device)
    scenery, ground = nothing_known(world, len(seeds)), nothing_shown(len(seeds), world.device)
    empty, none_left = [Album()] * len(seeds), torch.zeros(len(seeds), dtype=torch.long, device=world.device)
    daylight = unknown_daylight(len(seeds), world.device)
    seen = replace(around), empty, replace(scenery), daylight
    goal = Goal(nowhere, none_left, none_left, *seen, [None] * len(seeds), none_left)
    text = _read(world, prompts)
    work, grip = nothing_done(len(seeds), world.device), grips.unknown(len(seeds), world.device)
    own = around, scenery, list(empty), actions, work, grip
    return Context(memory, None, *own, list(prompts), text, generators, goal, ground, daylight)


@torch.inference_mode()
def set_prompts(world: World, context: Context, prompts: list[str]) -> None:
    """Follow other prompts from the next latent on; what is remembered stays."""
    if len(prompts) != len(context.prompts):
        raise ValueError(f"{len(prompts)} prompts for {len(context.prompts)} worlds")
    if not context.memory.written:
        _write(world, context)
    context.text = _read(world, prompts)
    context.prompts = list(prompts)


@torch.inference_mode()
def view(
    world: World, panoramas: UInt8[Tensor, "b p two_p 3"], pitch: Float[Tensor, " b"] | None = None
) -> UInt8[Tensor, "b h w 3"]:
    """The pictures that panoramas show in their middle, or so many degrees below it. ValueError for a world that does not
    know its field of view."""
    field_of_view = world.config.autoencoder.field_of_view
    if not field_of_view:
        raise ValueError("this world does not know its camera's field of view; give it frames rather than a panorama")
    around = surroundings(world, len(panoramas), panoramas, pitch)
    colors, *_ = recall(around, around.view[:, None], (world.config.height, world.config.width), field_of_view)
    return to_uint8(colors[:, 0].movedim(1, -1))


@torch.inference_mode()
def surround(
    world: World,
    context: Context,
    panoramas: UInt8[Tensor, "b p two_p 3"] | None,
    pitch: Float[Tensor, " b"] | None = None,
    albums: list[Album] | None = None,
    daylight: Daylight | None = None,
) -> None:
    """Tell begun dreams how far down they look, in degrees, and what lies around them: panoramas of all directions at equal
    angles (equirectangular), the heading of the present picture in their middle; and albums of what is seen from elsewhere,
    places and views counted from the present picture's; and in what light they lie, as its pictures told if None. What was
    remembered of it is forgotten; they go on as the keys did."""
    assert context.decoder is not None, "only where a dream has begun something can lie around it"
    context.daylight = daylight or facing(context.daylight, context.around.view[:, 1])
    context.around = surroundings(world, len(context.prompts), panoramas, pitch)
    context.scenery = nothing_known(world, len(context.prompts))
    context.albums = list(albums) if albums else [Album()] * len(context.prompts)
    context.work = elsewhere(context.work, _everywhere(context))
    rows = zip(context.albums, context.around.view[:, 1].tolist(), context.actions, strict=True)
    moved = [came(album.lattice, yaw, actions, context.scenery.moved.shape[1]) for album, yaw, actions in rows]
    context.scenery = replace(context.scenery, moved=torch.stack(moved))
    context.ground = grounds.told(known(context.around))
    picture, shown = present(world, context), beheld(world, context)
    if shown is not None:
        free = own(world, context.grip) < 0.5
        picture = left_out(picture.movedim(-1, 1), beyond(shown, free[:, None]), free).movedim(1, -1)
        context.decoder.picture = world.autoencoder.padded(picture)
    look(world, context, picture, shown, _everywhere(context))


def present(world: World, context: Context) -> Float[Tensor, "b h w 3"]:
    """The pictures, in [-1, 1], that begun dreams go on from."""
    assert context.decoder is not None, "only a dream that has begun goes on from one"
    return context.decoder.picture[..., : world.config.height, : world.config.width].movedim(1, -1)


@torch.inference_mode()
def now(world: World, context: Context) -> UInt8[Tensor, "b h w 3"]:
    """The present pictures of begun dreams, in the light of their hour."""
    picture, views, shown = present(world, context), context.around.view[:, None], beheld(world, context)
    if shown is not None:
        shown = beyond(shown, beside_hand(world, context))
    field_of_view = world.config.autoencoder.field_of_view
    return to_uint8(relit(world.relighter, field_of_view, context.daylight, picture[:, None], views, shown)[:, 0])


def signs(world: World, context: Context) -> Float[Tensor, "b signs"]:
    """What the ground that begun dreams stand on says of the pictures that they show, for a `Gauge` to read."""
    size, field_of_view = (world.config.height, world.config.width), world.config.autoencoder.field_of_view
    return grounds.signs(context.ground, size, context.around.view, field_of_view)


@torch.inference_mode()
def impression(world: World, context: Context) -> Impression:
    """What the world makes of the latest latents of begun dreams, for its heads."""
    if context.impression is None:
        _write(world, context)
    assert context.impression is not None, "that is what came of it"
    return context.impression


def extend(
    world: World, context: Context, actions: Float[Tensor, "b r a"] | None, num_steps: int = 4
) -> UInt8[Tensor, "b t h w 3"]:
    """Dream the next latent and decode it: r frames that follow `actions`, or the first frame of all, which none leads to.

    ValueError unless num_steps is 1, 2, 4 or 8.
    """
    draft, remember = see(world, context, actions, num_steps)
    remember()
    return finished(Finish.of(world), draft)


@torch.inference_mode()
def see(
    world: World, context: Context, actions: Float[Tensor, "b r a"] | None, num_steps: int = 4
) -> tuple[Draft, Callable[[], None]]:
    """The frames of `extend`, not finished yet, and what it does once they are known: it remembers them. Who cannot wait
    finishes and shows the frames first; nothing else may be done with the context before."""
    pitch = context.around.view[:, 0]
    eyes, shown = went(world, context, actions)
    given = _conditions(world, context, actions, pitch, shown)
    latent = sample(world, context, given, num_steps)
    size = (world.config.height, world.config.width)
    begun = context.decoder is not None
    camera = actions[:, None, :, CAMERA] if actions is not None else None
    before, vividness = bare(world, context), world.config.vividness
    frames, context.decoder = world.autoencoder.decode(latent, size, before, camera, vividness, shown)
    if actions is not None:
        _act(context, actions)
    touch = touched(world, context, frames.clamp(-1, 1), actions, shown)
    shown = touch.untouched(shown)
    frames = recalled(world, context, touch.frames, actions, eyes, shown)
    # Who arrives where a picture shows it sees what is real.
    arriving = (context.goal.left == 1) & ~sighted(context.goal.albums, world.device)
    context.daylight = passed(context.daylight, frames.shape[1])
    draft_of = partial(drafted, world, touch.overlay)
    draft = draft_of(context, frames, eyes, shown)
    draft, frames, shown = led(world, context, frames, draft, actions, shown, draft_of)
    look(world, context, frames[:, -1], shown, arriving, changed=touch.changed)

    @torch.inference_mode()
    def remember() -> None:
        # What is remembered is what is shown, sharper than what was sampled.
        _remember(world, context, world.autoencoder.encode(frames.to(world.dtype), continued=begun), given.before)

    return draft, remember


@stage("denoise")
@torch.inference_mode()
def sample(world: World, context: Context, given: Conditions, num_steps: int) -> Float[Tensor, "b 1 rows columns c"]:
    """From noise to the next latent under `given` (but for noise level and step size, which are chosen here), in `num_steps`
    network evaluations; the context forgets them again. The first of them takes the latest finished latent along, and writes it
    into the memory. At temperature 0, where there is no noise, the latent is the mean of
    all that may follow: the first evaluation gives it, and is the only one (but for a dream's first latent, which is always
    drawn from noise)."""
    if num_steps not in STEP_COUNTS:
        raise ValueError(f"num_steps is {num_steps}; it must be one of {sorted(STEP_COUNTS)}")
    level = STEP_COUNTS.index(num_steps)
    # The first latent of all is decided by nothing but its noise and its prompt.
    first = not bool(given.acted.any())
    temperature = 1.0 if first else world.config.temperature
    if temperature == 0:
        level, num_steps = 0, 1
    z = _noise(world, context) * temperature
    given = replace(given, level=torch.full_like(given.level, level))
    unprompted = _read(world, ["" for _ in context.prompts]) if first and world.config.guidance != 1 else None
    for number in range(num_steps):
        given.tau = torch.full_like(given.tau, 1 - number / num_steps)
        if context.memory.written:
            clean = world.denoiser(z, given, context.memory)
        else:
            along = torch.cat([context.memory.previous[0], z], 1)
            clean = world.denoiser(along, _latest(world, context).then(given), context.memory)
            context.memory.written = True
        if unprompted is not None:
            plain = world.denoiser(z, replace(given, text=unprompted), context.memory)
            clean = plain + world.config.guidance * (clean - plain)
        tau = given.tau
        z = world.config.path.step(z, clean, tau, tau - 1 / num_steps) if number < num_steps - 1 else clean
    return z


@torch.inference_mode()
def append_frames(world: World, context: Context, frames: UInt8[Tensor, "b t h w 3"], actions: Float[Tensor, "b n a"]) -> None:
    """Remember real frames, `actions[:, i]` leading from frame i to i + 1, as if they had been dreamt.

    A fresh context takes 1 + r·n frames and r·n actions. ValueError for other numbers or another picture size. The picture
    that the dream goes on from is the last frame itself.
    """
    size = (world.config.height, world.config.width)
    if tuple(frames.shape[2:4]) != size:
        raise ValueError(f"frames of {tuple(frames.shape[2:4])}; this world is {size[0]}×{size[1]} pixels")
    r = world.config.autoencoder.time_stride
    autoencoder, begun = world.autoencoder, context.decoder is not None
    latents = autoencoder.encode(to_float(frames, world.dtype), continued=begun)
    skipped = 0 if begun else 1
    if actions.shape[1] != r * (latents.shape[1] - skipped):
        raise ValueError(f"{actions.shape[1]} actions for {frames.shape[1]} frames; one must lead to each frame but the first")
    told = bearings.taken(world, context, to_float(frames), actions.to(frames.device))
    bearings.looking(context, told.pitch)
    context.daylight = told.daylight or context.daylight
    for number, latent in enumerate(latents.split(1, 1)):
        place = r * (number - skipped)
        leading = None if place < 0 else actions[:, place : place + r]
        pitch, frame = context.around.view[:, 0], to_float(frames[:, place + r - 1 + skipped])
        grip = seen_in_hand(world, frame)
        _, shown = went(world, context, leading, (frame.movedim(-1, 1), own(world, grip) < 0.5))
        if not context.memory.written:
            _write(world, context)
        before = _conditions(world, context, leading, pitch, shown).before
        if leading is not None:
            _act(context, leading)
        _remember(world, context, latent, before)
        camera = leading[:, None, :, CAMERA] if leading is not None else None
        _, context.decoder = autoencoder.decode(latent, size, context.decoder, camera, shown=shown)
        context.decoder.picture = autoencoder.padded(frame)
        context.grip = grip
        look(world, context, frame, shown, _everywhere(context))
    bearings.kept(context, told.blocks)


@stage("cache write")
def _remember(world: World, context: Context, latent: Float[Tensor, "b 1 rows columns c"], before: Before) -> None:
    """A finished latent is the memory's latest, which was told `before`, and to which the latest actions led."""
    memory = context.memory
    tau = torch.full_like(before.tau, world.config.context_noise)
    noisy = world.config.path.noised(latent, _noise(world, context), tau)
    flow = world.no_flow(len(noisy))
    if min(memory.counts):
        camera = _latest_actions(world, context)[..., CAMERA]
        flow = world.autoencoder.flow(noisy[:, 0], memory.previous[0][:, 0], camera)
    memory.advance(noisy, tau, before, flow)
    context.impression = None


@stage("cache write")
def _write(world: World, context: Context) -> None:
    """Write the latest finished latent into the memory, and keep what the world makes of it."""
    context.memory.written = False  # where it was, it may be written again
    tokens, _ = world.denoiser.hidden(context.memory.previous[0], _latest(world, context), context.memory)
    context.memory.written = True
    context.impression = Impression(tokens[:, 0], _latest_actions(world, context))


def _latest(world: World, context: Context) -> Conditions:
    """What the latest finished latent is told."""
    memory, device = context.memory, world.device
    tau = memory.previous[1]
    counts = torch.tensor(memory.counts, device=device)[:, None]
    return Conditions(
        tau=tau,
        level=torch.zeros_like(tau, dtype=torch.long),
        actions=_latest_actions(world, context)[:, None],
        acted=counts > 1,
        times=(counts - 1).float(),
        text=context.text,
        before=memory.before,
    )


def _latest_actions(world: World, context: Context) -> Float[Tensor, "b r a"]:
    """Those that led to the latest finished latent, zeros where none did."""
    return context.actions[:, -world.config.denoiser.time_stride :]


def _act(context: Context, actions: Float[Tensor, "b r a"]) -> None:
    """Remember what was done, as far as it is recalled."""
    context.actions = torch.cat([context.actions, actions.to(context.actions)], 1)[:, -RECALL:]


def _everywhere(context: Context) -> Bool[Tensor, " b"]:
    return torch.ones_like(context.goal.left, dtype=torch.bool)


def lot(context: Context) -> int:
    """What chance decides at this moment, beside the frames, for the first of the dreams: a number below 2³¹. Equal contexts
    give equal ones, and nothing is drawn from them, so that the same comes again whenever the moment does."""
    generator = copied(context.generators[0])
    return int(torch.randint(2**31, (), generator=generator, device=generator.device))


def _read(world: World, prompts: list[str]) -> Text:
    return world.denoiser.read_text(world.text(prompts))


def _noise(world: World, context: Context) -> Float[Tensor, "b 1 rows columns c"]:
    shape = (1, 1, *world.latent_shape)
    draws = [torch.randn(shape, generator=generator, device=generator.device) for generator in context.generators]
    return torch.cat(draws).to(world.dtype)


@stage("conditioning")
def _conditions(
    world: World,
    context: Context,
    actions: Float[Tensor, "b r a"] | None,
    pitch: Float[Tensor, " b"] | None = None,
    shown: Shown | None = None,
) -> Conditions:
    """What the next latent is told, once for all passes: for pure noise, and at the finest steps. pitch: how far down the
    player looks, in degrees, where the eye has already gone on. shown: what is known of the next frames."""
    pitch = context.around.view[:, 0] if pitch is None else pitch
    b = len(context.prompts)
    config, device = world.config.denoiser, world.device
    acted = actions is not None
    if actions is None:
        actions = torch.zeros(b, config.time_stride, config.action_size)
    actions = actions.to(device)
    latent_before, tau_before = context.memory.previous
    expected = world.expected(latent_before[:, 0], context.memory.flow, actions, pitch, shown)
    return Conditions(
        tau=torch.ones(b, 1, device=device),
        level=torch.zeros(b, 1, dtype=torch.long, device=device),
        actions=actions[:, None],
        acted=torch.full((b, 1), acted, device=device),
        times=torch.tensor(context.memory.counts, dtype=torch.float32, device=device)[:, None],
        text=context.text,
        before=Before(latent_before, tau_before, expected[:, None]),
    )
