"""A study whose trials take no time, through nnlab's own session, coordinator, workers and storage: what is left is the
cost of coordination.

    python -m benchmarks.coordination RUNS_DIR TRIALS EVERY [OVERRIDES]

It prints a line of JSON after every so many trials: see `Mark`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna

from nnlab.execution.processes import running_workers
from nnlab.tuning.events import StudyEvent, TrialEnded
from nnlab.tuning.listener import StudyListener
from nnlab.tuning.planning import make_plan
from nnlab.tuning.run_study import run_study
from nnlab.tuning.trial import Task, _storage, watch_of
from nnlab.tuning.trials import OUTCOME, Outcome

WORKERS, EPOCHS = 2, 3


@dataclass(frozen=True)
class Mark:
    """A study after so many trials.

    Attributes:
        trials: that have ended.
        wall: seconds, from any moment on.
        processor: seconds of the coordinator's process, of all its threads.
        megabytes: that this process holds.
    """

    trials: int
    wall: float
    processor: float
    megabytes: float


def main() -> None:
    """See above."""
    runs, trials, every, *overrides = sys.argv[1:]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fixed = ("data=digits", "sweep.name=instant", f"sweep.workers={WORKERS}", f"trainer.epochs={EPOCHS}")
    others = ("tracking.plots=false", "trainer.test=false", "tracking.enabled=false")
    plan = make_plan([*fixed, *others, f"runs_dir={runs}", f"sweep.trials={trials}", *overrides])
    with running_workers(WORKERS) as workers:
        run_study(plan, command=["coordination"], listeners=[_Marks(int(every))], executor=_Instantly(workers))


def instant(task: Task, attempt: int) -> Outcome:
    """In a worker: report epochs and an outcome as a trial does, and train nothing.

    A tenth of the rates diverge, and the pruner stops what it would stop.
    """
    storage = _storage(task.storage, task.journal)
    config: Any = task.configs[0]
    loss = 0.2 + (math.log10(config.optimizer.lr) + 1.2) ** 2 + config.trainer.batch_size / 5000
    watch, epoch = watch_of(task, storage), 0
    for epoch in range(1, EPOCHS + 1):
        if watch.saw_epoch(epoch, {"val/loss": loss + 1 / epoch}):
            break
    status: Any = "diverged" if config.optimizer.lr > 0.2 else "pruned" if watch.reason else "finished"
    scores = {"val/loss": loss, "val/accuracy": 1 - loss}
    digest = f"{task.number:064x}"
    names = [path.name for path in task.paths]
    facts: dict[str, Any] = {"epoch": epoch, "epochs": epoch, "seconds": 0.01, "parameters": 1000, "runs": names}
    outcome = Outcome(status, watch.reason, scores, **facts, weights_sha256=[digest], code=["0" * 64])
    storage.set_trial_user_attr(task.trial_id, OUTCOME, outcome.to_dict())
    return outcome


class _Instantly(Executor):
    """Has trials done by `instant`."""

    def __init__(self, workers: Executor) -> None:
        self._workers = workers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._workers.submit(instant, *args, **kwargs)


class _Marks(StudyListener):
    def __init__(self, every: int) -> None:
        self._every = every
        self._ended = 0

    def on(self, event: StudyEvent) -> None:
        if isinstance(event, TrialEnded):
            self._ended += 1
            if self._ended % self._every == 0:
                pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
                mark = Mark(self._ended, time.perf_counter(), time.process_time(), pages * 4096 / 1e6)
                print(json.dumps(asdict(mark)), flush=True)


if __name__ == "__main__":
    main()
