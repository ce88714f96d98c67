"""What ends the search of a study: a number of trials, a time, a score, or trials in vain. The first of them counts.

Each is a function of what is stored, so that a study that was killed ends where it would have: a budget stops
proposals, and what was proposed comes to its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.report.ranking import best_trial, cost
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.study import FINISHED, ended_at

BUDGETS = ("trials", "seconds", "until", "patience")
"""The keys below `sweep` that end a search."""


@dataclass(frozen=True)
class Use:
    """How much of its budget a study has used.

    Attributes:
        finished: trials that are complete or pruned.
        seconds: of search, over all sessions.
        best: the first objective of the best trial; None without one, or where nobody asks.
        best_trial: its number.
        in_vain: finished trials since one was better than all before it; 0 where nobody asks.
    """

    finished: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_trial: int | None = None
    in_vain: int = 0


@dataclass(frozen=True)
class Budget:
    """What ends a search; None is no limit.

    Attributes:
        trials: finished ones, complete or pruned.
        seconds: of search, over all sessions.
        until: a score of the first objective, or a better one.
        patience: finished trials since one was better than all before it.
        objectives: their names.
        is_in_step: whether trials count in the order of their numbers, as batches do; else in that of their ends.
    """

    trials: int | None
    seconds: float | None = None
    until: float | None = None
    patience: int | None = None
    objectives: tuple[str, ...] = ("val/loss",)
    is_in_step: bool = False

    @classmethod
    def of(cls, settings: SweepSettings) -> Self:
        """That of a sweep."""
        limits = (settings.trials, settings.seconds, settings.until, settings.patience)
        return cls(*limits, settings.objectives, settings.deterministic)

    @property
    def is_more_than_a_number(self) -> bool:
        """Whether something else than a number of trials may end the search."""
        return any(limit is not None for limit in (self.seconds, self.until, self.patience))

    def use(self, trials: Sequence[FrozenTrial], seconds: float = 0.0) -> Use:
        """How much of it `trials` and `seconds` are."""
        finished = [trial for trial in trials if trial.state in FINISHED]
        best = None if self.until is None else best_trial(finished, self.objectives)
        return Use(
            finished=len(finished),
            seconds=seconds,
            best=None if best is None else best.values[0],
            best_trial=None if best is None else best.number,
            in_vain=0 if self.patience is None else in_vain(finished, self.objectives, self._order),
        )

    def used_up(self, use: Use) -> list[str]:
        """Which of `BUDGETS` are used up: the first of them has ended the search; none while it goes on."""
        name = self.objectives[0]
        is_over = {
            "trials": self.trials is not None and use.finished >= self.trials,
            "seconds": self.seconds is not None and use.seconds >= self.seconds,
            "until": self.until is not None and use.best is not None and cost(name, use.best) <= cost(name, self.until),
            "patience": self.patience is not None and use.in_vain >= self.patience,
        }
        return [key for key in ("until", "trials", "patience", "seconds") if is_over[key]]

    def _order(self, trial: FrozenTrial) -> tuple[object, ...]:
        return (trial.number,) if self.is_in_step else ended_at(trial)


def in_vain(
    finished: Sequence[FrozenTrial], objectives: Sequence[str], order: Callable[[FrozenTrial], tuple[object, ...]]
) -> int:
    """How many trials have finished since the last one that was better than all before it; all, if none ever was.

    One is better if no trial before it is at least as good in every objective.

    Args:
        finished: complete or pruned.
        objectives: their names, one or two.
        order: of their ends.
    """
    front: list[tuple[float, ...]] = []
    since = 0
    for trial in sorted(finished, key=order):
        since += 1
        if trial.state != TrialState.COMPLETE or not all(map(math.isfinite, trial.values)):
            continue
        costs = tuple(map(cost, objectives, trial.values))
        if not any(all(map(float.__le__, other, costs)) for other in front):
            front = [other for other in front if not all(map(float.__le__, costs, other))] + [costs]
            since = 0
    return since
