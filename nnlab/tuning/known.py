"""The trials of a study as one process knows them, counted as they come: what is asked at every event costs the same
for the ten thousandth trial as for the tenth."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self, overload

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.patience import InVain
from nnlab.tuning.report.ranking import Rank, rank_of
from nnlab.tuning.trials import FINISHED, is_failure, is_over_limit


class KnownTrials(Sequence[FrozenTrial]):
    """Trials in the order in which they were first noted.

    Args:
        objectives: their names, one or two.
        trials: to begin with.

    Attributes:
        finished: how many are complete or pruned, those over their limit included.
        over_limit: how many were ended since they were over a limit.
        failed: how many have failed, duplicates of such not included.
    """

    def __init__(self, objectives: Sequence[str], trials: Iterable[FrozenTrial] = ()) -> None:
        self.objectives = tuple(objectives)
        self.finished = self.over_limit = self.failed = 0
        self._states: Counter[TrialState] = Counter()
        self._trials: list[FrozenTrial] = []
        self._places: dict[int, int] = {}
        self._counted: list[_Counted] = []
        self._ranks: list[Rank] = []
        self._in_vain: dict[bool, InVain] = {}
        for trial in trials:
            self.note(trial)

    @classmethod
    def of(cls, trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> Self:
        """`trials` themselves if they are counted already, else counted."""
        return trials if isinstance(trials, cls) else cls(objectives, trials)

    @overload
    def __getitem__(self, place: int) -> FrozenTrial: ...
    @overload
    def __getitem__(self, place: slice) -> list[FrozenTrial]: ...
    def __getitem__(self, place: int | slice) -> FrozenTrial | list[FrozenTrial]:
        """By place, which in a whole study is the number."""
        return self._trials[place]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._trials)

    def __iter__(self) -> Iterator[FrozenTrial]:
        """All of them as they are now, whatever is noted meanwhile."""
        return iter(self._trials.copy())

    def note(self, trial: FrozenTrial) -> None:
        """Know a trial, new or changed, as it is now."""
        place = self._places.setdefault(trial.number, len(self._trials))
        if place < len(self._trials):
            self._count(self._counted[place], -1)
        self._trials[place : place + 1] = [trial]
        self._counted[place : place + 1] = [_Counted.of(trial, self.objectives)]
        self._count(self._counted[place], 1)
        for in_vain in self._in_vain.values():
            in_vain.note(trial)

    def in_state(self, state: TrialState) -> int:
        """How many are in a state."""
        return self._states[state]

    @property
    def best(self) -> FrozenTrial | None:
        """The first of the `ranking`; None if no trial can win."""
        return self._trials[self._places[self._ranks[0][-1]]] if self._ranks else None

    def in_vain(self, *, in_step: bool) -> int:
        """How many trials have finished since the last one that was better than all before it; all, if none ever was.

        Args:
            in_step: whether they count in the order of their numbers; else in that of their ends.
        """
        if in_step not in self._in_vain:
            self._in_vain[in_step] = InVain(self.objectives, in_step=in_step)
            for trial in self._trials:
                self._in_vain[in_step].note(trial)
        return self._in_vain[in_step].count

    def _count(self, trial: _Counted, by: int) -> None:
        self._states[trial.state] += by
        self.finished += by * (trial.state in FINISHED)
        self.over_limit += by * trial.is_over_limit
        self.failed += by * trial.is_failure
        if trial.rank is not None and by > 0:
            insort(self._ranks, trial.rank)
        elif trial.rank is not None:
            del self._ranks[bisect_left(self._ranks, trial.rank)]


class _Counted(NamedTuple):
    """As what a trial was counted: what it is may have changed since."""

    state: TrialState
    is_over_limit: bool
    is_failure: bool
    rank: Rank | None

    @classmethod
    def of(cls, trial: FrozenTrial, objectives: Sequence[str]) -> _Counted:
        return cls(trial.state, is_over_limit(trial), is_failure(trial), rank_of(trial, objectives))
