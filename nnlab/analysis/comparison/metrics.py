"""Which metric is compared, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence

from nnlab.analysis.comparison.facts import RunFacts
from nnlab.check import closest
from nnlab.errors import UserError
from nnlab.training.settings import SCORES
from nnlab.wording import number_of

MONITOR = "trainer.monitor"


def metric_of(runs: Sequence[RunFacts], asked: str | None) -> str:
    """The metric to compare: the one that is asked for, or the one by which all runs chose their weights.

    Raises:
        UserError: if no run has it, or the runs chose by different ones and none is asked for.
    """
    metric = asked
    if metric is None:
        monitors = {str(run.keys[MONITOR]) for run in runs if MONITOR in run.keys}
        if len(monitors) != 1:
            fact = f"chose their weights by {' and '.join(sorted(monitors))}" if monitors else f"have no {MONITOR}"
            raise UserError(f"Runs are compared by the metric that all chose by, but these {fact}. {_remedy(runs)}")
        metric = monitors.pop()
    if not any(metric in run.metrics for run in runs):
        near = closest(metric, known(runs))
        meant = f" Did you mean --metric {near}?" if near else ""
        if metric.startswith("test/"):
            meant = " They left the test split alone, as what is compared should: a choice is made on validation."
        raise UserError(f"None of {number_of(len(runs), 'run')} has the metric {metric!r}.{meant} {_remedy(runs)}")
    return metric


def known(runs: Sequence[RunFacts]) -> list[str]:
    """The metrics that some run has."""
    names = dict.fromkeys(name for run in runs for name in run.metrics if name not in run.keys)
    return [name for name in names if name != "epoch"]


def lower_is_better(metric: str) -> bool | None:
    """Which way is better; None where the name does not say."""
    if metric in SCORES:
        return SCORES[metric] == "minimize"
    last = metric.rpartition("/")[2]
    return {"loss": True, "accuracy": False, "seconds": True}.get(last)


def _remedy(runs: Sequence[RunFacts]) -> str:
    names = known(runs)
    if not names:
        return "They have no metrics at all."
    return f"Choose with --metric one of {', '.join(names)}."
