"""Bodies: do they move among blocks as in the game?"""

import math

import numpy as np
import pytest
import torch

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.env.voxel import physics
from simworld.env.voxel.blocks import SOLID, STONE, WATER
from simworld.env.voxel.game import MOVE_KEYS
from simworld.model.album import Album, built, unbuilt
from simworld.model.body import came, walked
from simworld.model.footing import EYE, WIDE
from simworld.model.lattice import WHOLE, Lattice

SIZE, TALL = 16, 12
FLOOR = 3
"""Blocks deep is the ground."""


def grounds() -> np.ndarray:
    """Blocks of the game: flat ground."""
    blocks = np.zeros((SIZE, TALL, SIZE), np.uint8)
    blocks[:, :FLOOR] = STONE
    return blocks


def rubble(seed: int) -> np.ndarray:
    """Ground with pits, pillars, ledges and ponds."""
    generator, blocks = np.random.default_rng(seed), grounds()
    for _ in range(40):
        x, z = generator.integers(1, SIZE - 1, 2)
        match generator.integers(4):
            case 0:
                blocks[x, FLOOR - 1, z] = WATER
            case 1:
                blocks[x, FLOOR - 1, z] = 0
            case _:
                blocks[x, FLOOR : FLOOR + generator.integers(1, 4), z] = STONE
    middle = SIZE // 2
    blocks[middle - 1 : middle + 1, FLOOR - 1, middle - 1 : middle + 1] = STONE
    blocks[middle - 1 : middle + 1, FLOOR:, middle - 1 : middle + 1] = 0
    return blocks


def lattice_of(blocks: np.ndarray, turn: float) -> tuple[Lattice, np.ndarray]:
    """The same as an eye over the middle sees them that looks `turn` degrees to the left of the game's heading 0, and the body
    there."""
    body = np.zeros(physics.BODY_SIZE)
    body[[physics.X, physics.Y, physics.Z]] = SIZE / 2, FLOOR, SIZE / 2
    body[[physics.YAW, physics.GROUND, physics.EYE]] = -turn, 1, EYE
    # The right hand of who faces 0 is at -x.
    solid, wet = (torch.from_numpy(part[::-1].copy()).movedim(1, 2) for part in (SOLID[blocks], blocks == WATER))
    high = torch.where(solid, WHOLE, torch.where(wet, 88, 0)).to(torch.uint8)
    corner = -torch.tensor([SIZE / 2, SIZE / 2, FLOOR + EYE])
    return Lattice(turn, corner, high, torch.full_like(high, WHOLE)), body


