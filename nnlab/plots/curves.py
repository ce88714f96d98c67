"""Loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnlab.core.rows import Array
from nnlab.plots.style import BLUE, GREY, VERMILLION, look, new_figure

SPLITS = (("train", "training", BLUE), ("val", "validation", VERMILLION))
# A diverging loss passes through numbers with which an axis cannot be drawn; they are gaps, as NaN is.
LARGEST_DRAWN = 1e30
MARKERS_UP_TO = 30


@look()
def learning_curves(history: Sequence[Mapping[str, float]], best_epoch: int | None = None) -> Figure:
    """Draw loss and accuracy of training and validation, side by side, with the best epoch marked.

    Args:
        history: one mapping per epoch, at least one, with `epoch`, and any of `train/loss`,
            `train/accuracy`, `val/loss`, `val/accuracy`. Values that are not finite leave a gap.
        best_epoch: the epoch whose weights were kept; None if none was chosen.
    """
    figure = new_figure(9.0, 3.8)
    loss, accuracy = figure.subplots(1, 2)
    _draw_metric(loss, history, "loss", best_epoch)
    _draw_metric(accuracy, history, "accuracy", best_epoch)
    figure.legend(*loss.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def _draw_metric(axes: Axes, history: Sequence[Mapping[str, float]], metric: str, best_epoch: int | None) -> None:
    epochs = np.array([row["epoch"] for row in history])
    marker = "o" if len(epochs) <= MARKERS_UP_TO else ""
    for split, label, colour in SPLITS:
        if any(f"{split}/loss" in row for row in history):
            values = _drawable([row.get(f"{split}/{metric}", np.nan) for row in history])
            axes.plot(epochs, values, color=colour, label=label, marker=marker, markersize=3.5, linewidth=1.4)
    if all(np.isnan(line.get_ydata()).all() for line in axes.lines):
        axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", color=GREY)
    if best_epoch is not None:
        axes.axvline(best_epoch, color=GREY, linestyle="--", linewidth=1.0, label=f"best epoch ({best_epoch})")
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    margin = 0.02 * max(1.0, float(np.ptp(epochs)))
    axes.set_xlim(epochs.min() - margin, epochs.max() + margin)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.grid(True)


def _drawable(values: Sequence[float]) -> Array:
    numbers = np.array(values, dtype=np.float64)
    return np.where(np.abs(numbers) < LARGEST_DRAWN, numbers, np.nan)
