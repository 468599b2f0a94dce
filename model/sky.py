"""Sky: what of a place's sky stands still and what drifts with its clouds, read off all its pictures at once, and shown to eyes
anywhere in the place, at any time. Closed form.

Each picture shows the clouds from where it was taken: thrown together as if they were infinitely far away they are torn; as a
layer above the place they fit. Sun, moon, stars and the plain sky are as far away as can be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from simworld.model.camera import beside, directed, sample
from simworld.model.lattice import Cast, Lattice, cast
from simworld.model.pixels import to_float
from simworld.model.projection import pixel_ways
from simworld.model.registration import averaged, told_of_cells
from simworld.model.scenery import Shown
from simworld.model.surroundings import all_seen, recall

HIGH, BEND = 76.0, 0.14
"""Blocks from eyes up to the clouds; their layer bends down to the horizon, as if all of it were higher by this sine."""
WIND = 0.03
"""Blocks that clouds drift in a frame's time, away from sunrise."""
LOWEST, FADE = 0.02, 4.0
"""Sine of the height up from which clouds are seen, and how much more of them with each one."""
ROWS, COLUMNS = 180, 720
"""Of what stands still: heights from the horizon to above, headings all around."""
CELL, CELLS = 2.5, 384
"""Blocks that a cell of the layer is wide, and cells on each side."""
ABOUT, FAR_ABOUT = 3, 7
"""Where it is wet, what stands still is the mean of so many cells each way, and the layer of so many, as where few pixels tell
of a cell; else each cell is its own."""
FEW = 0.3
"""Pixels of a cell; what fewer tell is taken to be more like what is about."""
FIRM = 0.01
"""How firmly a plain sky is plain."""
LEAST_SEEN = 400
"""Pixels of sky that must be seen."""
OVERHEAD = ((-50.0, 0.0), (-50.0, 90.0), (-50.0, 180.0), (-50.0, 270.0), (-90.0, 0.0))
"""Views [pitch, yaw] of what is high up in a panorama, from this sine of its height on."""
STEEP = 0.34
UNLIKE, MOST_UNLIKE = 0.02, 4.5
"""How much colours of sky differ at least, and how many times as much as they do others may be from their mean."""
OPEN, DISTANT = 1 / 8, 1 / 20
"""1 / blocks: what a lattice tells to be empty up to there is sky where that is seen; what is empty so far is, where
nothing real is seen of it, for what is farther away lies in haze."""
UPWARD = 0.2
"""So high up there is nothing but sky, where no block is known."""
MOSTLY, WIDE = 0.5, 9
"""What is there with more than so much sky about it, in so many pixels each way, is sky, whatever was seen."""


@dataclass(frozen=True)
class Sky:
    """Colours in [-1, 1]. still: what stands still, by height and by heading, from behind on to the right, and one column more
    on either side, for it goes on there. layer: what clouds add, by cells ahead and to the right. Never written to."""

    still: Float[Tensor, "3 rows columns"]
    layer: Float[Tensor, "3 cells cells"]

    def seen(
        self, places: Float[Tensor, "r 3"], ways: Float[Tensor, "r 3 h w"], drift: Float[Tensor, "2"]
    ) -> Float[Tensor, "r 3 h w"]:
        """What eyes at places see in directions, as `directed` tells them, when the clouds have drifted so far, (right, ahead)
        in blocks."""
        r, _, h, w = ways.shape
        ahead, right, above = flat = ways.movedim(1, 0).flatten(1)
        across = torch.atan2(right, ahead) * (COLUMNS / (COLUMNS + 2) / math.pi)
        heights = above.clamp(0, 1).asin() * (4 / math.pi) - 1
        clouds = (_over(places.T.repeat_interleave(h * w, 1), flat) - drift[:, None]) * (2 / (CELL * CELLS))
        clouds = 1 - ((clouds + 1).remainder(4) - 2).abs()  # beyond the layer lies its mirror image, for clouds drift for hours
        still, layer = (
            sample(part[None], beside(*at).view(1, r * h, w, 2))[0]
            for part, at in ((self.still, (across, heights)), (self.layer, clouds))
        )
        colors = layer.mul_(_thick(above).view(r * h, w)).add_(still).clamp_(-1, 1)
        return colors.unflatten(1, (r, h)).movedim(0, 1)


