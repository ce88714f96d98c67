"""The objective over each searched parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial

from nnlab.plots.style import GREY, VERMILLION, look, new_figure
from nnlab.tuning.report.pictures._scale import (
    Scale,
    complete_trials,
    drawable_ranking,
    parameter_scale,
    score_scale,
    searched_keys,
    spread,
)
from nnlab.tuning.report.ranking import ranking
from nnlab.tuning.report.trial_facts import short_names

COLUMNS = 4
# Early trials pale, late ones dark, none as pale as the paper.
AGES = ListedColormap(colormaps["Blues"](np.linspace(0.25, 1.0, 256)))
SPREAD = 0.28


@look()
def slices(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Figure | None:
    """Draw the complete trials in a panel for each parameter, and a row of panels for each objective.

    None if no trial is complete. Choices are spread a little, always in the same way, so that points stay apart.
    """
    candidates = sorted(drawable_ranking(trials, objectives), key=lambda trial: trial.number)
    keys = searched_keys(candidates)
    if not keys:
        return None
    names = short_names(keys)
    columns = min(COLUMNS, len(keys))
    blocks = -(-len(keys) // columns)
    rows = blocks * len(objectives)
    figure = new_figure(max(5.0, 2.4 * columns + 0.9), 2.4 * rows + 0.3)
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat:
        panel.set_visible(False)
    numbers = [trial.number for trial in candidates]
    best = numbers.index(ranking(candidates, objectives)[0].number)
    for place, objective in enumerate(objectives):
        scores = score_scale([trial.values[place] for trial in candidates])
        for index, key in enumerate(keys):
            panel = panels[place * blocks + index // columns, index % columns]
            # Only the first column names its ticks, so all panels of an objective must have the same.
            if index:
                panel.sharey(panels[place * blocks, 0])
            points = _draw(panel, parameter_scale(key, candidates), scores, numbers, best)
            having = sum(key in trial.params for trial in candidates)
            some = f" ({having} of {len(candidates)})" if having < len(candidates) else ""
            panel.set_xlabel(names[key] + some)
            if index % columns == 0:
                panel.set_ylabel(objective)
            else:
                panel.tick_params(labelleft=False)
    bar = figure.colorbar(
        points, ax=panels, label="trial", aspect=40, pad=0.01, ticks=MaxNLocator(integer=True, steps=[1, 2, 5, 10])
    )
    bar.outline.set_visible(False)
    figure.suptitle(
        f"{complete_trials(len(candidates))}; the best by {objectives[0]} is ringed", fontsize=10, color=GREY
    )
    return figure


def _draw(axes: Axes, scale: Scale, scores: Scale, numbers: Sequence[int], best: int) -> PathCollection:
    """One panel; `best` is the place of the best trial."""
    axes.set_visible(True)
    across = scale.values + (SPREAD * spread(len(numbers)) if scale.kind == "choice" else 0.0)
    points = axes.scatter(across, scores.values, c=numbers, cmap=AGES, s=16, edgecolors="white", linewidths=0.3)
    axes.scatter(across[best], scores.values[best], s=46, facecolors="none", edgecolors=VERMILLION)
    scale.set_up(axes, "x")
    scores.set_up(axes, "y")
    axes.grid(True)
    axes.set_axisbelow(True)
    return points
