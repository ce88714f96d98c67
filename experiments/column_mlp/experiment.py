"""A network with one example per column: the same gradients, its CSV form, the epoch of the lowest cost."""

from __future__ import annotations

import time
from pathlib import Path

from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from experiments.claims import OWN, Claim, Measured
from experiments.column_mlp.proofs import csv_difference, gradient_difference
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.tables import spread, table
from nnlab.data.loading import dataset_of

NAME = "column_mlp"
PRESET = "preset"
EPOCHS = 100
DIGITS = 3000
"""Of the training split, for each check."""
UNIT = 1e-12


def plan(lab: Lab) -> list[Planned]:
    """The preset, one run per seed."""
    return lab.plan(NAME, PRESET, "experiment=column_mlp", lab.epochs(EPOCHS))


def judge(lab: Lab, runs: Runs) -> Findings:
    """The two checks, and what the preset reaches, for which there is no published figure."""
    gradients, csv, of_costs = _proofs(lab)
    head = ("chosen epoch", "held-out cost", "held-out accuracy", "largest difference of a cost, columns less rows")
    row = (
        f"{_range(runs.values(PRESET, 'epoch'))} of {runs.epochs['epoch'].max()}",
        *(spread(runs.values(PRESET, column)) for column in ("val/loss", "val/accuracy")),
        f"{of_costs:.1e}",
    )
    found = f"{table(head, [row])}\n\n    {lab.command('experiment=column_mlp', lab.epochs(EPOCHS))}"
    return Findings([gradients, csv], found, {"cost": _figure(runs)})


def _proofs(lab: Lab) -> tuple[Measured, Measured, float]:
    """Columns against rows, and the CSV form, for each seed on its own rows; and the largest difference of a cost."""
    started = time.perf_counter()
    rows = ("dtype=float64", f"data.limit={DIGITS}", "data.split.seed=null")
    configs = [run.job.config for run in lab.plan(NAME, "float64", "experiment=column_mlp", *rows)]
    datasets = [dataset_of(config.data, seed=config.seed) for config in configs]
    with threadpool_limits(1):
        differences = [gradient_difference(*each) for each in zip(configs, datasets, strict=True)]
    of_gradients, of_costs = zip(*differences, strict=True)
    seconds_of_gradients = time.perf_counter() - started
    file = Path(lab.runs_dir) / NAME / "digits.csv"
    of_csv = [csv_difference(dataset, file) for dataset in datasets]
    seconds_of_csv = time.perf_counter() - started - seconds_of_gradients
    gradients = Measured(
        Claim(
            "column_mlp: largest difference of a gradient, columns (dW = (1/m) dZ Aᵀ) less rows, in 1e-12 (float64)",
            OWN,
            1.0,
            "check",
            decimals=6,
        ),
        [difference / UNIT for difference in of_gradients],
        seconds_of_gradients,
        lab.again(NAME),
        "the two forms are not the same function",
    )
    csv = Measured(
        Claim(
            "column_mlp: largest difference of a pixel or label, read by data=csv from Kaggle's form less as written",
            OWN,
            0.0,
            "check",
            decimals=0,
        ),
        [float(difference) for difference in of_csv],
        seconds_of_csv,
        lab.again(NAME),
        "the file is not read as it was written",
    )
    return gradients, csv, max(of_costs)


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


EXPERIMENT = Experiment(NAME, "System 2: a network that keeps its examples in columns", plan, judge)
