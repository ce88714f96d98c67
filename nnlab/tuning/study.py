"""A study: the trials in their storage, and what to try next. Only one process at a time creates and ends trials.

Samplers work on a twin of the study in memory (`search/proposer.py`), and what they propose is stored in a single
record. So a process that is killed leaves a trial with all its parameters or none, and the next one proposes the same
again: a proposal depends on the study's seed, the trial's number and the trials before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import replace

import numpy as np
import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from nnlab.errors import RunFailedError
from nnlab.tuning.known import KnownTrials
from nnlab.tuning.new_trial import running
from nnlab.tuning.search.guess import Guess
from nnlab.tuning.search.proposer import Accepts, NothingLeftError, Proposer
from nnlab.tuning.search.settings import SweepSettings, direction
from nnlab.tuning.search.space import Space
from nnlab.tuning.storage import answering
from nnlab.tuning.trials import ASKED, OUTCOME, STATES, Asked, Outcome

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
        accepts: what values a trial may have; None is any.
        guesses: what trials are to have before the sampler proposes any.
        offset: added to the number of a trial where its seeds and its proposal are derived from it.

    Attributes:
        nothing_left: why no further trial could be proposed; empty while that has not happened.

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
        accepts: Accepts | None = None,
        guesses: Sequence[Guess] = (),
        offset: int = 0,
    ) -> None:
        self.name = name
        self.nothing_left = ""
        self._seed = seed
        self._settings = settings
        self._space = space
        self._shares_seeds = shares_seeds
        self._offset = offset
        self._storage = storage
        directions = [direction(name) for name in settings.objectives]
        with answering():
            self._stored = optuna.create_study(
                storage=storage, study_name=name, directions=directions, load_if_exists=True
            )
        self._known = KnownTrials(settings.objectives)
        self._proposer = Proposer(name, settings, space, seed, epochs, accepts, guesses, offset)
        for trial in self.trials:
            self._note(trial)

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
    def known(self) -> KnownTrials:
        """All trials, by number, as this process knows them: how those have ended that it was told of."""
        return self._known

    @property
    def finished(self) -> int:
        """How many trials are complete or pruned."""
        return self._known.finished

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to propose, and all that was tried has failed."""
        return bool(self.nothing_left) and self._known.in_state(TrialState.FAIL) == len(self._known)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do once there are enough trials."""
        return True

    def unfinished(self) -> list[FrozenTrial]:
        """The trials that were started and not ended, by number."""
        return [trial for trial in self.trials if trial.state == TrialState.RUNNING]

    def propose(self, batch: tuple[int, int] | None = None) -> FrozenTrial:
        """Create the next trial, running and with all its parameters.

        It may be called again after the storage has failed.

        Args:
            batch: index and size of the synchronous batch it belongs to.

        Raises:
            NothingLeftError: if no acceptable values are left.
        """
        count = len(self.trials)
        if len(self._known) <= count:  # else the storage did not take the last proposal
            number = len(self._known)
            self._note(self._next(number, batch or (number, 1)))
        number = len(self._known) - 1
        if count == number:
            with answering():
                self._stored.add_trial(self._known[number])
        stored = self.trials
        if len(stored) != number + 1 or stored[number].user_attrs.get(ASKED) != self._known[number].user_attrs[ASKED]:
            raise RunFailedError(
                f"Only nnlab.sweep may add trials to the study {self.name!r}, and one process at a time, but trial "
                f"{number} came from elsewhere. Nothing is lost; sweep.resume={self.name.partition('/')[0]} resumes it "
                "after that."
            )
        return stored[number]

    def _next(self, number: int, batch: tuple[int, int]) -> FrozenTrial:
        """The next trial, which nobody knows of yet."""
        proposal = self._proposer.propose()
        asked = Asked(proposal.values, self._seeds_of(number), batch, draws=proposal.draws, source=proposal.source)
        return running(number, proposal.params, self._space, asked, proposal.attributes)

    def _note(self, trial: FrozenTrial) -> None:
        """Know a trial, new or changed, as it is now."""
        self._known.note(trial)
        self._proposer.note(trial)

    def _seeds_of(self, number: int) -> list[int]:
        place = SHARED if self._shares_seeds else number + self._offset
        return trial_seeds(self._seed, place, self._settings.seeds)

    def create_next(self, size: int, room: Callable[[int], int], under_way: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Create what is next, `size` at most: new trials, of which `room` says how many beside those under way."""
        missing = min(size, room(len(under_way)))
        return self.propose_batch(missing) if missing > 0 else []

    def propose_batch(self, size: int) -> list[FrozenTrial]:
        """Create a synchronous batch of trials, in which none knows another's outcome; fewer if nothing is left."""
        first = len(self.trials)
        return self._fill((first, size), size)

    def complete_batch(self) -> list[FrozenTrial]:
        """Create what is missing of the last batch, if a process was killed while it created it."""
        trials = self.trials
        if not trials:
            return []
        first, size = Asked.of(trials[-1]).batch
        return self._fill((first, size), first + size - len(trials))

    def _fill(self, batch: tuple[int, int], missing: int) -> list[FrozenTrial]:
        created: list[FrozenTrial] = []
        while len(created) < missing and not self.nothing_left:
            try:
                created.append(self.propose(batch))
            except NothingLeftError as error:
                self.nothing_left = str(error)
        return created

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
        self._note(stored)
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
        if STATES[outcome.status] == TrialState.PRUNED and trial.last_step is not None:
            return [trial.intermediate_values[trial.last_step]]  # as Optuna's own `tell` does
        return None
