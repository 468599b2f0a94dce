"""Faces: which spot of which face of a block each pixel shows. Closed form; knows nothing but where blocks lie."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simworld.model.camera import half_angles, rays
from simworld.model.lattice import Lattice, sent

SIDE = 32
"""Spots along each side of a face."""
FACES = 6
"""Two across each axis: towards sunrise, to the left of that, and up."""
COARSE = (0.6, 1.5, 3.0)
"""Up to how many sixteenths of a face a pixel covers in each of the levels of detail."""
SPOTS = len(COARSE) * FACES * SIDE**2
NOWHERE = -1
"""The spot of what is no face, or so far away that nothing is seen on it."""
NEAREST, FARTHEST = 0.05, 1 / 16
"""Blocks, and 1 / blocks, of what has spots."""
BEHIND = 0.02
"""Blocks: the block that has a face is found so far behind it."""
LEAST_ACROSS = 0.08
"""How far a way goes across a face in its length at least, as far as it counts."""


def spots(
    lattice: Lattice,
    places: Float[Tensor, "r 3"],
    views: Float[Tensor, "r 2"],
    near: Float[Tensor, "r h w"],
    heading: float,
    field_of_view: float,
) -> Int[Tensor, "r h w"]:
    """The spots that eyes see who look from `places` towards `views` at what is so near, `NOWHERE` where no face of a whole
    block is near enough. heading: degrees to the right of sunrise in which a view of yaw 0 looks."""
    r, h, w = near.shape
    every = rays((h, w), field_of_view, near.device).flatten(1)
    focal = h / 2 / half_angles((h, w), field_of_view)[0]
    # The lattice's axes as they lie from sunrise on, a quarter turn after the other.
    quarter = round((90 + heading + lattice.turn) / 90) % 4
    found = torch.full((r, h * w), NOWHERE, dtype=torch.int32, device=near.device)
    for number in range(r):
        close = (near[number].flatten() > FARTHEST).nonzero()[:, 0]
        start, ways = sent(lattice, places[number], views[number], every.index_select(1, close))
        points = torch.addcdiv(start, ways, near[number].flatten().index_select(0, close))
        # Of the planes between cells, that which is met soonest before or after is the face's.
        planes = points.round()
        first, second, third = (points - planes).div_(ways).abs_()
        aside = (first <= second) & (first <= third)
        up = ~aside & (third < second)
        away = _of_axis((planes - start) / ways, aside, up)
        across, points = _of_axis(ways, aside, up), torch.addcmul(start, ways, away)
        covers = 16 / focal * away * (1 + ways.square().sum(0).sqrt() / across.abs().clamp(min=LEAST_ACROSS)) / 2
        whole = lattice.is_whole(torch.addcmul(points, ways, BEHIND / across.abs().clamp(min=BEHIND)).T)
        spot = _spot(points, across, aside, up, quarter) + sum((covers > each).int() for each in COARSE) * (FACES * SIDE**2)
        found[number, close] = torch.where(whole & (spot < SPOTS) & (away > NEAREST), spot, NOWHERE)
    return found.view(r, h, w)


def _of_axis(parts: Float[Tensor, "3 n"], aside: Bool[Tensor, " n"], up: Bool[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The first of the parts where it is of what lies aside, the last where up, else the second: quicker than `gather`."""
    return torch.where(aside, parts[0], torch.where(up, parts[2], parts[1]))


def _spot(
    points: Float[Tensor, "3 n"], across: Float[Tensor, " n"], aside: Bool[Tensor, " n"], up: Bool[Tensor, " n"], quarter: int
) -> Int[Tensor, " n"]:
    """The spots of points on faces, in the first level, across the lattice's first axis where `aside`, across its last where
    `up`, met along `across`; the axes from sunrise on are so many quarters of a turn to the left of the lattice's."""
    x, y, z = points
    first, second = ((x, y), (y, -x), (-x, -y), (-y, x))[quarter]
    if quarter % 2:
        aside = ~aside & ~up
    turned = torch.where(up, 1, torch.where(aside, (1, 1, -1, -1)[quarter], (1, -1, -1, 1)[quarter]))
    column, row = (part - part.floor() for part in (torch.where(aside, second, first), torch.where(up, second, z)))
    face = torch.where(up, 4, torch.where(aside, 0, 2)) + (across * turned > 0).int()
    last = SIDE - 1
    spot = (face * SIDE + (row * SIDE).int().clamp(max=last)) * SIDE + (column * SIDE).int().clamp(max=last)
    return spot.int()
