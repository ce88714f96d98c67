"""How much each searched parameter decides over being among the best trials."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna.trial import FrozenTrial

from nnlab.plots.style import BLUE, GREY, SMALL, VERMILLION, look, new_figure
from nnlab.tuning.report.pictures._scale import complete_trials, searched_keys
from nnlab.tuning.report.ranking import cost, in_memory_study, ranking

# PED-ANOVA compares the best tenth with all trials; below five of them its authors call it unstable.
ENOUGH_TRIALS = 50


def importances(trials: Sequence[FrozenTrial], objectives: Sequence[str], place: int) -> dict[str, float]:
    """The share of each parameter, also a conditional one, in reaching the best tenth of one objective.

    Source: conditional PED-ANOVA (https://arxiv.org/abs/2601.20800), as Optuna computes it. Empty if there are too
    few complete trials, or none of the parameters varies.
    """
    candidates = ranking(trials, objectives)
    if len(candidates) < 2 or not varies(candidates):
        return {}
    with warnings.catch_warnings():
        # It warns of few trials, as the picture does in its own words, and that it takes less for better.
        warnings.simplefilter("ignore")
        found = optuna.importance.get_param_importances(
            in_memory_study(candidates, objectives),
            params=searched_keys(candidates),
            target=lambda trial: cost(objectives[place], trial.values[place]),
        )
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@look()
def importance(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> Figure | None:
    """Draw the importances as bars; None if there are none."""
    shares = [importances(trials, objectives, place) for place in range(len(objectives))]
    if not shares[0]:
        return None
    candidates = ranking(trials, objectives)
    keys = list(shares[0])
    figure = new_figure(8.0, 1.4 + (0.3 + 0.1 * len(objectives)) * len(keys))
    axes = figure.subplots()
    height = 0.8 / len(objectives)
    for place, (objective, colour) in enumerate(zip(objectives, (BLUE, VERMILLION), strict=False)):
        rows = np.arange(len(keys)) + (place - (len(objectives) - 1) / 2) * height
        bars = axes.barh(rows, [shares[place][key] for key in keys], 0.9 * height, color=colour, label=objective)
        axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=SMALL, color=GREY)
    axes.set_yticks(range(len(keys)), [_label(key, candidates) for key in keys])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of importance (PED-ANOVA)")
    few = "" if len(candidates) >= ENOUGH_TRIALS else f", a rough guess below {ENOUGH_TRIALS}"
    axes.set_title(f"What decides over {' and '.join(objectives)}: {complete_trials(len(candidates))}{few}", loc="left")
    if len(objectives) > 1:
        axes.legend(loc="lower right")
    return figure


def _label(key: str, trials: Sequence[FrozenTrial]) -> str:
    having = sum(key in trial.params for trial in trials)
    return key if having == len(trials) else f"{key}\n(in {having} of {len(trials)})"


def varies(trials: Sequence[FrozenTrial]) -> bool:
    """Whether any parameter has several values among the trials."""
    return any(len({trial.params[key] for trial in trials if key in trial.params}) > 1 for key in searched_keys(trials))
