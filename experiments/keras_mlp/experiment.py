"""The Keras tutorial's network, by the preset and by `Sequential`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from experiments.claims import OWN, Claim, Measured, accuracy_margin, margin
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_band
from experiments.keras_mlp.published import CURVES, MICROSECONDS_A_SAMPLE, TEST_ACCURACY
from experiments.keras_mlp.sequential import fitted
from experiments.lab import Lab, Planned
from experiments.running import in_workers
from nnlab.data.loading import dataset_of
from nnlab.models.saved_model import ARCHITECTURE, WEIGHTS, load_model

NAME = "keras_mlp"
PRESET = "preset"
EPOCHS = 10
TEST_ROWS, VALIDATION_ROWS = 10_000, 12_000
"""The rows that the published accuracies were counted on."""
SPLITS = {"train": "training", "val": "validation"}
SOURCE = "C. Feng, MNIST Tutorial: its Keras run"
REASON = "the published figure is of one run of ten epochs on the full MNIST"


def plan(lab: Lab) -> list[Planned]:
    """The preset, one run per seed."""
    return lab.plan(NAME, PRESET, *_overrides(lab), test=True)


def _overrides(lab: Lab) -> tuple[str, ...]:
    return "experiment=keras_mlp", lab.epochs(EPOCHS)


def judge(lab: Lab, runs: Runs) -> Findings:
    """The published figures against the preset's, and the preset against `Sequential`."""
    figures = {"accuracy": _figure(runs, "accuracy"), "loss": _figure(runs, "loss")}
    return Findings([*_quality(lab, runs), _speed(lab, runs), _sequential(lab, runs)], figures=figures)


def _quality(lab: Lab, runs: Runs) -> list[Measured]:
    """Test accuracy, the validation curve where it is worst, and the two losses at the end."""
    last = runs.epochs["epoch"].max()
    limits = {"rows": TEST_ROWS, "decimals": 4}
    test = Claim("keras_mlp: test accuracy", SOURCE, TEST_ACCURACY, margin=accuracy_margin(TEST_ACCURACY, **limits))
    measured = {test: runs.values(PRESET, "test/accuracy")}
    epoch, claim = _worst_epoch(runs)
    measured[claim] = runs.at_epoch(PRESET, "val/accuracy", epoch)
    for split, name in SPLITS.items():
        loss = f"{split}/loss"
        figure = float(CURVES[loss].iloc[-1])
        text = f"keras_mlp: {name} loss with the penalty, after epoch {EPOCHS}"
        claim = Claim(text, SOURCE, figure, margin=margin(figure, decimals=4), lower_is_better=True)
        measured[claim] = runs.at_epoch(PRESET, loss, last)
    command = lab.command(*_overrides(lab), test=True)
    return [Measured(claim, values, runs.seconds(), command, REASON) for claim, values in measured.items()]


def _worst_epoch(runs: Runs) -> tuple[int, Claim]:
    """The published validation accuracy that the mean over the seeds falls short of most, in margins."""
    curve = runs.by_epoch(PRESET, "val/accuracy").mean(axis=1)
    claims = {}
    for epoch in curve.index:
        figure = float(CURVES["val/accuracy"].loc[epoch])
        text = f"keras_mlp: validation accuracy by epoch, the worst of {len(curve)} (epoch {epoch})"
        limit = accuracy_margin(figure, rows=VALIDATION_ROWS, decimals=4)
        claims[int(epoch)] = Claim(text, SOURCE, figure, margin=limit)
    worst = max(claims, key=lambda epoch: claims[epoch].shortfall(curve[epoch]) - claims[epoch].margin)
    return worst, claims[worst]


def _speed(lab: Lab, runs: Runs) -> Measured:
    claim = Claim(
        "keras_mlp: microseconds a training sample (60 to 63 on the tutorial's machine; a time, so it varies)",
        SOURCE,
        MICROSECONDS_A_SAMPLE,
        margin=margin(MICROSECONDS_A_SAMPLE, decimals=0),
        lower_is_better=True,
        decimals=1,
    )
    (first, *_) = plan(lab)
    rows = len(dataset_of(first.job.config.data, seed=0).train)
    samples = rows * runs.epochs["epoch"].max()
    values = [1e6 * seconds / samples for seconds in runs.values(PRESET, "seconds")]
    command = lab.command(*_overrides(lab), test=True)
    return Measured(claim, values, runs.seconds(), command, "another machine, or a busy one")


def _sequential(lab: Lab, runs: Runs) -> Measured:
    """`Sequential` against the preset's run of each seed, on the same rows."""
    folders = [Path(directory) / "model" for directory in runs.of(PRESET)["directory"]]
    presets = [load_model(each / ARCHITECTURE, each / WEIGHTS).network.parameters.values_vector for each in folders]
    fits = in_workers(lab.workers, fitted, [run.job.config for run in plan(lab)])
    weights, seconds = zip(*fits, strict=True)
    claim = Claim(
        "keras_mlp: largest difference of a weight, Sequential (compile, fit, evaluate) less the preset",
        OWN,
        0.0,
        "check",
    )
    differences = [float(np.abs(one - two).max()) for one, two in zip(weights, presets, strict=True)]
    reason = "the two doors do not lead to one engine"
    return Measured(claim, differences, sum(seconds), lab.again(NAME), reason)


def _figure(runs: Runs, metric: str) -> Figure:
    figure, axes = new_axes("epoch", metric if metric == "accuracy" else "loss with the penalty")
    for split, name in SPLITS.items():
        column = f"{split}/{metric}"
        plot_band(axes, runs.by_epoch(PRESET, column), label=f"{name}, nnlab")
        axes.plot(CURVES.index, CURVES[column], "x", color=axes.lines[-1].get_color(), label=f"{name}, published")
    if metric == "loss":
        axes.set_yscale("log")
        axes.set_yticks([0.3, 0.5, 1.0, 2.0])
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="best")
    return figure


EXPERIMENT = Experiment(NAME, "System 1: the Keras tutorial's network", plan, judge)
