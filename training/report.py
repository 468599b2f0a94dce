"""What `simworld evaluate` writes for people: a Markdown report with a plot, and contact sheets."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simworld.training.pictures import grid


def write_report(folder: Path, figures: dict[str, Any], sheets: dict[str, np.ndarray]) -> None:
    """report.md, horizon.png and a sheet for each measure, into an existing folder."""
    for name, sheet in sheets.items():
        write_sheet(folder / f"{name}.png", sheet)
    _plot(folder / "horizon_plot.png", figures["horizon"], figures.get("reconstruction", {}).get("psnr"))
    lines = [f"# {figures['world']}, measured against the game", "", "![horizon](horizon_plot.png)", ""]
    lines += ["| chunks ahead | dream, PSNR | copy last frame | gain | dream, SSIM |", "| --- | --- | --- | --- | --- |"]
    for chunks, row in figures["horizon"].items():
        dream, copied, gain, alike = (row[key] for key in ("dream_psnr", "copy_last_frame_psnr", "gain_psnr", "dream_ssim"))
        lines.append(f"| {chunks} | {dream:.1f} | {copied:.1f} | {gain:+.1f} | {alike:.3f} |")
    lines += ["", "| measure | figures |", "| --- | --- |"]
    for name, found in figures.items():
        if name == "horizon":
            continue
        told_all = ", ".join(f"{key} {value:g}" for key, value in found.items()) if isinstance(found, dict) else str(found)
        lines.append(f"| {name.replace('_', ' ')} | {told_all} |")
    lines += [""]
    for name in sheets:
        lines += [f"## {name.replace('_', ' ')}", "", f"Truth above dream: ![{name}]({name}.png)", ""]
    (folder / "report.md").write_text("\n".join(lines))


def write_sheet(path: Path, sheet: np.ndarray) -> None:
    """Rows of pictures, uint8 [rows, columns, h, w, 3], as one picture."""
    Image.fromarray(grid(sheet)).save(path)


def _plot(path: Path, horizon: dict[str, dict[str, float]], ceiling: float | None) -> None:
    """PSNR by chunks ahead: dream, copy-last-frame and, where there is one, the ceiling."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    chunks = [int(number) for number in horizon]
    for name, label in (("dream", "dream"), ("copy_last_frame", "copy last frame")):
        axes.plot(chunks, [row[f"{name}_psnr"] for row in horizon.values()], marker="o", label=label)
    if ceiling is not None:
        axes.axhline(ceiling, linestyle="--", color="grey", label="ceiling: the autoencoder alone")
    axes.set_xscale("log", base=2)
    axes.set_xticks(chunks, [str(number) for number in chunks])
    axes.set_xlabel("chunks ahead")
    axes.set_ylabel("PSNR, dB")
    axes.legend()
    figure.savefig(path, dpi=100)
