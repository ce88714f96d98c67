"""What the experiments' figures share: their look, and how the spread over seeds is drawn."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnlab.plots import look, new_figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's, for colour-blind readers. https://jfly.uni-koeln.de/color/"""


def new_axes(x: str, y: str, *, width: float = 6.5, height: float = 4.0) -> tuple[Figure, Axes]:
    """A figure of one pair of axes with these labels, in inches."""
    with look():
        figure = new_figure(width, height)
        axes = figure.add_subplot()
        axes.set_prop_cycle(color=COLOURS)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(visible=True)
    return figure, axes


def plot_band(axes: Axes, table: pd.DataFrame, *, label: str) -> None:
    """Draw the mean over a table's columns (the seeds) against its index, in a band from the lowest to the highest."""
    (line,) = axes.plot(table.index, table.mean(axis=1), marker="o", markersize=3, label=label)
    low, high = table.min(axis=1), table.max(axis=1)
    axes.fill_between(table.index, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def plot_points(axes: Axes, positions: list[float], values: list[list[float]], *, label: str | None = None) -> None:
    """Draw means with error bars of one standard deviation at the positions, the single values as small dots."""
    frame = pd.DataFrame(values)
    line, *_ = axes.errorbar(positions, frame.mean(axis=1), yerr=frame.std(axis=1), fmt="o-", capsize=3, label=label)
    for position, each in zip(positions, values, strict=True):
        axes.plot([position] * len(each), each, ".", color=line.get_color(), alpha=0.4, markersize=4)
