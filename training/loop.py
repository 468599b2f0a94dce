"""The training loop that every network shares: steps, EMA, schedule, scalars, pictures, checkpoints, exact resume.

A network is trained by a `Task`: its model, a loss that is a pure function of (model, step), and pictures to look at.
As batches and noise are drawn from the step number, a run that resumes sees what an uninterrupted one would have seen.
Knows no data source and no architecture.
"""

import math
import time
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from simworld.model.checkpoint import load_network, read_tensors, save_network, write_tensors
from simworld.training.optimizer import OptimizerConfig, make_optimizers, set_rate


@dataclass(kw_only=True)
class LoopConfig:
    """`folder` holds everything a run writes. `minutes` stops a run early (it resumes where it stopped); 0: no limit."""

    folder: str = "runs/unnamed"
    steps: int = 10_000
    minutes: float = 0.0
    seed: int = 0
    ema: float = 0.999
    device: str = "cpu"
    threads: int = 0
    compile: bool = False
    log_every: int = 20
    picture_every: int = 1000
    checkpoint_every: int = 500
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)


class Task(Protocol):
    """What is trained. `loss` draws its batch and noise from `step` alone."""

    @property
    def model(self) -> nn.Module: ...

    def loss(self, step: int) -> tuple[Tensor, dict[str, float]]: ...

    def pictures(self, model: nn.Module) -> np.ndarray: ...

    def publish(self, model: nn.Module, folder: Path, summary: dict[str, object]) -> None: ...


class JudgedTask(Task, Protocol):
    """One that keeps something aside to be judged on. `num_known`: of how many it learns."""

    num_known: int

    def judged(self, model: nn.Module) -> dict[str, float]: ...


STATE = "state.safetensors"
"""The file in a run's folder from which it goes on."""


def is_begun(config: LoopConfig) -> bool:
    """Whether `run` would go on with an earlier run, whose state then replaces all that a model was made with."""
    return (Path(config.folder) / STATE).exists()


def start_from(model: nn.Module, init: str, config: LoopConfig) -> None:
    """Let a new run begin with the weights of a file of the same sizes, where one is told. ValueError for another network's."""
    if init and not is_begun(config):
        model.load_state_dict(load_network(type(model), Path(init)).state_dict())


class DivergedError(ValueError):
    """The loss or the gradient is no longer a finite number."""


def run(task: Task, config: LoopConfig) -> nn.Module:
    """Train `task.model` up to step `config.steps`, resuming from `config.folder`; returns the EMA model.

    Raises DivergedError when the loss is not finite; the last good checkpoint stays in the folder.
    """
    from torch.utils.tensorboard import SummaryWriter

    if config.threads:
        torch.set_num_threads(config.threads)
    folder = Path(config.folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = task.model.to(config.device)
    optimizers = make_optimizers(model, config.optimizer)
    average = deepcopy(model).eval().requires_grad_(False)
    step, trained_s = _resume(folder / STATE, model, average, optimizers)
    started = time.monotonic()
    writer = SummaryWriter(str(folder / "scalars"), purge_step=step)
    bar = tqdm(total=config.steps, initial=step, desc=folder.name, dynamic_ncols=True, mininterval=5)

    logged: dict[str, list[float]] = {}

    def save() -> None:
        total_s = trained_s + time.monotonic() - started
        _save(folder / STATE, step, total_s, model, average, optimizers)
        task.publish(average, folder, {"step": step, "seconds": round(total_s), "seed": config.seed})

    while step < config.steps and not (config.minutes and time.monotonic() - started > 60 * config.minutes):
        set_rate(optimizers, config.optimizer.scale(step, config.steps))
        model.train()
        loss, scalars = task.loss(step)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.clip_norm)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            raise DivergedError(
                f"{folder}: loss {loss.item()}, gradient norm {norm.item()} at step {step}; the last good checkpoint is "
                f"kept in {folder / STATE}; resume with a lower optimizer.learning_rate"
            )
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        _average(average, model, min(config.ema, step / (step + 10)))
        bar.update()
        for name, value in {"loss": loss.item(), "gradient_norm": norm.item(), **scalars}.items():
            logged.setdefault(name, []).append(value)
        if step % config.log_every == 0:
            means = {name: sum(values) / len(values) for name, values in logged.items()}
            bar.set_postfix({name: f"{value:.4g}" for name, value in means.items()})
            for name, value in means.items():
                writer.add_scalar(name, value, step)
            logged.clear()
        if step % config.picture_every == 0:
            writer.add_image("pictures", task.pictures(average), step, dataformats="HWC")
        if step % config.checkpoint_every == 0:
            save()
    save()
    writer.close()
    bar.close()
    return average


def run_and_judge(task: JudgedTask, config: LoopConfig, out: Path, things: str) -> nn.Module:
    """`run`; then how the model does on what was kept aside is printed, and it goes into a file that says so. `things`: what
    it learns of."""
    model = run(task, config)
    figures = {"steps": config.steps, things: task.num_known, **task.judged(model)}
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    save_network(out, model, figures)
    return model



@torch.no_grad()
def _average(average: nn.Module, model: nn.Module, decay: float) -> None:
    new = dict(model.state_dict())
    for name, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(new[name], 1 - decay)
        else:
            value.copy_(new[name])


def _save(
    path: Path, step: int, seconds: float, model: nn.Module, average: nn.Module, optimizers: list[torch.optim.Optimizer]
) -> None:
    frozen = _frozen(model)
    tensors = {
        f"{prefix}/{name}": value
        for prefix, module in (("model", model), ("average", average))
        for name, value in module.state_dict().items()
        if not name.startswith(frozen)
    }
    for number, optimizer in enumerate(optimizers):
        for index, entries in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{number}/{index}/{key}": torch.as_tensor(value) for key, value in entries.items()}
    write_tensors(path, tensors, {"kind": "training", "step": step, "seconds": seconds})


def _frozen(model: nn.Module) -> tuple[str, ...]:
    """Prefixes of the parts that do not learn: they belong to no run, which goes on with those that it is given."""
    parts = ((name, list(part.parameters())) for name, part in model.named_children())
    return tuple(f"{name}." for name, weights in parts if weights and not any(weight.requires_grad for weight in weights))


def _resume(path: Path, model: nn.Module, average: nn.Module, optimizers: list[torch.optim.Optimizer]) -> tuple[int, float]:
    """Load a run's state in place; returns its step and training seconds, (0, 0) when there is none."""
    if not path.exists():
        return 0, 0.0
    tensors, header = read_tensors(path)
    frozen = _frozen(model)
    for prefix, module in (("model/", model), ("average/", average)):
        state = {name: value for name, value in module.state_dict().items() if name.startswith(frozen)}
        learned = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        state |= {name: value for name, value in learned.items() if not name.startswith(frozen)}
        try:
            module.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"{path}: this run was trained with another architecture; use another folder ({error})") from error
    for number, optimizer in enumerate(optimizers):
        state_dict = optimizer.state_dict()
        entries: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"optimizer/{number}/"):
                _, _, index, key = name.split("/")
                entries.setdefault(int(index), {})[key] = value
        state_dict["state"] = entries
        optimizer.load_state_dict(state_dict)
    return header["step"], header["seconds"]
