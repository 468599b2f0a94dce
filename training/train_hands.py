"""Trains hands on clips: `simworld train hands loop.folder=runs/hands data.folder=runs/clips`.

What hands do is learned from moments in which the player stands still and a key of hands is pressed: a true frame, turned
with the camera to where it looks some frames later, is what would be seen if nobody did anything, and the true frames of
that time are what is to be seen.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from simworld.actions import CAMERA, SLOT
from simworld.model.camera import sample, turn_grid
from simworld.model.checkpoint import load_hands, save_hands
from simworld.model.hands import DECIDED, HANDS, RECALL, SWING, Hands, HandsConfig
from simworld.model.motion import WALKING
from simworld.model.pixels import to_float, to_uint8
from simworld.training.clip_store import ClipStore
from simworld.training.data import DataConfig, clips
from simworld.training.loop import LoopConfig, is_begun, run
from simworld.training.pictures import grid

STANDING = 4
"""Who has not walked for so many frames stands still."""
LEAST_HOLD = 4
"""Attack held for so many frames and then let go has mostly broken something."""
CROSSHAIR = 0.17
"""How far from the crosshair hands do most, as a share of the picture's width; what lies farther away counts for less."""
LEAST_WEIGHT = 0.1
EVENT = 0.08
"""Mean difference near the crosshair, for pictures in [-1, 1], by which an event is known."""
MOST_TRIES = 8
"""So many moments are looked at for one with an event."""
CHANGED = 0.15
"""Difference in colour, for pictures in [-1, 1], from which on a pixel has changed."""
SHARES = {"use": 0.4, "broken": 0.2, "attack": 0.2, "hotbar": 0.1, "after": 0.1}
"""Of the moments that are learned from: what hands do in them."""


