"""The spacetime diffusion transformer: noisy latents + actions + text → clean latents.

Tokens are the cells of each latent, each beside the same cell of the latent before and of the latent expected from that, and
a few registers. Every latent has its own noise level (diffusion forcing, arXiv 2407.01392), step size
(shortcut models, arXiv 2410.12557; Dreamer 4, arXiv 2509.24527) and actions, which modulate it through adaLN-zero (arXiv
2212.09748) with one projection for all blocks and a bias for each. Attention spans space and time together: block-causal
in play, full in editing, by argument. Knows no sampler and no loss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from simworld.actions import CAMERA
from simworld.model.layers import silent
from simworld.model.memory import Before, Memory, block_causal, paired
from simworld.model.motion import DRIVE_SIZE, FIXED_SIZE, NUM_DRIVES, drives
from simworld.model.nearness import Nearness
from simworld.model.packed import PackedLinear
from simworld.model.path import Path
from simworld.model.positions import Rotation, places, rotate, rotation
from simworld.model.text import TextTokens

STEP_COUNTS = (8, 4, 2, 1)
"""Steps from noise to sample that the network is told apart, finest first; its level i takes steps of 1 / STEP_COUNTS[i]."""
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""What queries see, given keys and values: [b, heads, n, d] each."""
CAMERA_SCALE = 10.0
"""Degrees of camera change that count as 1."""


