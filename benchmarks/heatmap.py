"""The picture of the detection benchmark: recall by edit and severity, beside the peers."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # no display where benchmarks run

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw(path: Path, rows: list[str], columns: list[str], shares: list[list[float | None]]) -> None:
    """Write a PNG: one cell for each row and column, recall 0 to 1, None left empty."""
    values = np.array([[np.nan if s is None else 100 * s for s in line] for line in shares])
    figure = Figure(figsize=(2.8 + 0.95 * len(columns), 1.2 + 0.2 * len(rows)), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(values, cmap="RdYlGn", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=7)
    axes.xaxis.tick_top()
    for row, column in np.argwhere(~np.isnan(values)):
        text = f"{values[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=7)
    axes.set_xlabel("copies found, percent", fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
