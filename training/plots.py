"""The plots of an evaluation's report."""

from pathlib import Path
from typing import Any

import numpy as np


def write_plots(folder: Path, figures: dict[str, Any]) -> list[str]:
    """A .png for each of the figures that is a curve or a comparison; the names of those written."""
    written = []
    for name, plot in (("horizon", _horizon), ("following", _keys), ("steps", _steps), ("prompts", _prompts)):
        if figures.get(name):
            figure, axes = _axes()
            plot(axes, figures)
            axes.legend()
            figure.savefig(folder / f"{name}_plot.png", dpi=100)
            written.append(name)
    return written


def _axes() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    return figure, figure.subplots()


def _horizon(axes: Any, figures: dict[str, Any]) -> None:
    """PSNR by chunks ahead: dream, copy-last-frame and, where there is one, the ceiling."""
    horizon, ceiling = figures["horizon"], figures.get("reconstruction", {}).get("psnr")
    chunks = [int(number) for number in horizon]
    for name, label in (("dream", "dream"), ("copy_last_frame", "copy last frame")):
        axes.plot(chunks, [row[f"{name}_psnr"] for row in horizon.values()], marker="o", label=label)
    if ceiling is not None:
        axes.axhline(ceiling, linestyle="--", color="grey", label="ceiling: the autoencoder alone")
    axes.set_xscale("log", base=2)
    axes.set_xticks(chunks, [str(number) for number in chunks])
    axes.set(xlabel="chunks ahead", ylabel="PSNR, dB")


def _keys(axes: Any, figures: dict[str, Any]) -> None:
    """F1 of each key, read off the dream and off the truth."""
    keys = figures["following"]["keys"]
    _bars(axes, list(keys), {"dream": [key["f1"] for key in keys.values()], "truth": [key["ceiling"] for key in keys.values()]})
    axes.set(ylabel="F1 of the key, as read off the pictures")


def _steps(axes: Any, figures: dict[str, Any]) -> None:
    """PSNR after some chunks by the number of sampling steps."""
    steps = figures["steps"]
    for name in next(iter(steps.values())):
        if name.startswith("psnr"):
            axes.plot([int(count) for count in steps], [row[name] for row in steps.values()], marker="o", label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks([int(count) for count in steps], list(steps))
    axes.set(xlabel="sampling steps a chunk", ylabel="PSNR, dB")


def _prompts(axes: Any, figures: dict[str, Any]) -> None:
    """How often prompts were followed, in the dream and in the game."""
    prompts = figures["prompts"]
    names = [name for name in prompts if f"{name}_ceiling" in prompts]
    _bars(axes, names, {"dream": [prompts[name] for name in names], "game": [prompts[f"{name}_ceiling"] for name in names]})
    axes.set(ylabel="share of the prompts")


def _bars(axes: Any, names: list[str], series: dict[str, list[float]]) -> None:
    for number, (label, values) in enumerate(series.items()):
        axes.bar(np.arange(len(names)) + 0.4 * number, values, 0.4, label=label)
    axes.set_xticks(np.arange(len(names)) + 0.2, [name.replace("_", " ") for name in names], rotation=40, ha="right")
    axes.set_ylim(0, 1)
