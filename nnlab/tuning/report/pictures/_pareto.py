"""Two objectives against each other, with the front of those trials that no other one beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from nnlab.plots.style import BLUE, GREY, SMALL, VERMILLION, look, new_figure
from nnlab.tuning.report.pictures._scale import drawable_ranking, score_scale
from nnlab.tuning.report.ranking import pareto_front
from nnlab.tuning.search.settings import direction

NAMED = 15


@look()
def pareto(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Figure | None:
    """Draw the complete trials with the second objective across and the first one up; None without two or trials."""
    if len(objectives) != 2 or not (candidates := drawable_ranking(trials, objectives)):
        return None
    front = sorted(pareto_front(candidates, objectives), key=lambda trial: trial.values[1])
    on_front = {trial.number for trial in front}
    others = [trial for trial in candidates if trial.number not in on_front]
    figure = new_figure(7.0, 4.6)
    axes = figure.subplots()
    up, across = ([trial.values[place] for trial in others] for place in (0, 1))
    if others:
        axes.scatter(across, up, s=16, color=BLUE, alpha=0.55, linewidths=0, label="complete")
    # From one trial of the front to the next, what is reached stays that of the one that allows less across.
    where: Literal["post", "pre"] = "post" if direction(objectives[1]) == "minimize" else "pre"
    axes.step(
        [trial.values[1] for trial in front],
        [trial.values[0] for trial in front],
        where=where,
        color=VERMILLION,
        linewidth=1.2,
        marker="o",
        markersize=5,
        label=f"Pareto front ({len(front)})",
        zorder=3,
    )
    for trial in front[:: -(-len(front) // NAMED)]:
        axes.annotate(
            str(trial.number),
            (trial.values[1], trial.values[0]),
            xytext=(-5, 5) if where == "post" else (5, 5),
            ha="right" if where == "post" else "left",
            textcoords="offset points",
            fontsize=SMALL,
            color=GREY,
        )
    score_scale([trial.values[1] for trial in candidates]).set_up(axes, "x")
    score_scale([trial.values[0] for trial in candidates]).set_up(axes, "y")
    axes.set_xlabel(objectives[1])
    axes.set_ylabel(objectives[0])
    axes.grid(True)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=2)
    return figure
