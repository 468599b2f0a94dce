"""Work: how far the player's hands have come, counted from chunk to chunk. Knows keys, and no pictures."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.actions import CAMERA, KEYS
from simworld.model.cube import FILLED

ATTACK, USE = KEYS.index("attack"), KEYS.index("use")
PAUSE = 4
"""Frames from one block to the next, broken or placed while the key is held."""
SETTLED = 8
"""So many frames after a block has come or gone nothing changes any more."""
ELSEWHERE = 10.0
"""Degrees by which who turns has another block before the crosshair, and begins anew."""
FARTHEST, NUM_FAR = 6.0, 61
"""Blocks before the eye, and at how many distances up to there blocks in rank are looked for."""
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
    blocks are turned for who faces 0, summed over what was read so far, for all blocks of a world lie alike. cornerstone: where
    the middle of one lies, infinitely far where no picture told exactly, by outlining it; all others lie whole blocks from
    there. stands: whether it still does. box: as in `Cube`, of what stands there."""

    dug: Float[Tensor, " b"]
    turned: Float[Tensor, "b 2"]
    needs: Float[Tensor, " b"]
    wait: Float[Tensor, " b"]
    since: Float[Tensor, " b"]
    cell: Float[Tensor, "b 3"]
    compass: Float[Tensor, "b 2"]
    cornerstone: Float[Tensor, "b 3"]
    stands: Bool[Tensor, " b"]
    box: Float[Tensor, "b 2"]

    @property
    def progress(self) -> Float[Tensor, " b"]:
        """How far what is before the crosshair is cracked, in [0, 1]."""
        return (self.dug / (self.eager * self.needs)).clamp(max=CRACKED)

    @property
    def turn(self) -> Float[Tensor, " b"]:
        """By how much the sides of blocks are turned for who faces 0, as far as the compass tells, in degrees."""
        return torch.rad2deg(torch.atan2(self.compass[:, 1], self.compass[:, 0])) / 4

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
    nowhere = never[:, None].expand(-1, 3)
    stands, box = torch.zeros(b, dtype=torch.bool, device=device), torch.tensor([FILLED], device=device).expand(b, -1)
    return Work(rest, none, never, rest, never, nowhere, none, nowhere, stands, box)


def founded(work: Work, number: int, place: Float[Tensor, "3"], turn: Float[Tensor, ""]) -> Work:
    """The work of who knows, in one of b worlds, where exactly a block lies that stands there, and by how much the sides of
    blocks are turned for who faces 0, in degrees."""
    angle, row = torch.deg2rad(4 * turn), torch.arange(len(work.stands), device=place.device) == number
    compass = torch.stack([angle.cos(), angle.sin()])
    return replace(
        work,
        compass=torch.where(row[:, None], compass, work.compass),
        cornerstone=torch.where(row[:, None], place, work.cornerstone),
        stands=work.stands | row,
        box=torch.where(row[:, None], work.box.new_tensor(FILLED), work.box),
    )


def elsewhere(work: Work, gone: Bool[Tensor, " b"]) -> Work:
    """The work of those who have gone to another place: they know nothing of where its blocks lie."""
    cornerstone = torch.where(gone[:, None], torch.inf, work.cornerstone)
    return replace(work, cornerstone=cornerstone, stands=work.stands & ~gone)


def in_rank(
    work: Work, place: Float[Tensor, "b 3"], way: Float[Tensor, "b 3"], eye: Float[Tensor, "b 3"]
) -> Float[Tensor, "b 3"]:
    """Where the middles lie of the blocks that eyes, which look along unit vectors `way`, have before the crosshair, given
    about where they do: in rank with the cornerstone, where there is one."""
    far = torch.linspace(0, FARTHEST, NUM_FAR, device=place.device)
    corner = work.cornerstone[:, None]
    ways = _turned(work, eye[:, None] + way[:, None] * far[:, None] - corner)
    found = corner + _turned(work, ways.round(), back=True)
    nearest = (found - place[:, None]).norm(dim=2).nan_to_num(torch.inf).argmin(1)
    return torch.where(work.cornerstone.isfinite(), found[torch.arange(len(place)), nearest], place)


def built_on(
    work: Work,
    breaks: Bool[Tensor, " b"],
    old: Float[Tensor, "b 3"],
    places: Bool[Tensor, " b"],
    new: Float[Tensor, "b 3"],
    box: Float[Tensor, "b 2"] | None = None,
) -> Work:
    """The work after blocks have gone from `old` places, and come to `new` ones, of such a `box`: these, where there is a
    cornerstone, are the next."""
    gone = breaks & ((old - work.cornerstone).norm(dim=1) < SAME)
    comes = places & work.cornerstone.isfinite().all(1)
    cornerstone = torch.where(comes[:, None], new, work.cornerstone)
    box = torch.where(comes[:, None], work.box.new_tensor(FILLED) if box is None else box, work.box)
    return replace(work, cornerstone=cornerstone, stands=(work.stands & ~gone) | comes, box=box)


def _turned(work: Work, ways: Float[Tensor, "b n 3"], back: bool = False) -> Float[Tensor, "b n 3"]:
    """Ways (right, ahead, above) as (along, across, above) of the sides of blocks, or back."""
    angle = torch.deg2rad(work.turn)[:, None]
    sin, cos = (-angle.sin() if back else angle.sin()), angle.cos()
    right, ahead, above = ways.unbind(-1)
    return torch.stack([right * cos - ahead * sin, right * sin + ahead * cos, above], -1)


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
    compass = torch.where(work.cornerstone.isfinite()[:, :1], work.compass, compass)
    work = replace(work, compass=compass)
    return work, work.turn - yaw


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
