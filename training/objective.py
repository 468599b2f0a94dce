"""The denoising loss: clean-latent prediction at every noise level, in two settings, and shortcut steps bootstrapped from
half steps.

Paired, for play: the clip is there twice, as it is remembered (nearly clean, at times as the network itself would have
dreamt it) and to be denoised; each latent sees what is remembered from before it, just as in play, and all latents teach
at once. Full, for editing: every latent has its own noise level (diffusion forcing), a share of them nearly clean, and
sees all others. For a share of the clips the target of a long step is where two half steps of the network itself lead
(arXiv 2410.12557, in clean-latent form). Knows no data and no optimizer.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.denoiser import STEP_COUNTS, Before, Conditions, Sight, Text
from simworld.model.world import World


@dataclass(kw_only=True)
class ObjectiveConfig:
    """Shares of steps, clips or latents in [0, 1]. `shift` above 1 moves noise levels towards noise. What is remembered has
    noise levels up to `context_most`; after `own_from` of the run, in `own_share` of the steps, from some latent on it is what
    the network predicts from what it predicts, `own_depth` latents deep. A `begun_share` of the latents is denoised from where
    play begins one: noise of the world's temperature. Shortcuts are taught after `shortcut_from`."""

    context_share: float = 0.5
    context_most: float = 0.2
    shift: float = 2.5
    full_share: float = 0.1
    begun_share: float = 0.4
    prompt_dropout: float = 0.15
    own_share: float = 0.5
    own_from: float = 0.2
    own_depth: int = 2
    shortcut_share: float = 0.3
    shortcut_from: float = 0.5


@dataclass
class LatentBatch:
    """latents: normalised. actions: the r that lead to each latent. acted: False where none does (a clip's first).
    prompts: b lists of equally many texts; prompt_of: which of them each latent follows."""

    latents: Float[Tensor, "b t h w c"]
    actions: Float[Tensor, "b t r a"]
    acted: Bool[Tensor, "b t"]
    prompts: list[list[str]]
    prompt_of: Int[Tensor, "b t"]


@dataclass
class Setting:
    """What a batch is denoised in. remembered: its latents as they are remembered, with their noise levels, or None where
    all latents of a clip see all others."""

    world: World
    batch: LatentBatch
    text: Text
    remembered: tuple[Float[Tensor, "b t h w c"], Float[Tensor, "b t"]] | None

    def denoise(
        self, noisy: Float[Tensor, "b t h w c"], tau: Float[Tensor, "b t"], level: Int[Tensor, "b t"]
    ) -> Float[Tensor, "b t h w c"]:
        """Predicted clean latents."""
        b, t = tau.shape
        batch = self.batch
        times = torch.arange(t, device=tau.device, dtype=torch.float32).expand(b, t)
        if self.remembered is None:
            before = self.world.before(noisy, tau, batch.actions)
            given = Conditions(tau, level, batch.actions, batch.acted, times, self.text, before)
            return self.world.denoiser(noisy, given, sight=Sight.full).float()
        past, past_tau = self.remembered
        before = self.world.before(past, past_tau, batch.actions)
        given = Conditions(
            torch.cat([past_tau, tau], 1),
            torch.cat([torch.zeros_like(level), level], 1),
            _twice(batch.actions),
            _twice(batch.acted),
            _twice(times),
            Text(self.text.keys, _twice(self.text.present), _twice(self.text.whole)),
            Before(_twice(before.latents), _twice(before.tau), _twice(before.expected)),
        )
        return self.world.denoiser(torch.cat([past, noisy], 1), given, sight=Sight.paired).float()

    def first(self, number: int) -> "Setting":
        """The first `number` clips, to be denoised without learning."""
        batch, text = self.batch, self.text
        return Setting(
            self.world,
            LatentBatch(
                batch.latents[:number],
                batch.actions[:number],
                batch.acted[:number],
                batch.prompts[:number],
                batch.prompt_of[:number],
            ),
            Text(
                [(k[:number].detach(), v[:number].detach()) for k, v in text.keys],
                text.present[:number],
                text.whole[:number].detach(),
            ),
            None if self.remembered is None else (self.remembered[0][:number], self.remembered[1][:number]),
        )


