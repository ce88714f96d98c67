"""The heat map: one cell per rate and batch size, with its mean and standard deviation in it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from experiments.figures import new_axes
from experiments.tables import spread

COLOURED = 0.12
"""How far below the best cell colours go: differences between good cells are what the map is read for."""


@dataclass(frozen=True)
class Cell:
    """The runs of a rate and a batch size.

    Attributes:
        values: validation accuracies, by seed.
        diverged: how many of the runs.
    """

    values: Sequence[float]
    diverged: int

    @property
    def text(self) -> str:
        """The text in the cell."""
        if self.diverged:
            return f"diverged\n{self.diverged} of {len(self.values)}"
        return spread(self.values).replace(" ", "\n", 1)


def heat_map(cells: Sequence[Sequence[Cell]], rates: Sequence[float], batches: Sequence[int]) -> Figure:
    """Draw the cells, one row per rate and one column per batch size."""
    means = np.array([[statistics.fmean(cell.values) for cell in row] for row in cells])
    figure, axes = new_axes("batch size", "learning rate", width=7.5, height=4.8)
    axes.grid(visible=False)
    best = float(means.max())
    lowest = max(float(means.min()), best - COLOURED)
    image = axes.imshow(means, origin="lower", aspect="auto", cmap="viridis", vmin=lowest, vmax=best)
    axes.set_xticks(range(len(batches)), [str(batch) for batch in batches])
    axes.set_yticks(range(len(rates)), [str(rate) for rate in rates])
    for row, column in np.ndindex(means.shape):
        colour = "black" if means[row, column] > (lowest + best) / 2 else "white"
        axes.text(column, row, cells[row][column].text, ha="center", va="center", color=colour, fontsize=9)
    bar = figure.colorbar(image, ax=axes, extend="min" if lowest > means.min() else "neither")
    bar.set_label("validation accuracy after the last epoch")
    return figure
