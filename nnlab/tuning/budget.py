"""What ends the search of a study: a number of trials, a time, a score, or trials in vain. The first of them counts.

Each is a function of what is stored, so that a study that was killed ends where it would have: a budget stops
proposals, and what was proposed comes to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from optuna.trial import FrozenTrial

from nnlab.tuning.known import KnownTrials
from nnlab.tuning.report.ranking import cost
from nnlab.tuning.search.settings import SweepSettings

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
        known = KnownTrials.of(trials, self.objectives)
        best = None if self.until is None else known.best
        return Use(
            finished=known.finished,
            seconds=seconds,
            best=None if best is None else best.values[0],
            best_trial=None if best is None else best.number,
            in_vain=0 if self.patience is None else known.in_vain(in_step=self.is_in_step),
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
