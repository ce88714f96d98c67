"""Which classes are confused with which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnlab.core.rows import Array
from nnlab.plots.style import GREY, PALE, SMALL, look, new_figure, short

NUMBERS_UP_TO = 20
NAMES_UP_TO = 50


@look()
def confusion_matrix(
    true: Array, predicted: Array, class_names: Sequence[str], *, title: str = "Confusion matrix"
) -> Figure:
    """Count every pair of true class (row) and predicted class (column).

    Colour shows the errors alone: the diagonal, usually far larger, is left pale. Up to 20 classes each
    count is written out, beyond that a colour bar stands for them; beyond 50, only some classes are named.

    Args:
        true: (n,) the classes, 0 to k-1, integers.
        predicted: (n,) the predicted classes.
        class_names: k names.
        title: what the picture is of; the number of errors is added.
    """
    k = len(class_names)
    counts = np.zeros((k, k), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    errors = counts.copy()
    np.fill_diagonal(errors, 0)

    side = float(np.clip(1.6 + 0.44 * k, 3.6, 8.5))
    figure = new_figure(side, side)
    axes = figure.subplots()
    image = axes.imshow(
        np.ma.masked_array(errors, np.eye(k, dtype=bool)),
        cmap=colormaps["Oranges"].with_extremes(bad=PALE),
        vmin=0,
        vmax=max(1, errors.max()),
    )
    if k <= NUMBERS_UP_TO:
        _write_counts(axes, counts)
    else:
        figure.colorbar(image, ax=axes, shrink=0.75, label="errors (rows of the data)")
    _name_classes(axes, class_names)
    wrong, rows = int(errors.sum()), int(counts.sum())
    share = f" ({wrong / rows:.1%})" if rows else ""
    axes.set_title(f"{title}\n{wrong:,} of {rows:,} wrong{share}", loc="left")
    return figure


def _write_counts(axes: Axes, counts: Array) -> None:
    dark = 0.6 * (counts - np.diag(counts.diagonal())).max()
    for row, column in zip(*np.nonzero(counts), strict=True):
        count = counts[row, column]
        on_diagonal = row == column
        colour = GREY if on_diagonal else "white" if count > dark else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=SMALL)


def _name_classes(axes: Axes, class_names: Sequence[str]) -> None:
    k = len(class_names)
    named = range(0, k, -(-k // NAMES_UP_TO))
    names = [short(class_names[index], 18) for index in named]
    fontsize = SMALL if k <= 30 else 6.0
    upright = max(map(len, names)) > 3
    axes.set_xticks(named, names, fontsize=fontsize, rotation=90 if upright else 0)
    axes.set_yticks(named, names, fontsize=fontsize)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if k <= NUMBERS_UP_TO:  # White lines between the cells.
        axes.set_xticks(np.arange(0.5, k - 1), minor=True)
        axes.set_yticks(np.arange(0.5, k - 1), minor=True)
        axes.grid(which="minor", color="white")
        axes.tick_params(which="minor", length=0)