def played(lattice: Lattice, body: np.ndarray, blocks: np.ndarray, actions: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Where an eye is after each chunk of two actions, and where it is in the game."""
    place, moved, yaw = torch.zeros(3), torch.zeros(2, 3), 0.0
    for _ in range(2):  # until it has landed
        physics.step_player(blocks, SOLID, WATER, body, np.zeros(ACTION_SIZE, np.float32), MOVE_KEYS)
    start = body[[physics.X, physics.Y, physics.Z]].copy()
    angle = math.radians(float(body[physics.YAW]))
    ways, truth = [], []
    for last in range(2, len(actions) + 1, 2):
        found = walked(lattice, place, moved, yaw, actions[:last])
        assert found is not None
        moved, place = found, place + found.sum(0)
        yaw += float(actions[last - 2 : last, CAMERA][:, 1].sum())
        for action in actions[last - 2 : last].numpy():
            physics.step_player(blocks, SOLID, WATER, body, action, MOVE_KEYS)
        x, y, z = body[[physics.X, physics.Y, physics.Z]] - start
        right, ahead = -x * math.cos(angle) - z * math.sin(angle), z * math.cos(angle) - x * math.sin(angle)
        truth.append((right, ahead, y + body[physics.EYE] - EYE))
        ways.append(place.numpy())
    return np.array(ways), np.array(truth)


def act(frames: int, **keys: float) -> torch.Tensor:
    actions = torch.zeros(frames, ACTION_SIZE)
    for key, value in keys.items():
        actions[:, SLOT[key]] = value
    return actions


@pytest.mark.parametrize(
    "keys", [{"forward": 1}, {"forward": 1, "sprint": 1}, {"left": 1, "back": 1}, {"right": 1, "sneak": 1}]
)
@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_bodies_go_as_far_as_in_the_game(keys: dict[str, float], turn: float) -> None:
    blocks = grounds()
    ways, truth = played(*lattice_of(blocks, turn), blocks, torch.cat([act(14, **keys), act(6)]))
    assert np.abs(ways - truth).max() < 1e-3 and np.abs(truth[-1]).max() > 0.5


def test_bodies_jump_fall_slide_and_wade_as_in_the_game() -> None:
    generator = torch.Generator().manual_seed(0)
    near = []
    for seed in range(30):
        blocks = rubble(seed)
        actions = act(40, forward=1)
        for key, share in (("jump", 0.3), ("sprint", 0.4), ("left", 0.2), ("right", 0.2), ("sneak", 0.1)):
            held = torch.rand(5, generator=generator).repeat_interleave(8) < share
            actions[:, SLOT[key]] = held.float()
        actions[:, CAMERA] = torch.randn(5, 2, generator=generator).repeat_interleave(8, 0) * 8
        ways, truth = played(*lattice_of(blocks, float(seed)), blocks, actions)
        near.append(np.abs(ways - truth).max(1))
    assert np.mean(np.array(near) < 0.02) > 0.95, "but where a corner is just met, or missed"


def test_who_is_in_the_ground_comes_up() -> None:
    blocks = grounds()
    lattice, _ = lattice_of(blocks, 0.0)
    place, moved = torch.tensor([0.0, 0.0, -0.6]), torch.zeros(2, 3)
    for _ in range(4):
        found = walked(lattice, place, moved, 0.0, act(2))
        assert found is not None
        moved, place = found, place + found.sum(0)
    assert float(place[2]) == pytest.approx(0.0, abs=1e-5)


def test_where_no_ground_is_known_nobody_knows() -> None:
    lattice, _ = lattice_of(grounds(), 0.0)
    assert walked(lattice, torch.tensor([40.0, 0.0, 0.0]), torch.zeros(2, 3), 0.0, act(2, forward=1)) is None
    bottomless = Lattice(0.0, lattice.corner, torch.zeros_like(lattice.high), lattice.broad)
    assert walked(bottomless, torch.zeros(3), torch.zeros(2, 3), 0.0, act(2, forward=1)) is None


def test_who_is_told_of_blocks_goes_on_as_keys_and_blocks_tell() -> None:
    """On flat ground, and having jumped up from a block below."""
    actions = torch.cat([act(6, forward=1), act(4, forward=1, jump=1, sprint=1)])
    actions[3, CAMERA] = torch.tensor([0.0, 90.0])
    for high in (0, 1):
        blocks = grounds()
        blocks[:, FLOOR - 1, SIZE // 2 + 2 :] = 0
        lattice, body = lattice_of(blocks if high else grounds(), 0.0)
        ways, _ = played(lattice, body, blocks if high else grounds(), actions)
        place, r = torch.from_numpy(ways[-1]), 2
        there = Lattice(0.0, lattice.corner - place, lattice.high, lattice.broad)
        assert torch.allclose(came(there, 90.0, actions, r).sum(0), torch.from_numpy(ways[-1] - ways[-2]), atol=1e-3)
    right, ahead, above = came(None, 0.0, actions, 2).sum(0).tolist()
    assert (right, ahead, above) == pytest.approx(came(there, 0.0, actions, 2).sum(0).tolist(), abs=1e-3)
    assert float(came(there, 0.0, torch.zeros(8, ACTION_SIZE), 2).abs().max()) < 1e-6


def test_blocks_that_come_and_go_stop_and_let_through() -> None:
    blocks = grounds()
    blocks[:, FLOOR : FLOOR + 2, SIZE // 2 + 3] = STONE  # a wall three blocks ahead
    album = Album(lattice=lattice_of(blocks, 0.0)[0])
    gap = album
    for above in (0.5, 1.5):
        gap = unbuilt(gap, torch.tensor([-0.5, 3.5, above - EYE]))
    shut = built(gap, torch.tensor([-0.5, 3.5, 1.5 - EYE]), torch.zeros(0, 3))
    ways = []
    for each in (album, gap, shut):
        assert each.lattice is not None
        found = walked(each.lattice, torch.tensor([-0.5, 0.0, 0.0]), torch.zeros(40, 3), 0.0, act(40, forward=1))
        assert found is not None and found[:, 2].abs().max() < 1e-5, "the floor bears"
        ways.append(float(found[:, 1].sum()))
    assert ways[0] == ways[2] == pytest.approx(3 - WIDE, abs=1e-3) and ways[1] > 6


@pytest.mark.parametrize(("over", "falls"), [(0.005, True), (0.1, False)])
def test_a_wall_bears_nobody_who_stands_beside_it(over: float, falls: bool) -> None:
    """Who is seen a hair's breadth within a wall falls when the block below is gone; who stands on its foot does not."""
    blocks = grounds()
    blocks[: SIZE // 2, FLOOR:] = STONE  # to the right, but for what one stands on if one does
    blocks[SIZE // 2, FLOOR - 1, SIZE // 2 - 1 : SIZE // 2 + 1] = 0
    if not falls:
        blocks[: SIZE // 2, FLOOR:] = 0
    lattice, _ = lattice_of(blocks, 0.0)
    place, moved = torch.tensor([over - WIDE, 0.0, 0.0]), torch.zeros(2, 3)
    for _ in range(10):
        found = walked(lattice, place, moved, 0.0, act(2))
        assert found is not None
        moved, place = found, place + found.sum(0)
    assert float(place[2]) == pytest.approx(-1.0 if falls else 0.0, abs=1e-4)
