"""Outlines: is a block found exactly where the game outlines it, and none where it does not?"""

import numpy as np
import pytest
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.env.voxel import interact
from simworld.env.voxel.game import Game
from simworld.env.voxel.physics import PITCH, YAW
from simworld.env.voxel.scout import bare
from simworld.env.voxel.trials import from_eye
from simworld.model import sampler
from simworld.model.checkpoint import load_world
from simworld.model.cube import Cube
from simworld.model.hands import RIM
from simworld.model.outline import Outlined, outlined
from simworld.model.pixels import to_float
from simworld.model.shipped import find_world
from simworld.model.world import World

SIZE, VIEW = (96, 160), 70.0
SEEDS = (41, 42, 44, 46, 47, 51)
HAND = (40, 52)
"""Rows and columns of the corner in which a hand may be."""


def looking_down(seed: int, frames: int = 1, steps_down: int = 8) -> tuple[Game, Tensor, Tensor]:
    """A game whose player stands and looks down at a block, and its last frames, and what led to each but the first."""
    game = Game(*SIZE)
    game.reset(seed)
    game.set_conditions(time_of_day=0.3, weather="clear", respawn=True)
    for step in range(steps_down + 12):
        action = np.zeros(ACTION_SIZE, np.float32)
        action[CAMERA] = (6.0, 2.0) if step < steps_down else 0.0
        game.step(action)
    seen = [game.render()]
    for _ in range(frames - 1):
        game.step(np.zeros(ACTION_SIZE, np.float32))
        seen.append(game.render())
    return game, torch.from_numpy(np.stack(seen))[None], torch.zeros(1, frames - 1, ACTION_SIZE)


def aimed(game: Game) -> tuple[Tensor, float, float]:
    """Where the block truly lies that it outlines, how it is turned, and how far down one looks."""
    cell = game.hit[interact.HIT_X : interact.HIT_Z + 1]
    return torch.from_numpy(from_eye(game, cell)).float(), -float(game.body[YAW]), float(game.body[PITCH])


def found_in(frame: np.ndarray, center: Tensor, turn: float, pitch: float) -> Outlined | None:
    """What is outlined in a frame, for who has only a rough guess of it."""
    free = torch.ones(1, 1, *SIZE)
    free[..., -HAND[0] :, -HAND[1] :] = 0
    picture = to_float(torch.from_numpy(frame))[None].movedim(-1, 1)
    guess = Cube((center + torch.tensor([0.1, -0.1, 0.15]))[None], torch.tensor([turn + 4.0]))
    return outlined(picture, free, guess, torch.tensor([pitch + 6.0]), VIEW, RIM)


def test_a_block_is_found_where_the_game_outlines_it() -> None:
    right = 0
    for seed in SEEDS:
        game, frames, _ = looking_down(seed)
        center, turn, pitch = aimed(game)
        found = found_in(frames[0, 0].numpy(), center, turn, pitch)
        if found is not None:
            near = float((found.cube.center[0] - center).abs().sum()) < 0.25
            level = abs(float(found.pitch) - pitch) < 4 and abs((float(found.cube.turn) - turn + 45) % 90 - 45) < 3
            right += near and level
        assert found_in(bare(game), center, turn, pitch) is None, "nothing is outlined"
    assert right >= 5


def test_nothing_is_outlined_on_a_plain_picture_nor_on_noise() -> None:
    center, rng = torch.tensor([0.0, 2.1, 1.3]), np.random.default_rng(0)
    assert found_in(np.full((*SIZE, 3), 130, np.uint8), center, 10.0, 50.0) is None
    assert found_in(rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8), center, 10.0, 50.0) is None


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(find_world("small"), torch.bfloat16, "cpu")


def begun(world: World, steps_down: int) -> tuple[sampler.Context, Game]:
    """A dream that goes on from where the game outlines a block that is no plant, and the game."""
    for seed in SEEDS:
        game, frames, actions = looking_down(seed, 15, steps_down)
        if float(aimed(game)[0][1]) < 2:
            continue
        context = sampler.start(world, [""], [0])
        sampler.append_frames(world, context, frames, actions)
        if bool(context.work.stands):
            return context, game
    pytest.fail("a block was outlined in none of these places")


def test_a_dream_knows_by_it_where_blocks_lie_and_how_far_down_it_looks(world: World) -> None:
    context, game = begun(world, 8)
    center, _, pitch = aimed(game)
    assert float(context.around.view[0, 0]) == pytest.approx(pitch, abs=4)
    right, ahead, above = (context.work.cornerstone - context.around.place)[0].tolist()
    assert float((torch.tensor([right, -above, ahead]) - center).abs().sum()) < 0.3
    sampler.surround(world, context, None)
    assert not bool(context.work.stands), "who is told of another place knows nothing of its blocks"


def test_who_digs_below_their_feet_falls_one_block(world: World) -> None:
    context, _ = begun(world, 15)
    before = float(context.around.place[0, 2])
    dig = torch.zeros(1, 2, ACTION_SIZE)
    dig[..., SLOT["attack"]] = 1
    chunks = 0
    while bool(context.work.stands) and chunks < 20:
        sampler.extend(world, context, dig)
        chunks += 1
    assert not bool(context.work.stands), "it breaks"
    for _ in range(8):
        sampler.extend(world, context, torch.zeros(1, 2, ACTION_SIZE))
    assert float(context.around.place[0, 2]) - before == pytest.approx(-1, abs=0.15)
