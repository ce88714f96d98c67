"""A whole `python -m nnlab.sweep` as a user starts it, tracking included, and where its time went."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.machine import environment, load
from benchmarks.plan import Plan
from nnlab.config.tracking_uri import resolve_uri
from nnlab.mlflow_sync.store import ensure_store
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL


@dataclass(frozen=True)
class Session:
    """The times of a session, in seconds.

    Attributes:
        workers: processes that train.
        trials: how many there were, duplicates left out.
        wall: from the start of the process to its end.
        searching: from the first trial's creation to the last one's end.
        recording: from the study's last word to the end of the process: what MLflow was late with.
        training: the sum over the trials of their epochs, validation aside (`time/epoch_seconds`).
        work: the sum over the trials from the begin of their runs to their last epochs: training and validation.
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
        """Trials an hour."""
        return 3600 * self.trials / self.wall

    def overhead(self, useful: float) -> float:
        """How much longer the session took than its workers were busy with `useful` seconds, as a fraction of that."""
        return self.wall / (useful / self.workers) - 1

    def overhead_a_trial(self, useful: float) -> float:
        """The same in seconds a trial."""
        return (self.wall - useful / self.workers) / self.trials


def measured(plan: Plan, overrides: Sequence[str], *, workers: int) -> Session:
    """Run a study in a folder of its own, which is removed.

    Raises:
        RuntimeError: if it fails, with what it said.
    """
    runs = plan.folder / "runs"
    bring_store(plan, runs)
    command = [sys.executable, "-m", "nnlab.sweep", *overrides]
    command += [f"sweep.workers={workers}", f"runs_dir={runs}", "sweep.name=bench"]
    began = time.time()
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, cwd=plan.folder)
    ended = time.time()
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    session = _read(runs / "bench", workers, began, ended)
    shutil.rmtree(runs)
    print(
        f"  {session.trials} trials, {workers} worker(s): {session.wall:.1f} s, of them {session.recording:.1f} s"
        f" waiting for MLflow; load {load()}",
        file=sys.stderr,
        flush=True,
    )
    return session


def bring_store(plan: Plan, runs: Path) -> None:
    """An empty MLflow store, as everyone has one but for their first run: making it takes MLflow seconds, once."""
    store = plan.folder / "mlflow.db"
    if not store.exists():
        ensure_store(resolve_uri(None, plan.folder), runs / "artifacts")
    runs.mkdir()
    shutil.copy(store, runs)


def _read(study: Path, workers: int, began: float, ended: float) -> Session:
    with (study / "trials.csv").open(encoding="utf-8", newline="") as file:
        trials = [row for row in csv.DictReader(file) if not row["duplicate_of"]]
    end = journal.end_of(journal.read(study / JOURNAL)[0])
    assert end is not None
    return Session(
        workers=workers,
        trials=len(trials),
        wall=ended - began,
        searching=max(_time(row["ended"]) for row in trials) - min(_time(row["started"]) for row in trials),
        recording=ended - end["time"] / 1000,
        training=sum(float(row["seconds"]) for row in trials),
        work=sum(_work(study / "trials" / name) for row in trials for name in row["runs"].split()),
    )


def _work(run: Path) -> float:
    """From a run's begin to its last epoch, in seconds."""
    begin, *events = journal.counting(journal.read(run / JOURNAL)[0])
    epochs: list[int] = [event["time"] for event in events if event["event"] == "epoch"]  # the winner starts once more
    return (epochs[-1] - int(begin["time"])) / 1000


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
