"""Work: how far the player's hands have come, counted from chunk to chunk. Knows keys, and no pictures."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.actions import CAMERA, KEYS

ATTACK, USE = KEYS.index("attack"), KEYS.index("use")
PAUSE = 4
"""Frames from one block to the next, broken or placed while the key is held."""
SETTLED = 8
"""So many frames after a block has come or gone nothing changes any more."""
ELSEWHERE = 10.0
"""Degrees by which who turns has another block before the crosshair, and begins anew."""
SAME = 0.5
"""Blocks: what is known to be farther apart is another."""
LASTING = 0.95
"""How much of what the compass showed is left a chunk later."""
EAGER, SURE = 0.8, 0.9
"""A block breaks after this share of the frames that are read: who digs in vain lets go. The same where it is known which
block that is."""
CRACKED = 0.95
"""Further than this nothing is cracked that still stands."""


@dataclass
class Work:
    """Of b players. dug: frames for which attack has worked on what is before the crosshair. turned: degrees (pitch, yaw)
    since it began. needs: frames that it takes, as far as was last read. wait: frames until a block can be broken or placed
    again. since: frames since one was. cell: where the middle of the block before the crosshair lies, (right, ahead, above) of
    the place, infinitely far where that is not known. compass: cosine and sine of four times the angle by which the sides of
    blocks are turned for who faces 0, summed over what was read so far, for all blocks of a world lie alike."""

    dug: Float[Tensor, " b"]
    turned: Float[Tensor, "b 2"]
    needs: Float[Tensor, " b"]
    wait: Float[Tensor, " b"]
    since: Float[Tensor, " b"]
    cell: Float[Tensor, "b 3"]
    compass: Float[Tensor, "b 2"]

    @property
    def progress(self) -> Float[Tensor, " b"]:
        """How far what is before the crosshair is cracked, in [0, 1]."""
        return (self.dug / (self.eager * self.needs)).clamp(max=CRACKED)

    @property
    def eager(self) -> Float[Tensor, " b"]:
        """The share of the frames that breaking takes after which it is done."""
        return torch.where(self.cell.isfinite().all(1), SURE, EAGER)

    @property
    def changing(self) -> Bool[Tensor, " b"]:
        """Whether a block has just come or gone."""
        return self.since < SETTLED


def nothing_done(b: int, device: torch.device) -> Work:
    """Of b players whose hands have rested."""
    rest, never = torch.zeros(b, device=device), torch.full((b,), torch.inf, device=device)
    none = torch.zeros(b, 2, device=device)
    return Work(rest, none, never, rest, never, never[:, None].expand(-1, 3), none)


def busy(actions: Float[Tensor, "b r a"]) -> Bool[Tensor, " b"]:
    """Whether attack or use is pressed."""
    return actions[..., [ATTACK, USE]].any(-1).any(-1)


def gone_on(work: Work, actions: Float[Tensor, "b r a"], cell: Float[Tensor, "b 3"] | None = None) -> Work:
    """The work after r actions more, but for what comes of it. cell: as in `Work`, of what is now before the crosshair."""
    r = actions.shape[1]
    attack = actions[..., ATTACK] > 0
    turned = work.turned + actions[..., CAMERA].sum(1)
    cell = torch.full_like(work.cell, torch.inf) if cell is None else cell
    both = (cell.isfinite() & work.cell.isfinite()).all(1)
    elsewhere = torch.where(both, (cell - work.cell).norm(dim=1) > SAME, turned.norm(dim=1) > ELSEWHERE)
    # Letting go loses all that was done, but what was done before may have been enough.
    first = _first(attack).to(work.dug)
    resting = elsewhere | (work.wait > 0)
    dug = torch.where(resting, 0, torch.maximum(torch.where(first > 0, work.dug + first, 0), _first(attack.flip(1)).to(first)))
    turned = torch.where((elsewhere | (dug <= r))[:, None], 0, turned)
    pressed = attack.any(1) | (actions[..., USE] > 0).any(1)
    wait = torch.where(pressed, (work.wait - r).clamp(min=0), 0)
    needs = torch.where(elsewhere, torch.inf, work.needs)
    return replace(work, dug=dug, turned=turned, needs=needs, wait=wait, since=work.since + r, cell=cell)


def turned_alike(work: Work, turn: Float[Tensor, " b"], yaw: Float[Tensor, " b"]) -> tuple[Work, Float[Tensor, " b"]]:
    """The work, and by how much the sides of blocks are turned for who faces `yaw`, given what was just read: in degrees."""
    angle = torch.deg2rad(4 * (turn + yaw))
    compass = LASTING * work.compass + torch.stack([angle.cos(), angle.sin()], -1)
    return replace(work, compass=compass), torch.rad2deg(torch.atan2(compass[:, 1], compass[:, 0])) / 4 - yaw


def due(
    work: Work, actions: Float[Tensor, "b r a"], read: Float[Tensor, "b 3"]
) -> tuple[Work, Bool[Tensor, " b"], Bool[Tensor, " b"]]:
    """What comes of the work under the last r actions, given what hands have `read` of the picture (`hands.READ`): the work
    after it, and whether a block breaks, and whether one is placed."""
    breakable, placeable, toughness = read.unbind(1)
    needs = torch.where(breakable > 0, toughness.exp().clamp(min=1), torch.inf)
    breaks = (work.dug >= work.eager * needs) & (work.wait == 0)
    places = (actions[..., USE] > 0).any(1) & (placeable > 0) & (work.wait == 0) & ~breaks
    done = breaks | places
    rest = torch.zeros_like(work.dug)
    attack = actions[..., ATTACK] > 0
    dug = torch.where(attack.all(1), work.dug, torch.minimum(work.dug, _first(attack.flip(1)).to(rest)))
    return (
        replace(
            work,
            dug=torch.where(breaks, rest, dug),
            needs=needs,
            wait=torch.where(done, PAUSE, work.wait),
            since=torch.where(done, rest, work.since),
        ),
        breaks,
        places,
    )


def _first(held: Bool[Tensor, "b r"]) -> Int[Tensor, " b"]:
    """For how many frames from the first on a key is held."""
    return held.long().cumprod(1).sum(1)
