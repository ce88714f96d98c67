"""The reported scores of each trial, and where pruning ended it."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from nnlab.plots.style import BLUE, GREY, VERMILLION, look, new_figure
from nnlab.tuning.report.pictures._scores import is_drawable, set_score_axis
from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.trials import Asked, is_over_limit

KINDS = {
    "complete": (BLUE, ""),
    "pruned": (GREY, "x"),
    "over limit": (GREY, "s"),
    "failed": ("black", "^"),
}
"""Colour and the mark at the end of a line."""


@look()
def intermediate_values(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Figure | None:
    """Draw the values that the trials reported, by epoch or, with several seeds, by seed; None without any."""
    curves = {
        trial.number: [(step, value) for step, value in sorted(trial.intermediate_values.items()) if is_drawable(value)]
        for trial in trials
        if Asked.of(trial).duplicate_of is None
    }
    values = [value for curve in curves.values() for _, value in curve]
    if not values:
        return None
    figure = new_figure(8.0, 4.2)
    axes = figure.subplots()
    best = best_trial(trials, objectives)
    legend = []
    for name, (colour, marker) in KINDS.items():
        drawn = [trial for trial in trials if _kind(trial) == name and trial is not best]
        shown = [curve for trial in drawn if (curve := curves.get(trial.number))]
        if shown:
            alpha = min(0.7, max(0.15, 30 / len(shown)))
            axes.add_collection(LineCollection(shown, colors=colour, linewidths=0.9, alpha=alpha))
            ends = zip(*(curve[-1] for curve in shown), strict=True)
            axes.plot(*ends, linestyle="", marker=marker, markersize=3.5, color=colour)
            legend.append(Line2D([], [], color=colour, linewidth=1.2, marker=marker, markersize=3.5, label=name))
    if best is not None and curves[best.number]:
        label = f"best: trial {best.number}"
        steps = zip(*curves[best.number], strict=True)
        legend += axes.plot(*steps, color=VERMILLION, linewidth=2.0, marker="o", markersize=3.5, zorder=4, label=label)
    set_score_axis(axes, values)
    counts = {len(Asked.of(trial).seeds) for trial in trials}
    axes.set_xlabel("seed" if min(counts) > 1 else "epoch")  # in a race some have one: epochs of the first are reported
    axes.set_ylabel(objectives[0])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.autoscale_view()
    axes.grid(True)
    figure.legend(handles=legend, loc="outside upper center", ncols=4)
    return figure


def _kind(trial: FrozenTrial) -> str:
    """The name of a trial's line; empty while it runs."""
    names = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    return "over limit" if is_over_limit(trial) else names.get(trial.state, "")
