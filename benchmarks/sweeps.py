"""Whole `python -m nnlab.sweep` commands as a user starts them, tracking included, and where their time goes."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import load
from benchmarks.report import Row, Table
from benchmarks.watching import new_runs_dir, sweep_command, watched
from nnlab.runs.stored_run import StoredRun

WORKERS = 2
FIVE_SECONDS = ("model.hidden=[256, 128, 64]", "trainer.batch_size=64", "sweep.pruner=none", "sweep.space=null")
SEARCHED = "optimizer.lr=tag(log, interval(0.01, 0.1))"
EPOCHS_ON_MNIST, EPOCHS_ON_DIGITS = 12, 400
"""Which take about five seconds."""

TEMPLATE_TRIALS_AN_HOUR = 180
"""Of the Lightning + Hydra template's Optuna sweep: about 20 s a trial of this size, one after another, measured once
on a machine of this kind. It is not run again here."""

SPACE = (
    "sweep.space=null",
    "optimizer.lr=tag(log, interval(0.01, 0.1))",
    "trainer.batch_size=choice(32, 64, 128, 256)",
    "model.width.0=choice(64, 128, 256)",
    "model.width.1=choice(64, 128, 256)",
    "model.width.2=choice(64, 128, 256)",
    "trainer.epochs=3",
    "sweep.pruner=none",
)


@dataclass(frozen=True)
class TimedSweep:
    """The times of a whole command, in seconds.

    Attributes:
        workers: processes that train.
        trials: how many trials, without duplicates.
        wall: from the start of the process to its end.
        searching: from the start of the first trial to the end of the last.
        recording: from the last event of the study to the end of the process: waiting for MLflow.
        training: the sum over the trials of their epochs, without validation (`time/epoch_seconds`).
        work: the sum over the trials from the start of their runs to their last epochs: training and validation.
    """

    workers: int
    trials: int
    wall: float
    searching: float
    recording: float
    training: float
    work: float

    @property
    def rate(self) -> float:
        """Trials per hour."""
        return 3600 * self.trials / self.wall

    def overhead(self, useful: float) -> float:
        """How much longer it took than its workers were busy with `useful` seconds, as a fraction of that."""
        return self.wall / (useful / self.workers) - 1

    def overhead_a_trial(self, useful: float) -> float:
        """The same in seconds per trial."""
        return (self.wall - useful / self.workers) / self.trials


def sweep_rate(bench: Bench) -> Table:
    """Trials per hour (3 epochs, three hidden layers, 2 workers), against the Lightning + Hydra template."""
    trials = 3 if bench.is_quick else 40
    overrides = (*bench.data.overrides, *SPACE, f"sweep.trials={trials}")
    sweeps = [timed_sweep(bench, overrides, workers=2) for _ in range(bench.rounds)]
    rates = [sweep.rate for sweep in sweeps]
    return Table(
        f"{trials} trials of 3 epochs on {bench.data.name}, three hidden layers of 64-256, batch 32-256, 2 workers;\n"
        f"  the template's {TEMPLATE_TRIALS_AN_HOUR} an hour are a figure from our notes, not run again",
        [
            Row("trials an hour, whole session", rates),
            Row("against the template", [rate / TEMPLATE_TRIALS_AN_HOUR for rate in rates], "x", ">= 10x on MNIST"),
            Row("session", [sweep.wall for sweep in sweeps], " s"),
            Row("of it searching", [sweep.searching for sweep in sweeps], " s"),
            Row("of it waiting for MLflow at the end", [sweep.recording for sweep in sweeps], " s"),
        ],
    )


def sweep_overhead(bench: Bench) -> Table:
    """Wall time of whole sessions against the workers' total training time."""
    trials = 2 if bench.is_quick else 30
    large = _trials_of_five_seconds(bench, trials)
    counts = (3,) if bench.is_quick else (50, 200, 500)
    of_large: list[TimedSweep] = []
    of_small: dict[int, list[TimedSweep]] = {count: [] for count in counts}
    for _ in range(bench.rounds):
        of_large.append(timed_sweep(bench, large, workers=WORKERS))
        for count in counts:
            small = ("data=digits", "sweep=mlp", f"sweep.trials={count}")
            of_small[count].append(timed_sweep(bench, small, workers=WORKERS))
    rows = [
        Row("trials of 5 s: training a trial", [s.training / s.trials for s in of_large], " s"),
        Row("training and validation a trial", [s.work / s.trials for s in of_large], " s"),
        Row("overhead over training alone", [100 * s.overhead(s.training) for s in of_large], " %"),
        Row("overhead over training and validation", [100 * s.overhead(s.work) for s in of_large], " %", "<= 10 %"),
        Row("waiting for MLflow at the end", [s.recording for s in of_large], " s"),
    ]
    for count, sweeps in of_small.items():
        costs = [sweep.overhead_a_trial(sweep.training) for sweep in sweeps]
        rows.append(Row(f"{count} small trials: overhead a trial", costs, " s", "<= 0.3 s"))
        rows.append(Row(f"{count} small trials: the whole session", [sweep.wall for sweep in sweeps], " s"))
        rows.append(Row(f"{count} small trials: waiting for MLflow", [sweep.recording for sweep in sweeps], " s"))
    return Table(
        f"{trials} trials of about 5 s on {bench.data.name}, and small ones on the embedded digits (sweep=mlp: TPE,\n"
        f"  median pruner), {WORKERS} workers. Overhead is the wall time of the whole session, from the start of the\n"
        "  process to its end, less the sum over the trials of their training divided by the workers; of training and\n"
        "  validation, of the time from the start of a run to its last epoch.",
        rows,
    )


