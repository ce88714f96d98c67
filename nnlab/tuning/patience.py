"""How many trials have finished in vain: since the last one that was better than all before it."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from datetime import datetime

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.report.ranking import cost
from nnlab.tuning.trials import FINISHED, ended_at

Order = tuple[datetime | int, int]


class InVain:
    """Counts them as they come. A trial that ends after those before costs the same however many there are; one that
    changes, or stands before others that are counted, has all counted again.

    One is better if no trial before it is at least as good in every objective.

    Args:
        objectives: their names, one or two.
        in_step: whether trials count in the order of their numbers; else in that of their ends.
    """

    def __init__(self, objectives: Sequence[str], *, in_step: bool) -> None:
        self._objectives = objectives
        self._in_step = in_step
        self._order: list[Order] = []
        self._counted = 0
        self._finished: dict[int, tuple[Order, FrozenTrial]] = {}
        self._start()

    def note(self, trial: FrozenTrial) -> None:
        """Count a trial, new or changed."""
        if trial.number in self._finished:
            before, _ = self._finished.pop(trial.number)
            del self._order[bisect_left(self._order, before)]
            self._start()
        if trial.state not in FINISHED:
            return
        order = (trial.number, 0) if self._in_step else ended_at(trial)
        self._finished[trial.number] = order, trial
        insort(self._order, order)
        if bisect_left(self._order, order) < self._counted:
            self._start()

    @property
    def count(self) -> int:
        """How many have finished since the last one that was better; all, if none ever was."""
        for order in self._order[self._counted :]:
            self._add(self._finished[order[0] if self._in_step else order[1]][1])  # type: ignore[index]
        self._counted = len(self._order)
        return self._since

    def _start(self) -> None:
        self._counted = self._since = 0
        self._front: list[tuple[float, ...]] = []

    def _add(self, trial: FrozenTrial) -> None:
        self._since += 1
        if trial.state != TrialState.COMPLETE or not all(map(math.isfinite, trial.values)):
            return
        costs = tuple(map(cost, self._objectives, trial.values))
        if not any(all(map(float.__le__, other, costs)) for other in self._front):
            self._front = [other for other in self._front if not all(map(float.__le__, costs, other))] + [costs]
            self._since = 0
