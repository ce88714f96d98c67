"""A study over curves that are known, judged by nnlab's own pruners as a worker asks them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from benchmarks.search.pruning.curves import METRIC, Curve
from nnlab.tuning.search.pruners import Pruner
from nnlab.tuning.watch import Pruning, Watch


@dataclass(frozen=True)
class Replay:
    """What became of the trials of a study.

    Attributes:
        curves: of its trials.
        epochs: that each trial had.
        is_complete: whether each ran to its end, neither stopped nor diverged.
    """

    curves: Sequence[Curve]
    epochs: Sequence[int]
    is_complete: Sequence[bool]

    @property
    def stops_the_best(self) -> bool:
        """Whether the trial that would have been best was stopped."""
        return not self.is_complete[min(range(len(self.curves)), key=lambda number: _value(self.curves[number]))]

    @property
    def saved(self) -> float:
        """The fraction of the epochs that was not trained."""
        return 1 - sum(self.epochs) / sum(len(curve.scores) for curve in self.curves)

    def regret(self, epochs: int) -> float:
        """How far the best complete trial within so many epochs is from the best of the study, as a fraction of how far
        the trial in the middle is; 1 if there is none.

        Args:
            epochs: trained in all, one trial after another.
        """
        values = np.array([_value(curve) for curve in self.curves])
        best, middle = values.min(), np.median(values[np.isfinite(values)])
        within = np.cumsum(self.epochs) <= epochs
        found = values[within & np.array(self.is_complete)]
        return float((found.min() - best) / (middle - best)) if len(found) else 1.0


def replayed(curves: Sequence[Curve], pruner: Pruner) -> Replay:
    """The study of these trials, one after another, with a pruner."""
    last = max(len(curve.scores) for curve in curves)
    storage = InMemoryStorage()
    name = f"replay-{uuid.uuid4()}"  # a worker keeps its study open by name
    study = optuna.create_study(storage=storage, study_name=name, sampler=optuna.samplers.RandomSampler())
    judged = Pruning(METRIC, pruner.make(last), by_seed=False, as_mean=False)
    epochs, is_complete = [], []
    for curve in curves:
        trial_id = study.ask()._trial_id
        watch = Watch(judged, storage, name, trial_id, runs=1, last_epoch=last)
        count = next(
            (epoch for epoch, score in enumerate(curve.scores, 1) if watch.saw_epoch(epoch, {METRIC: score})),
            len(curve.scores),
        )
        epochs.append(count)
        is_complete.append(not watch.reason and not curve.has_diverged)
        state = TrialState.PRUNED if watch.reason else TrialState.FAIL if curve.has_diverged else TrialState.COMPLETE
        values = {TrialState.COMPLETE: [min(curve.scores, default=0.0)], TrialState.PRUNED: [curve.scores[count - 1]]}
        storage.set_trial_state_values(trial_id, state, values.get(state))
    return Replay(curves, epochs, is_complete)


def _value(curve: Curve) -> float:
    return float("inf") if curve.has_diverged else curve.best