def denoising_loss(
    world: World, batch: LatentBatch, config: ObjectiveConfig, generator: torch.Generator, progress: float
) -> tuple[Tensor, dict[str, float]]:
    """Weighted mean squared error of predicted clean latents, and scalars to plot. `progress` of the run in [0, 1]."""
    latents = batch.latents
    b, t = latents.shape[:2]
    device = latents.device
    full = bool(_uniform(generator, (), device) < config.full_share) or t == 1
    dropped = (_uniform(generator, (b,), device) < config.prompt_dropout).tolist()
    texts = [["" for _ in texts] if drop else texts for texts, drop in zip(batch.prompts, dropped, strict=True)]
    text = world.denoiser.read_text(world.text([one for of_clip in texts for one in of_clip]), batch.prompt_of)
    setting = Setting(world, batch, text, None if full else _remembered(world, batch, text, config, generator, progress))

    uniform = _uniform(generator, (b, t), device)
    tau = config.shift * uniform / (1 + (config.shift - 1) * uniform)
    is_context = _uniform(generator, (b, t), device) < (config.context_share if full and t > 1 else 0.0)
    tau = torch.where(is_context, config.context_most * _uniform(generator, (b, t), device), tau)
    num_shortcuts = round(config.shortcut_share * b) if progress >= config.shortcut_from else 0
    level = torch.zeros(b, t, dtype=torch.long, device=device)
    if num_shortcuts:
        clip_level = torch.randint(1, len(STEP_COUNTS), (num_shortcuts, 1), generator=generator, device=device)
        counts = torch.tensor(STEP_COUNTS, device=device)[clip_level]
        on_grid = (1 + torch.floor(_uniform(generator, (num_shortcuts, t), device) * counts)) / counts
        level[:num_shortcuts] = torch.where(is_context[:num_shortcuts], 0, clip_level)
        tau[:num_shortcuts] = torch.where(is_context[:num_shortcuts], tau[:num_shortcuts], on_grid)
    noise = torch.randn(latents.shape, generator=generator, device=device, dtype=latents.dtype)
    is_begun = (_uniform(generator, (b, t), device) < (config.begun_share if t > 1 else 0.0)) & (level == 0) & ~is_context
    tau = torch.where(is_begun, 1.0, tau)
    noise = torch.where(_wide(is_begun), world.config.temperature * noise, noise)
    noisy = world.config.path.noised(latents, noise, tau)

    target = latents
    if num_shortcuts:
        some = slice(0, num_shortcuts)
        shortcuts = _two_half_steps(setting.first(num_shortcuts), noisy[some], tau[some], level[some])
        target = torch.cat([torch.where(_wide(level[some] > 0), shortcuts, latents[some]), latents[num_shortcuts:]])
    predicted = setting.denoise(noisy, tau, level)
    error = ((predicted - target).square() * _visibility(world)).mean((2, 3, 4))
    loss = (error * (1 - 0.5 * tau)).mean()
    with torch.no_grad():
        plain = error[num_shortcuts:][~(is_context | is_begun)[num_shortcuts:]].mean()
        scalars = {"image_error" if t == 1 else "full_error" if full else "error": float(plain)}
        if is_begun.any():
            scalars["begun_error"] = float(error[is_begun].mean())
        if num_shortcuts:
            scalars["shortcut_error"] = float(error[:num_shortcuts][~is_context[:num_shortcuts]].mean())
    return loss, scalars


@torch.no_grad()
def predicted(
    world: World, latents: Float[Tensor, "b t h w c"], actions: Float[Tensor, "b t r a"], generator: torch.Generator
) -> Float[Tensor, "b t h w c"]:
    """What `world` predicts of each latent in one step, without a prompt, from those before it, remembered as in play."""
    b, t = latents.shape[:2]
    acted = (torch.arange(t, device=latents.device) > 0).expand(b, t)
    nothing = torch.zeros(b, t, dtype=torch.long, device=latents.device)
    batch = LatentBatch(latents, actions, acted, [[""]] * b, nothing)
    tau = torch.full((b, t), world.config.context_noise, device=latents.device)
    noise = torch.randn(latents.shape, generator=generator, device=latents.device)
    text = world.denoiser.read_text(world.text([""] * b), nothing)
    setting = Setting(world, batch, text, (world.config.path.noised(latents, noise, tau), tau))
    return setting.denoise(world.config.temperature * noise.flip(0), torch.ones_like(tau), nothing)


def _remembered(
    world: World, batch: LatentBatch, text: Text, config: ObjectiveConfig, generator: torch.Generator, progress: float
) -> tuple[Float[Tensor, "b t h w c"], Float[Tensor, "b t"]]:
    """The clip as it is remembered, and its noise levels."""
    clean = batch.latents
    b, t = clean.shape[:2]
    tau = config.context_most * _uniform(generator, (b, t), clean.device)
    noise = torch.randn(clean.shape, generator=generator, device=clean.device, dtype=clean.dtype)
    remembered = world.config.path.noised(clean, noise, tau), tau
    own = bool(_uniform(generator, (), clean.device) < config.own_share) and progress >= config.own_from
    if not own:
        return remembered
    # Nothing tells what the first latent of a window should be.
    first_own = 1 + torch.floor(_uniform(generator, (b, 1), clean.device) * (t - 1))
    is_own = _wide(torch.arange(t, device=clean.device) >= first_own)
    start, finest = world.config.temperature * noise.flip(0), torch.zeros_like(tau).long()
    for _ in range(config.own_depth):
        with torch.no_grad():
            imagined = Setting(world, batch, text, remembered).first(b).denoise(start, torch.ones_like(tau), finest)
        remembered = world.config.path.noised(torch.where(is_own, imagined, clean), noise, tau), tau
    return remembered


@torch.no_grad()
def _two_half_steps(setting: Setting, noisy: Tensor, tau: Tensor, level: Tensor) -> Tensor:
    """The clean latents that take one step of `level` to where two half steps lead; of no meaning where the level is 0,
    and no step is taken."""
    path = setting.world.config.path
    step = torch.where(level > 0, 1 / torch.tensor(STEP_COUNTS, device=tau.device)[level], 0)
    half_level = (level - 1).clamp(min=0)
    from_tau, middle, end = (x.clamp(min=1e-3) for x in (tau, tau - step / 2, tau - step))
    halfway = path.step(noisy, setting.denoise(noisy, tau, half_level), from_tau, middle)
    halfway = torch.where(_wide(level > 0), halfway, noisy)
    arrived = path.step(halfway, setting.denoise(halfway, middle, half_level), middle, end)
    return path.clean_of_step(noisy, arrived, from_tau, end)


def _visibility(world: World) -> Tensor:
    """How much an error in each channel shows in the picture, 1 on average: with it, the loss is that of pixels."""
    visible = world.autoencoder.scale.float().square()
    return visible / visible.mean()


def _twice(x: Tensor) -> Tensor:
    return torch.cat([x, x], 1)


def _wide(flags: Tensor) -> Tensor:
    return flags[:, :, None, None, None]


def _uniform(generator: torch.Generator, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.rand(shape, generator=generator, device=device)