def sweep_workers(bench: Bench) -> Table:
    """Two workers against one, on the same list of trials."""
    trials = 2 if bench.is_quick else 24
    fixed = (*_trials_of_five_seconds(bench, trials), "sweep.sampler=random")
    sweeps: dict[int, list[TimedSweep]] = {1: [], 2: []}
    for _ in range(bench.rounds):
        for workers, of_workers in sweeps.items():
            of_workers.append(timed_sweep(bench, fixed, workers=workers))
    pairs = list(zip(sweeps[1], sweeps[2], strict=True))
    return Table(
        f"the same {trials} trials of about 5 s on {bench.data.name} (random sampler, no pruning), "
        "one BLAS thread each",
        [
            Row("one worker, whole session", [one.wall for one, _ in pairs], " s"),
            Row("two workers, whole session", [two.wall for _, two in pairs], " s"),
            Row("two against one", [one.wall / two.wall for one, two in pairs], "x", ">= 1.8x"),
            Row("two against one, first trial to last", [one.searching / two.searching for one, two in pairs], "x"),
        ],
    )


def timed_sweep(bench: Bench, overrides: Sequence[str], *, workers: int) -> TimedSweep:
    """Run a sweep in a folder of its own, which is removed.

    Raises:
        RuntimeError: if it fails, with its output.
    """
    runs = new_runs_dir(bench)
    seen = watched(sweep_command(runs, *overrides, f"sweep.workers={workers}", "sweep.name=bench"), bench.folder)
    sweep = _read(runs / "bench", workers, seen.started, seen.ended)
    shutil.rmtree(runs)
    print(
        f"  {sweep.trials} trials, {workers} worker(s): {sweep.wall:.1f} s, of them {sweep.recording:.1f} s"
        f" waiting for MLflow; load {load()}",
        file=sys.stderr,
        flush=True,
    )
    return sweep


def _trials_of_five_seconds(bench: Bench, trials: int) -> tuple[str, ...]:
    epochs = 1 if bench.is_quick else EPOCHS_ON_MNIST if bench.data.is_mnist else EPOCHS_ON_DIGITS
    return (*bench.data.overrides, *FIVE_SECONDS, SEARCHED, f"trainer.epochs={epochs}", f"sweep.trials={trials}")


def _read(study: Path, workers: int, started: float, ended: float) -> TimedSweep:
    with (study / "trials.csv").open(encoding="utf-8", newline="") as file:
        trials = [row for row in csv.DictReader(file) if not row["duplicate_of"]]
    ended_at = StoredRun.open(study).ended_at
    assert ended_at is not None
    return TimedSweep(
        workers=workers,
        trials=len(trials),
        wall=ended - started,
        searching=max(_time(row["ended"]) for row in trials) - min(_time(row["started"]) for row in trials),
        recording=ended - ended_at / 1000,
        training=sum(float(row["seconds"]) for row in trials),
        work=sum(_work(study / "trials" / name) for row in trials for name in row["runs"].split()),
    )


def _work(run: Path) -> float:
    """From the start of a run to its last epoch, in seconds."""
    stored = StoredRun.open(run)
    assert stored.last_epoch_at is not None
    return (stored.last_epoch_at - stored.started_at) / 1000


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
