"""A study whose trials race: each begins with one seed, and gets further ones as long as it keeps up with the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from nnlab.tuning.race.board import Board, is_further, item_of
from nnlab.tuning.race.rule import Item
from nnlab.tuning.race.runs import Batch, RaceRuns
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.space import Space
from nnlab.tuning.study import SHARED, Study, trial_seeds
from nnlab.tuning.trials import Outcome


class RacingStudy(Study):
    """The trials of a study with `sweep.race`: all have the same seeds, in the same order.

    `trials` are as all their seeds have them, and so does the sampler see them; what is stored of a trial is its first
    seed's, and the others' are runs of their own (`RaceRuns`). For the arguments see `Study`.
    """

    def __init__(
        self, name: str, storage: BaseStorage, settings: SweepSettings, space: Space, seed: int, epochs: int, **how: Any
    ) -> None:
        self._race_seeds = trial_seeds(seed, SHARED, settings.seeds)
        self.runs = RaceRuns(name, storage, settings, space)
        super().__init__(name, storage, settings, space, seed, epochs, **{**how, "shares_seeds": True})

    @cached_property
    def board(self) -> Board:
        """What the runs say of the trials."""
        board = Board(self._settings.objectives[0], self._settings.seeds)
        board.add_all(super().trials, self.runs.trials)
        return board

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials, by number, as their seeds have them now."""
        stored = super().trials
        return [self.board.seen(trial) for trial in stored]

    @property
    def is_settled(self) -> bool:
        """Whether no trial gets a further seed, as the race stands."""
        return not self.board.due()

    def unfinished(self) -> list[FrozenTrial]:
        """The further runs and the trials that were started and not ended."""
        return self.runs.unfinished() + super().unfinished()

    def create_next(self, size: int, room: Callable[[int], int], under_way: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Create the further runs that are due, and new trials for the workers that are left."""
        due = self.board.due({item_of(trial) for trial in under_way if is_further(trial)})[:size]
        searching = sum(not is_further(trial) for trial in under_way)
        new = min(size - len(due), room(searching))
        if due and self._settings.deterministic:
            self.runs.plan(Batch(due, len(self._known), new))
        return [self._create(item) for item in due] + (self.propose_batch(new) if new > 0 else [])

    def complete_batch(self) -> list[FrozenTrial]:
        """Create what is missing of the last batch, if a process was killed while it created it."""
        batch = self.runs.batch
        if batch is None:
            return super().complete_batch()
        made = {item_of(run) for run in self.runs.trials}
        missing = [self._create(item) for item in batch.runs if item not in made]
        none_is_made = len(super().trials) == batch.first and batch.size
        return missing + (self.propose_batch(batch.size) if none_is_made else super().complete_batch())

    def tell(self, trial: FrozenTrial, outcome: Outcome) -> FrozenTrial:
        """End a trial, or a further run, as `outcome` says; returns it as it is stored then."""
        if is_further(trial):
            ended = self.runs.tell(trial, outcome)
            self._learn(self.board.add_run(ended))
        else:
            ended = super().tell(trial, outcome)
            self._learn(self.board.add(ended))
        return ended

    def _seeds_of(self, number: int) -> list[int]:
        return self._race_seeds[:1]

    def _create(self, item: Item) -> FrozenTrial:
        number, place = item
        return self.runs.create(item, self._known[number], self._race_seeds[place - 1])

    def _learn(self, numbers: Sequence[int]) -> None:
        """Let the sampler see trials as they are now."""
        for number in numbers:
            self._note(self.board.seen(self._known[number]))
