"""Clips in a few numbers each, and how far two sets of clips lie apart in them (Fréchet distance, as FVD, arXiv 1812.01717).

The features are what both probes' trunks say of a clip: what its pictures show, on average, and what happens between them;
of these, both alike in how much they spread, the leading principal components over true clips of training seeds, each brought
to unit variance. Distances compare within this project only, and among equally many clips only: fewer clips lie farther apart.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from simworld.training.action_reader import ActionReader
from simworld.training.scene_reader import SceneReader

WINDOW = 16
"""Frames of a clip that are told as one."""
NUM_FEATURES = 16
"""More than there are clips to compare could not be told apart from chance."""


class ClipFeatures(nn.Module):
    """`centre` and `basis`: of the principal components, set by `learn`."""

    centre: Float[Tensor, " raw"]
    basis: Float[Tensor, "features raw"]

    def __init__(self, actions: ActionReader, scenes: SceneReader) -> None:
        super().__init__()
        # Not its own: they are shipped for themselves.
        self.__dict__["readers"] = (actions, scenes)
        raw = actions.config.features + scenes.config.features
        self.register_buffer("centre", torch.zeros(raw))
        self.register_buffer("basis", torch.eye(NUM_FEATURES, raw))

    @torch.inference_mode()
    def forward(self, frames: UInt8[Tensor, "b t h w 3"]) -> Float[Tensor, "b_windows features"]:
        """Features of each whole window of the clips."""
        return torch.cat([(self.raw(one) - self.centre) @ self.basis.T for one in frames.split(1)])

    def raw(self, frames: UInt8[Tensor, "b t h w 3"]) -> Float[Tensor, "b_windows raw"]:
        """What the trunks say of each whole window."""
        actions, scenes = self.__dict__["readers"]
        num_windows = frames.shape[1] // WINDOW
        windows = frames[:, : num_windows * WINDOW].reshape(-1, WINDOW, *frames.shape[2:])
        shown = scenes.features(windows.flatten(0, 1)).unflatten(0, windows.shape[:2])
        happening = actions.pairs(windows)[..., : actions.config.features]
        return torch.cat([happening.float().mean(1), shown.float().mean(1)], 1)

    @torch.inference_mode()
    def learn(self, windows: UInt8[Tensor, "n sixteen h w 3"]) -> None:
        """Set the components by n windows of true frames, many more than there are features."""
        raw = torch.cat([self.raw(part) for part in windows.split(8)])
        self.centre.copy_(raw.mean(0))
        away = raw - self.centre
        parts = away.split([reader.config.features for reader in self.__dict__["readers"]], 1)
        scale = torch.cat([(1 / part.norm()).expand(part.shape[1]) for part in parts])
        _, spreads, directions = torch.linalg.svd(away * scale, full_matrices=False)
        deviations = spreads[:NUM_FEATURES] / len(raw) ** 0.5
        self.basis.copy_(directions[:NUM_FEATURES] * scale / deviations[:, None])


def frechet_distance(one: Float[Tensor, "n d"], other: Float[Tensor, "m d"]) -> float:
    """Squared distance between the normal distributions fitted to two sets of features: 0 where mean and covariance are equal.
    ValueError for fewer than two of either."""
    if min(len(one), len(other)) < 2:
        raise ValueError(f"{len(one)} and {len(other)} clips have no covariance; give at least 2 of each")
    a, b = (part.double().cpu().numpy() for part in (one, other))
    cov_a, cov_b = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (a, b))
    # The trace of the root of a product, by that of a symmetric matrix with the same eigenvalues.
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    return float(np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * shared)
