"""Body: how a player's body moves among the blocks of a place as the keys tell: walks, jumps, falls, wades and climbs out, as
in Minecraft. Closed form, of one player at a time; knows blocks and keys, and no pictures."""

import math
from itertools import pairwise, product

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from simworld.actions import CAMERA, KEYS
from simworld.model.footing import DRAG, EYE, GRAVITY, WIDE
from simworld.model.lattice import WHOLE, Lattice
from simworld.model.surroundings import SNEAK, SPRINT, STRIDE, headed

TALL = 1.8
"""Blocks from feet to head."""
SNEAKING_EYE, CROUCHES = 1.54, 0.5
"""Blocks from the feet of who sneaks to the eye, which goes so much of what is left of its way in each frame."""
GROUND_DRAG, AIR_DRAG, WATER_DRAG = 0.546, 0.91, 0.8
"""What is left of a speed a frame later."""
PUSH, AIR_PUSH, WATER_PUSH = (0.1, 0.13), (0.02, 0.026), (0.02, 0.03)
"""Blocks a frame by which keys make who walks, and who sprints, quicker in each."""
WISH = 0.98
"""The share of a push that keys ask for."""
JUMP, LEAP = 0.42, 0.2
"""Blocks a frame: up of who jumps, and ahead of who sprints as well."""
RISE, SINK, CLIMB, BANK = 0.04, 0.02, 0.3, 0.6
"""The same in water: of who jumps, by itself, and of who is pressed against a bank of so many blocks."""
WET = 0.4
"""Blocks above the feet: who has water there is in it."""
OFF = 0.1
"""Blocks by which it may be mistaken where blocks are, or bodies."""
HALVES = 8
"""So many times at most the step is halved of who sneaks and must not fall."""
LONGEST_AIR, HIGHEST = 14, 1.3
"""Frames that who jumped is in the air at most, but off a cliff, and blocks above the ground."""
TOLD, BETTER = 0.5, 0.02
"""Blocks: who would have come to be elsewhere by more than so did not come so, and of two ways the one of more frames must be
so much better."""
EDGE = 1e-4
"""Blocks: who is so little within a block is beside it, for places are rounded."""
BARELY = 0.006
"""Blocks: who is by so little above a block does not stand on it, for most of these stand beside it, at a wall."""
BACK, FORWARD, LEFT, RIGHT, JUMPS, SNEAKS, SPRINTS = (
    KEYS.index(key) for key in ("back", "forward", "left", "right", "jump", "sneak", "sprint")
)


Point = tuple[float, float, float]
"""Among the cells of a lattice; or a step."""
STILL = 0.0, 0.0, 0.0


def walked(
    lattice: Lattice, place: Float[Tensor, "3"], moved: Float[Tensor, "r 3"], yaw: float, actions: Float[Tensor, "n a"]
) -> Float[Tensor, "r 3"] | None:
    """How far the last r of n actions take an eye at `place`, (right, ahead, above) in blocks, whose body faces `yaw`, in
    degrees, before them. moved: how far the r before have taken it. None where nothing is known of what it stands on."""
    r, eyes = len(moved), _eyes(actions)
    rises = [0.0] * r + [after - once for once, after in pairwise(eyes)]
    x, y, z = lattice.within(place).tolist()
    ways = zip((moved @ lattice.turned.T).tolist(), rises[-2 * r : -r], strict=True)
    steps = [(aside, onward, above - rise) for (aside, onward, above), rise in ways]
    body = _Body(_Blocks(lattice), (x, y, z - eyes[-r - 1]), [STILL, *steps])
    if body.blocks.ground(body.at) is None:
        return None
    found = []
    for action, rise in zip(actions[-r:].tolist(), rises[-r:], strict=True):
        yaw += action[CAMERA.start + 1]
        before = body.at
        body.step(action, lattice.turn, yaw)
        aside, onward, above = (after - once for after, once in zip(body.at, before, strict=True))
        found.append([aside, onward, above + rise])
    return place.new_tensor(found) @ lattice.turned


