"""The trials of a study as samplers see them: in memory, and without anything of their proposals but the parameters.

A trial that failed, diverged or went over its limits is told as the worst that any complete trial has shown, in each
objective: told as failed it would be invisible, and its region would be proposed again and again. What is worst is
asked at each proposal anew, of the trials as they are then, so that a resumed study tells the same. While no trial is
complete, nobody knows how bad is bad: until then failed trials stay invisible.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.search.ordinals import Ordinals
from nnlab.tuning.search.settings import direction
from nnlab.tuning.search.shown import Shown
from nnlab.tuning.trials import is_over_limit

KEPT = "nnlab:"
"""Begins the attributes of a proposal that its sampler needs again. What Optuna's samplers note is left out."""


class _Trials(InMemoryStorage):
    """The trials of one study, which can be replaced after their end, and taken back.

    Attributes:
        shown: which of the trials that are there now are shown, besides those that are created next; None is all.
    """

    shown: list[FrozenTrial] | None = None
    _count = 0

    def show(self, shown: Shown) -> None:
        """Choose what is shown."""
        trials = self._all
        self.shown, self._count = shown.of(trials), len(trials)

    @property
    def _all(self) -> list[FrozenTrial]:
        (study,) = self._studies.values()
        return study.trials

    def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Any = None) -> list[FrozenTrial]:
        """The trials that are shown, or those of them in some states."""
        if self.shown is None or states == (TrialState.WAITING,):
            return super().get_all_trials(study_id, deepcopy, states)
        trials = [*self.shown, *self._all[self._count :]]
        found = [trial for trial in trials if states is None or trial.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def put(self, trial: FrozenTrial) -> None:
        """Add a trial, or replace the one of its number."""
        (study_id,) = self._studies
        trials = self._studies[study_id].trials
        if trial.number == len(trials):
            self.create_new_trial(study_id)
        trial._trial_id = trials[trial.number]._trial_id
        trials[trial.number] = trial

    def take_back(self, trial_id: int) -> None:
        """Remove the trial that was created last."""
        study_id, number = self._trial_id_to_study_id_and_number.pop(trial_id)
        del self._studies[study_id].trials[number:]
        self._max_trial_id -= 1


class SeenTrials:
    """What samplers know of a study.

    Args:
        name: of the study.
        objectives: what is optimized.
        pruner: of the study. It judges nothing here, so that Hyperband has no brackets, and samplers see all trials.
        ordinals: the space as they see it.
        most: how many trials they are shown, see `Shown`; None is all.
    """

    def __init__(
        self, name: str, objectives: Sequence[str], pruner: BasePruner, ordinals: Ordinals, most: int | None = None
    ) -> None:
        self._ordinals = ordinals
        self._distributions = {dimension.name: dimension.distribution for dimension in ordinals.space.dimensions}
        signs = [1.0 if direction(objective) == "minimize" else -1.0 for objective in objectives]
        self._shown = Shown(signs, most)
        self._worst = Worst(signs)
        self._storage = _Trials()
        self._study = optuna.create_study(
            storage=self._storage, study_name=name, directions=[direction(objective) for objective in objectives]
        )
        self._study.pruner = pruner
        self._failed: dict[int, FrozenTrial] = {}
        self._untold: set[int] = set()
        self._told: list[float] | None = None

    def note(self, trial: FrozenTrial) -> None:
        """See a trial, new or changed, as it is now."""
        seen = self._seen(trial)
        self._failed.pop(trial.number, None)
        self._untold.discard(trial.number)
        if _has_failed(trial):
            seen.state, seen.values = TrialState.FAIL, None
            self._failed[trial.number] = seen
            self._untold.add(trial.number)
        self._shown.note(seen)
        self._worst.note(seen)
        self._storage.put(seen)

    def draw(
        self, sampler: BaseSampler, fixed: Mapping[str, Any] = MappingProxyType({})
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a sampler proposes for the next trial; nothing is kept of it.

        Args:
            sampler: a fresh one.
            fixed: the parameters that are given.

        Returns:
            the parameters as the storage has them, and the attributes to keep with them.
        """
        self._tell_failed()
        self._storage.show(self._shown)
        self._study.sampler = sampler
        if fixed:  # `ask` takes the first that is enqueued
            self._study.enqueue_trial(self._ordinals.places(fixed))
        trial = self._study.ask()
        try:
            places = self._ordinals.space.draw(trial)
            attributes = self._storage.get_trial(trial._trial_id).system_attrs
        finally:
            self._storage.take_back(trial._trial_id)
        return self._ordinals.meant(places), {key: attributes[key] for key in attributes if key.startswith(KEPT)}

    def _seen(self, trial: FrozenTrial) -> FrozenTrial:
        seen = copy.copy(trial)
        seen.params = self._ordinals.places(trial.params)
        seen.distributions = {name: self._distributions[name] for name in seen.params}
        seen.user_attrs = {}
        seen.system_attrs = {key: value for key, value in trial.system_attrs.items() if key.startswith(KEPT)}
        return seen

    def _tell_failed(self) -> None:
        """Give the failed trials the worst values of now, as far as they do not have them."""
        if (worst := self._worst.values) != self._told:
            self._told, self._untold = worst, set(self._failed)
        for number in self._untold:
            told = copy.copy(self._failed[number])
            if worst is not None:
                told.state, told.values, told.intermediate_values = TrialState.COMPLETE, worst, {}
            self._storage.put(told)
        self._untold = set()


class Worst:
    """The worst finite value that a complete trial has shown, in each objective.

    Args:
        signs: 1 for each objective that is minimized, -1 for others.
    """

    def __init__(self, signs: Sequence[float]) -> None:
        self._signs = signs
        self._values: dict[int, list[float]] = {}
        self._worst: list[float] | None = None
        self._is_known = True

    def note(self, trial: FrozenTrial) -> None:
        """Learn of a trial, new or changed; one that has failed has no values."""
        before = self._values.pop(trial.number, None)
        if trial.state == TrialState.COMPLETE and all(map(math.isfinite, trial.values)):
            self._values[trial.number] = trial.values
        if before is not None:  # found when it is asked: in a race all trials change at once
            self._is_known = False
        elif self._is_known and trial.number in self._values:
            self._take(self._values[trial.number])

    @property
    def values(self) -> list[float] | None:
        """The worst of now; None while no trial has any."""
        if not self._is_known:
            self._worst, self._is_known = None, True
            for values in self._values.values():
                self._take(values)
        return self._worst

    def _take(self, values: Sequence[float]) -> None:
        worst = self._worst or values
        both = zip(self._signs, worst, values, strict=True)
        self._worst = [max(one, other) if sign > 0 else min(one, other) for sign, one, other in both]


def _has_failed(trial: FrozenTrial) -> bool:
    """Whether a trial says only that its values are bad."""
    return trial.state == TrialState.FAIL or is_over_limit(trial)
