"""What a world is trained on: the moments in which hands are at work."""

import numpy as np

from simworld.actions import CAMERA, SLOT
from simworld.training.latent_store import LatentStore
from simworld.training.train_world import hands_at_work


def test_hands_at_work_are_found_where_something_changes_before_the_nose() -> None:
    """Four clips, in each of which a key is down in the third step and the picture changes then."""
    latents = np.zeros((4, 6, 3, 5, 8), np.float16)
    latents[:3, 3:, 1, 2] = 1.0  # before the nose
    latents[3, 3:, 0, 0] = 1.0  # in a corner
    actions = np.zeros((4, 5, 2, 25), np.float32)
    actions[0, 2, 1, SLOT["use"]] = 1
    actions[1, 2, 0, SLOT["attack"]] = 1
    actions[2, 2, 0, SLOT["attack"]] = 1
    actions[2, 2, 0, CAMERA] = [0, 9]
    actions[3, 2, 0, SLOT["use"]] = 1
    found = hands_at_work(LatentStore(latents, actions, [[]] * 4))
    assert found.tolist() == [[0, 3], [1, 3]]
