"""Trains what dreams are measured with, on training seeds: `simworld train probes`.

First the action reader, on clips; then the scene reader, on scenes that the game labels itself; from both the features of
clips; then they are measured on evaluation seeds, for what they read off true frames is the ceiling of all that they can read
off dreams. Interrupted, the same call goes on where it was. Written into `folder`: the probes, and README.md with their
ceiling.
"""

import os
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor, nn

from simworld.actions import CAMERA, KEYS
from simworld.training.action_reader import ActionReader, ActionReaderConfig
from simworld.training.clip_features import WINDOW, ClipFeatures
from simworld.training.clip_store import ClipStore
from simworld.training.data import DataConfig, clips
from simworld.training.loop import LoopConfig, run
from simworld.training.pictures import grid
from simworld.training.probes import ACTIONS, CLIPS, SCENES, Probes, load_probes, save_probe
from simworld.training.reader_trunk import small
from simworld.training.readings import ActionScores, action_scores, scene_scores
from simworld.training.scene_reader import SceneReader, SceneReaderConfig
from simworld.training.scenes import Scenes, ScenesConfig, scenes, seen
from simworld.training.showing import KINDS, classes
from simworld.training.truth import FIRST_SEED, play_truth

HELD_BACK = 0.02
"""The share of the clips, the last ones, from which no weights are learned, but the thresholds of the keys."""
BLURS = (1, 1, 2, 3, 4)
"""Pixels that are averaged, for the scene reader: dreams are softer than the game, and must not be taken for fog."""


