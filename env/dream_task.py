"""A task in a dream: the judge tells it what happened, and it pays by that as in the game it pays by what is true."""

from dataclasses import replace
from typing import Any

from simworld.actions import CAMERA
from simworld.model.judge import Verdict
from simworld.tasks import TASKS, Facts, Navigate, Recall, Task, Track


class DreamTask:
    """One dream's. `task`: the present play's. `track`: where the player is held to be. `over`: whether it has ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.task: Task = TASKS[name]()
        self.track = Track()
        self.over = False

    def begin(self, bearing: float | None = None) -> None:
        """Begin it anew. bearing: of the beacon of `Navigate` or the right pillar of `Recall`, in degrees to the right; None:
        where the task has it."""
        self.task, self.track, self.over = TASKS[self.name](), Track(), False
        if isinstance(self.task, (Navigate, Recall)) and bearing is not None:
            self.task.bearing = bearing

    def score(self, verdict: Verdict, number: int, actions: Any) -> tuple[float, bool]:
        """The reward, and whether the task is over, after a chunk of dream `number` of those that were judged, under `actions`,
        float32 [r, 25]."""
        turn = float(actions[:, CAMERA][:, 1].sum())
        self.track.go(float(verdict.aside[number]), float(verdict.onward[number]), turn)
        facts = Facts(self.track.right, self.track.ahead, bool(verdict.broke[number]))
        reward, self.over = self.task.score(facts)
        return reward, self.over

    def fork(self) -> "DreamTask":
        """An independent copy."""
        copied = DreamTask(self.name)
        copied.task, copied.track, copied.over = _copied(self.task), replace(self.track), self.over
        return copied


def _copied(task: Any) -> Any:
    fields = {name: set(value) if isinstance(value, set) else value for name, value in vars(task).items()}
    return type(task)(**fields)


KINDS: tuple[type, ...] = (DreamTask, Track, *TASKS.values())
"""What a saved task is made of."""
