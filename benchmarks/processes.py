"""Whole commands: `python -m nnlab.run` from its start to its exit, and what memory it holds."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.session import bring_store
from benchmarks.table import Row, Table
from benchmarks.watching import Watched, watched
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL

TEMPLATE_SECONDS = 14.5
"""Of the Lightning + Hydra template for one epoch of this network, measured once on a machine of this kind."""
ONE_EPOCH = ("model.hidden=[64,128,64]", "trainer.batch_size=128", "trainer.epochs=1")
FULL_RUN = ("model.hidden=[300,50]", "trainer.batch_size=50", "trainer.epochs=3")
STUDY = ("model.hidden=[256,128]", "trainer.batch_size=64", "trainer.epochs=3", "sweep.space=null", "sweep.pruner=none")


def fresh_runs(plan: Plan) -> Path:
    """A runs folder with an empty store."""
    runs = plan.folder / "runs"
    bring_store(plan, runs)
    return runs


def run_command(runs: Path, *overrides: str) -> list[str]:
    """The command of a run that is kept there."""
    return [sys.executable, "-m", "nnlab.run", *overrides, f"runs_dir={runs}"]


def whole_run(plan: Plan) -> Table:
    """python -m nnlab.run from command to exit, with pictures and tracking."""
    truth, epoch, after, mlflow = [], [], [], []
    for _ in range(plan.rounds):
        runs = fresh_runs(plan)
        truth.append(watched(run_command(runs, "model=toy", "data=toy"), plan.folder).wall)
        second = watched(run_command(runs, *plan.data.overrides, *ONE_EPOCH), plan.folder)
        epoch.append(second.wall)
        trained, ended = _moments(runs)
        after.append(second.ended - trained)
        mlflow.append(second.ended - ended)
        shutil.rmtree(runs)
    ratios = [TEMPLATE_SECONDS / wall for wall in epoch]
    return Table(
        "python -m nnlab.run, from command to exit, on a store that exists. The template's "
        f"{TEMPLATE_SECONDS} s are a figure\n  from our notes, not run again",
        [
            Row("truth table, 500 epochs", truth, " s"),
            Row(f"784-64-128-64-10, one epoch of {plan.data.name}", epoch, " s", "<= 3.5 s"),
            Row("the template against it", ratios, "x", ">= 4x on MNIST"),
            Row("of it after training: model, pictures, MLflow", after, " s"),
            Row("of that MLflow, after the run's last word", mlflow, " s", "<= 1 s"),
        ],
    )


def memory(plan: Plan) -> Table:
    """What a run and a study hold at most, trackers included, and what a further worker adds."""
    runs = fresh_runs(plan)
    run = watched(run_command(runs, *plan.data.overrides, *FULL_RUN), plan.folder, memory=True)
    one, two = (_study(plan, runs, workers) for workers in (1, 2))
    shutil.rmtree(runs)
    return Table(
        f"most memory at a time on {plan.data.name}, all processes together, shared pages counted once",
        [
            Row("a run of 784-300-50-10, with its mirror", [run.megabytes], " MB", "<= 450 MB"),
            Row("a study with one worker", [one.megabytes], " MB"),
            Row("with two", [two.megabytes], " MB"),
            Row("a further worker", [two.megabytes - one.megabytes], " MB", "<= 150 MB"),
        ],
    )


def _study(plan: Plan, runs: Path, workers: int) -> Watched:
    searched = "optimizer.lr=tag(log, interval(0.01, 0.1))"
    command = [sys.executable, "-m", "nnlab.sweep", *plan.data.overrides, *STUDY, searched, "sweep.trials=4"]
    command += [f"sweep.workers={workers}", f"runs_dir={runs}"]
    return watched(command, plan.folder, memory=True)


def _moments(runs: Path) -> tuple[float, float]:
    """When the last run had trained and was tested, and when it had ended."""
    last = max(runs.glob(f"*/{JOURNAL}"), key=lambda path: path.stat().st_mtime)
    events, _ = journal.read(last)
    end = journal.end_of(events)
    assert end is not None
    tested = next(event["time"] for event in events if event["event"] == "test")
    return tested / 1000, end["time"] / 1000
