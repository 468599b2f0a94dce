"""Learning what hands do: from the right moments, and so that a block appears where one is placed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from simworld.actions import ACTION_SIZE, CAMERA, SLOT
from simworld.model.hands import RECALL, HandsConfig
from simworld.training.clip_store import ClipStore
from simworld.training.loop import LoopConfig
from simworld.training.optimizer import OptimizerConfig
from simworld.training.train_hands import HandsTask, HandsTraining, _standing

HEIGHT, WIDTH, LENGTH = 32, 48, 21
SQUARE = (slice(12, 20), slice(20, 28))


def blocks(num_clips: int = 12) -> ClipStore:
    """Clips of noise in which use, pressed at some frame, puts a white block before the crosshair, at once."""
    rng = np.random.default_rng(0)
    frames = np.repeat(rng.integers(60, 120, (num_clips, 1, HEIGHT, WIDTH, 3)).astype(np.uint8), LENGTH, 1)
    actions = np.zeros((num_clips, LENGTH - 1, ACTION_SIZE), np.float32)
    for clip, when in enumerate(rng.integers(4, LENGTH - 4, num_clips)):
        actions[clip, when, SLOT["use"]] = 1
        frames[clip, when + 1 :, SQUARE[0], SQUARE[1]] = 255
    return ClipStore(frames, actions, [[] for _ in range(num_clips)])


def task(folder: Path, store: ClipStore, late: float = 0.0) -> HandsTask:
    loop = LoopConfig(folder=str(folder), optimizer=OptimizerConfig(learning_rate=2e-3))
    return HandsTask(
        HandsTraining(model=HandsConfig(widths=[16, 32], blocks=[1, 1], told=32), loop=loop, batch_size=8, late=late), store
    )


def test_hands_learn_to_place_a_block(tmp_path: Path) -> None:
    placing = task(tmp_path, blocks(60))
    optimizer = torch.optim.AdamW(placing.model.parameters(), 2e-3)
    for step in range(250):
        loss, scalars = placing.loss(step)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert scalars["found"] > 0.9 and scalars["undone"] < 0.5
    picture = torch.from_numpy(blocks(61).frames[-1, :1]).float()[None] / 127.5 - 1
    pair = picture.expand(-1, 2, -1, -1, -1)
    used, idle = torch.zeros(1, RECALL, ACTION_SIZE), torch.zeros(1, RECALL, ACTION_SIZE)
    used[:, -2, SLOT["use"]] = 1
    idle[:, -8, SLOT["use"]] = 1
    with torch.no_grad():
        placed, unplaced = placing.model(pair, used), placing.model(pair, idle)
    assert float(placed[0, -1, SQUARE[0], SQUARE[1]].mean()) > 0.5, "a world never seen has the block, too"
    assert float((unplaced - pair).abs().mean()) < 0.1, "it was placed long ago, or not at all"


def test_chunks_follow_their_known_frame(tmp_path: Path) -> None:
    """Frames that say their number: the chunk's are those after its moment, the turn adds up, and late ones know less."""
    store = blocks()
    frames, actions = np.zeros_like(store.frames), np.zeros_like(store.actions)
    frames[:] = np.arange(LENGTH, dtype=np.uint8)[:, None, None, None] * 10
    actions[:, 6:, SLOT["attack"]] = 1
    actions[..., CAMERA] = (0.0, 1.0)
    for late in (0.0, 1.0):
        attacking = task(tmp_path, ClipStore(frames, actions, store.prompts), late)
        known, turns, told, true = attacking.batch(0, 64)
        numbers = ((known[:, 0, 0, 0] + 1) * 12.75).round()
        ahead = ((true[:, :, 0, 0, 0] + 1) * 12.75).round() - numbers[:, None]
        assert torch.equal(turns[..., 1], ahead), "one degree a frame"
        assert torch.equal(ahead[:, 1] - ahead[:, 0], torch.ones(64))
        assert bool((ahead[:, 0] == 1).all()) == (late == 0)
        assert torch.equal(told[..., SLOT["attack"]].sum(1), (numbers + ahead[:, 1] - 6).clamp(max=RECALL))
        assert bool((numbers[ahead[:, 0] > 1] >= 6).all()), "before the hand began, something else may have happened"


def test_who_walks_teaches_nothing(tmp_path: Path) -> None:
    actions = np.zeros((1, 12, ACTION_SIZE), np.float32)
    actions[0, 3, SLOT["forward"]] = 1
    assert _standing(actions)[0].tolist() == [True] * 3 + [False] * 4 + [True] * 5
    store = blocks()
    store.actions[..., SLOT["forward"]] = 1
    with pytest.raises(ValueError, match="in none of 12 clips does anybody use a hand while standing"):
        task(tmp_path, store)
