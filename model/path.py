"""The path from a clean latent to noise: latent at noise level τ = α(τ) · clean + σ(τ) · noise, τ from 0 (clean) to 1.

linear is rectified flow (arXiv 2209.03003), cosine is variance-preserving diffusion. Everything else follows from α, σ.
"""

import math
from enum import Enum

import torch
from jaxtyping import Float
from torch import Tensor


class Path(Enum):
    """linear: α = 1 - τ, σ = τ. cosine: α = cos(πτ/2), σ = sin(πτ/2)."""

    linear = "linear"
    cosine = "cosine"

    def coefficients(self, tau: Float[Tensor, "*b"]) -> tuple[Float[Tensor, "*b"], Float[Tensor, "*b"]]:
        """α(τ) and σ(τ)."""
        if self is Path.linear:
            return 1 - tau, tau
        return torch.cos(tau * math.pi / 2), torch.sin(tau * math.pi / 2)

    def noised(self, clean: Tensor, noise: Tensor, tau: Float[Tensor, "*b"]) -> Tensor:
        """`clean` at noise level `tau`, which has the leading dimensions of `clean`."""
        alpha, sigma = (_like(part, clean) for part in self.coefficients(tau))
        return alpha * clean + sigma * noise

    def step(self, noisy: Tensor, clean: Tensor, tau: Float[Tensor, "*b"], tau_next: Float[Tensor, "*b"]) -> Tensor:
        """Move `noisy` at `tau` > 0 to `tau_next`, given the prediction `clean` (a DDIM step; Euler on the linear path)."""
        alpha, sigma = (_like(part, noisy) for part in self.coefficients(tau))
        alpha_next, sigma_next = (_like(part, noisy) for part in self.coefficients(tau_next))
        return alpha_next * clean + sigma_next / sigma * (noisy - alpha * clean)

    def clean_of_step(self, noisy: Tensor, arrived: Tensor, tau: Float[Tensor, "*b"], tau_next: Float[Tensor, "*b"]) -> Tensor:
        """The prediction with which one `step` from `noisy` leads to `arrived`: what a shortcut is taught."""
        alpha, sigma = (_like(part, noisy) for part in self.coefficients(tau))
        alpha_next, sigma_next = (_like(part, noisy) for part in self.coefficients(tau_next))
        ratio = sigma_next / sigma
        return (arrived - ratio * noisy) / (alpha_next - ratio * alpha)


def _like(level: Tensor, x: Tensor) -> Tensor:
    return level.reshape(level.shape + (1,) * (x.ndim - level.ndim)).to(x.dtype)
