"""What watches a trial as it runs: reports its scores to the study's storage, and asks the pruner."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

import optuna
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage

from nnlab.execution.result import RunResult

RUNG = "completed_rung_"
"""The prefix of the notes that Optuna's successive halving leaves in a trial."""


@dataclass(frozen=True)
class Pruning:
    """How a trial is judged as it runs.

    Args:
        metric: of an epoch, the objective.
        pruner: Optuna's.
        by_seed: report each run's final score, the step being its place among the seeds; else each epoch's score.
        as_mean: with `by_seed`, report the mean over the runs so far instead of the run's own score.
    """

    metric: str
    pruner: BasePruner
    by_seed: bool
    as_mean: bool


class Watch:
    """Reports a trial's scores to the storage, and asks the pruner.

    A trial that is retried (its worker was killed) repeats what it reported, from its checkpoint on. The pruner let it
    pass then, except for the last step, where the kill may have come first. So it is asked again from there on: as if
    nothing had happened.

    Attributes:
        reason: why the trial is pruned; empty while it is not.

    Args:
        pruning: how to judge; None does not.
        storage: of the study.
        study: its name in the storage.
        trial_id: in the storage.
        runs: how many the trial has.
        last_epoch: of each.
    """

    def __init__(
        self, pruning: Pruning | None, storage: BaseStorage, study: str, trial_id: int, *, runs: int, last_epoch: int
    ) -> None:
        self.reason = ""
        self._pruning = pruning
        self._storage = storage
        self._study = study
        self._trial_id = trial_id
        self._runs = runs
        self._last_epoch = last_epoch
        self._known = storage.get_trial(trial_id).intermediate_values if pruning else {}

    def saw_epoch(self, epoch: int, metrics: Mapping[str, float]) -> str | None:
        """Report an epoch; returns why the trial is pruned, if it is."""
        pruning = self._pruning
        if pruning is None or pruning.by_seed:
            return None
        is_last = epoch == self._last_epoch
        if self._prunes(epoch, metrics[pruning.metric]) and not is_last:
            self.reason = f"pruned after epoch {epoch}: {pruning.metric} {metrics[pruning.metric]:.4g}"
        return self.reason or None

    def prunes_after(self, results: Sequence[RunResult]) -> bool:
        """Report the last of the runs so far; returns whether the trial is pruned."""
        pruning = self._pruning
        if pruning is None or not pruning.by_seed or len(results) == self._runs:
            return False
        scores = [result.scores[pruning.metric] for result in results]
        score = statistics.fmean(scores) if pruning.as_mean else scores[-1]
        if self._prunes(len(results), score):
            self.reason = f"pruned after seed {len(results)} of {self._runs}: {pruning.metric} {score:.4g}"
        return bool(self.reason)

    def _prunes(self, step: int, score: float) -> bool:
        assert self._pruning is not None
        if self._known and step < max(self._known):
            return False
        pruner, trial_id = self._pruning.pruner, self._trial_id
        self._storage.set_trial_intermediate_value(trial_id, step, score)
        study = _study(self._study, self._storage)
        if step in self._known:
            return self._prunes_again(study, pruner)
        return pruner.prune(study, self._storage.get_trial(trial_id))

    def _prunes_again(self, study: optuna.Study, pruner: BasePruner) -> bool:
        """What the pruner said, or would have said, at the last step before the kill.

        Successive halving notes in the trial which rungs it has judged, and judges none again. So it is asked from
        the first step on, on a copy of the study in memory whose trial has no such note.
        """
        trials = study.get_trials()
        trial = next(trial for trial in trials if trial._trial_id == self._trial_id)
        notes = {key: value for key, value in trial.system_attrs.items() if not key.startswith(RUNG)}
        trials[trial.number] = replaced = copy(trial)
        replaced.intermediate_values, replaced.system_attrs = {}, notes
        again = optuna.create_study(study_name=study.study_name, directions=study.directions)
        again.add_trials(trials)
        memory, twin_id = again._storage, again.get_trials(deepcopy=False)[trial.number]._trial_id
        is_pruned = False
        for step, score in sorted(trial.intermediate_values.items()):
            memory.set_trial_intermediate_value(twin_id, step, score)
            is_pruned = pruner.prune(again, memory.get_trial(twin_id))
        for key, value in memory.get_trial(twin_id).system_attrs.items():
            if key not in trial.system_attrs:
                self._storage.set_trial_system_attr(trial._trial_id, key, value)
        return is_pruned


# A worker runs many trials; their study stays open.
@functools.lru_cache(maxsize=1)
def _study(name: str, storage: BaseStorage) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=storage, sampler=optuna.samplers.RandomSampler())
