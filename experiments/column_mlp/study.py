"""A network that keeps its examples in columns: the same gradients, its CSV form, the epoch of the lowest cost."""

from __future__ import annotations

import time
from pathlib import Path

from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from experiments.claims import OWN, Claim, Measured
from experiments.column_mlp.proofs import UPDATES, csv_difference, gradient_difference
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.study import Findings, Runs, Study
from experiments.wording import spread
from nnlab.data.loading import dataset_of

NAME = "column_mlp"
PRESET = "preset"
EPOCHS = 100
DIGITS = 3000
"""Of the training split, for each of the proofs."""
UNIT = 1e-12


def plan(lab: Lab) -> list[Planned]:
    """The preset, a run a seed."""
    return lab.plan(NAME, PRESET, "experiment=column_mlp", lab.epochs(EPOCHS))


def judge(lab: Lab, runs: Runs) -> Findings:
    """The two proofs, and what the preset reaches: no figure is claimed, so it is no row of the table."""
    gradients, csv, proven = _proofs(lab)
    chosen = runs.values(PRESET, "epoch")
    found = (
        f"{proven}\n\n"
        f"The held-out cost is lowest after epoch {_range(chosen)} of {runs.epochs['epoch'].max()}, at "
        f"{spread(runs.values(PRESET, 'val/loss'))}; the held-out accuracy is then "
        f"{spread(runs.values(PRESET, 'val/accuracy'))}. The form claims no figure, so the test split is left alone. "
        f"The runs again:\n\n    {lab.command('experiment=column_mlp', lab.epochs(EPOCHS))}"
    )
    return Findings([gradients, csv], found, {"cost": _figure(runs)})


def _proofs(lab: Lab) -> tuple[Measured, Measured, str]:
    """Columns beside rows, and the CSV form, for each seed on rows of its own; and both in words."""
    began = time.perf_counter()
    rows = ("dtype=float64", f"data.limit={DIGITS}", "data.split.seed=null")
    configs = [run.job.config for run in lab.plan(NAME, "float64", "experiment=column_mlp", *rows)]
    datasets = [dataset_of(config.data, seed=config.seed) for config in configs]
    with threadpool_limits(1):
        differences = [gradient_difference(*each) for each in zip(configs, datasets, strict=True)]
    of_gradients, of_costs = zip(*differences, strict=True)
    seconds_of_gradients = time.perf_counter() - began
    file = Path(lab.runs_dir) / NAME / "digits.csv"
    of_csv = [csv_difference(dataset, file) for dataset in datasets]
    seconds_of_csv = time.perf_counter() - began - seconds_of_gradients
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
    found = (
        f"On the same weights, rows and columns give gradients at most {max(of_gradients):.1e} and costs at most "
        f"{max(of_costs):.1e} apart (float64, {UPDATES} updates from each seed's weights, on "
        f"{len(datasets[0].train):,} digits of its own). As many digits written as CSV and read by `data=csv` differ "
        f"from what was written by at most {max(of_csv)}."
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
