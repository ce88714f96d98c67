"""Whole commands: `python -m nnlab.run` from its start to its exit, and how much memory it takes."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.watching import Watched, new_runs_dir, run_command, sweep_command, watched
from nnlab.runs.directory import JOURNAL
from nnlab.runs.stored_run import StoredRun

TEMPLATE_SECONDS = 14.5
"""Of the Lightning + Hydra template for one epoch of this network, measured once on a machine of this kind."""
ONE_EPOCH = ("model.hidden=[64,128,64]", "trainer.batch_size=128", "trainer.epochs=1")
FULL_RUN = ("model.hidden=[300,50]", "trainer.batch_size=50", "trainer.epochs=3")
STUDY = ("model.hidden=[256,128]", "trainer.batch_size=64", "trainer.epochs=3", "sweep.space=null", "sweep.pruner=none")


def whole_run(bench: Bench) -> Table:
    """python -m nnlab.run from command to exit, with pictures and tracking."""
    truth, epoch, after, mlflow = [], [], [], []
    for _ in range(bench.rounds):
        runs = new_runs_dir(bench)
        truth.append(watched(run_command(runs, "model=toy", "data=toy"), bench.folder).wall)
        second = watched(run_command(runs, *bench.data.overrides, *ONE_EPOCH), bench.folder)
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
            Row(f"784-64-128-64-10, one epoch of {bench.data.name}", epoch, " s", "<= 3.5 s"),
            Row("the template against it", ratios, "x", ">= 4x on MNIST"),
            Row("of it after training: model, pictures, MLflow", after, " s"),
            Row("of that MLflow, after the run's last word", mlflow, " s", "<= 1 s"),
        ],
    )


def memory(bench: Bench) -> Table:
    """The peak memory of a run and of a study, syncing included, and what each further worker adds."""
    runs = new_runs_dir(bench)
    run = watched(run_command(runs, *bench.data.overrides, *FULL_RUN), bench.folder, memory=True)
    one, two = (_study(bench, runs, workers) for workers in (1, 2))
    shutil.rmtree(runs)
    return Table(
        f"most memory at a time on {bench.data.name}, all processes together, shared pages counted once",
        [
            Row("a run of 784-300-50-10, with its sync process", [run.megabytes], " MB", "<= 450 MB"),
            Row("a study with one worker", [one.megabytes], " MB"),
            Row("with two", [two.megabytes], " MB"),
            Row("a further worker", [two.megabytes - one.megabytes], " MB", "<= 150 MB"),
        ],
    )


def _study(bench: Bench, runs: Path, workers: int) -> Watched:
    searched = "optimizer.lr=tag(log, interval(0.01, 0.1))"
    overrides = (*bench.data.overrides, *STUDY, searched, "sweep.trials=4", f"sweep.workers={workers}")
    return watched(sweep_command(runs, *overrides), bench.folder, memory=True)


def _moments(runs: Path) -> tuple[float, float]:
    """When the last run was tested, and when it had ended."""
    last = max(runs.glob(f"*/{JOURNAL}"), key=lambda path: path.stat().st_mtime)
    run = StoredRun.open(last.parent)
    assert run.tested_at is not None
    assert run.ended_at is not None
    return run.tested_at / 1000, run.ended_at / 1000
