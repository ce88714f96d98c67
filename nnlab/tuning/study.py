"""A study: the trials in their storage, and what to try next. Only one process at a time creates and ends trials.

Samplers work on a twin of the study in memory, and what they propose is stored in a single record. So a
process that is killed leaves a trial with all its parameters or none, and the next one proposes the same again:
each proposal comes from a fresh sampler, and depends on the study's seed, the trial's number and the trials before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence, Set
from dataclasses import replace
from datetime import datetime

import numpy as np
import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from nnlab.errors import RunFailedError
from nnlab.tuning.search.settings import SweepSettings, direction
from nnlab.tuning.search.space import Space
from nnlab.tuning.storage import answering
from nnlab.tuning.trials import ASKED, OUTCOME, STATES, Asked, Outcome, is_failure

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
"""What `sweep.trials` counts."""


SHARED = 2**32 - 2
"""Stands where the number of a trial stands in the seeds of trials, where all have the same: no study has so many."""


def trial_seeds(study_seed: int, number: int, count: int) -> list[int]:
    """The seeds of a trial's runs: 32 bits each, from the study's seed, the trial's number and the run's place.

    With `SHARED` as the number they are the same for all trials of a study.
    """
    sequences = (np.random.SeedSequence([study_seed, number, place]) for place in range(count))
    return [int(sequence.generate_state(1)[0]) for sequence in sequences]


class Study:
    """The trials of a study.

    Args:
        name: of the study, in the storage too.
        storage: Optuna's.
        settings: of the sweep.
        space: what is searched.
        seed: of the study.
        epochs: that a run has at most; some pruners plan with it.
        shares_seeds: whether all trials have the same seeds, so that the runs of one seed share a division of the rows.

    Raises:
        RunFailedError: if the storage does not answer.
    """

    def __init__(
        self,
        name: str,
        storage: BaseStorage,
        settings: SweepSettings,
        space: Space,
        seed: int,
        epochs: int,
        *,
        shares_seeds: bool = False,
    ) -> None:
        self.name = name
        self._seed = seed
        self._settings = settings
        self._space = space
        self._shares_seeds = shares_seeds
        self._storage = storage
        directions = [direction(name) for name in settings.objectives]
        with answering():
            self._stored = optuna.create_study(
                storage=storage, study_name=name, directions=directions, load_if_exists=True
            )
        self._memory = InMemoryStorage()
        self._twin = optuna.create_study(storage=self._memory, study_name=name, directions=directions)
        self._twin.pruner = settings.pruner.make(epochs)
        self._twin.add_trials(self.trials)

    @property
    def storage(self) -> BaseStorage:
        """Where the trials are kept."""
        return self._storage

    @property
    @answering()
    def trials(self) -> list[FrozenTrial]:
        """All trials, by number, as the storage has them now."""
        trials: list[FrozenTrial] = self._stored.get_trials(deepcopy=False)
        return trials

    @property
    def known(self) -> list[FrozenTrial]:
        """All trials, by number, as this process knows them: their values and states, but not the outcomes in words."""
        trials: list[FrozenTrial] = self._twin.get_trials(deepcopy=False)
        return trials

    @property
    def finished(self) -> int:
        """How many trials are complete or pruned."""
        return sum(trial.state in FINISHED for trial in self.known)

    @property
    def is_exhausted(self) -> bool:
        """Whether every combination of the space has been tried, and has failed: any further trial repeats one."""
        size = None if self._settings.repeat_duplicates or self.finished else self._space.size
        return size is not None and sum(map(is_failure, self.known)) >= size

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do once there are enough trials."""
        return True

    def unfinished(self) -> list[FrozenTrial]:
        """The trials that were started and not ended, by number."""
        return [trial for trial in self.trials if trial.state == TrialState.RUNNING]

    def propose(self, batch: tuple[int, int] | None = None) -> FrozenTrial:
        """Create the next trial, running and with all its parameters; a duplicate says of which trial.

        It may be called again after the storage has failed.

        Args:
            batch: index and size of the synchronous batch it belongs to.
        """
        count = len(self.trials)
        if len(self.known) <= count:  # else the storage did not take the last proposal
            self._ask(batch)
        number = len(self.known) - 1
        if count == number:
            with answering():
                self._stored.add_trial(self.known[number])
        stored = self.trials
        if len(stored) != number + 1 or stored[number].user_attrs.get(ASKED) != self.known[number].user_attrs[ASKED]:
            raise RunFailedError(
                f"Only nnlab.sweep may add trials to the study {self.name!r}, and one process at a time, but trial "
                f"{number} came from elsewhere. Nothing is lost; sweep.resume={self.name.partition('/')[0]} resumes it "
                "after that."
            )
        return stored[number]

    def _ask(self, batch: tuple[int, int] | None) -> None:
        """Create the next trial in the twin."""
        number = len(self.known)
        self._twin.sampler = self._settings.sampler.make(self._seed, number, self._space)
        trial = self._twin.ask()
        values = self._space.suggest(trial)
        earlier = None if self._settings.repeat_duplicates else self._earlier(values)
        asked = Asked(
            values=values,
            seeds=self._seeds_of(number) if earlier is None else Asked.of(earlier).seeds,
            batch=batch or (number, 1),
            duplicate_of=None if earlier is None else earlier.number,
        )
        trial.set_user_attr(ASKED, asked.to_dict())

    def _seeds_of(self, number: int) -> list[int]:
        return trial_seeds(self._seed, SHARED if self._shares_seeds else number, self._settings.seeds)

    def next_trials(self, under_way: Collection[FrozenTrial]) -> list[FrozenTrial]:
        """Create the trial that is next, if one is left to create beside those that are `under_way`."""
        return [self.propose()] if self.finished + len(under_way) < self._settings.trials else []

    def next_batch(self, workers: int) -> list[FrozenTrial]:
        """Create the synchronous batch that is next, if trials are left; none is under way."""
        missing = min(workers, self._settings.trials - self.finished)
        return self.propose_batch(missing) if missing > 0 else []

    def propose_batch(self, size: int) -> list[FrozenTrial]:
        """Create a synchronous batch of trials, in which none knows another's outcome."""
        first = len(self.trials)
        return [self.propose((first, size)) for _ in range(size)]

    def complete_batch(self) -> list[FrozenTrial]:
        """Create what is missing of the last batch, if a process was killed while it created it."""
        trials = self.trials
        if not trials:
            return []
        first, size = Asked.of(trials[-1]).batch
        return [self.propose((first, size)) for _ in range(first + size - len(trials))]

    def strays(self, known: Set[int]) -> list[FrozenTrial]:
        """What was created while the storage failed: the unfinished trials but those, and what lacks of their batch."""
        return [trial for trial in self.unfinished() if trial._trial_id not in known] + self.complete_batch()

    @answering()
    def tell(self, trial: FrozenTrial, outcome: Outcome) -> FrozenTrial:
        """End a trial as `outcome` says; returns it as it is then. Telling twice changes nothing."""
        state = STATES[outcome.status]
        stored = self._storage.get_trial(trial._trial_id)
        if not stored.state.is_finished():
            values = self._values(stored, outcome)
            if stored.user_attrs.get(OUTCOME) != outcome.to_dict():
                self._storage.set_trial_user_attr(trial._trial_id, OUTCOME, outcome.to_dict())
            self._storage.set_trial_state_values(trial._trial_id, state, values)
            stored = self._storage.get_trial(trial._trial_id)
        self._update_twin(stored)
        return stored

    @answering()
    def end_duplicate(self, trial: FrozenTrial, original: FrozenTrial) -> FrozenTrial:
        """End a trial with the result of the earlier one that it repeats."""
        outcome = Outcome.of(original)
        assert outcome is not None
        if outcome.reason:
            outcome = replace(outcome, reason=f"the same values as trial {original.number}: {outcome.reason}")
        for step, value in original.intermediate_values.items():
            self._storage.set_trial_intermediate_value(trial._trial_id, step, value)
        return self.tell(trial, outcome)

    def _values(self, trial: FrozenTrial, outcome: Outcome) -> list[float] | None:
        if outcome.status == "finished":
            return [outcome.objective(name) for name in self._settings.objectives]
        if outcome.status == "pruned" and trial.last_step is not None:
            return [trial.intermediate_values[trial.last_step]]  # as Optuna's own `tell` does
        return None

    def _update_twin(self, ended: FrozenTrial) -> None:
        """Tell the samplers of a trial's end."""
        twin = self.known[ended.number]
        if twin.state.is_finished():
            return
        for step, value in ended.intermediate_values.items():
            self._memory.set_trial_intermediate_value(twin._trial_id, step, value)
        values: Sequence[float] | None = ended.values if ended.state == TrialState.COMPLETE else None
        self._twin.tell(ended.number, values, ended.state)

    def _earlier(self, values: dict[str, object]) -> FrozenTrial | None:
        """The first trial with the same values."""
        for trial in self.known:
            asked = trial.user_attrs.get(ASKED)
            if asked and asked["values"] == values:
                return trial
        return None


def ended_at(trial: FrozenTrial) -> tuple[datetime, int]:
    """The order in which trials ended."""
    assert trial.datetime_complete is not None
    return trial.datetime_complete, trial.number
