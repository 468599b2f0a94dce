"""Records: dataclasses all of whose fields are tensors of b worlds, one after another along the first axis."""

from collections.abc import Callable
from copy import copy
from dataclasses import fields
from typing import Any, TypeVar

import torch
from jaxtyping import Bool
from torch import Tensor

Record = TypeVar("Record")


def where(chosen: Bool[Tensor, " b"], one: Record, other: Record) -> Record:
    """Of each world `one` where it is chosen, else the `other`: always a record of its own, for its fields may be replaced."""
    if not bool(chosen.any()):
        return copy(other)
    if bool(chosen.all()):
        return copy(one)
    return joined([one, other], lambda parts: torch.where(chosen.reshape(-1, *[1] * (parts[0].ndim - 1)), parts[0], parts[1]))


def joined(records: list[Record], join: Callable[[list[Tensor]], Tensor]) -> Record:
    """One record of several of a kind, each of whose tensors `join` makes of theirs."""
    parts: Any = records[0]
    return type(records[0])(*(join([getattr(record, part.name) for record in records]) for part in fields(parts)))