@dataclass(kw_only=True)
class DenoiserConfig:
    """`size` is the dial, an even number: width 32 · size, heads of 64, depth size - 2. `window`: latents seen at once."""

    size: int = 8
    window: int = 16
    channels: int = 128
    time_stride: int = 2
    action_size: int = 25
    text_width: int = 256
    text_every: int = 2
    num_registers: int = 1

    def __post_init__(self) -> None:
        if self.size < 2 or self.size % 2:
            raise ValueError(f"denoiser: size is {self.size}; it must be an even number, 2 or more")

    @property
    def width(self) -> int:
        return 32 * self.size

    @property
    def num_heads(self) -> int:
        return max(1, self.width // 64)

    @property
    def depth(self) -> int:
        return max(2, self.size - 2)


@dataclass
class Text:
    """A prompt as the blocks need it. keys: (keys, values) for each cross-attention. present: which of the tokens the
    latent's own prompt has; whole: its summary. One prompt for all latents has t = 1."""

    keys: list[tuple[Float[Tensor, "b heads n d"], Float[Tensor, "b heads n d"]]]
    present: Bool[Tensor, "b t n"]
    whole: Float[Tensor, "b t width"]


class Sight(Enum):
    """What a clip's latents attend to. causal: those before them in their window. full: all of the clip. paired: the clip is
    there twice, first as it is remembered, then to be denoised; each sees what is remembered from before it, and itself."""

    causal = "causal"
    full = "full"
    paired = "paired"


@dataclass
class Conditions:
    """What each latent is told. tau: noise level in [0, 1]. level: index into `STEP_COUNTS`. actions: the r actions that
    lead to its frames. acted: False for the first latent of a clip, which no action leads to. times: position, in latents."""

    tau: Float[Tensor, "b t"]
    level: Int[Tensor, "b t"]
    actions: Float[Tensor, "b t r a"]
    acted: Bool[Tensor, "b t"]
    times: Float[Tensor, "b t"]
    text: Text
    before: Before

    def then(self, later: "Conditions") -> "Conditions":
        """What these latents are told, and after them later ones, under the prompt of these."""

        def both(one: Tensor, other: Tensor) -> Tensor:
            return torch.cat([one, other], 1)

        names = ("tau", "level", "actions", "acted", "times")
        told = {name: both(getattr(self, name), getattr(later, name)) for name in names}
        first, second = self.before, later.before
        latents, expected = both(first.latents, second.latents), both(first.expected, second.expected)
        return Conditions(**told, text=self.text, before=Before(latents, both(first.tau, second.tau), expected))


class Denoiser(nn.Module):
    """See the module's docstring. Latents are normalised; the output is the predicted clean latent."""

    variance: Float[Tensor, " c"]
    novelty: Float[Tensor, " c"]
    drive: Float[Tensor, "drives 2 12 20"]
    fixed_share: Float[Tensor, "24 40"]

    def __init__(self, config: DenoiserConfig, path: Path = Path.linear) -> None:
        super().__init__()
        self.config = config
        self.path = path
        width = config.width
        # What the linear guess needs to know of latents, by channel, how keys move pictures, and what is fixed to the
        # camera; set before training by `World.learn_statistics`.
        self.register_buffer("variance", torch.ones(config.channels))
        self.register_buffer("novelty", torch.ones(config.channels))
        self.register_buffer("drive", torch.zeros(NUM_DRIVES, 2, *DRIVE_SIZE))
        self.register_buffer("fixed_share", torch.zeros(FIXED_SIZE))
        self.nearness = Nearness()
        self.enter = PackedLinear(3 * config.channels, width)
        self.place = silent(PackedLinear(16, width))
        self.registers = nn.Parameter(torch.randn(config.num_registers, width) * 0.5)
        self.tau = nn.Sequential(PackedLinear(128, width), nn.SiLU(), PackedLinear(width, width))
        self.level = nn.Embedding(len(STEP_COUNTS), width)
        self.action = nn.Sequential(
            PackedLinear(config.time_stride * (config.action_size + 2), width), nn.SiLU(), PackedLinear(width, width)
        )
        self.no_action = nn.Parameter(torch.zeros(width))
        self.whole_text = PackedLinear(config.text_width, width)
        self.modulate = silent(PackedLinear(width, 6 * width))
        self.blocks = nn.ModuleList(
            Block(config, reads_text=number % config.text_every == config.text_every - 1) for number in range(config.depth)
        )
        self.modulate_out = silent(PackedLinear(width, 2 * width))
        self.leave = silent(PackedLinear(width, config.channels))

    def hidden_matrices(self) -> list[nn.Parameter]:
        """The weights that an optimizer for hidden layers (Muon) may take."""
        return [p for name, p in self.blocks.named_parameters() if p.ndim == 2 and "modulation" not in name]

    def read_text(self, tokens: TextTokens, prompt_of: Int[Tensor, "b t"] | None = None) -> Text:
        """Text keys of b prompts, or, given `prompt_of`, of p prompts a clip (tokens of b·p, clip by clip), of which latent
        t follows prompt number `prompt_of[b, t]`."""
        values = tokens.values
        if prompt_of is None:
            whole, present = values[:, :1], tokens.present[:, None]
        else:
            b = len(prompt_of)
            p = len(values) // b
            chosen = F.one_hot(prompt_of.long(), p).bool()
            present = (chosen[..., None] & rearrange(tokens.present, "(b p) n -> b 1 p n", p=p)).flatten(2)
            firsts = rearrange(values[:, 0], "(b p) w -> b p w", p=p)
            whole = torch.einsum("b t p, b p w -> b t w", chosen.to(firsts.dtype), firsts)
            values = rearrange(values, "(b p) n w -> b (p n) w", p=p)
        readers = [block.text for block in self.blocks if isinstance(block.text, CrossAttention)]
        keys = [reader.keys(values) for reader in readers]
        return Text(keys, present, whole)

    def forward(
        self,
        noisy: Float[Tensor, "b t h w c"],
        given: Conditions,
        memory: Memory | None = None,
        sight: Sight = Sight.causal,
    ) -> Float[Tensor, "b _ h w c"]:
        """Predicted clean latents; of a paired clip, those of its second half. With a memory each sees what that holds and is
        written into it, and the last alone is predicted: those before it are finished."""
        t, before = noisy.shape[1], given.before
        x, cond = self.hidden(noisy, given, memory, sight)
        wanted = slice(t // 2 if sight is Sight.paired else t - 1 if memory is not None else 0, t)
        shift, scale = self.modulate_out(cond[:, wanted]).unsqueeze(2).chunk(2, -1)
        x = _norm(x[:, wanted, self.config.num_registers :]) * (1 + scale) + shift
        guess, doubt = self._guess(noisy[:, wanted], before.expected[:, wanted], given.tau[:, wanted], before.tau[:, wanted])
        return guess + doubt * rearrange(self.leave(x), "b t (h w) c -> b t h w c", h=noisy.shape[2])

    def hidden(
        self,
        noisy: Float[Tensor, "b t h w c"],
        given: Conditions,
        memory: Memory | None = None,
        sight: Sight = Sight.causal,
    ) -> tuple[Float[Tensor, "b t tokens d"], Float[Tensor, "b t d"]]:
        """What the blocks make of each latent's registers and cells, and what the latent is told; see `forward`."""
        b, t, h, w, _ = noisy.shape
        before = given.before
        x = self.enter(torch.cat([noisy, before.latents, before.expected], -1))
        x = x + self.place(places(h, w, noisy.dtype, noisy.device))
        x = rearrange(x, "b t h w d -> b t (h w) d")
        x = torch.cat([repeat(self.registers.to(x.dtype), "n d -> b t n d", b=b, t=t), x], 2)
        cond = self._condition(given, x.dtype)
        shared = self.modulate(cond)
        num = self.config.num_registers
        turn = rotation(given.times, h, w, num, 64, x.dtype)
        mask, masks = None, memory.masks(t) if memory is not None else []
        if memory is None and sight is Sight.causal:
            mask = block_causal(t, x.shape[2], self.config.window, x.device)
        elif sight is Sight.paired:
            mask = paired(t // 2, x.shape[2], self.config.window, x.device)
        attend = partial(F.scaled_dot_product_attention, attn_mask=mask)
        text_mask = given.text.present
        if text_mask.shape[1] != 1:
            text_mask = repeat(text_mask, "b t n -> b (t x) n", x=x.shape[2])
        keys = iter(given.text.keys)
        for number, block in enumerate(self.blocks):
            text = next(keys) if block.text is not None else None
            among = attend if memory is None else partial(memory.attended, number, masks)
            x = block(x, shared, turn, among, text, text_mask[:, None])
        return x, cond

    @torch.no_grad()
    def learn_statistics(self, latents: Float[Tensor, "n rows columns c"], expected: Float[Tensor, "n rows columns c"]) -> None:
        """Learn from n latents, and what was expected of each, what `_guess` takes for granted."""
        self.variance.copy_(latents.float().square().mean((0, 1, 2)))
        self.novelty.copy_((latents - expected).float().square().mean((0, 1, 2)))

    def driven(self, actions: Float[Tensor, "n r a"]) -> Float[Tensor, "n 2 12 20"]:
        """The flow that the keys of walking drive on average, where the player looks down as players do."""
        return torch.einsum("n d, d c h w -> n c h w", drives(actions), self.drive.float())

    def _guess(
        self,
        noisy: Float[Tensor, "b t h w c"],
        expected: Float[Tensor, "b t h w c"],
        tau: Float[Tensor, "b t"],
        tau_before: Float[Tensor, "b t"],
    ) -> tuple[Float[Tensor, "b t h w c"], Float[Tensor, "b t 1 1 c"]]:
        """The best linear guess of the clean latent, and its standard deviation: a Kalman filter, channel by channel, from
        the noisy latent and the expected one. The network learns what is left, in units of that deviation (as EDM's
        preconditioning, arXiv 2206.00364, does for single pictures)."""
        alpha, sigma = (part.float()[:, :, None, None, None] for part in self.path.coefficients(tau))
        alpha_before, sigma_before = (part.float()[:, :, None, None, None] for part in self.path.coefficients(tau_before))
        variance, novelty = self.variance.float(), self.novelty.float()
        total_before = alpha_before**2 * variance + sigma_before**2
        expected = (alpha_before * variance / total_before).to(noisy.dtype) * expected
        uncertain = variance * sigma_before**2 / total_before + novelty
        total = alpha**2 * uncertain + sigma**2
        gain = (alpha * uncertain / total).to(noisy.dtype)
        guess = expected + gain * (noisy - alpha.to(noisy.dtype) * expected)
        return guess, (uncertain * sigma**2 / total).sqrt().to(noisy.dtype)

    def _condition(self, given: Conditions, dtype: torch.dtype) -> Float[Tensor, "b t width"]:
        camera = given.actions[..., CAMERA]
        features = torch.cat([given.actions[..., : CAMERA.start], camera / CAMERA_SCALE, torch.asinh(4 * camera) / 3], -1)
        action = self.action(rearrange(features, "b t r a -> b t (r a)").to(dtype))
        action = torch.where(given.acted[..., None], action, self.no_action.to(dtype))
        rates = torch.exp(torch.linspace(0, 5, 32, device=given.tau.device))
        angles = torch.stack([given.tau, given.before.tau], -1).float()[..., None] * rates
        tau = self.tau(torch.cat([angles.sin(), angles.cos()], -1).flatten(2).to(dtype))
        cond = tau + self.level(given.level).to(dtype) + action + self.whole_text(given.text.whole)
        return F.silu(cond)


class Block(nn.Module):
    """Self-attention over space and time, text where it reads text, and an MLP; each modulated by its latent's conditions."""

    def __init__(self, config: DenoiserConfig, reads_text: bool) -> None:
        super().__init__()
        width = config.width
        self.modulation = nn.Parameter(torch.zeros(6 * width))
        self.attention = Attention(width, config.num_heads)
        self.text = CrossAttention(width, config.text_width, config.num_heads) if reads_text else None
        self.mlp_in = PackedLinear(width, 4 * width)
        self.mlp_out = PackedLinear(4 * width, width)

    def forward(
        self,
        x: Float[Tensor, "b t n d"],
        shared: Float[Tensor, "b t six_d"],
        turn: Rotation,
        attend: Attend,
        text: tuple[Tensor, Tensor] | None,
        text_mask: Tensor,
    ) -> Float[Tensor, "b t n d"]:
        parts = (shared + self.modulation.to(shared.dtype)).unsqueeze(2).chunk(6, -1)
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = parts
        x = x + gate_1 * self.attention(_norm(x) * (1 + scale_1) + shift_1, turn, attend)
        if self.text is not None and text is not None:
            x = x + self.text(_norm(x), text, text_mask)
        hidden = self.mlp_in.gelu(_norm(x) * (1 + scale_2) + shift_2)
        return x + gate_2 * self.mlp_out(hidden)


class Attention(nn.Module):
    """Self-attention with normalised queries and keys and rotary positions."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = PackedLinear(width, width, bias=False)
        self.key = PackedLinear(width, width, bias=False)
        self.value = PackedLinear(width, width, bias=False)
        self.query_scale = nn.Parameter(torch.ones(width // num_heads))
        self.key_scale = nn.Parameter(torch.ones(width // num_heads))
        self.out = PackedLinear(width, width)

    def forward(self, x: Tensor, turn: Rotation, attend: Attend) -> Tensor:
        t = x.shape[1]
        parts = self.query.beside([self.key, self.value], x).unflatten(-1, (self.num_heads, -1))
        q_k_v = parts.permute(3, 0, 4, 1, 2, 5).flatten(3, 4)  # 3 b heads (t n) d
        scales = torch.stack([self.query_scale, self.key_scale]).to(x.dtype)
        (q, k), v = rotate(_norm(q_k_v[:2]) * scales[:, None, None, None], turn), q_k_v[2]
        return self.out(_beside(attend(q, k, v), t))


class CrossAttention(nn.Module):
    """Attention from latents to the prompt's tokens; starts silent."""

    def __init__(self, width: int, text_width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = PackedLinear(width, width, bias=False)
        self.key = PackedLinear(text_width, width, bias=False)
        self.value = PackedLinear(text_width, width, bias=False)
        self.out = silent(PackedLinear(width, width))

    def keys(self, tokens: Float[Tensor, "b n text_width"]) -> tuple[Tensor, Tensor]:
        """Keys and values of the prompt's tokens: [b, heads, n, d] each."""
        split = "b n (heads d) -> b heads n d"
        keys = rearrange(self.key(tokens), split, heads=self.num_heads)
        return _norm(keys), rearrange(self.value(tokens), split, heads=self.num_heads)

    def forward(self, x: Tensor, text: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        t = x.shape[1]
        q = self.query(x).unflatten(-1, (self.num_heads, -1)).flatten(1, 2).transpose(1, 2)
        seen = F.scaled_dot_product_attention(_norm(q), *text, mask)
        return self.out(_beside(seen, t))


def _beside(heads: Float[Tensor, "b heads t_n d"], t: int) -> Float[Tensor, "b t n heads_d"]:
    """What the heads see, side by side, of t latents. Where few tokens pass einops takes as long as the arithmetic."""
    return heads.transpose(1, 2).unflatten(1, (t, -1)).flatten(3)


def _norm(x: Tensor) -> Tensor:
    """Layer normalisation without weights: modulation and scales follow it."""
    return F.layer_norm(x, x.shape[-1:])
