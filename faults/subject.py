"""What runs are killed: configs of all kinds, and how each ends if nobody disturbs it."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.child import Child, Started
from faults.facts import facts_of
from faults.promise import BrokenPromiseError
from nnlab.config.holdout import decided
from nnlab.config.jobs import compose_jobs
from nnlab.execution.resume import resume
from nnlab.execution.run import run
from nnlab.runs.stored_run import StoredRun

# Epochs of a tenth of a second or two, with events, and so moments for checkpoints, inside each.
COMMON = ["data=mnist_5k", "data.limit=1500", "tracking.enabled=false", "tracking.plots=false", "trainer.batch_size=2"]
INSIDE = "trainer.checkpoint_seconds=0.02"
WAYS = {
    "dropout, Adam": ["model.hidden=[24]", "model.dropout=0.3", "optimizer=adam", "trainer.epochs=4", INSIDE],
    "momentum with decay, patience": [
        *("model.hidden=[16]", "optimizer=momentum", "optimizer.lr=0.02", "schedule=time_decay", "schedule.decay=0.01"),
        *("trainer.patience=1", "trainer.monitor=val/accuracy", "trainer.epochs=8", INSIDE),
    ],
    "Nesterov, cosine, clip_norm": [
        *("model.hidden=[16,8]", "optimizer=nesterov", "optimizer.lr=0.01", "schedule=cosine", "schedule.warmup=1"),
        *("trainer.clip_norm=0.5", "model.dropout=0.1", "trainer.epochs=4", INSIDE),
    ],
    "step, L2, last weights": [
        *("model.hidden=[16]", "optimizer.lr=0.05", "schedule=step", "schedule.every=1", "regularizer=l2"),
        *("trainer.restore_best=false", "trainer.count_correct=true", "trainer.epochs=4", INSIDE),
    ],
    "checkpoints at ends of epochs alone": ["model.hidden=[16]", "optimizer=adam", "trainer.epochs=5"],
    "no checkpoints": ["model.hidden=[16]", "model.dropout=0.2", "trainer.epochs=2", "trainer.checkpoint_seconds=null"],
}


@dataclass
class Subject:
    """A config, as it ends if nobody disturbs it.

    Args:
        way: its name among `WAYS`.
        folder: for its runs.
        overrides: besides its own.
    """

    way: str
    folder: Path
    overrides: tuple[str, ...] = ()
    facts: dict[str, Any] = field(init=False)
    seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        place = f"runs_dir='{self.folder}'"
        (self.job,) = decided(compose_jobs([*COMMON, *WAYS[self.way], place, *self.overrides], multirun=False))
        child = Child(lambda pipe: run(self.job), self.folder / "error.txt")
        started = time.monotonic()
        check(child.end(), self)
        self.seconds = time.monotonic() - started
        (path,) = self.runs
        self.facts = facts_of(path)

    @property
    def runs(self) -> list[Path]:
        """The directories of its runs, the newest last."""
        return sorted(
            (path.parent for path in self.folder.glob("*/metrics.jsonl")), key=lambda path: path.stat().st_ino
        )

    def start(self) -> Child:
        """Start another run."""
        return Child(lambda pipe: run(self.job, listeners=[Started(pipe)]), self.folder / "error.txt")

    def go_on(self, path: Path) -> Child:
        """Go on with one; one that was killed after its end was recorded has nothing left to do."""

        def work(pipe: int) -> None:
            if StoredRun.open(path).status != "finished":
                resume(path, listeners=[Started(pipe)])

        return Child(work, self.folder / "error.txt")


def check(status: int, subject: Subject) -> None:
    """Check that a process ended well.

    Raises:
        BrokenPromiseError: if not, with what it said.
    """
    if status:
        log = subject.folder / "error.txt"
        said = log.read_text(encoding="utf-8")[-1500:] if log.exists() else ""
        raise BrokenPromiseError(f"{subject.way}: a run ended with status {status}. {said}")


def subjects(folder: Path, *overrides: str) -> Iterator[Subject]:
    """The configs in turn, for ever; each is run undisturbed when its turn comes first."""
    known: list[Subject] = []
    for number, way in enumerate(WAYS):
        known.append(Subject(way, folder / str(number), overrides))
        yield known[-1]
    yield from itertools.cycle(known)


def check_killed(status: int, subject: Subject) -> None:
    """Check that a process ended by the kill, or well just before."""
    if status != -signal.SIGKILL:
        check(status, subject)
