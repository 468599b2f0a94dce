"""A folder of arrays of equal length, `NAME.npy` each, memory-mapped to be read, and written aside until all is there."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

Layout = Mapping[str, tuple[tuple[int, ...], type]]
"""By name the shape of one item and its dtype."""
Items = Iterable[tuple[object, ...]]
"""Each is a tuple of what goes into each array."""


def stored(folder: Path, names: Iterable[str]) -> list[np.ndarray] | None:
    """The arrays of a folder, memory-mapped; None where they have not all been written."""
    paths = [folder / f"{name}.npy" for name in names]
    return [np.load(path, mmap_mode="r") for path in paths] if all(path.exists() for path in paths) else None


def store(folder: Path, layout: Layout, items: Items, num_items: int) -> None:
    """Write the first `num_items`."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = {name: folder / f"{name}.tmp" for name in layout}
    arrays = [
        np.lib.format.open_memmap(aside[name], "w+", dtype, (num_items, *shape)) for name, (shape, dtype) in layout.items()
    ]
    for number, parts in zip(tqdm(range(num_items), desc=folder.name, mininterval=5), items, strict=False):
        for array, part in zip(arrays, parts, strict=True):
            array[number] = part
    for array in arrays:
        array.flush()
    for name, path in aside.items():
        os.replace(path, folder / f"{name}.npy")


def kept(
    folder: Path, names: Iterable[str], num_items: int, what: str, begin: Callable[[], tuple[Layout, Items]]
) -> list[np.ndarray]:
    """The first `num_items` of the arrays of a folder, memory-mapped; where there are none they are stored first, so laid out
    and of such items as `begin` tells. ValueError for a store of fewer; `what` items are called there."""
    arrays = stored(folder, names)
    if arrays is None:
        store(folder, *begin(), num_items)
        arrays = stored(folder, names)
        assert arrays is not None, "they have just been written"
    if len(arrays[0]) < num_items:
        raise ValueError(f"{folder} holds {len(arrays[0])} {what}, not {num_items}; use another folder")
    return [array[:num_items] for array in arrays]
