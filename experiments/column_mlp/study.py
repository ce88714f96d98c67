"""A network that keeps its examples in columns: the same gradients, its CSV form, the epoch of the lowest cost."""

from __future__ import annotations

import time
from pathlib import Path

from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from experiments.claims import Claim, Measured
from experiments.column_mlp.proofs import UPDATES, csv_difference, gradient_difference
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.study import Findings, Runs, Study
from experiments.wording import spread
from nnlab.config import dataset_of

NAME = "column_mlp"
PRESET = "preset"
EPOCHS = 100
DIGITS = 3000
"""Of the training split, for each of the proofs."""
UNIT = 1e-12
FORM = "MNIST Tutorial, Neural Networks approach from scratch in Python (2020)"


def plan(lab: Lab) -> list[Planned]:
    """The preset, a run a seed."""
    return lab.plan(NAME, PRESET, "experiment=column_mlp", lab.epochs(EPOCHS))


def judge(lab: Lab, runs: Runs) -> Findings:
    """The two proofs, and what the preset reaches."""
    gradients, csv, proven = _proofs(lab)
    accuracy = Measured(
        Claim("column_mlp: test accuracy with the weights of the lowest held-out cost", "no figure is claimed", None),
        runs.values(PRESET, "test/accuracy"),
        runs.seconds(),
        lab.command("experiment=column_mlp", lab.epochs(EPOCHS)),
    )
    chosen = runs.values(PRESET, "epoch")
    found = (
        f"{proven}\n\n"
        f"The held-out cost is lowest after epoch {_range(chosen)} of {runs.epochs['epoch'].max()}, at "
        f"{spread(runs.values(PRESET, 'val/loss'))}; the test accuracy is then {spread(accuracy.values)}."
    )
    return Findings([gradients, csv, accuracy], found, {"cost": _figure(runs)})


def _proofs(lab: Lab) -> tuple[Measured, Measured, str]:
    """Columns beside rows, for each seed; the CSV form once; and both in words."""
    began = time.perf_counter()
    planned = lab.plan(NAME, "float64", "experiment=column_mlp", "dtype=float64", f"data.limit={DIGITS}")
    dataset = dataset_of(planned[0].job.config.data, seed=0)
    with threadpool_limits(1):
        differences = [gradient_difference(run.job.config, dataset) for run in planned]
    of_gradients, of_costs = zip(*differences, strict=True)
    seconds_of_gradients = time.perf_counter() - began
    digits, of_csv = csv_difference(dataset, Path(lab.runs_dir) / NAME / "digits.csv")
    seconds_of_csv = time.perf_counter() - began - seconds_of_gradients
    gradients = Measured(
        Claim(
            "column_mlp: largest difference of a gradient, columns (dW = (1/m) dZ Aᵀ) less rows, in 1e-12 (float64)",
            f"the form: {FORM}; the bound is ours",
            1.0,
            "bounded",
            decimals=6,
        ),
        [difference / UNIT for difference in of_gradients],
        seconds_of_gradients,
        lab.again(NAME),
        "the two forms are not the same function",
    )
    csv = Measured(
        Claim(
            "column_mlp: largest difference of a pixel or label, as data=csv reads it less as it was written",
            f"the form: {FORM}, Kaggle's CSV",
            0.0,
            "bounded",
            decimals=0,
        ),
        [float(of_csv)],
        seconds_of_csv,
        lab.again(NAME),
        "the file is not read as it was written",
    )
    found = (
        f"On the same weights, rows and columns give gradients at most {max(of_gradients):.1e} and costs at most "
        f"{max(of_costs):.1e} apart (float64, {UPDATES} updates from each seed's weights, {digits:,} digits). As many "
        f"digits written as CSV and read by `data=csv` differ from what was written by at most {of_csv}."
    )
    return gradients, csv, found


def _range(epochs: list[float]) -> str:
    low, high = int(min(epochs)), int(max(epochs))
    return str(low) if low == high else f"{low} to {high}"


def _figure(runs: Runs) -> Figure:
    figure, axes = new_axes("epoch (one update)", "cost")
    for split, name in {"train": "training", "val": "held out (validation)"}.items():
        plot_band(axes, runs.by_epoch(PRESET, f"{split}/loss"), label=name)
    chosen = runs.of(PRESET)
    axes.plot(chosen["epoch"], chosen["val/loss"], "k*", markersize=9, label="chosen epoch of each seed")
    axes.legend(loc="upper right")
    return figure


STUDY = Study(NAME, "System 2: a network that keeps its examples in columns", plan, judge)
