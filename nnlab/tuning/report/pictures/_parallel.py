"""Every complete trial as a line through its parameters to its objectives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from nnlab.plots.style import GREY, SMALL, VERMILLION, look, new_figure
from nnlab.tuning.report.pictures._scale import (
    Scale,
    complete_trials,
    drawable_ranking,
    parameter_scale,
    score_scale,
    searched_keys,
    spread,
)
from nnlab.tuning.report.trial_facts import short_names
from nnlab.tuning.search.settings import direction

ABSENT = -0.13
SPREAD = 0.02
QUALITY = ListedColormap(colormaps["viridis"](np.linspace(0.93, 0.0, 256)))
"""From the worst, pale, to the best, dark."""


@look()
def parallel_coordinates(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Figure | None:
    """Draw the complete trials, coloured by the first objective, the best one on top; None if there are none.

    A trial that lacks a conditional parameter passes below that parameter's axis, so no trial is left out.
    """
    worst_first = drawable_ranking(trials, objectives)[::-1]
    keys = searched_keys(worst_first)
    if not keys:
        return None
    names = short_names(keys)
    scales = [parameter_scale(key, worst_first) for key in keys]
    scales += [score_scale([trial.values[place] for trial in worst_first]) for place in range(len(objectives))]
    # (trials, axes): where each line crosses each axis.
    heights = np.stack([scale.fractions(scale.values) for scale in scales], axis=1)
    lacking = np.isnan(heights)
    heights[lacking] = ABSENT
    # Choices, and trials without a parameter, would all meet in one point.
    heights[:, [scale.kind == "choice" for scale in scales]] += SPREAD * spread(len(heights))[:, None]

    figure = new_figure(max(6.0, 1.15 * len(scales) + 1.0), 4.4)
    axes = figure.subplots()
    quality = heights[:, len(keys)]
    if direction(objectives[0]) == "minimize":
        quality = 1.0 - quality
    lines = [np.column_stack([np.arange(len(scales)), row]) for row in heights]
    alpha = 0.8 if len(lines) <= 100 else 0.5
    axes.add_collection(LineCollection(lines[:-1], colors=QUALITY(quality[:-1]), linewidths=1.0, alpha=alpha))
    best = worst_first[-1]
    axes.plot(*lines[-1].T, color=VERMILLION, linewidth=2.2, zorder=4)
    for place, scale in enumerate(scales):
        _draw_axis(axes, place, scale, bool(lacking[:, place].any()))
    labels = [names[key] for key in keys] + list(objectives)
    axes.set_xticks(range(len(scales)), labels)
    axes.xaxis.set_ticks_position("top")
    axes.tick_params(axis="x", length=0, pad=8)
    axes.set_xlim(-0.55, len(scales) - 0.8)
    axes.set_ylim((ABSENT if lacking.any() else 0.0) - 0.06, 1.04)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    note = ";  –: the trial has no such parameter" if lacking.any() else ""
    axes.set_xlabel(
        f"{complete_trials(len(lines))}, the better the darker;  orange: the best, trial {best.number}{note}",
        color=GREY,
    )
    return figure


def _draw_axis(axes: Axes, place: int, scale: Scale, is_lacking: bool) -> None:
    axes.plot([place, place], [0.0, 1.0], color=GREY, linewidth=1.0, zorder=3)
    positions, texts = zip(*scale.ticks(), strict=True)
    heights = scale.fractions(np.array(positions)).tolist()
    if is_lacking:
        heights, texts = [*heights, ABSENT], (*texts, "–")
    for height, text in zip(heights, texts, strict=True):
        axes.plot([place - 0.03, place], [height, height], color=GREY, linewidth=1.0, zorder=3)
        axes.text(
            place - 0.06,
            height,
            text,
            ha="right",
            va="center",
            fontsize=12.0 if height < 0 else SMALL,
            zorder=5,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
        )