def sky_of(
    pictures: UInt8[Tensor, "n h w 3"],
    near: Float[Tensor, "n h w"],
    places: Float[Tensor, "n 3"],
    views: Float[Tensor, "n 2"],
    field_of_view: float,
    lattice: Lattice | None = None,
    around: UInt8[Tensor, "p two_p 3"] | None = None,
    wet: bool = False,
) -> Sky | None:
    """The sky of a place, off pictures of it, as in `Scenery`, and what lies `around` the first of them, where its blocks are
    known; where it is `wet`, without the drops that these show. None where hardly any is seen."""
    size = (near.shape[1], near.shape[2])
    open_ = (near == 0) & (F.max_pool2d(near, 3, 1, 1) == 0)  # what is beside a leaf has something of its colour
    number, row, column = open_.nonzero(as_tuple=True)
    ways = F.normalize(pixel_ways(views, number, row, column, size, field_of_view), dim=0)
    seen = _Seen(ways, to_float(pictures[number, row, column]).T, places[number].T).where(ways[2] > LOWEST)
    if len(seen) < LEAST_SEEN:
        return None
    if lattice is not None and around is not None:
        seen = seen.beside(_overhead(around, lattice, seen, size, field_of_view))
    return _fitted(seen, (ABOUT, FAR_ABOUT) if wet else (1, 1))


def with_sky(
    shown: Shown,
    skies: Sequence[Sky | None],
    told: Cast | None,
    places: Float[Tensor, "b r 3"],
    views: Float[Tensor, "b r 2"],
    drift: Float[Tensor, "b 2"],
    field_of_view: float,
) -> Shown:
    """What is shown, with the sky of each world in one piece where lattices tell that no block is in the way."""
    if told is None or not any(skies):
        return shown
    (b, r, _, h, w), device = shown.colors.shape, shown.colors.device
    ways = directed(views.flatten(0, 1), (h, w), field_of_view).view(b, r, 3, h, w)
    above = ways[:, :, 2:]
    open_ = ((told.near < 0) & (told.clear < OPEN))[:, :, None] & (above > LOWEST)
    open_ = open_ & torch.tensor([sky is not None for sky in skies], device=device)[:, None, None, None, None]
    beyond = (above > UPWARD) | (told.clear < DISTANT)[:, :, None]
    sky = open_ & torch.where(shown.known & shown.real, shown.near == 0, beyond)
    about = averaged(sky.flatten(0, 1).float(), WIDE).view_as(sky)
    sky = sky | (open_ & (above > UPWARD) & (about > MOSTLY))
    colors = shown.colors.clone()
    for world, its in enumerate(skies):
        rows = sky[world].any(3).flatten(0, 1).any(0).nonzero()[:, 0].tolist()
        if its is not None and rows:
            here = (slice(None), slice(None), slice(rows[0], rows[-1] + 1))
            seen = its.seen(places[world], ways[world][here], drift[world])
            colors[world][here] = torch.where(sky[world][here], seen, colors[world][here])
    near = torch.where(sky, 0, shown.near)
    return replace(shown, colors=colors, near=near, known=shown.known | sky, kept=shown.kept | sky, real=shown.real | sky)


@dataclass(frozen=True)
class _Seen:
    """n pixels of sky: in which directions they lie, their colours, and from where they were seen."""

    ways: Float[Tensor, "3 n"]
    colors: Float[Tensor, "3 n"]
    places: Float[Tensor, "3 n"]

    def __len__(self) -> int:
        return self.ways.shape[1]

    def where(self, chosen: Bool[Tensor, " n"]) -> "_Seen":
        """Some of them."""
        return _Seen(*(part[:, chosen] for part in (self.ways, self.colors, self.places)))

    def beside(self, other: "_Seen") -> "_Seen":
        """These and others."""
        pairs = ((self.ways, other.ways), (self.colors, other.colors), (self.places, other.places))
        return _Seen(*(torch.cat(pair, 1) for pair in pairs))


