"""Who gets a further seed in a race over seeds: the best trial has all of them, the others as long as they keep up.

The rule is a function of the scores alone, so that a study which was killed decides as it would have. All trials have
the same seeds in the same order, so that any two are compared by their differences on the seeds that both have had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median, stdev

ERRORS = 1.0
"""Standard errors: a trial drops out when so many of them lie between it and a draw, a chance of 16 % to win."""

Item = tuple[int, int]
"""A run of a race: the number of a trial, and the place of the seed, from 1."""


@dataclass(frozen=True)
class Race:
    """A race as it stands.

    Once nothing is `due` any more, the leader has all seeds, and whoever has fewer is so far behind it, on the seeds
    that both have, that those it lacks would hardly make it the better one. Less strict than the source, which drops a
    challenger that is behind at all: the first seed alone would decide too much.

    Args:
        costs: of each trial that is in the race, by seed in the order of the seeds; less is better, at least one.
        seeds: the most that a trial gets.

    Reference: F. Hutter et al., Sequential Model-Based Optimization for General Algorithm Configuration, LION 2011,
    procedure Intensify.
    """

    costs: Mapping[int, Sequence[float]]
    seeds: int

    @cached_property
    def leader(self) -> int | None:
        """The best of the trials with the most seeds; of equal ones the first. None without a trial."""
        most = max(map(len, self.costs.values()), default=0)
        first = [trial for trial, costs in self.costs.items() if len(costs) == most]
        return min(first, key=lambda trial: (fmean(self.costs[trial]), trial), default=None)

    @cached_property
    def noise(self) -> float:
        """What chance does to a difference on one seed: its standard deviation over seeds.

        The median over all trials with several seeds. Before there are any, the leader's own deviation stands in.
        """
        spreads = [
            stdev(self._differences(trial))
            for trial, costs in self.costs.items()
            if len(costs) > 1 and trial != self.leader
        ]
        best = self._best
        return median(spreads) if spreads else stdev(best) if len(best) > 1 else 0.0

    def behind(self, trial: int) -> float:
        """By how much a trial is worse than the leader, on average over the seeds that it has had."""
        costs = self.costs[trial]
        return costs[0] - self._best[0] if len(costs) == 1 else fmean(self._differences(trial))

    def keeps_up(self, trial: int) -> bool:
        """Whether a trial is ahead of the leader, or may still be with all seeds.

        From a mean difference over n seeds, that over all N is expected to be the same, with a variance of
        noise² (1/n - 1/N): the predictive distribution of a normal sample with a flat prior (A. Gelman et al.,
        Bayesian Data Analysis, section 2.5).
        """
        error = self.noise * math.sqrt(1 / len(self.costs[trial]) - 1 / self.seeds)
        return self.behind(trial) < ERRORS * error

    def value(self, trial: int) -> float:
        """The cost by which trials are ranked: the leader's mean, and by how much the trial is behind.

        The mean itself for the leader and whoever has as many seeds. With fewer the mean would depend on which seeds
        these are: an easy first one would put all that have no other ahead. Nor can a trial be ahead with fewer.
        """
        costs = self.costs[trial]
        if len(costs) == len(self._best):
            return fmean(costs)
        best = fmean(self._best)
        return max(best + self.behind(trial), math.nextafter(best, math.inf))

    def due(self, under_way: Set[Item] = frozenset()) -> list[Item]:
        """The further runs that can be made now: all that the leader lacks, then one of each trial that keeps up.

        Args:
            under_way: those that are being made; a trial that has one waits for it.
        """
        if self.leader is None:
            return []
        have = len(self._best)
        due = [(self.leader, place) for place in range(have + 1, self.seeds + 1)]
        waiting = {trial for trial, _ in under_way}
        due += sorted(
            (trial, len(costs) + 1)
            for trial, costs in self.costs.items()
            if len(costs) < have and trial not in waiting and self.keeps_up(trial)
        )
        return [item for item in due if item not in under_way]

    @property
    def _best(self) -> Sequence[float]:
        return () if self.leader is None else self.costs[self.leader]

    def _differences(self, trial: int) -> list[float]:
        return [own - best for own, best in zip(self.costs[trial], self._best, strict=False)]
