"""The truth that dreams are measured against: the bot's play of the reference game on evaluation seeds, never trained on."""

from dataclasses import dataclass

import numpy as np

from simworld.actions import ACTION_SIZE, CAMERA
from simworld.frames import FPS
from simworld.training.lane import NUM_TRAINING_SEEDS
from simworld.training.stream import VOXEL_BOT, VOXEL_GAME, load

FIRST_SEED = NUM_TRAINING_SEEDS
"""World seeds from here on are for evaluation, by rule (design.md, section 7)."""
WARM_UP = 60
LEAST_BLOCKS, LEAST_DEGREES = 1.0, 20.0
"""Moving play walks so far, or turns so much, in a second."""


@dataclass(frozen=True)
class Truth:
    """frames: uint8 [b, t, h, w, 3]. actions: float32 [b, t - 1, 25], leading to each frame but the first. captions: b."""

    frames: np.ndarray
    actions: np.ndarray
    captions: list[str]


def play_truth(num_clips: int, num_frames: int, height: int, width: int, first_seed: int = FIRST_SEED) -> Truth:
    """`num_clips` clips of moving play, each in a world of its own, from `first_seed` on; worlds in which the bot
    hardly moved are passed over. ValueError for a seed that is a training seed."""
    if first_seed < FIRST_SEED:
        raise ValueError(f"seed {first_seed} is a training seed; evaluation seeds are {FIRST_SEED} and up")
    game, make_bot = load(VOXEL_GAME)(height, width), load(VOXEL_BOT)
    frames = np.empty((num_clips, num_frames, height, width, 3), np.uint8)
    actions = np.empty((num_clips, num_frames - 1, ACTION_SIZE), np.float32)
    captions: list[str] = []
    seed = first_seed
    while len(captions) < num_clips:
        game.reset(seed)
        bot = make_bot(seed)
        for _ in range(WARM_UP):
            game.step(bot.act(game))
        row, walked, turned = len(captions), 0.0, 0.0
        caption = game.caption(np.random.default_rng(seed))
        for t in range(num_frames):
            frames[row, t] = game.render()
            if t < num_frames - 1:
                before = game.pose.copy()
                actions[row, t] = bot.act(game)
                game.step(actions[row, t])
                walked += float(np.hypot(*(game.pose - before)[[0, 2]]))
                turned += float(np.abs(actions[row, t, CAMERA]).sum())
        seconds = (num_frames - 1) / FPS
        if walked >= LEAST_BLOCKS * seconds or turned >= LEAST_DEGREES * seconds:
            captions.append(caption)
        seed += 1
    return Truth(frames, actions, captions)