def _overhead(
    around: UInt8[Tensor, "p two_p 3"], lattice: Lattice, seen: _Seen, size: tuple[int, int], field_of_view: float
) -> _Seen:
    """What is high up in a panorama, as far as no block is known to be there, and it has the colours that the higher half of
    what was `seen` has: trees reach higher up than pictures of the place."""
    views = torch.tensor(OVERHEAD, device=around.device)
    canvas = all_seen(to_float(around)[None].movedim(-1, 1), views[:1, 0])
    colors = recall(canvas, views[None], size, field_of_view)[0][0].movedim(1, 0).flatten(1)
    told = cast([lattice], torch.zeros(1, len(views), 3, device=around.device), views[None], size, field_of_view)
    assert told is not None, "there is a lattice"
    ways = directed(views, size, field_of_view).movedim(1, 0).flatten(1)
    high = seen.colors[:, seen.ways[2] >= seen.ways[2].median()]
    apart, spread = colors - high.mean(1, keepdim=True), high.cov() + UNLIKE**2 * torch.eye(3, device=around.device)
    alike = (apart * torch.linalg.solve(spread, apart)).sum(0) < MOST_UNLIKE**2
    return _Seen(ways, colors, torch.zeros_like(ways)).where((told.near.flatten() < 0) & (ways[2] > STEEP) & alike)


def _fitted(seen: _Seen, about: tuple[int, int]) -> Sky:
    """The sky of which so much was seen: a plain one, and what stands still and what drifts beside it, whose cells are means of
    so many."""
    device, plain, thick = seen.ways.device, _plain(seen.ways), _thick(seen.ways[2])
    firm = FIRM * plain.shape[1] / ROWS * torch.eye(len(plain), device=device)
    share = torch.linalg.solve(plain @ plain.T + firm, plain @ seen.colors.T)
    base = torch.einsum("nc,nyx->cyx", share, _plain(_directions(device)))
    here, cell = _still_cells(seen.ways), _layer_cells(seen.places, seen.ways)
    rest, one = seen.colors - base.flatten(1)[:, here], torch.ones_like(thick)
    clouds, few = rest, (FEW, FEW / FAR_ABOUT)
    for _ in range(2):  # each is what the other does not tell
        layer = told_of_cells(cell, clouds * thick, thick.square(), (CELLS, CELLS), (about[1], FAR_ABOUT), few)
        beside_layer = rest - layer.flatten(1)[:, cell] * thick
        still = told_of_cells(here, beside_layer, one, (ROWS, COLUMNS), (about[0], FAR_ABOUT), few)
        clouds = rest - still.flatten(1)[:, here]
    return Sky(F.pad((base + still)[None], (1, 1, 0, 0), mode="circular")[0], layer)


def _plain(ways: Float[Tensor, "3 *n"]) -> Float[Tensor, "9 *n"]:
    """What the colour of a plain sky is a sum of: of its height, and near the horizon of its heading."""
    ahead, right, above = ways
    long = (right.square() + ahead.square()).sqrt().clamp(min=1e-3)
    x, y, low = ahead / long, right / long, (1 - above).square()
    return torch.stack([*(above**power for power in range(5)), low * x, low * y, low * (x * x - y * y), low * x * y])


def _thick(above: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """How much is seen of clouds, by the sine of their height."""
    return ((above - LOWEST) * FADE).clamp(0, 1)


def _over(places: Float[Tensor, "3 #n"], ways: Float[Tensor, "3 n"]) -> Float[Tensor, "2 n"]:
    """Where clouds are, to the right and ahead, that eyes at places see."""
    return places[:2] + ways[:2].flip(0) * ((HIGH - places[2]) / (ways[2].clamp(min=0) + BEND))


def _directions(device: torch.device) -> Float[Tensor, "3 rows columns"]:
    """Those of what stands still."""
    height = ((torch.arange(ROWS, device=device) + 0.5) / ROWS * (math.pi / 2))[:, None]
    heading = ((torch.arange(COLUMNS, device=device) + 0.5) / COLUMNS * 2 - 1) * math.pi
    return torch.stack([height.cos() * heading.cos(), height.cos() * heading.sin(), height.sin().expand(ROWS, COLUMNS)])


def _still_cells(ways: Float[Tensor, "3 n"]) -> Int[Tensor, " n"]:
    """In which cells of what stands still directions lie."""
    row = ways[2].clamp(0, 1).asin() * (2 * ROWS / math.pi)
    column = (torch.atan2(ways[1], ways[0]) / math.pi + 1) * (COLUMNS / 2)
    return row.clamp(max=ROWS - 1).long() * COLUMNS + column.clamp(max=COLUMNS - 1).long()


def _layer_cells(places: Float[Tensor, "3 n"], ways: Float[Tensor, "3 n"]) -> Int[Tensor, " n"]:
    """In which cells of the layer clouds lie that eyes at places see, of what is beyond it the outermost."""
    right, ahead = (_over(places, ways) / CELL + CELLS / 2).clamp(0, CELLS - 1).long()
    return ahead * CELLS + right
