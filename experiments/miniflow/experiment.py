"""System 5: above 90 % after 10,000 updates, by the preset, by a single layer, and by the loop written out."""

from __future__ import annotations

import contextlib
import io
import math
import shlex
import time
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from experiments.claims import Claim, Measured
from experiments.experiment import Experiment, Findings, Runs, split_of
from experiments.figures import new_axes, plot_band
from experiments.lab import Lab, Planned
from experiments.miniflow.training_loop import train
from experiments.running import in_workers
from nnlab.batch import compose
from nnlab.config.schema import Config
from nnlab.data.loading import dataset_of

NAME = "miniflow"
SOURCE = "Neural Network from Scratch (the lab that builds miniflow)"
CLAIMED = 0.90
UPDATES, QUICK_UPDATES = 10_000, 2_000
NETS = {"one hidden layer, preset": (), "one layer, preset": ("model.hidden=[]",)}
LOOP = "one hidden layer, loop written out"


class Loop(NamedTuple):
    """Of the loop: validation accuracy by iteration, test accuracy, and seconds."""

    reports: dict[int, float]
    test_accuracy: float
    seconds: float


def plan(lab: Lab) -> list[Planned]:
    """The two nets of the preset."""
    return [run for net in NETS for run in lab.plan(NAME, net, *_overrides(lab, net), test=True)]


def judge(lab: Lab, runs: Runs) -> Findings:
    """Whether all three get above 90 %."""
    loops = _loops(lab)
    digits = lab.digits(_all_rows(lab))
    measured = [
        Measured(
            Claim(f"miniflow: {net}, test accuracy", SOURCE, CLAIMED, "bound"),
            runs.values(net, "test/accuracy"),
            runs.seconds(net),
            lab.command(*_overrides(lab, net), test=True),
            "So few digits do not get a network that far." if lab.is_sorted_by_class else "",
        )
        for net in NETS
    ]
    command = ["python", "-m", "experiments.miniflow.training_loop", *digits]
    measured.append(
        Measured(
            Claim(f"miniflow: {LOOP}, test accuracy", SOURCE, CLAIMED, "bound"),
            [loop.test_accuracy for loop in loops],
            sum(loop.seconds for loop in loops),
            shlex.join([*command, f"seed={','.join(map(str, range(lab.seeds)))}"]),
        )
    )
    evaluations = {split_of(runs.table.iloc[0]): len(loops)}
    return Findings(measured, figures={"accuracy": _figure(lab, runs, loops)}, evaluations=evaluations)


def _all_rows(lab: Lab) -> tuple[str, ...]:
    """Also with --quick: the claim is about 10,000 updates, which take as long on few rows."""
    return ("data.limit=null",) if lab.is_quick else ()


def _config(lab: Lab) -> Config:
    overrides = ("experiment=miniflow", *_all_rows(lab))
    return compose(*overrides, *lab.digits(overrides), *lab.places).config


def _updates_per_epoch(lab: Lab) -> int:
    config = _config(lab)
    batch_size = config.trainer.batch_size
    rows = len(dataset_of(config.data, seed=0).train)
    return 1 if batch_size == "full" else math.ceil(rows / batch_size)


def _overrides(lab: Lab, net: str) -> tuple[str, ...]:
    epochs = math.ceil(UPDATES / _updates_per_epoch(lab))
    return ("experiment=miniflow", *NETS[net], f"trainer.epochs={epochs}", *_all_rows(lab))


def _loops(lab: Lab) -> list[Loop]:
    config, updates = _config(lab), QUICK_UPDATES if lab.is_quick else UPDATES
    seeds = lab.seeds
    return in_workers(min(lab.workers, seeds), _loop, [config] * seeds, range(seeds), [updates] * seeds)


def _loop(config: Config, seed: int, updates: int) -> Loop:
    """In a worker: on one thread, like a run, since the last bits depend on the number."""
    data = dataset_of(config.data, seed=seed)
    with threadpool_limits(1), contextlib.redirect_stdout(io.StringIO()):
        started = time.perf_counter()
        reports, test_accuracy = train(data, seed=seed, iterations=updates)
        return Loop(reports, test_accuracy, time.perf_counter() - started)


def _figure(lab: Lab, runs: Runs, loops: Sequence[Loop]) -> Figure:
    figure, axes = new_axes("updates", "validation accuracy")
    updates_per_epoch = _updates_per_epoch(lab)
    for net in NETS:
        table = runs.by_epoch(net, "val/accuracy")
        plot_band(axes, table.set_axis(table.index * updates_per_epoch), label=net)
    reports = pd.DataFrame([loop.reports for loop in loops]).T
    plot_band(axes, reports[reports.index > 0], label=LOOP)
    axes.axhline(CLAIMED, color="black", linestyle="--", linewidth=1, label="claimed, on the test split")
    axes.legend(loc="lower right")
    return figure


EXPERIMENT = Experiment(NAME, "Does a graph with nothing but gradients learn digits in 10,000 updates?", plan, judge)
