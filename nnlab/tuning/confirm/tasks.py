"""From a confirming run to what a worker needs to make it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from optuna.trial import FrozenTrial

from nnlab.runs.directory import TRIALS
from nnlab.runs.tags import CONFIRMS_TAG, STUDY_TAG
from nnlab.tuning.confirm.study import ConfirmStudy
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import Task


class ConfirmTasks:
    """Makes the tasks of the confirming runs: those of the trials that they confirm, but for seed, place and name.

    Args:
        tasks: of the study.
        study: of the confirming runs.
    """

    def __init__(self, tasks: Tasks, study: ConfirmStudy) -> None:
        self._tasks = tasks
        self._study = study

    def task(self, run: FrozenTrial) -> Task:
        """What a worker needs to make the run.

        Raises:
            ConfigError: if there can be no such run.
        """
        trial, place = self._study.place(run)
        return replace(
            self._tasks.task(run),
            study=self._study.name,
            paths=[confirming_path(self._tasks, trial, place)],
            names=[f"trial {trial}, confirmed with fresh seed {place} of {len(self._study.plan.seeds)}"],
            # No `nnlab.trial` and no metric `objective`: in MLflow these runs do not stand among the search's.
            tags={STUDY_TAG: self._tasks.directory.name, CONFIRMS_TAG: str(trial)},
            pruning=None,
            objectives=(),
        )


def confirming_path(tasks: Tasks, trial: int, place: int) -> Path:
    """The directory of the run that confirms the trial with the fresh seed of that place, from 1."""
    return tasks.directory / TRIALS / f"{tasks.directory.name}-{trial:04}-confirm-{place}"
