"""Sigmoid units with a squared error, step by step to ReLU units with softmax, each at the rate that suits it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from experiments.claims import hypothesis
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_band, plot_points
from experiments.lab import Lab, Planned
from experiments.tables import spread, table

NAME = "sigmoid_or_relu"
SETTING = ("model.hidden=[100]", "trainer.batch_size=32", "trainer.restore_best=false", "tracking.plots=false")
EPOCHS = 5
ACCURACY = "val/accuracy"
SHOWN = 0.06
MSE, ENTROPY = "sigmoid, squared error", "sigmoid, cross-entropy"
SOFTMAX, RELU = "sigmoid, softmax", "ReLU, softmax"
# Each differs from the one before in one thing: the loss, the output, the hidden units (with weights that suit them).
KINDS = {
    MSE: ("model=sigmoid_mlp",),
    ENTROPY: ("model=sigmoid_mlp", "model.loss=binary_cross_entropy"),
    SOFTMAX: ("model=sigmoid_mlp", "model.output=softmax", "model.loss=cross_entropy"),
    RELU: ("model=mlp",),
}
STEPS = ((MSE, ENTROPY), (ENTROPY, SOFTMAX), (SOFTMAX, RELU))
RATES = {
    MSE: (0.3, 1.0, 3.0, 10.0),
    ENTROPY: (0.1, 0.3, 1.0, 3.0),
    SOFTMAX: (0.1, 0.3, 1.0, 3.0),
    RELU: (0.03, 0.1, 0.3, 1.0),
}

Rates = Mapping[str, Sequence[float]]
"""By kind."""


def plan(lab: Lab) -> list[Planned]:
    """One run per kind, rate and seed."""
    return [
        run
        for kind, rates in _rates(lab).items()
        for rate in rates
        for run in lab.plan(NAME, _variant(kind, rate), *_setting(lab, kind), f"optimizer.lr={rate:g}")
    ]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Compare the kinds, each at its best rate."""
    rates = _rates(lab)
    best = {kind: _best_rate(runs, kind, tried) for kind, tried in rates.items()}
    measured = [
        hypothesis(
            f"validation accuracy, each at its best rate: {kind} less {before}",
            runs.differences(_variant(kind, best[kind]), _variant(before, best[before]), ACCURACY),
            seconds=runs.seconds(*(_variant(each, rate) for each in (before, kind) for rate in rates[each])),
            command=" && ".join(_command(lab, each) for each in (before, kind)),
        )
        for before, kind in STEPS
    ]
    figures = {"by_rate": _rate_figure(runs, rates), "by_epoch": _epoch_figure(runs, best)}
    return Findings(measured, _found(runs, rates, best), figures)


def _rates(lab: Lab) -> Rates:
    """Those that are tried; with --quick the middle two."""
    return {kind: rates[1:3] for kind, rates in RATES.items()} if lab.is_quick else RATES


def _setting(lab: Lab, kind: str) -> tuple[str, ...]:
    return (*KINDS[kind], *SETTING, lab.epochs(EPOCHS))


def _command(lab: Lab, kind: str) -> str:
    rates = ",".join(f"{rate:g}" for rate in _rates(lab)[kind])
    return lab.command(*_setting(lab, kind), f"optimizer.lr={rates}")


def _variant(kind: str, rate: float) -> str:
    return f"{kind}, lr {rate:g}"


def _mean(runs: Runs, kind: str, rate: float) -> float:
    return statistics.fmean(runs.values(_variant(kind, rate), ACCURACY))


def _best_rate(runs: Runs, kind: str, tried: Sequence[float]) -> float:
    return max(tried, key=lambda rate: _mean(runs, kind, rate))


def _found(runs: Runs, rates: Rates, best: Mapping[str, float]) -> str:
    last = int(runs.epochs["epoch"].max())
    rows = []
    for kind, rate in best.items():
        variant = _variant(kind, rate)
        note = " (at the end of the range)" if rate in (rates[kind][0], rates[kind][-1]) else ""
        first, end = runs.at_epoch(variant, ACCURACY, 1), runs.values(variant, ACCURACY)
        rows.append((kind, f"{rate:g}{note}", spread(first), spread(end)))
    head = ("units and loss", "best rate", "validation accuracy after epoch 1", f"after epoch {last}")
    return table(head, rows)


def _rate_figure(runs: Runs, rates: Rates) -> Figure:
    figure, axes = new_axes("learning rate", "validation accuracy after the last epoch")
    for kind, tried in rates.items():
        values = [runs.values(_variant(kind, rate), ACCURACY) for rate in tried]
        plot_points(axes, list(tried), values, label=kind)
    axes.set_xscale("log")
    ticks = sorted({rate for tried in rates.values() for rate in tried})
    axes.set_xticks(ticks, [f"{rate:g}" for rate in ticks])
    axes.minorticks_off()
    # A rate that is far too high would press the others together: its line leaves the figure.
    means = [_mean(runs, kind, rate) for kind, tried in rates.items() for rate in tried]
    axes.set_ylim(max(min(means), max(means) - SHOWN) - 0.005, max(means) + 0.005)
    axes.legend()
    return figure


def _epoch_figure(runs: Runs, best: Mapping[str, float]) -> Figure:
    figure, axes = new_axes("epoch", "validation accuracy")
    for kind, rate in best.items():
        plot_band(axes, runs.by_epoch(_variant(kind, rate), ACCURACY), label=_variant(kind, rate))
    axes.set_xticks(range(1, int(runs.epochs["epoch"].max()) + 1))
    axes.legend(loc="lower right")
    return figure


EXPERIMENT = Experiment(NAME, "Sigmoid or ReLU, squared error or cross-entropy?", plan, judge)