@dataclass(kw_only=True)
class HandsTraining:
    """`batch_size` chunks a step. In a `late` share of those in which attack is held, the frame that is known is up to
    `most_late` frames older: nobody has drawn the cracks since. An `eventful` share of the chunks must show a change before
    the crosshair. `field_of_view`: the camera's. `init`: a file of hands of the
    same sizes that a new run starts from."""

    model: HandsConfig = field(default_factory=HandsConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    batch_size: int = 32
    late: float = 0.5
    most_late: int = 40
    eventful: float = 0.6
    field_of_view: float = 70.0
    init: str = ""
    color_weight: float = 4.0


class HandsTask:
    """Cross-entropy of which pixels change + L1 of the colours that they change into."""

    def __init__(self, config: HandsTraining, store: ClipStore) -> None:
        self.config = config
        self.store = store
        torch.manual_seed(config.loop.seed)
        self.model = Hands(config.model)
        if config.init and not is_begun(config.loop):
            self.model.load_state_dict(load_hands(Path(config.init)).state_dict())
        self.actions = np.array(store.actions)
        self.standing = _standing(self.actions)
        self.moments = self._moments()

    def _moments(self) -> dict[str, np.ndarray]:
        """For each kind of moment, the clips and the frames [n, 2] after which such chunks begin. ValueError for none."""
        r = self.config.model.time_stride
        use, attack = (self.actions[..., SLOT[key]] > 0 for key in ("use", "attack"))
        hotbar = np.any(self.actions[..., [slot for slot in HANDS if slot not in (SLOT["use"], SLOT["attack"])]], axis=-1)
        let_go = ~_lately(~attack, LEAST_HOLD)
        let_go[:, :-1] &= ~attack[:, 1:]
        busy = use | attack | hotbar
        kinds = {"use": use, "broken": let_go, "attack": attack, "hotbar": hotbar, "after": _lately(busy, SWING) & ~busy}
        # A chunk is led to by r actions, and the player must have stood still before it, too.
        still = np.stack([self.standing[:, n : self.standing.shape[1] - r + 1 + n] for n in range(r)]).all(0)
        moments = {}
        for name, kind in kinds.items():
            within = np.stack([kind[:, n : kind.shape[1] - r + 1 + n] for n in range(r)]).any(0)
            found = np.argwhere(within & still)
            if len(found):
                moments[name] = found
        if not moments:
            folder = self.config.data.folder
            raise ValueError(f"{folder}: in none of {len(self.store)} clips does anybody use a hand while standing")
        return moments

    def batch(
        self, step: int, num_chunks: int
    ) -> tuple[Float[Tensor, "b h w 3"], Float[Tensor, "b r 2"], Float[Tensor, "b n a"], Float[Tensor, "b r h w 3"]]:
        """The batch of `step`: known frames, the camera's turns from them to the r frames of the chunk, the last actions,
        none where the clip had not begun, and the true frames."""
        config, rng = self.config, np.random.default_rng([self.config.loop.seed, step])
        r = config.model.time_stride
        names = sorted(self.moments)
        weights = np.array([SHARES[name] for name in names])
        known, turns, actions, true = [], [], [], []
        for kind in rng.choice(len(names), num_chunks, p=weights / weights.sum()):
            must_show = rng.random() < config.eventful
            for _ in range(MOST_TRIES):
                clip, start = rng.choice(self.moments[names[kind]])
                first = start
                if rng.random() < config.late:
                    first -= int(rng.integers(1 + min(config.most_late, self._attacked(clip, start))))
                if not must_show or self._shows_event(clip, first, start + r):
                    break
            known.append(self.store.frames[clip, first])
            true.append(self.store.frames[clip, start + 1 : start + 1 + r])
            turns.append(self.actions[clip, first : start + r, CAMERA].cumsum(0)[-r:])
            told = self.actions[clip, max(0, start + r - RECALL) : start + r]
            actions.append(np.pad(told, ((RECALL - len(told), 0), (0, 0))))
        device = config.loop.device
        parts = (torch.from_numpy(np.stack(part)).to(device) for part in (known, turns, actions, true))
        frames, turned, told_all, wanted = parts
        return to_float(frames), turned, told_all, to_float(wanted)

    def _attacked(self, clip: int, start: int) -> int:
        """For how many frames before `start` attack was held by a player who stood still."""
        held = (self.actions[clip, :start, SLOT["attack"]] > 0) & self.standing[clip, :start]
        return int(np.argmin(held[::-1])) if not held.all() else start

    def _shows_event(self, clip: int, first: int, last: int) -> bool:
        """Whether something has changed before the crosshair between two frames of a clip; not told where the camera turned."""
        if np.abs(self.actions[clip, first:last, CAMERA]).sum() > 1:
            return False
        h, w = self.store.frames.shape[2:4]
        middle = (slice(h // 3, 2 * h // 3), slice(2 * w // 5, 3 * w // 5))
        one, other = (self.store.frames[clip, frame][middle].astype(np.float32) / 127.5 for frame in (first, last))
        return float(np.abs(one - other).mean()) > EVENT

    def _idle(self, known: Float[Tensor, "b h w 3"], turns: Float[Tensor, "b r 2"]) -> Float[Tensor, "b r h w 3"]:
        """The frames that would be seen if nobody did anything."""
        places = turn_grid(turns.flatten(0, 1), (known.shape[1], known.shape[2]), self.config.field_of_view)
        pictures = known.movedim(-1, 1).repeat_interleave(turns.shape[1], 0)
        return sample(pictures, places, "bicubic").movedim(1, -1).clamp(-1, 1).unflatten(0, turns.shape[:2])

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        known, turns, actions, true = self.batch(step, self.config.batch_size)
        idle = self._idle(known, turns)
        with torch.autocast(known.device.type, torch.bfloat16):
            change = self.model.change(idle, actions)
        weight = self.model.window(_weight(true.shape[2], true.shape[3])[None, None]).to(true.device)
        idle, true = self.model.window(idle), self.model.window(true)
        changed = ((true - idle).abs().amax(-1, keepdim=True) > CHANGED).float()
        error = weight * changed * (change.colors - true).abs()
        unsure = F.binary_cross_entropy_with_logits(change.share, changed, weight.expand_as(changed))
        loss = (unsure + self.config.color_weight * error.mean()) / weight.mean()
        shown = torch.lerp(idle, change.colors.detach(), (DECIDED * change.share.detach()).sigmoid())
        undone = (weight * (shown - true).square()).mean() / (weight * (idle - true).square()).mean()
        found = (weight * changed * (change.share > 0)).sum() / (weight * changed).sum()
        return loss, {"undone": float(undone), "found": float(found)}

    @torch.no_grad()
    def pictures(self, model: nn.Module) -> np.ndarray:
        """Frames if nobody did anything, true ones, and those with hands."""
        known, turns, actions, true = self.batch(-1 & 0xFFFF, 8)
        idle = self._idle(known, turns)
        shown = model(idle, actions)
        rows = [to_uint8(part[:, -1].clamp(-1, 1)) for part in (idle, true, shown)]
        return grid(torch.stack(rows).cpu().numpy())

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        """`hands.safetensors`, in float32."""
        assert isinstance(model, Hands)
        save_hands(folder / "hands.safetensors", model, summary, torch.float32)


def _standing(actions: Float[np.ndarray, "n t a"]) -> Bool[np.ndarray, "n t"]:
    """Whether the player stood still while an action led on: it walks neither then nor shortly before."""
    return ~_lately(np.any(actions[..., WALKING] > 0, axis=-1), STANDING)


def _lately(told: Bool[np.ndarray, "n t"], num_frames: int) -> Bool[np.ndarray, "n t"]:
    """Whether something was so in any of the last frames, the present one included."""
    lately = told.copy()
    for ago in range(1, num_frames):
        lately[:, ago:] |= told[:, :-ago]
    return lately


def _weight(h: int, w: int) -> Float[Tensor, "h w 1"]:
    """How much each pixel of a picture counts: most at the crosshair, 1 there."""
    y, x = torch.meshgrid(torch.arange(h) + 0.5 - h / 2, torch.arange(w) + 0.5 - w / 2, indexing="ij")
    weight = LEAST_WEIGHT + (-0.5 * (y**2 + x**2) / (CROSSHAIR * w) ** 2).exp()
    return weight[..., None]


def train(config: HandsTraining) -> Hands:
    """Train (or go on training) the hands that `config` describes; returns their EMA."""
    model = run(HandsTask(config, clips(config.data)), config.loop)
    assert isinstance(model, Hands)
    return model
