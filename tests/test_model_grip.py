"""Grip: is what the game's hand holds recognised, shown as the game shows it, and moved when the game moves it?"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from simworld.actions import ACTION_SIZE, SLOT
from simworld.env.voxel import interact
from simworld.env.voxel.blocks import HOTBAR as BLOCKS
from simworld.env.voxel.game import Game
from simworld.env.voxel.strokes import strokes
from simworld.model.grip import HOTBAR, filled, hand, painted, read, struck, taken, unknown
from simworld.model.pixels import to_float, to_uint8

HEIGHT, WIDTH = 48, 80
LOOKS = torch.from_numpy(strokes(HEIGHT, WIDTH)).movedim(-1, 2)[..., HEIGHT // 2 :, WIDTH // 2 :]
NUM_STEPS = LOOKS.shape[1]


def game(time_of_day: float = 0.25) -> Game:
    played = Game(HEIGHT, WIDTH)
    played.reset(5, time_of_day=time_of_day, weather="clear")
    return played


def shown(played: Game, block: int, step: int = 0) -> Tensor:
    """What the game shows, uint8 [1, h, w, 3], with a block of the hotbar in hand."""
    played.held, played.hand[interact.SWING] = BLOCKS[block], step / NUM_STEPS
    return torch.from_numpy(played.render())[None]


def test_what_the_game_holds_is_recognised_by_day_and_by_night() -> None:
    for time_of_day in (0.25, 0.75):
        played = game(time_of_day)
        for block in range(len(BLOCKS)):
            step = block % NUM_STEPS
            picture = to_float(shown(played, block, step)).movedim(-1, 1)
            found = read(LOOKS, picture)
            assert found.held[0].argmax() == block and found.held.sum() == 1 and found.step == step
            assert bool((found.light > (0.5 if time_of_day == 0.25 else 0.05)).all())
            none = read(LOOKS, picture.flip(-1))
            assert not none.known and not none.light.any() and none.step == 0, "no hand is on the left"


def test_a_hand_is_painted_as_the_game_would() -> None:
    played = game()
    there, other = shown(played, 2), shown(played, 7, 3)
    grip = read(LOOKS, to_float(there).movedim(-1, 1))
    grip = taken(grip, keyed(8), to_float(there).movedim(-1, 1))
    striking = hand(LOOKS, grip, torch.tensor([[3]]))
    frame = painted(to_float(there).movedim(-1, 1)[:, None], striking)[:, 0].movedim(1, -1)
    seen = (striking.opacity[0, 0, 0] > 0.99).numpy()
    apart = np.abs(to_uint8(frame)[0].numpy().astype(int) - other[0].numpy())[HEIGHT // 2 :, WIDTH // 2 :]
    assert seen.sum() > 100 and apart[seen].max() <= 3


def keyed(number: int) -> Tensor:
    actions = torch.zeros(1, 2, ACTION_SIZE)
    actions[:, 1, SLOT[f"hotbar.{number}"]] = 1
    return actions


def test_who_was_never_seen_holds_it_in_the_light_of_the_picture() -> None:
    dark, bright = (torch.full((1, 3, HEIGHT, WIDTH), level) for level in (-0.8, 0.6))
    one, two = (taken(unknown(1, dark.device), keyed(3), picture) for picture in (dark, bright))
    assert one.held.argmax() == 2 and float(two.light.mean()) > 2 * float(one.light.mean()) > 0
    assert taken(one, torch.zeros(1, 2, ACTION_SIZE), bright) is one, "what is held stays, and its light"
    assert torch.equal(taken(one, keyed(4), bright).light, one.light)
    assert len(HOTBAR) == len(BLOCKS)


def test_strokes_follow_keys_as_in_the_game() -> None:
    pressed = np.random.default_rng(3).random(60) < 0.3
    hand_of_game, told = np.zeros(interact.HAND_SIZE), []
    for press in pressed:
        interact.swing(hand_of_game, bool(press))
        told.append(round(hand_of_game[interact.SWING] * NUM_STEPS))
    grip, steps = unknown(1, torch.device("cpu")), []
    for chunk in torch.from_numpy(pressed).view(-1, 1, 2):
        grip, found = struck(grip, chunk, NUM_STEPS)
        steps += found[0].tolist()
    assert steps == told and len(set(told)) == NUM_STEPS


def test_players_do_not_share_hands() -> None:
    played = game()
    pictures = torch.cat([to_float(shown(played, block)).movedim(-1, 1) for block in (1, 6)])
    together, alone = read(LOOKS, pictures), read(LOOKS, pictures[1:])
    assert torch.equal(together.held[1], alone.held[0]) and torch.allclose(together.light[1], alone.light[0], atol=1e-5)
    nobody = replace(together, held=torch.zeros(2, 9))
    assert torch.equal(painted(pictures[:, None], hand(LOOKS, nobody, torch.zeros(2, 1, dtype=torch.long)))[:, 0], pictures)


def test_what_is_unknown_is_filled_from_about_it() -> None:
    ramp = torch.linspace(-1, 1, 20).expand(1, 3, 16, 20).clone()
    known = torch.ones(1, 1, 16, 20, dtype=torch.bool)
    known[..., 6:, 8:14] = False
    spoilt = torch.where(known, ramp, 9.0)
    found = filled(spoilt, known)
    assert torch.equal(torch.where(known, found, 0), torch.where(known, ramp, 0))
    assert float((found - ramp).abs().max()) < 0.5 and float(found[..., 8, 12].mean()) > float(found[..., 8, 9].mean())
