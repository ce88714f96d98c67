"""The Keras tutorial's network, by the preset and by `Sequential`."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from experiments.claims import Claim, Measured
from experiments.figures import new_axes, plot_band
from experiments.keras_mlp.published import CURVES, MICROSECONDS_A_SAMPLE, TEST_ACCURACY
from experiments.keras_mlp.sequential import fitted
from experiments.lab import Lab, Planned
from experiments.study import Findings, Runs, Study
from experiments.wording import spread
from nnlab.config import Config, dataset_of
from nnlab.data import Dataset
from nnlab.tracking.model_artifact import ARCHITECTURE, WEIGHTS, load_model

NAME = "keras_mlp"
PRESET = "preset"
EPOCHS = 10
TOLERANCE = 0.01
SPLITS = {"train": "training", "val": "validation"}
SOURCE = "C. Feng, MNIST Tutorial: its Keras run"
REASON = "the published figure is of one run of ten epochs on the full MNIST"


def plan(lab: Lab) -> list[Planned]:
    """The preset, a run a seed."""
    return lab.plan(NAME, PRESET, *_overrides(lab))


def _overrides(lab: Lab) -> tuple[str, ...]:
    return "experiment=keras_mlp", lab.epochs(EPOCHS)


def judge(lab: Lab, runs: Runs) -> Findings:
    """The published figures beside the preset's, and the preset beside `Sequential`."""
    (first, *_) = plan(lab)
    config = first.job.config
    dataset = dataset_of(config.data, seed=config.seed)
    accuracy, curve, *losses = _quality(lab, runs)
    last = runs.epochs["epoch"].max()
    curves = runs.by_epoch(PRESET, "val/accuracy")
    farthest = max(_distance(curves[seed]) for seed in curves)
    same, told = _sequential(lab, runs, config, dataset)
    found = (
        f"Test accuracy {spread(accuracy.values)}, published {TEST_ACCURACY}. The validation curve, averaged over the "
        f"seeds, is at most {curve.mean:.4f} away from the published one, which is a single run's; that of a single "
        f"seed at most {farthest:.4f}. Losses with the penalty after epoch {last}: "
        f"training {spread(losses[0].values)}, validation {spread(losses[1].values)}; published after epoch {EPOCHS}: "
        f"{losses[0].claim.claimed} and {losses[1].claim.claimed}.\n\n{told}"
    )
    figures = {"accuracy": _figure(runs, "accuracy"), "loss": _figure(runs, "loss")}
    return Findings([accuracy, curve, *losses, _speed(lab, runs, len(dataset.train)), same], found, figures)


def _quality(lab: Lab, runs: Runs) -> list[Measured]:
    """Test accuracy, the validation curve, and the two losses at the end."""
    last = runs.epochs["epoch"].max()
    measured = {
        Claim("keras_mlp: test accuracy", SOURCE, TEST_ACCURACY): runs.values(PRESET, "test/accuracy"),
        Claim(
            "keras_mlp: largest distance at any epoch, validation accuracy (the seeds' mean) from the published one",
            f"{SOURCE}; the bound is ours",
            TOLERANCE,
            "bounded",
        ): [_distance(runs.by_epoch(PRESET, "val/accuracy").mean(axis=1))],
    }
    for split, name in SPLITS.items():
        loss = f"{split}/loss"
        text = f"keras_mlp: {name} loss with the penalty, after epoch {EPOCHS}"
        claim = Claim(text, SOURCE, float(CURVES[loss].iloc[-1]), lower_is_better=True)
        measured[claim] = runs.at_epoch(PRESET, loss, last)
    command = lab.command(*_overrides(lab))
    return [Measured(claim, values, runs.seconds(), command, REASON) for claim, values in measured.items()]


def _distance(curve: pd.Series[float]) -> float:
    """The largest distance of a validation curve from the published one."""
    return float((curve - CURVES["val/accuracy"].loc[: curve.index.max()]).abs().max())


def _speed(lab: Lab, runs: Runs, rows: int) -> Measured:
    claim = Claim(
        "keras_mlp: microseconds a training sample (60 to 63 on the tutorial's machine; a time, so it varies)",
        SOURCE,
        MICROSECONDS_A_SAMPLE,
        lower_is_better=True,
        decimals=1,
    )
    samples = rows * runs.epochs["epoch"].max()
    values = [1e6 * seconds / samples for seconds in runs.values(PRESET, "seconds")]
    return Measured(claim, values, runs.seconds(), lab.command(*_overrides(lab)), "another machine, or a busy one")


def _sequential(lab: Lab, runs: Runs, config: Config, dataset: Dataset) -> tuple[Measured, str]:
    """`Sequential` beside the preset's run of seed 0, on the same rows; also in words."""
    run = runs.of(PRESET).iloc[0]
    folder = Path(run["directory"]) / "model"
    preset = load_model(folder / ARCHITECTURE, folder / WEIGHTS).network.parameters.values_vector
    began = time.perf_counter()
    weights, accuracy = fitted(dataset, config)
    seconds = time.perf_counter() - began
    claim = Claim(
        "keras_mlp: largest difference of a weight, Sequential (compile, fit, evaluate) less the preset, seed 0",
        "own: two doors to one engine",
        0.0,
        "bounded",
    )
    difference = float(np.abs(weights - preset).max())
    told = (
        f"Of {len(weights):,} weights, {int(np.count_nonzero(weights != preset)):,} differ between "
        f"`Sequential` and the preset (seed 0); test accuracy {accuracy:.4f} and {run['test/accuracy']:.4f}."
    )
    return Measured(claim, [difference], seconds, lab.again(NAME), "the two doors do not lead to one engine"), told


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


STUDY = Study(NAME, "System 1: the Keras tutorial's network", plan, judge)
