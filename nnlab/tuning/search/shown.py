"""Which trials a sampler is shown: all, or of many those that matter, so that a proposal costs the same at any number.

The models of samplers grow with the trials: a proposal of TPE takes 9 ms at 100 trials, 15 at 500, 23 at 1,000, and so
on. What TPE makes of trials is the density of the 25 best, against that of all others, in which the latest weigh most.
So beyond `MOST` it is shown the best ones and the latest. Which are best is a function of the trials as they are now.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial, TrialState

MOST = 500
"""Trials that are shown to a sampler. With fewer, proposals are what they are without a bound."""
BEST = 25
"""Of them the best of all: as many as TPE counts among the good."""

Order = tuple[float, ...]


class Shown:
    """Chooses the trials that are shown.

    Args:
        signs: 1 for each objective that is minimized, -1 for others.
        most: how many are shown; None is all.
    """

    def __init__(self, signs: Sequence[float], most: int | None) -> None:
        self._signs = list(signs)
        self._most = most
        self._orders: dict[int, Order] = {}

    def note(self, trial: FrozenTrial) -> None:
        """Learn of a trial, new or changed."""
        self._orders.pop(trial.number, None)
        if trial.state == TrialState.COMPLETE and all(map(math.isfinite, trial.values)):
            costs = [sign * value for sign, value in zip(self._signs, trial.values, strict=True)]
            self._orders[trial.number] = (0.0, *costs, float(trial.number))
        elif trial.state == TrialState.PRUNED and len(self._signs) == 1 and trial.intermediate_values:
            step, value = max(trial.intermediate_values.items())  # as TPE does: those first that came further
            score = math.inf if math.isnan(value) else self._signs[0] * value
            self._orders[trial.number] = (1.0, -float(step), score, float(trial.number))

    def of(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial] | None:
        """Those of `trials`, which stand by their numbers, that are shown, in their order; None if all are."""
        if self._most is None or len(trials) <= self._most:
            return None
        first = len(trials) - self._most + BEST
        best = heapq.nsmallest(BEST, self._orders.values()) if len(self._signs) == 1 else self._front()
        older = sorted(int(order[-1]) for order in best if order[-1] < first)
        return [*(trials[number] for number in older), *trials[first:]]

    def _front(self) -> list[Order]:
        """The latest of those on the Pareto front of two objectives."""
        front: list[Order] = []
        for order in sorted(self._orders.values()):
            if not front or order[2] < front[-1][2]:
                front.append(order)
        return heapq.nlargest(BEST, front, key=lambda order: order[-1])
