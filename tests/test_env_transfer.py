"""docs/examples/train_in_dream.py at debug size, and that its learner learns."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_world import write_tiny_world

from simworld.training.train_judge import JudgeTraining, train

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "train_in_dream.py"


@pytest.fixture(scope="module")
def example() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(EXAMPLE)))


def test_the_example_runs_and_goes_on_where_it_was(example: SimpleNamespace, tmp_path: Path) -> None:
    folder = write_tiny_world(tmp_path)
    train(JudgeTraining(world=str(folder), num_plays=2, num_frames=9, steps=10))
    plan, out = example.Plan("explore", num_envs=2, length=3, chances=(1.0, 0.5), play=3), tmp_path / "explore.json"
    found = example.compare(plan, 1, 2, str(folder), out)
    assert plan.steps == 12 and set(found["plays"]) == {"random", "bot", "dream", "game"}
    assert {name: np.shape(rows) for name, rows in found["plays"].items()}["dream"] == (1, 2)
    rows = json.loads(out.read_text())["plays"]["dream"]
    assert example.compare(plan, 2, 2, str(folder), out)["plays"]["dream"][:1] == rows


def test_the_learner_goes_where_it_is_red(example: SimpleNamespace) -> None:
    """Turning to what is red pays in the next step, when one runs."""
    dice, plan, policy = np.random.default_rng(0), example.Plan("navigate"), example.Policy()
    pictures = np.full((600, 24, 40, 3), 90, np.uint8)
    places, moves = dice.integers(10, size=600), dice.integers(len(example.MOVES), size=600)
    for picture, place in zip(pictures, places, strict=True):
        picture[:, 4 * place : 4 * place + 4, 0] = 250
    reached = ((places < 5) & (moves == 5)) | ((places >= 5) & (moves == 6))
    views = example.seen(pictures)
    policy.learn(example.Steps(views, moves, reached.astype(float), views, np.ones(600, bool)), plan)
    chosen = policy.choose(pictures)
    assert ((chosen == 5) == (places < 5)).mean() > 0.9 and ((chosen == 6) == (places >= 5)).mean() > 0.9
    assert np.allclose(example.mirrored(example.mirrored(views)), views)
