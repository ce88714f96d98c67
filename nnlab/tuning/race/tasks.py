"""From a further run of a race to what a worker needs to make it."""

from __future__ import annotations

from dataclasses import replace

from optuna.trial import FrozenTrial

from nnlab.tuning.race.board import is_further, item_of
from nnlab.tuning.race.study import RacingStudy
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import Task, run_name


class RaceTasks:
    """Makes the tasks of the trials and of the further runs: the latter are the trial's but for seed, place and name.

    Args:
        tasks: of the study.
        study: that races.
        seeds: the most that a trial gets.
    """

    def __init__(self, tasks: Tasks, study: RacingStudy, seeds: int) -> None:
        self._tasks = tasks
        self._study = study
        self._seeds = seeds

    def task(self, trial: FrozenTrial) -> Task:
        """What a worker needs to run a trial with its first seed, or with a further one.

        Raises:
            ConfigError: if there can be no such run.
        """
        task = self._tasks.task(trial)
        if not is_further(trial):
            return replace(task, names=[run_name(trial.number, 0, self._seeds)])
        number, place = item_of(trial)
        return replace(
            task,
            study=self._study.runs.name,
            paths=[self._tasks.paths(number)[place - 1]],
            names=[run_name(number, place - 1, self._seeds)],
            tags=self._tasks.tags(self._study.known[number]),
            pruning=None,
        )