def came(lattice: Lattice | None, yaw: float, actions: Float[Tensor, "n a"], r: int) -> Float[Tensor, "r 3"]:
    """How far the last r of n actions took an eye that is where places are counted from and now looks towards `yaw`, in
    degrees: as on flat ground, but that it may have jumped, or fallen, from where it last stood among the blocks, if these are
    known."""
    actions = F.pad(actions, (0, 0, 2 * LONGEST_AIR, 0))
    flat = headed(_coasted(actions)[None], actions.new_tensor([yaw]))[0]
    if lattice is None:
        return flat[-r:]
    level, blocks = F.pad(flat[:, :2], (0, 1)), _Blocks(lattice)
    least, found = TOLD, level[-r:]
    for num in range(LONGEST_AIR + 1):
        since = len(actions) - num
        start = -level[since:].sum(0)
        x, y, z = lattice.within(start).tolist()
        ground = blocks.ground((x, y, z - EYE + HIGHEST))
        if ground is None:
            continue
        start[2] = ground + EYE - z
        turned = yaw - float(actions[since:, CAMERA.start + 1].sum())
        steps = walked(lattice, start, level[since - num : since], turned, actions) if num else level[:0]
        assert steps is not None, "there is ground"
        off = float((start + steps.sum(0)).norm())
        if off < least - BETTER:
            least, found = off, torch.cat([level[since - r : since], steps])[-r:]
    return found


def _coasted(actions: Float[Tensor, "n a"]) -> Float[Tensor, "n 3"]:
    """How far n actions take who stood still before them, were all ground flat: (right, ahead, above) for who faces ahead
    after them."""
    n, wide = len(actions), 2 * math.ceil(STRIDE * SPRINT * len(actions)) + 3
    high = torch.full((wide, wide, 1), WHOLE, dtype=torch.uint8, device=actions.device)
    flat = Lattice(0.0, actions.new_tensor([-wide / 2, -wide / 2, -1 - EYE]), high, high)
    steps = walked(flat, actions.new_zeros(3), actions.new_zeros(n, 3), 0.0, actions)
    assert steps is not None, "there is ground"
    return headed(steps[None], -actions[None, :, CAMERA.start + 1].sum(1))[0]


def _eyes(actions: Float[Tensor, "n a"]) -> list[float]:
    """How high the eye is above the feet before and after each action."""
    eyes = [EYE]
    for sneaks in (actions[:, SNEAKS] > 0).tolist():
        eyes.append(eyes[-1] + CROUCHES * ((SNEAKING_EYE if sneaks else EYE) - eyes[-1]))
    return eyes


Column = list[tuple[bool, bool]]
"""For each cell upwards whether a block fills it, and whether water does."""


