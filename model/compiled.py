"""Compiled: loops over pixels and cells in Python that run as machine code (numba), many times quicker than a tensor library
where each takes another way: that goes over all of them at each turn. They read and write arrays, and run beside other threads.
"""

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from torch import Tensor


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code, made when it is first called and kept beside its file, or in the user's cache folder, or
    nowhere where neither may be written to. Such functions may call those of the same file only: a change in another would not
    be noticed, nor that of a constant there."""
    made = njit(nogil=True, error_model="numpy")(inspect.unwrap(function))
    with contextlib.suppress(RuntimeError):
        made.enable_caching()
    code: Callable[..., Any] = made
    return code


def arrays(*tensors: Tensor) -> list[np.ndarray]:
    """Tensors as arrays, each in one piece; on a processor they may share their memory."""
    return [tensor.cpu().contiguous().numpy() for tensor in tensors]
