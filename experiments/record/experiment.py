"""The record of the plain two-layer network on MNIST, against the net that a sweep finds by validation alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.claims import Claim, Measured, accuracy_margin
from experiments.experiment import Experiment, Findings, Runs
from experiments.figures import COLOURS, new_axes
from experiments.lab import Lab, Planned
from experiments.record.search import OBJECTIVE, best_of, search, search_command, trials_of, winner_overrides
from experiments.tables import spread, table

NAME = "record"
RECORD, TEST_ROWS = 0.984, 10_000
SOURCE = "Simard, Steinkraus, Platt 2003"
NOT_REACHED = "fewer digits, or too few trials and epochs: the record's net learned the full MNIST"


def plan(lab: Lab) -> list[Planned]:
    """Run the sweep; then train its winner again, one run per seed, as a variant with the name of the study."""
    study = search(lab, NAME)
    return lab.plan(NAME, study.name, *winner_overrides(study), test=True)


def judge(lab: Lab, runs: Runs) -> Findings:
    """The winner's test accuracy over the seeds against the record."""
    study = Path(lab.runs_dir) / str(runs.table["variant"].iloc[0])
    trials = trials_of(study)
    accuracies = runs.values(study.name, "test/accuracy")
    measured = Measured(
        Claim(
            "record: test accuracy of a plain MLP, no distortions: the sweep's winner",
            SOURCE,
            RECORD,
            margin=accuracy_margin(RECORD, rows=TEST_ROWS, decimals=3),
        ),
        accuracies,
        runs.seconds() + float(trials["seconds"].sum()),
        lab.command(*winner_overrides(study), test=True),
        NOT_REACHED,
    )
    return Findings([measured], _found(lab, runs, trials), {"trials": _figure(trials, accuracies)})


def _found(lab: Lab, runs: Runs, trials: pd.DataFrame) -> str:
    best = best_of(trials)
    run = runs.table.iloc[0]
    winner = {
        "trials": str(len(trials)),
        "of them pruned": str(int((trials["state"] == "PRUNED").sum())),
        "winner": f"trial {best['number']}",
        "hidden layers": "-".join(map(str, run["model.hidden"])),
        "learning rate": f"{run['optimizer.lr']:.4g}",
        "batch size": str(run["trainer.batch_size"]),
        "dropout": f"{run['model.dropout']:.2f}",
        "its validation accuracy": f"{best[OBJECTIVE]:.4f}",
        "from the other seeds": spread([float(value) for value in runs.table["val/accuracy"]]),
    }
    return f"{table(tuple(winner), [tuple(winner.values())])}\n\n    {search_command(lab)}"


def _figure(trials: pd.DataFrame, accuracies: list[float]) -> Figure:
    figure, axes = new_axes("trial", "accuracy", height=5.0)
    complete, pruned = (trials[trials["state"] == state] for state in ("COMPLETE", "PRUNED"))
    axes.plot(complete["number"], complete[OBJECTIVE], "o", label="validation, complete trials")
    axes.plot(pruned["number"], pruned["val/accuracy"], "x", color="0.6", label="validation when pruned")
    best = trials[OBJECTIVE].where(trials["state"] == "COMPLETE").cummax().ffill()
    axes.step(trials["number"], best, where="post", color=COLOURS[0], label="best so far")
    mean = sum(accuracies) / len(accuracies)
    axes.axhline(mean, color=COLOURS[2], label="test, the winner over seeds")
    axes.axhspan(min(accuracies), max(accuracies), color=COLOURS[2], alpha=0.2, linewidth=0)
    axes.axhline(RECORD, color=COLOURS[1], linestyle="--", label=f"the record ({SOURCE})")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    return figure


EXPERIMENT = Experiment(NAME, "Does a sweep find a net as good as the record of the plain MLP?", plan, judge)
