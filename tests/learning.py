"""A few steps of learning, as the training loop takes them, for tests that ask whether anything is learned."""

import numpy as np
import torch

from simworld.training.loop import Task


def learned(task: Task, num_steps: int, rate: float, *names: str) -> np.ndarray:
    """What the losses of so many steps say under these names: float64 [num_steps, names]."""
    optimizer = torch.optim.AdamW(task.model.parameters(), rate)
    told = []
    for step in range(num_steps):
        loss, scalars = task.loss(step)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        told.append([scalars[name] for name in names])
    return np.array(told)
