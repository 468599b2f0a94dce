"""What `simworld evaluate` writes for people: a Markdown report with plots, and contact sheets."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simworld.training.pictures import grid
from simworld.training.plots import write_plots


def write_report(folder: Path, figures: dict[str, Any], sheets: dict[str, np.ndarray]) -> None:
    """report.md, its plots and a sheet for each measure, into an existing folder."""
    for name, sheet in sheets.items():
        write_sheet(folder / f"{name}.png", sheet)
    plots = write_plots(folder, figures)
    lines = [f"# {figures['world']}, measured against the game", "", "| measure | figures |", "| --- | --- |"]
    for name, found in figures.items():
        lines += [f"| {_title(name)} | {told} |" for told in [_told(found)] if told]
    lines += [""]
    for name, found in figures.items():
        tables = _tables(found)
        if not tables and name not in sheets:
            continue
        lines += [f"## {_title(name)}", ""]
        if name in plots:
            lines += [f"![{name}]({name}_plot.png)", ""]
        for table in tables:
            columns = list(next(iter(table.values())))
            lines += ["| | " + " | ".join(map(_title, columns)) + " |", "| --- |" + " --- |" * len(columns)]
            for key, row in table.items():
                lines += [f"| {_title(key)} | " + " | ".join(f"{row[column]:g}" for column in columns) + " |"]
            lines += [""]
        if name in sheets:
            lines += [f"Truth above dream: ![{name}]({name}.png)", ""]
    (folder / "report.md").write_text("\n".join(lines))


def write_sheet(path: Path, sheet: np.ndarray) -> None:
    """Rows of pictures, uint8 [rows, columns, h, w, 3], as one picture."""
    Image.fromarray(grid(sheet)).save(path)


def _tables(found: Any) -> list[dict[str, dict[str, float]]]:
    """Rows of figures: the measure itself, or what it holds."""
    if not isinstance(found, dict):
        return []
    inner = [value for value in found.values() if isinstance(value, dict) and value]
    if inner and all(isinstance(value, dict) for row in inner for value in row.values()):
        return inner
    return [found] if inner else []


def _title(name: str) -> str:
    return name.replace("_", " ")


def _told(found: Any) -> str:
    """A measure's single figures, in words; '' where it has none."""
    if not isinstance(found, dict):
        return str(found)
    return ", ".join(f"{_title(key)} {value:g}" for key, value in found.items() if not isinstance(value, dict))