class _Blocks:
    """The blocks of a lattice, column by column."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self._columns: dict[tuple[int, int], Column] = {}

    def column(self, x: int, y: int) -> Column:
        """One of them; empty beyond its bounds."""
        high, broad = self._lattice.high, self._lattice.broad
        if not (0 <= x < high.shape[0] and 0 <= y < high.shape[1]):
            return []
        if (x, y) not in self._columns:
            cells = zip(high[x, y].tolist(), broad[x, y].tolist(), strict=True)
            self._columns[x, y] = [(tall == wide == WHOLE, 0 < tall < WHOLE == wide) for tall, wide in cells]
        return self._columns[x, y]

    def about(self, at: Point, wide: float = WIDE) -> list[Column]:
        """The columns that a body is in, so wide to each side."""
        x, y = (range(math.floor(each - wide + EDGE), math.floor(each + wide - EDGE) + 1) for each in at[:2])
        return [self.column(*place) for place in product(x, y)]

    def free(self, at: Point, wide: float = WIDE) -> bool:
        """Whether a body may be there."""
        cells = range(max(math.floor(at[2] + OFF), 0), math.floor(at[2] + TALL - EDGE) + 1)
        return not any(column[z][0] for column in self.about(at, wide) for z in cells if z < len(column))

    def shut(self, at: Point) -> bool:
        """Whether it would be in blocks by more than may be mistaken."""
        return not self.free(at, WIDE - OFF)

    def ground(self, at: Point) -> float | None:
        """How high what is below a body is; None where nothing is."""
        tops = [
            z + 1
            for column in self.about(at, WIDE - BARELY)
            for z in range(min(math.floor(at[2] + OFF), len(column)))
            if column[z][0]
        ]
        return max(tops, default=None)

    def roof(self, at: Point) -> float:
        """How high what is above its head is."""
        first = max(math.ceil(at[2] + TALL - OFF), 0)
        bottoms = [z for column in self.about(at) for z in range(first, len(column)) if column[z][0]]
        return min(bottoms, default=math.inf)

    def stands(self, at: Point) -> bool:
        """Whether a body is on the ground, or on what nothing is known of."""
        ground = self.ground(at)
        return ground is None or at[2] - ground < OFF

    def wet(self, at: Point) -> bool:
        """Whether a body is in water."""
        column, z = self.column(math.floor(at[0]), math.floor(at[1])), math.floor(at[2] + WET)
        return 0 <= z < len(column) and column[z][1]


class _Body:
    """A body whose feet are `at` some place, and that has made such steps."""

    def __init__(self, blocks: _Blocks, at: Point, steps: list[Point]) -> None:
        self.blocks, self.at = blocks, at
        last, before = steps[-1], steps[-2]
        once = (at[0] - last[0], at[1] - last[1], at[2] - last[2])
        # Who walks off an edge leaves the ground a frame later: bodies fall before they go aside.
        stood = blocks.stands((once[0] - before[0], once[1] - before[1], once[2]))
        self.stands = blocks.stands((once[0], once[1], at[2])) and last[2] <= OFF
        rising = last[2] if blocks.free(once) and not self.stands else 0.0
        self.speed = _slowed([last[0], last[1], rising], blocks.wet(once), stood)

    def step(self, action: list[float], turn: float, yaw: float) -> None:
        """One frame under an action that has turned it to `yaw`, among blocks that are turned by `turn`, in degrees."""
        jumps, sneaks = action[JUMPS] > 0, action[SNEAKS] > 0
        ahead, aside = action[FORWARD] - action[BACK], action[RIGHT] - action[LEFT]
        sprints, wet, stands = action[SPRINTS] > 0 and ahead > 0 and not sneaks, self.blocks.wet(self.at), self.stands
        share = WISH / max(1.0, math.hypot(ahead, aside)) * (SNEAK if sneaks and not wet else 1.0)
        angle = math.radians(yaw - turn)
        sin, cos = math.sin(angle), math.cos(angle)
        wish = (share * (aside * cos + ahead * sin), share * (ahead * cos - aside * sin))
        push = (WATER_PUSH if wet else PUSH if stands else AIR_PUSH)[sprints]
        if wet:
            self.speed[2] += RISE * (jumps - sneaks)
        elif jumps and stands:
            self.speed[2] = JUMP
            self.speed[0] += LEAP * sin * sprints
            self.speed[1] += LEAP * cos * sprints
        for axis in (0, 1):
            self.speed[axis] += push * wish[axis]
        if sneaks and stands and not wet and self.speed[2] <= 0:
            self._stay()
        walled = self._move()
        self.speed = _slowed(self.speed, wet, stands)
        x, y, z = self.at
        if wet and walled and self.blocks.free((x + wish[0], y + wish[1], z + BANK)):
            self.speed[2] = CLIMB

    def _stay(self) -> None:
        """Who sneaks never falls off."""
        for axis in (0, 1):
            for _ in range(HALVES):
                x = self.at[0] + self.speed[0]
                y = self.at[1] + self.speed[1] * axis
                if self.blocks.stands((x, y, self.at[2])):
                    break
                self.speed[axis] /= 2
            else:
                self.speed[axis] = 0.0

    def _move(self) -> bool:
        """Move as far as nothing is in the way; whether a wall is."""
        x, y, z = self.at
        ground, rises = self.blocks.ground(self.at), self.speed[2] > 0
        above = z + self.speed[2]
        if rises:
            self.at = (x, y, max(z, min(above, self.blocks.roof(self.at) - TALL)))
        elif self.blocks.shut(self.at):
            # Who is in the ground, or where deep water is taken for ground, comes up where that can be.
            self.at = (x, y, z if self.blocks.shut((x, y, math.ceil(z))) else min(z + CLIMB, math.ceil(z)))
        else:
            self.at = (x, y, z if ground is None else max(above, ground))
        self.stands = not rises and self.at[2] > above
        if self.at[2] != above:
            self.speed[2] = 0.0
        walled = False
        # The longer way first, so that a body slips round corners the way it is heading.
        for axis in sorted((0, 1), key=lambda axis: -abs(self.speed[axis])):
            step, now = self.speed[axis], self.at
            there = (now[0] + step * (axis == 0), now[1] + step * (axis == 1), now[2])
            free, fits = self.blocks.free(now), self.blocks.free(there)
            if not free and not self.blocks.shut(now) and self.blocks.shut(there):
                there = now  # who leans on what may be elsewhere by a little goes along it, and not through it
            elif free and not fits:
                side = math.copysign(WIDE, step)
                face = math.floor(there[axis] + side - EDGE) if step > 0 else math.floor(there[axis] + side + EDGE) + 1
                # Never backwards: what is rounded may put the face a little behind the body.
                close = max(now[axis], face - side) if step > 0 else min(now[axis], face - side)
                there = (close, now[1], now[2]) if axis == 0 else (now[0], close, now[2])
                self.speed[axis], walled = 0.0, True
            self.at = there
        return walled


def _slowed(speed: list[float], wet: bool, stands: bool) -> list[float]:
    """What is left of a speed a frame later, of who was in water, or stood, or neither; and what draws down."""
    aside, onward, above = speed
    drag = WATER_DRAG if wet else GROUND_DRAG if stands else AIR_DRAG
    return [aside * drag, onward * drag, above * WATER_DRAG - SINK if wet else (above - GRAVITY) * DRAG]
