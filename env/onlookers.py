"""Onlookers: what a world's smallest networks tell of its dreams: what players might do next, how sure a dream is of what it
shows, what happened in it. They change nothing of what is dreamt. Each of them a world may lack."""

from pathlib import Path

import numpy as np
import torch

from simworld.model import sampler
from simworld.model.gauge import load_gauge
from simworld.model.heads import load_heads
from simworld.model.judge import Verdict, evidence, load_judge
from simworld.model.world import World


class Onlookers:
    """Of a world that lies in `folder`. judged: whether they must have a judge. ValueError for a world without one."""

    def __init__(self, world: World, folder: Path, judged: bool) -> None:
        self._world, self._folder = world, folder
        device = str(world.device)
        heads, gauge = (folder / f"{name}.safetensors" for name in ("heads", "gauge"))
        self._heads = load_heads(heads, device) if heads.exists() else None
        self._gauge = load_gauge(gauge, device) if gauge.exists() else None
        self._judge = load_judge(self._file("judge", "simworld train judge world="), device) if judged else None

    @property
    def can_play(self) -> bool:
        """Whether they have a policy head, so that `suggest` has an answer."""
        return self._heads is not None

    def suggest(self, context: sampler.Context, dice: list[np.random.Generator], warmth: float) -> np.ndarray:
        """What players of b dreams, each with its dice, might do now: float32 [b, 25]. `warmth` below 1 keeps to what is
        likelier. ValueError for a world without heads (`simworld train heads`)."""
        if self._heads is None:
            self._file("heads", "simworld train heads world=")
        assert self._heads is not None
        generators = [torch.Generator().manual_seed(int(each.integers(2**31))) for each in dice]
        return self._heads.suggest(sampler.impression(self._world, context), generators, warmth).numpy()

    def sureness(self, context: sampler.Context) -> list[dict[str, float]]:
        """The `info` of b dreams about how sure they are: none without a gauge (`simworld train gauge`)."""
        if self._gauge is None:
            return [{} for _ in context.prompts]
        signs = sampler.signs(self._world, context)
        pairs = zip(self._gauge.psnr(signs).tolist(), self._gauge.trust(signs).tolist(), strict=True)
        return [{"expected_psnr": one, "trust": share} for one, share in pairs]

    def verdict(self, context: sampler.Context, before: np.ndarray, after: np.ndarray) -> Verdict:
        """What happened in the latest chunks of b dreams, which led from pictures `before` to `after`, uint8 (b, h, w, 3)."""
        assert self._judge is not None, "who asks is in a task, and then there is one"
        pictures = (torch.from_numpy(part).to(self._world.device) for part in (before, after))
        return self._judge.verdict(evidence(self._world, context, *pictures))

    def _file(self, name: str, command: str) -> Path:
        """A file of the world's. ValueError where there is none, which tells the command that makes it."""
        path = self._folder / f"{name}.safetensors"
        if not path.exists():
            raise ValueError(f"{self._folder} has no {path.name}; make one: {command}{self._folder}")
        return path
