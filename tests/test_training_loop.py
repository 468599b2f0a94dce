"""The loop that trains everything: losses fall, runs resume exactly, NaN stops them with the last good state kept."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from simworld.training.loop import DivergedError, LoopConfig, run
from simworld.training.optimizer import Muon, OptimizerConfig, Schedule, orthogonalise


class LineTask:
    """Fits a two-layer network to a fixed map; its batch is drawn from the step alone. `poison`: the step of a NaN."""

    def __init__(self, poison: int = -1) -> None:
        torch.manual_seed(0)
        self.model = Net()
        self.poison = poison
        self.losses: dict[int, float] = {}

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]:
        x = torch.randn(32, 8, generator=torch.Generator().manual_seed(step))
        loss = (self.model(x) - x.flip(1) * 2).square().mean()
        self.losses[step] = loss.item()
        return loss * (float("nan") if step == self.poison else 1), {}

    def pictures(self, model: nn.Module) -> np.ndarray:
        return np.zeros((4, 4, 3), np.uint8)

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None:
        (folder / "published").write_text(str(summary["step"]))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(8, 32), nn.Linear(32, 8)

    def hidden_matrices(self) -> list[nn.Parameter]:
        return [self.hidden.weight]

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(self.hidden(x)))


def config(folder: Path, **changes: object) -> LoopConfig:
    settings = {"steps": 40, "checkpoint_every": 10, "picture_every": 20, "log_every": 5, **changes}
    return LoopConfig(folder=str(folder), optimizer=OptimizerConfig(learning_rate=0.02, muon_rate=0.02, warmup=3), **settings)


def test_what_does_not_learn_is_not_kept(tmp_path: Path) -> None:
    task = LineTask()
    task.model.given = nn.Linear(2, 2).requires_grad_(False)
    run(task, config(tmp_path, steps=4))
    second = LineTask()
    second.model.given = nn.Linear(2, 2).requires_grad_(False)
    given = second.model.given.weight.clone()
    average = run(second, config(tmp_path, steps=8))
    assert torch.equal(average.given.weight, given)


def test_the_loss_falls_and_scalars_are_written(tmp_path: Path) -> None:
    task = LineTask()
    run(task, config(tmp_path))
    assert task.losses[39] < 0.5 * task.losses[0]
    assert (tmp_path / "published").read_text() == "40"
    assert list((tmp_path / "scalars").glob("events*"))


def test_an_interrupted_run_sees_the_same_losses(tmp_path: Path) -> None:
    whole, interrupted, second = LineTask(), LineTask(poison=23), LineTask()
    average = run(whole, config(tmp_path / "whole"))
    with pytest.raises(DivergedError):
        run(interrupted, config(tmp_path / "parts"))
    resumed = run(second, config(tmp_path / "parts"))
    assert min(second.losses) == 20, "it goes on from the last checkpoint"
    assert all(second.losses[step] == whole.losses[step] for step in range(20, 40))
    for one, two in zip(average.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, two)


def test_nan_stops_with_a_clear_error_and_the_last_good_state(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"loss nan.* at step 25; the last good checkpoint is kept in .*state"):
        run(LineTask(poison=25), config(tmp_path))
    assert (tmp_path / "published").read_text() == "20"


def test_a_run_of_another_network_is_refused(tmp_path: Path) -> None:
    run(LineTask(), config(tmp_path, steps=2))
    task = LineTask()
    task.model.out = nn.Linear(32, 8, bias=False)
    with pytest.raises(ValueError, match="another architecture; use another folder"):
        run(task, config(tmp_path))


@pytest.mark.parametrize("schedule", list(Schedule))
def test_rates_rise_and_fall(schedule: Schedule) -> None:
    optimizer = OptimizerConfig(warmup=10, schedule=schedule, decay=0.25)
    scales = [optimizer.scale(step, 100) for step in range(100)]
    assert scales[0] == pytest.approx(0.1, abs=0.01) and max(scales) > 0.97 and scales[-1] < 0.05
    assert all(0 < scale <= 1 for scale in scales)


def test_muon_steps_are_orthogonal() -> None:
    matrix = torch.randn(24, 40, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalise(matrix).float())
    assert singular.min() > 0.5 and singular.max() < 1.4
    parameter = nn.Parameter(torch.zeros(24, 40))
    parameter.grad = matrix
    Muon([parameter], lr=0.1).step()
    assert torch.linalg.svdvals(parameter.detach()).max() < 0.15
