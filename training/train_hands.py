"""Trains hands on trials of the game: `simworld train hands loop.folder=runs/hands data.folder=runs/deeds`.

Each trial is one moment of the game in which both keys were tried out. Where the block aimed at lies is learned from what sight
makes of the picture, with all its mistakes; what faces look like, from where they truly are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simworld.model.checkpoint import load_network, save_network
from simworld.model.cube import Cube, Met, beside, levelled, meet
from simworld.model.grip import read
from simworld.model.hands import MOST_FRAMES, Hands, HandsConfig, visible
from simworld.model.pixels import to_float, to_uint8
from simworld.model.sight import Sight
from simworld.training.array_store import store, stored
from simworld.training.deeds import PICTURES, Deeds, DeedsConfig, deeds
from simworld.training.loop import LoopConfig, run, start_from
from simworld.training.pictures import grid
from simworld.training.stream import load

CHANGED = 0.05
"""Difference in colour, in [-1, 1], from which on a pixel has changed."""
SEEN = {"bare": 0.5, "before": 0.3, "stale": 0.2}
"""Which pictures of a trial hands see, and how often: dreams outline nothing, pictures of the game may."""
SOFT, MOST_SOFT = 0.6, 2.5
"""So many pictures are as soft as dreams are: made smaller, by up to so many times, and large again."""
NOISE = 0.03
"""Of which so much, in [-1, 1], is added at most."""
MIRRORED = 0.5
"""So many of the trials of which no colours are learned are seen in a mirror."""
TINTED, LIT = 0.1, 0.3
"""By how much, in the logarithm, the light of pictures is changed of which one thing alone is learned: of each colour, and of
all."""
ONLY = {
    "aim": ("see", "squeeze", "aim_layers"),
    "matter": ("matter",),
    "behind": ("behind", "broken_faces"),
    "placed": ("placed_faces",),
}
"""Parts of hands that can be learned alone."""
VOXEL_STROKES, VOXEL_BOXES = "simworld.env.voxel.strokes:strokes", "simworld.env.voxel.strokes:boxes"
SHOWN_BATCH = -1 & 0xFFFF
"""The batch that is shown in pictures."""


@dataclass(kw_only=True)
class HandsTraining:
    """`batch_size` trials a step. `sight`: the file of the sight that tells where things are. `init`: a file of hands of the
    same sizes that a new run starts from. Weights: of what is read of the block, of its turn, and of colours, beside the error
    of its place in blocks. Colours, which are dear and easy, are learned from a `color_share` of the trials. `only`:
    learn but one thing, which is quicker, in a mirror as well and in many a light: "aim", where it lies; from nearby "matter",
    how long it withstands, and "behind", what lies behind it; "placed", what blocks look like that are placed, in many a light
    but in no mirror, for nobody holds them at the left."""

    model: HandsConfig = field(default_factory=HandsConfig)
    data: DeedsConfig = field(default_factory=DeedsConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    sight: str = "runs/small/sight/sight.safetensors"
    batch_size: int = 32
    init: str = ""
    read_weight: float = 1.0
    turn_weight: float = 0.3
    color_weight: float = 1.0
    color_share: float = 0.25
    only: str = ""


@dataclass
class Batch:
    """seen: pictures in [-1, 1], as soft as dreams may be. near, pitch: what sight makes of them. pictures: by name, the true
    ones of the first m trials. can: whether something can be broken, and placed. toughness: frames, 0 for never. aimed, place:
    the blocks, truly; true_pitch: the pitch. progress: what is shown in `pictures["shown"]`."""

    seen: Float[Tensor, "b 3 h w"]
    near: Float[Tensor, "b 1 h w"]
    pitch: Float[Tensor, " b"]
    pictures: dict[str, Float[Tensor, "m 3 h w"]]
    can: Bool[Tensor, "b 2"]
    toughness: Float[Tensor, " b"]
    aimed: Cube
    place: Cube
    true_pitch: Float[Tensor, " b"]
    progress: Float[Tensor, " b"]


class HandsTask:
    """Which block is aimed at, how long it withstands, and what blocks look like."""

    def __init__(self, config: HandsTraining, trials: Deeds) -> None:
        self.config = config
        self.trials = trials
        self.sights = _seen(config, trials)
        torch.manual_seed(config.loop.seed)
        config.model.boxes = load(VOXEL_BOXES)()
        self.model = Hands(config.model)
        start_from(self.model, config.init, config.loop)
        if config.only:
            if config.only not in ONLY:
                raise ValueError(f"only={config.only}; hands learn one of {', '.join(ONLY)} alone, or all if it is empty")
            if config.only in ("matter", "behind") and not config.model.matter:
                raise ValueError(f"only={config.only}, but model.matter is empty: there is nothing to learn; give it channels")
            self.model.requires_grad_(False)
            for part in (getattr(self.model, name) for name in ONLY[config.only]):
                if part is not None:
                    part.requires_grad_(True)
        rows, columns = self.model.looks.shape[-2:]
        looks = torch.from_numpy(load(VOXEL_STROKES)(config.model.height, config.model.width)).movedim(-1, 2)
        self.model.looks.copy_(looks[..., -rows:, -columns:])

    def batch(self, step: int, num_trials: int) -> Batch:
        """The batch of `step`: trials drawn evenly."""
        rng = np.random.default_rng([self.config.loop.seed, step])
        chosen = rng.integers(len(self.trials), size=num_trials)
        device = self.config.loop.device

        def fact(name: str) -> Tensor:
            return torch.from_numpy(self.trials.fact(name, chosen)).to(device)

        def picture(places: np.ndarray, kinds: np.ndarray | int) -> Tensor:
            return to_float(torch.from_numpy(self.trials.pictures[places, kinds]).to(device)).movedim(-1, 1)

        painted = chosen[: max(1, round(self.config.color_share * num_trials))]
        pictures = {name: picture(painted, number) for number, name in enumerate(PICTURES)}
        kinds = rng.choice([PICTURES.index(name) for name in SEEN], num_trials, p=list(SEEN.values()))
        seen = _softened(picture(chosen, kinds), rng)
        near, pitch = (torch.from_numpy(part[chosen].astype(np.float32)).to(device) for part in self.sights)
        aimed = Cube(fact("aimed"), fact("turn"))
        held = read(self.model.looks, picture(chosen, PICTURES.index("bare"))).held
        place = Cube(fact("place"), fact("turn"), self.model.box(held))
        # Seen in a mirror the world is another one, but for the colours of what was in the hand, which is at the right.
        mirrored = torch.from_numpy(rng.random(num_trials) < MIRRORED).to(device) & (self.config.only != "placed")
        if self.config.only:
            pictures = {name: _flipped(part, mirrored[: len(part)]) for name, part in pictures.items()}
        else:
            mirrored[: len(painted)] = False
        seen, near = (_flipped(part, mirrored) for part in (seen, near))
        aimed.center[mirrored, 0] *= -1
        aimed.turn[mirrored] *= -1
        batch = Batch(
            seen, near[:, None], pitch, pictures,
            torch.stack([fact("toughness") > 0, fact("can_place") > 0], 1), fact("toughness"),
            aimed, place, fact("pitch"), fact("progress"),
        )  # fmt: skip
        return _relit(batch, rng) if self.config.only else batch

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        config, batch = self.config, self.batch(step, self.config.batch_size)
        if config.only == "behind":
            errors = {"broken": self._broken_error(_first(batch))}
        elif config.only == "placed":
            errors = {"placed": self._placed_error(_first(batch))}
        elif config.only == "matter":
            with torch.autocast(batch.seen.device.type, torch.bfloat16):
                frames = self.model.withstands(batch.seen, batch.near)
            errors = {"tough": self._withstood(frames, batch)}
        else:
            errors = self._aim_errors(batch) | ({} if config.only else self._color_errors(batch))
        weights = {"turned": config.turn_weight, "wrong": config.read_weight, "tough": config.read_weight}
        weights |= dict.fromkeys(("placed", "broken", "cracked"), config.color_weight)
        loss = torch.stack([weights.get(name, 1.0) * error for name, error in errors.items()]).sum()
        return loss, {name: float(error.detach()) for name, error in errors.items()}

    def _aim_errors(self, batch: Batch) -> dict[str, Tensor]:
        """How far the block aimed at is from where it lies, in blocks, and turned, and what is read of it."""
        with torch.autocast(batch.seen.device.type, torch.bfloat16):
            aim = self.model.aim(batch.seen, batch.near, batch.pitch)
        hit = (batch.aimed.center != 0).any(1).float()
        # What is told of the pitch is wrong; the block is to lie where it is seen.
        true = levelled(batch.aimed.center, batch.true_pitch, batch.pitch)
        wrong = F.binary_cross_entropy_with_logits(aim.read[:, :2], batch.can.float())
        errors = {
            "apart": _mean((aim.cube.center - true).abs().sum(1), hit),
            "turned": _mean(1 - torch.cos(4 * torch.deg2rad(aim.cube.turn - batch.aimed.turn)), hit),
            "wrong": wrong,
        }
        return errors if self.config.only else errors | {"tough": self._withstood(aim.frames, batch, aim.read[:, 2])}

    def _withstood(self, frames: Tensor | None, batch: Batch, read: Tensor | None = None) -> Tensor:
        """The error of how long what can be broken is held to withstand: cross entropy of `frames`, or L1 of the logarithm
        that was `read`; of larger numbers than `MOST_FRAMES` it is only learned that they are large."""
        true = batch.toughness.clamp(1, MOST_FRAMES)
        if frames is not None:
            return _mean(F.cross_entropy(frames.float(), true.long() - 1, reduction="none"), batch.can[:, 0].float())
        assert read is not None, "one of the two tells"
        return _mean((read - true.log()).abs(), batch.can[:, 0].float())

    def _color_errors(self, batch: Batch) -> dict[str, Tensor]:
        """L1 of what is painted where it should be, in [-1, 1]."""
        model, batch = self.model, _first(batch)
        pictures, bare = batch.pictures, batch.pictures["bare"]
        with torch.no_grad():
            entered = self._met(batch, batch.aimed)
        shaded = (bare + 1) * model.shade(entered, batch.progress) - 1
        cracked = _visible(batch, entered) * (batch.progress > 0)[:, None, None, None]
        return {
            "placed": self._placed_error(batch),
            "broken": self._broken_error(batch),
            "cracked": _mean((shaded - pictures["shown"]).abs(), cracked),
        }

    def _placed_error(self, batch: Batch) -> Tensor:
        """L1 of what placed blocks look like, of a batch whose pictures are all there."""
        with torch.no_grad():
            new = self._met(batch, batch.place)
        error = (self.model.placed(batch.seen, new) - batch.pictures["placed"]).abs()
        return _mean(error, _changed(batch, "placed") * new.met[:, None])

    def _broken_error(self, batch: Batch) -> Tensor:
        """The same of what lies behind blocks, of a batch whose pictures are all there."""
        with torch.no_grad():
            entered, left = (self._met(batch, batch.aimed, leaving) for leaving in (False, True))
        error = (self.model.broken(batch.seen, batch.near, left) - batch.pictures["broken"]).abs()
        return _mean(error, _changed(batch, "broken") * _visible(batch, entered))

    def _met(self, batch: Batch, cube: Cube, leaving: bool = False) -> Met:
        size = (batch.seen.shape[-2], batch.seen.shape[-1])
        return meet(cube, batch.true_pitch, size, self.config.model.field_of_view, leaving)

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """What hands see; outlined and cracked, broken, and placed, truly and by them."""
        assert isinstance(model, Hands)
        batch = _first(self.batch(SHOWN_BATCH, 32))
        size = (batch.seen.shape[-2], batch.seen.shape[-1])
        aim = model.aim(batch.seen, batch.near, batch.pitch)
        entered, left = (meet(aim.cube, batch.pitch, size, model.config.field_of_view, leaving) for leaving in (False, True))
        new = meet(replace(beside(aim.cube, batch.pitch), box=batch.place.box), batch.pitch, size, model.config.field_of_view)
        seen = visible(entered, batch.near)
        bare = batch.pictures["bare"]
        shaded = torch.where(seen, (bare + 1) * model.shade(entered, batch.progress) - 1, bare)
        broken = torch.where(seen, model.broken(batch.seen, batch.near, left), bare)
        placed = torch.where(visible(new, batch.near), model.placed(batch.seen, new), bare)
        rows = [batch.seen, batch.pictures["shown"], shaded, batch.pictures["broken"], broken]
        rows += [batch.pictures["placed"], placed]
        return grid(torch.stack([to_uint8(row.clamp(-1, 1)).movedim(1, -1) for row in rows]).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`hands.safetensors`, in float32."""
        assert isinstance(model, Hands)
        save_network(folder / "hands.safetensors", model, summary, torch.float32)


