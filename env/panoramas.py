"""Panoramas of the block game, for worlds that begin there."""

import numpy as np
import torch

from simworld.env.voxel import physics
from simworld.env.voxel.game import Game
from simworld.model.autoencoder import AutoencoderConfig
from simworld.model.pixels import to_float, to_uint8
from simworld.model.surroundings import nothing_seen, paint

AROUND = (-75.0, -40.0, 75.0, 40.0, 0.0), range(0, 360, 20)
"""Degrees down and to the right in which one looks to have seen all that is around."""


def panorama(game: Game) -> np.ndarray:
    """What lies around the player, without hand or animals: uint8 (p, 2p, 3), all directions at equal angles, where the player
    looks in the middle."""
    body, (yaw, pitch) = game.body, game.body[[physics.YAW, physics.PITCH]]
    field_of_view = AutoencoderConfig().field_of_view
    around, nothing = nothing_seen(torch.zeros(1)), torch.zeros(1, 1, game.height, game.width)
    for down in AROUND[0]:
        for turn in AROUND[1]:
            body[physics.YAW], body[physics.PITCH] = yaw + turn, down
            around.view = torch.tensor([[down, float(turn)]])
            seen = to_float(torch.from_numpy(game.look(nobody=True)[0])[None]).movedim(-1, 1)
            paint(around, seen, nothing, torch.zeros(1, dtype=torch.bool), field_of_view)
    body[physics.YAW], body[physics.PITCH] = yaw, pitch
    assert float(around.seen_from.max()) < 1, "every direction was looked at"
    return to_uint8(around.colors[0].movedim(0, -1)).numpy()
