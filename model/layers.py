"""Small things that several networks use."""

from typing import TypeVar

from torch import nn

Layer = TypeVar("Layer", bound=nn.Linear | nn.Conv2d)


def silent(layer: Layer) -> Layer:
    """`layer` with weights and bias of zero: a branch that ends in it starts as if it were not there."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
