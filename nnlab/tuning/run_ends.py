"""What the runs of a trial record once the trial has ended, where its worker could not."""

from __future__ import annotations

from optuna.trial import FrozenTrial

from nnlab.runs.checkpoints import Checkpoints
from nnlab.runs.journal import Status
from nnlab.runs.recorder import Announce, Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.duplicates import record_repetition
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import Asked, Outcome, is_over_limit

OVER_LIMIT: Status = "over_limit"


def record_ends(trial: FrozenTrial, tasks: Tasks, announce: Announce | None) -> None:
    """Record how the runs of an ended trial ended, if it repeats another or was over its limit; it may be called again.

    Raises:
        UserError: if the record of one is damaged.
        RunFailedError: if a directory cannot be written.
    """
    record_repetition(trial, tasks, announce)
    if not is_over_limit(trial) or Asked.of(trial).duplicate_of is not None:
        return
    outcome = Outcome.of(trial)
    for path in tasks.paths(trial.number):
        run = StoredRun.at(path)
        if run is None or run.status == OVER_LIMIT:
            continue
        Checkpoints(path).clear()  # nothing goes on
        Recorder.reopen(path, None).close(OVER_LIMIT, outcome.reason if outcome is not None else None)
