"""The record of the plain two-layer network on MNIST, against the net that a sweep finds by validation alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.claims import Claim, Measured, accuracy_margin
from experiments.figures import COLOURS, new_axes
from experiments.lab import Lab, Planned
from experiments.record.search import OBJECTIVE, best_of, search, search_command, trials_of, winner_overrides
from experiments.study import Findings, Runs, Study
from experiments.wording import spread

NAME = "record"
RECORD, TEST_ROWS = 0.984, 10_000
SOURCE = "Simard, Steinkraus, Platt 2003"
NOT_REACHED = "fewer digits, or too few trials and epochs: the record's net learned the full MNIST"


def plan(lab: Lab) -> list[Planned]:
    """Do the sweep; then its winner once more, a run a seed, as a variant with the name of the sweep."""
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
    return Findings([measured], _found(lab, runs, trials, accuracies), {"trials": _figure(trials, accuracies)})


def _found(lab: Lab, runs: Runs, trials: pd.DataFrame, accuracies: list[float]) -> str:
    best = best_of(trials)
    run = runs.table.iloc[0]
    hidden = "-".join(map(str, run["model.hidden"]))
    pruned = int((trials["state"] == "PRUNED").sum())
    validation = [float(value) for value in runs.table["val/accuracy"]]
    return (
        f"Of {len(trials)} trials ({pruned} of them pruned) validation chose trial {best['number']}: hidden layers "
        f"{hidden}, learning rate {run['optimizer.lr']:.4g}, batches of {run['trainer.batch_size']}, dropout "
        f"{run['model.dropout']:.2f}; validation accuracy {best[OBJECTIVE]:.4f}. Trained again from "
        f"{len(accuracies)} other seeds it has a validation accuracy of {spread(validation)} and a test accuracy of "
        f"{spread(accuracies)}, that is {100 * (1 - sum(accuracies) / len(accuracies)):.2f} % of errors; the record "
        f"is {100 * (1 - RECORD):.1f} %. The sweep:\n\n    {search_command(lab)}"
    )


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


STUDY = Study(NAME, "Does a sweep find a net as good as the record of the plain MLP?", plan, judge)
