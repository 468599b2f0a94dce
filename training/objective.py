"""The denoising loss: diffusion forcing with clean-latent prediction, and shortcut steps bootstrapped from half steps.

Each latent of a clip draws its own noise level; a share of them is nearly clean and serves as context, as in play.
For a share of the clips the target of a long step is where two half steps of the network itself lead (arXiv
2410.12557, in clean-latent form). Knows no data and no optimizer.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.denoiser import STEP_COUNTS, Conditions, Text
from simworld.model.world import World


@dataclass(kw_only=True)
class ObjectiveConfig:
    """Shares of clips or latents in [0, 1]. `shift` above 1 moves noise levels towards noise. Shortcuts are taught after
    `shortcut_from` of the run."""

    context_share: float = 0.5
    context_most: float = 0.2
    shift: float = 2.5
    full_share: float = 0.1
    prompt_dropout: float = 0.15
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


def denoising_loss(
    world: World, batch: LatentBatch, config: ObjectiveConfig, generator: torch.Generator, progress: float
) -> tuple[Tensor, dict[str, float]]:
    """Weighted mean squared error of predicted clean latents, and scalars to plot. `progress` of the run in [0, 1]."""
    latents = batch.latents
    b, t = latents.shape[:2]
    device = latents.device
    full = bool(_uniform(generator, (), device) < config.full_share)
    dropped = (_uniform(generator, (b,), device) < config.prompt_dropout).tolist()
    texts = [["" for _ in texts] if drop else texts for texts, drop in zip(batch.prompts, dropped, strict=True)]
    text = world.denoiser.read_text(world.text([one for of_clip in texts for one in of_clip]), batch.prompt_of)

    uniform = _uniform(generator, (b, t), device)
    tau = config.shift * uniform / (1 + (config.shift - 1) * uniform)
    is_context = _uniform(generator, (b, t), device) < config.context_share
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
    noisy = world.config.path.noised(latents, noise, tau)
    times = torch.arange(t, device=device, dtype=torch.float32).expand(b, t)
    given = Conditions(tau, level, batch.actions, batch.acted, times, text, world.turned)

    target = latents
    if num_shortcuts:
        some = slice(0, num_shortcuts)
        target = torch.cat(
            [_two_half_steps(world, noisy[some], latents[some], _select(given, some), full), latents[some.stop :]]
        )
    predicted = world.denoiser(noisy, given, full=full).float()
    error = ((predicted - target).square() * _visibility(world)).mean((2, 3, 4))
    loss = (error * (1 - 0.5 * tau)).mean()
    with torch.no_grad():
        plain = error[num_shortcuts:][~is_context[num_shortcuts:]].mean()
        scalars = {"error": float(plain)}
        if num_shortcuts:
            scalars["shortcut_error"] = float(error[:num_shortcuts][~is_context[:num_shortcuts]].mean())
    return loss, scalars


@torch.no_grad()
def _two_half_steps(world: World, noisy: Tensor, latents: Tensor, given: Conditions, full: bool) -> Tensor:
    """The clean latent that takes one step to where two half steps lead; the true one where no shortcut is taught."""
    path = world.config.path
    counts = torch.tensor(STEP_COUNTS, device=noisy.device)[given.level]
    is_shortcut = given.level > 0
    half_level = (given.level - 1).clamp(min=0)
    # A latent that is no shortcut stays where it is, through both half steps.
    middle = torch.where(is_shortcut, given.tau - 0.5 / counts, given.tau)
    end = torch.where(is_shortcut, given.tau - 1 / counts, given.tau)
    tau_safe = given.tau.clamp(min=1e-3)
    first = world.denoiser(noisy, replace(given, level=half_level), full=full).float()
    halfway = torch.where(_wide(is_shortcut), path.step(noisy, first, tau_safe, middle), noisy)
    second = world.denoiser(halfway, replace(given, level=half_level, tau=middle), full=full).float()
    arrived = path.step(halfway, second, middle.clamp(min=1e-3), end.clamp(min=0))
    target = path.clean_of_step(noisy, arrived, tau_safe, torch.where(is_shortcut, end, 0 * end).clamp(min=0))
    return torch.where(_wide(is_shortcut), target, latents)


def _select(given: Conditions, some: slice) -> Conditions:
    text = given.text
    keys = [(k[some].detach(), v[some].detach()) for k, v in text.keys]
    return Conditions(
        given.tau[some],
        given.level[some],
        given.actions[some],
        given.acted[some],
        given.times[some],
        Text(keys, text.present[some], text.whole[some].detach()),
        given.turned,
    )


def _visibility(world: World) -> Tensor:
    """How much an error in each channel shows in the picture, 1 on average: with it, the loss is that of pixels."""
    visible = world.autoencoder.scale.float().square()
    return visible / visible.mean()


def _wide(flags: Tensor) -> Tensor:
    return flags[:, :, None, None, None]


def _uniform(generator: torch.Generator, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.rand(shape, generator=generator, device=device)