def _first(batch: Batch) -> Batch:
    """Of a batch those trials whose pictures are there."""
    m = len(batch.pictures["bare"])

    def cut(part: Any) -> Any:
        if isinstance(part, Cube):
            return Cube(part.center[:m], part.turn[:m], None if part.box is None else part.box[:m])
        return part if isinstance(part, dict) else part[:m]

    return Batch(*(cut(getattr(batch, part.name)) for part in fields(batch)))


def _relit(batch: Batch, rng: np.random.Generator) -> Batch:
    """The batch, each of its trials in another light."""
    n = len(batch.seen)
    light = torch.from_numpy(np.exp(rng.normal(0, TINTED, (n, 3, 1, 1)) + rng.normal(0, LIT, (n, 1, 1, 1)))).to(batch.seen)

    def shone(pictures: Float[Tensor, "m 3 h w"]) -> Float[Tensor, "m 3 h w"]:
        return ((pictures + 1) * light[: len(pictures)] - 1).clamp(max=1)

    return replace(batch, seen=shone(batch.seen), pictures={name: shone(part) for name, part in batch.pictures.items()})


def _flipped(part: Float[Tensor, "b *n w"], mirrored: Bool[Tensor, " b"]) -> Float[Tensor, "b *n w"]:
    """The parts that are seen in a mirror, so, and the others."""
    return torch.where(mirrored.view(-1, *[1] * (part.ndim - 1)), part.flip(-1), part)


