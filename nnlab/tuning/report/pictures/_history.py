"""The objective by trial, with the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from nnlab.plots.style import BLUE, GREY, VERMILLION, look, new_figure
from nnlab.tuning.report.pictures._scores import drawable_ranking, is_drawable, set_score_axis
from nnlab.tuning.report.ranking import best_so_far
from nnlab.tuning.trials import Asked, is_failure, is_over_limit

MANY = 200
MARKS: dict[str, dict[str, Any]] = {
    "complete": {"marker": "o", "color": BLUE, "markeredgewidth": 0},
    "duplicate": {"marker": "o", "color": BLUE, "markerfacecolor": "white"},
    "pruned": {"marker": "x", "color": GREY},
    "over limit": {"marker": "s", "color": GREY, "clip_on": False},
    "failed": {"marker": "^", "color": "black", "clip_on": False},
}
AT_THE_EDGE = ("over limit", "failed")
BEST: dict[str, Any] = {"color": VERMILLION, "linewidth": 1.6, "zorder": 3}


@look()
def history(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Figure | None:
    """Draw every objective by trial number; None if no trial has ended.

    A pruned trial is drawn at its last score, one that failed or was over its limit at the lower edge.
    """
    if not any(trial.state.is_finished() for trial in trials):
        return None
    figure = new_figure(8.0, 1.0 + 2.8 * len(objectives))
    panels = figure.subplots(len(objectives), 1, sharex=True, squeeze=False)[:, 0]
    for place, axes in enumerate(panels):
        _draw(axes, trials, objectives, place)
    panels[-1].set_xlabel("trial")
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=5)
    return figure


def _draw(axes: Axes, trials: Sequence[FrozenTrial], objectives: Sequence[str], place: int) -> None:
    points: dict[str, list[tuple[int, float]]] = {kind: [] for kind in MARKS}
    for trial in trials:
        if is_failure(trial) or is_over_limit(trial):
            points["failed" if is_failure(trial) else "over limit"].append((trial.number, 0.0))
        elif (value := _value(trial, place)) is not None:
            points[_kind(trial)].append((trial.number, value))
    size = 4.5 if len(trials) <= MANY else 3.0
    for kind, marks in points.items():
        if marks:
            at = axes.get_xaxis_transform() if kind in AT_THE_EDGE else axes.transData
            axes.plot(*zip(*marks, strict=True), linestyle="", label=kind, transform=at, markersize=size, **MARKS[kind])
    numbers, values = best_so_far(drawable_ranking(trials, objectives), objectives, place)
    if numbers:
        # The best stays the best until the last trial.
        end = max(trial.number for trial in trials)
        axes.step([*numbers, end], [*values, values[-1]], where="post", label="best so far", **BEST)
    drawn = [value for kind, marks in points.items() if kind not in AT_THE_EDGE for _, value in marks]
    if drawn:
        set_score_axis(axes, drawn)
    else:
        axes.text(0.5, 0.5, "no finite values", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_yticks([])
    axes.set_ylabel(objectives[place])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    axes.grid(True)


def _kind(trial: FrozenTrial) -> str:
    if trial.state == TrialState.PRUNED:
        return "pruned"
    return "complete" if Asked.of(trial).duplicate_of is None else "duplicate"


def _value(trial: FrozenTrial, place: int) -> float | None:
    value = trial.values[place] if trial.values is not None and place < len(trial.values) else None
    return value if value is not None and is_drawable(value) else None
