"""What the runs of a raced trial record once further seeds are known: the mean, by which MLflow orders trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

from nnlab.runs.recorder import Recorder
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.outcome import OBJECTIVE_METRICS, objective_metrics
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trials import Asked, Outcome


def record_means(trial: FrozenTrial, tasks: Tasks, objectives: Sequence[str]) -> None:
    """Record in the runs of a trial what it is worth now, if it has several seeds; it may be called again.

    A trial that failed with a further seed is worth nothing: NaN takes the place of what its first seeds promised.

    Args:
        trial: as it is seen with all its seeds.
        tasks: of the study.
        objectives: of the study.

    Raises:
        UserError: if the record of a run is damaged.
        RunFailedError: if a directory cannot be written.
    """
    outcome, count = Outcome.of(trial), len(Asked.of(trial).seeds)
    if outcome is None or count == 1:
        return
    is_complete = trial.state == TrialState.COMPLETE
    now = objective_metrics(outcome, objectives) if is_complete else {OBJECTIVE_METRICS[0]: math.nan}
    for path in tasks.paths(trial.number):
        run = StoredRun.at(path)
        if run is None or "best/epoch" not in run.kept or all(repr(run.kept.get(key)) == repr(now[key]) for key in now):
            continue
        with Recorder.reopen(path, None) as recorder:
            recorder.kept(int(run.kept["best/epoch"]), now)