@dataclass(kw_only=True)
class ProbesTraining:
    """`window` frames of `batch_size` clips a step for the action reader, `scene_batch_size` scenes a step for the scene
    reader. `loop` and `scene_loop`: of either; their folders lie in `folder`. `feature_windows`: true
    windows from which the components of clips are taken. `check_clips`: clips of 6 s, and `check_scenes`, pictures, of
    evaluation seeds on which the readers are measured."""

    folder: str = "runs/probes"
    data: DataConfig = field(default_factory=DataConfig)
    scenes: ScenesConfig = field(default_factory=ScenesConfig)
    action_reader: ActionReaderConfig = field(default_factory=ActionReaderConfig)
    scene_reader: SceneReaderConfig = field(default_factory=SceneReaderConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    scene_loop: LoopConfig = field(default_factory=LoopConfig)
    window: int = 17
    batch_size: int = 8
    scene_batch_size: int = 64
    feature_windows: int = 600
    check_clips: int = 40
    check_scenes: int = 2_400


class ActionTask:
    """Cross-entropy of the keys, and Huber's loss, linear beyond a degree, of the camera."""

    def __init__(self, config: ProbesTraining, store: ClipStore) -> None:
        self.config, self.store = config, store
        self.num_learned = max(1, int((1 - HELD_BACK) * len(store)))
        torch.manual_seed(config.loop.seed)
        self.model = ActionReader(config.action_reader)

    def batch(self, rng: np.random.Generator, numbers: np.ndarray) -> tuple[Tensor, Tensor]:
        """Random windows of some clips: small frames uint8 [b, t, 48, 80, 3], and actions [b, t - 1, 25]."""
        window = min(self.config.window, self.store.frames.shape[1])
        starts = rng.integers(self.store.frames.shape[1] - window + 1, size=len(numbers))
        chosen = list(zip(numbers, starts, strict=True))
        frames = np.stack([self.store.frames[n, s : s + window] for n, s in chosen])
        actions = np.stack([self.store.actions[n, s : s + window - 1] for n, s in chosen])
        device = self.config.loop.device
        return small(torch.from_numpy(frames).to(device)), torch.from_numpy(actions).to(device)

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng([self.config.loop.seed, step])
        frames, actions = self.batch(rng, rng.integers(self.num_learned, size=self.config.batch_size))
        with torch.autocast(frames.device.type, torch.bfloat16):
            logits, camera = self.model(frames)
        keys = F.binary_cross_entropy_with_logits(logits, actions[..., : CAMERA.start])
        turn = F.huber_loss(camera, actions[..., CAMERA], delta=1.0)
        turned = actions[..., CAMERA]
        missed = float((camera.detach() - turned).abs().mean() / turned.abs().mean().clamp(min=0.1))
        return len(KEYS) * keys + turn, {"keys": float(keys.detach()), "camera_missed": missed}

    def pictures(self, model: nn.Module) -> np.ndarray:
        """What it learns from."""
        rng = np.random.default_rng([self.config.loop.seed])
        frames, _ = self.batch(rng, rng.integers(self.num_learned, size=4))
        return grid(frames[:, ::4].cpu().numpy())

    @torch.inference_mode()
    def choose_thresholds(self, model: ActionReader) -> None:
        """For each key the probability from which on it counts as held: where F1 is best, on clips held back."""
        rng = np.random.default_rng([self.config.loop.seed])
        held_back = np.arange(min(self.num_learned, len(self.store) - 1), len(self.store))
        found, held = [], []
        for numbers in np.array_split(held_back, -(-len(held_back) // 8)):
            frames, actions = self.batch(rng, numbers)
            found.append(model(frames)[0].sigmoid().flatten(0, 1))
            held.append(actions[..., : CAMERA.start].flatten(0, 1) > 0)
        probability, truth = torch.cat(found), torch.cat(held)
        levels = torch.linspace(0.05, 0.95, 19, device=probability.device)
        said = probability[:, :, None] >= levels
        hits = (said & truth[:, :, None]).sum(0).float()
        f1 = 2 * hits / (said.sum(0) + truth.sum(0)[:, None]).clamp(min=1)
        # Of equally good ones the middle, so that a key never seen is not read into everything.
        best = f1 + 1e-4 * (1 - (levels - 0.5).abs())
        model.threshold.copy_(levels[best.argmax(1)])

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """The probe, in the run's folder."""
        assert isinstance(model, ActionReader)
        self.choose_thresholds(model)
        save_probe(folder / ACTIONS, model, summary)


class SceneTask:
    """Cross-entropy with the shares of each kind of fact; what a picture does not tell counts for nothing."""

    def __init__(self, config: ProbesTraining, store: Scenes) -> None:
        self.config, self.store = config, store
        self.shares = {kind: torch.from_numpy(np.asarray(shares, np.float32)) for kind, shares in store.shares.items()}
        torch.manual_seed(config.scene_loop.seed)
        self.model = SceneReader(SceneReaderConfig(**{**vars(config.scene_reader), "classes": classes()}))

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng([self.config.scene_loop.seed, step])
        numbers = np.sort(rng.integers(len(self.store.frames), size=self.config.scene_batch_size))
        device = self.config.scene_loop.device
        frames = torch.from_numpy(self.store.frames[numbers]).to(device)
        mirrored = torch.from_numpy(rng.random(len(numbers)) < 0.5).to(device)
        frames = torch.where(mirrored[:, None, None, None], frames.flip(2), frames)
        blurs = rng.choice(BLURS, size=len(numbers))
        for blur in set(blurs.tolist()):
            chosen = torch.from_numpy(blurs == blur).to(device)
            frames[chosen] = blurred(frames[chosen], blur)
        with torch.autocast(frames.device.type, torch.bfloat16):
            found = self.model(frames)
        losses = {kind: F.cross_entropy(found[kind], self.shares[kind][numbers].to(device)) for kind in KINDS}
        return torch.stack(list(losses.values())).sum(), {kind: float(loss.detach()) for kind, loss in losses.items()}

    def pictures(self, model: nn.Module) -> np.ndarray:
        """What it learns from."""
        return grid(np.array(self.store.frames[:12]).reshape(3, 4, *self.store.frames.shape[1:]))

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """The probe, in the run's folder."""
        assert isinstance(model, SceneReader)
        save_probe(folder / SCENES, model, summary)


def blurred(frames: UInt8[Tensor, "n h w 3"], size: int) -> UInt8[Tensor, "n h w 3"]:
    """The mean of each `size` pixels in a row and a column."""
    if size == 1:
        return frames
    means = F.avg_pool2d(F.pad(frames.movedim(-1, 1).float(), [size // 2, (size - 1) // 2] * 2, "replicate"), size, 1)
    return means.round().to(torch.uint8).movedim(1, -1)


def train(config: ProbesTraining) -> Probes:
    """Train (or go on training) the probes, measure them on evaluation seeds, and gather them in `config.folder`."""
    folder, store = Path(config.folder), clips(config.data)
    config.loop.folder, config.scene_loop.folder = str(folder / "actions"), str(folder / "scenes")
    actions = run(ActionTask(config, store), config.loop).cpu()
    scene_reader = run(SceneTask(config, scenes(config.scenes)), config.scene_loop).cpu()
    assert isinstance(actions, ActionReader) and isinstance(scene_reader, SceneReader)
    features = ClipFeatures(actions, scene_reader)
    features.learn(_windows(store, config.feature_windows, config.loop.seed))
    summary = {"steps": config.loop.steps, "scene_steps": config.scene_loop.steps, "seed": config.loop.seed}
    for name, probe in ((ACTIONS, actions), (SCENES, scene_reader), (CLIPS, features)):
        save_probe(folder / name, probe, summary)
    probes = load_probes(folder)
    write_card(folder, *check(probes, config.check_clips, config.check_scenes))
    return probes


def _windows(store: ClipStore, num_windows: int, seed: int) -> Tensor:
    """Random windows of true frames, uint8 [n, 16, h, w, 3]."""
    rng = np.random.default_rng([seed])
    numbers = rng.integers(len(store), size=num_windows)
    starts = rng.integers(store.frames.shape[1] - WINDOW + 1, size=num_windows)
    chosen = zip(numbers, starts, strict=True)
    return torch.from_numpy(np.stack([store.frames[n, s : s + WINDOW] for n, s in chosen]))


def check(probes: Probes, num_clips: int, num_scenes: int) -> tuple[ActionScores, dict[str, float]]:
    """How well the probes read true frames of evaluation seeds."""
    truth = play_truth(num_clips, 121, 96, 160, first_seed=FIRST_SEED)
    keys, camera = probes.actions.read(torch.from_numpy(truth.frames))
    views = list(islice(seen(count(FIRST_SEED)), num_scenes))
    return action_scores(keys, camera, truth.actions), scene_scores(probes.scenes, views)


def write_card(folder: Path, actions: ActionScores, found: dict[str, float]) -> None:
    """README.md beside the probes: what they are, and their ceiling."""
    lines = [
        "# The probes",
        "",
        "What `simworld evaluate` reads dreams with: which keys were held and how the camera turned (`action_reader`), and",
        "place, time and weather (`scene_reader`). Trained by `simworld train probes` on true frames of training seeds. What",
        "they read off true frames of evaluation seeds is the ceiling of what they can read off dreams:",
        "",
        "| key | F1 | held in frames |",
        "| --- | --- | --- |",
        *(f"| {name} | {f1:.3f} | {actions.count[name]} |" for name, f1 in actions.f1.items()),
        "",
        f"Camera: off by {actions.camera_error:.2f}° a frame on average, {actions.moving_camera_error:.2f}° where it turned.",
        "",
        "| told from one picture that shows it | right |",
        "| --- | --- |",
        *(f"| {kind} | {share:.3f} |" for kind, share in found.items()),
        "",
    ]
    aside = folder / "README.md.tmp"
    aside.write_text("\n".join(lines))
    os.replace(aside, folder / "README.md")