def _visible(batch: Batch, entered: Met) -> Bool[Tensor, "b 1 h w"]:
    """Where blocks that are aimed at are seen."""
    return visible(entered, batch.near) & (batch.aimed.center != 0).any(1)[:, None, None, None]


def _changed(batch: Batch, name: str) -> Float[Tensor, "b 1 h w"]:
    """Which pixels are others than in the bare picture."""
    return ((batch.pictures[name] - batch.pictures["bare"]).abs().amax(1, keepdim=True) > CHANGED).float()


def _mean(errors: Float[Tensor, "b *n"], weight: Float[Tensor, "b *m"]) -> Tensor:
    """The weighted mean."""
    weight = weight.expand_as(errors)
    return (errors * weight).sum() / weight.sum().clamp(min=1)


@torch.inference_mode()
def _seen(config: HandsTraining, trials: Deeds) -> list[np.ndarray]:
    """What sight makes of the trials' pictures, kept beside them: near float16 [n, h, w] and pitch float32 [n]."""
    folder, names = Path(config.data.folder), ("near", "pitch")
    if (found := stored(folder, names)) is None:
        sight = load_network(Sight, Path(config.sight), torch.bfloat16, config.loop.device)

        def tell() -> Iterator[tuple[Tensor, Tensor]]:
            for pictures in trials.pictures:
                picture = to_float(torch.from_numpy(np.array(pictures[PICTURES.index("bare")]))).movedim(-1, 0)[None]
                picture = picture.to(config.loop.device)
                near = sight.near(picture)
                yield near[0, 0].cpu(), sight.pitch(picture, near)[0].cpu()

        size = (config.data.height, config.data.width)
        store(folder, {"near": (size, np.float16), "pitch": ((), np.float32)}, tell(), len(trials))
        found = stored(folder, names)
        assert found is not None, "they have just been written"
    return found


def _softened(pictures: Float[Tensor, "b 3 h w"], rng: np.random.Generator) -> Float[Tensor, "b 3 h w"]:
    """Some of the pictures as soft as dreams are."""
    soft = torch.from_numpy(rng.random(len(pictures)) < SOFT).to(pictures.device)
    if not bool(soft.any()):
        return pictures
    size = (pictures.shape[-2], pictures.shape[-1])
    smaller = [max(2, round(side / rng.uniform(1, MOST_SOFT))) for side in size]
    softer = F.interpolate(pictures[soft], smaller, mode="bilinear", antialias=True)
    softer = F.interpolate(softer, size, mode="bicubic")
    noise = torch.from_numpy(rng.standard_normal(softer.shape, np.float32)).to(softer.device)
    pictures = pictures.clone()
    pictures[soft] = (softer + float(rng.random()) * NOISE * noise).clamp(-1, 1)
    return pictures


def train(config: HandsTraining) -> Hands:
    """Train (or go on training) the hands that `config` describes; returns their EMA."""
    model = run(HandsTask(config, deeds(config.data)), config.loop)
    assert isinstance(model, Hands)
    return model
