"""The difference between two groups of runs, a − b: paired by seed, or not."""

from __future__ import annotations

import math
import statistics
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import add, sub

from nnlab.errors import UserError
from nnlab.stats.permutations import paired_p, smallest_p, unpaired_p
from nnlab.stats.samples import CONFIDENCE, NO_INTERVAL, Interval, numbers, scale, unscale

LEVEL = 0.05
"""Of every verdict."""
ROUNDING = 10 * sys.float_info.epsilon
"""What is forgiven, over the largest value: 0.98 − 0.97 and 0.97 − 0.96 are the same difference."""


@dataclass(frozen=True)
class Difference:
    """What two groups differ by; made by `difference`.

    Args:
        a: one value for each seed.
        b: likewise; if paired, for the same seeds in the same order.
        paired: whether a and b share their seeds.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    paired: bool

    @property
    def n_a(self) -> int:
        """Seeds of a."""
        return len(self.a)

    @property
    def n_b(self) -> int:
        """Seeds of b."""
        return len(self.b)

    @cached_property
    def is_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return all(map(math.isfinite, (*self.a, *self.b)))

    @property
    def is_open(self) -> bool:
        """Whether nothing can be said: a single seed on one side, or a value that is not finite."""
        return min(self.n_a, self.n_b) < 2 or not self.is_finite

    @cached_property
    def mean(self) -> float:
        """Of a, minus that of b; NaN where a value is not finite."""
        return unscale(self.effect, self._exponent) if self.is_finite else math.nan

    @cached_property
    def sd(self) -> float:
        """The standard deviation of a difference of one run each: of the paired ones, or √(s_a² + s_b²).

        0 where all differences are alike but for rounding; NaN where nothing can be said.
        """
        return math.nan if self.is_open else unscale(math.hypot(*self.sds), self._exponent)

    @cached_property
    def sds(self) -> tuple[float, ...]:
        """The standard deviations behind `sd`, over the size of the values: of the pairs, or of a and of b."""
        samples = [self._pairs] if self.paired else self._scaled
        return tuple(
            0.0 if max(map(sub, sample, rounding)) <= min(map(add, sample, rounding)) else statistics.stdev(sample)
            for sample, rounding in zip(samples, self._rounding, strict=True)
        )

    @cached_property
    def effect(self) -> float:
        """The mean over the size of the values, as `sds` are; 0 where all differences are, but for rounding."""
        if self.is_zero:
            return 0.0
        if self.paired:
            return statistics.fmean(self._pairs)
        return statistics.fmean(self._scaled[0]) - statistics.fmean(self._scaled[1])

    def scaled(self, value: float) -> float:
        """A value over the size of the values, as `effect` is."""
        return unscale(value, -self._exponent)

    @cached_property
    def is_constant(self) -> bool:
        """Whether all differences are alike but for rounding: then Student's t has no spread to go by."""
        return not self.is_open and not any(self.sds)

    @cached_property
    def is_zero(self) -> bool:
        """Whether all differences are zero but for rounding: runs that are the same."""
        return self.is_constant and all(
            abs(one - other) <= ROUNDING * max(abs(one), abs(other)) for one, other in zip(*self._scaled, strict=False)
        )

    @cached_property
    def interval(self) -> Interval:
        """The 95 % confidence interval of the mean difference: Student's for pairs, else Welch's.

        Where all differences are alike, that of the exact test: their value, or none (NaN) if so few tell nothing.
        Reference: B. L. Welch, "The generalization of Student's problem", Biometrika 1947.
        """
        if self.is_open:
            return NO_INTERVAL
        if self.is_constant:
            told = self.is_zero or self.p_t <= LEVEL
            return Interval(self.mean, self.mean) if told else NO_INTERVAL
        return Interval(*self._t_test[1:])

    @cached_property
    def p_t(self) -> float:
        """Two-sided, of Student's t test for pairs, else of Welch's; NaN where nothing can be said.

        Where all differences are alike, t would be infinite, and the permutation test stands in for it.
        """
        if self.is_open:
            return math.nan
        return self.p_permutation if self.is_constant else self._t_test[0]

    @property
    def p_exact(self) -> float | None:
        """Two-sided, of the exact permutation test; None where there are too many arrangements, or nothing to say."""
        p, exact = self._permuted
        return p if exact else None

    @property
    def p_permutation(self) -> float:
        """`p_exact`, or the p of 99,999 random arrangements where all are too many; NaN where nothing can be said."""
        return self._permuted[0]

    @property
    def smallest_p(self) -> float:
        """The smallest p that the permutation test can have with so many seeds: 0.0625 for 5 pairs."""
        return smallest_p(self.n_a, self.n_b, paired=self.paired)

    @cached_property
    def probability(self) -> float:
        """How often a run of a is above one of b, ties half: over the pairs, or over all runs of a and all of b.

        NaN where a value is not finite.
        Reference: X. Bouthillier et al., "Accounting for variance in machine learning benchmarks", MLSys 2021.
        """
        if not self.is_finite:
            return math.nan
        import numpy as np

        a, b = map(np.asarray, self._scaled)
        if not self.paired:
            a = a[:, None]
        difference, rounding = a - b, ROUNDING * np.maximum(abs(a), abs(b))
        above, not_below = (difference > rounding).sum(), (difference >= -rounding).sum()
        return float((above + not_below) / (2 * difference.size))

    @cached_property
    def _exponent(self) -> int:
        return scale((*self.a, *self.b))[1]

    @cached_property
    def _scaled(self) -> tuple[list[float], list[float]]:
        """Both groups over 2ᵉ, at most 1 in size."""
        scaled = scale((*self.a, *self.b))[0]
        return scaled[: self.n_a], scaled[self.n_a :]

    @cached_property
    def _pairs(self) -> list[float]:
        return list(map(sub, *self._scaled))

    @cached_property
    def _rounding(self) -> list[list[float]]:
        """By how much each scaled value may be off: of the pairs, or of a and of b."""
        a, b = self._scaled
        if self.paired:
            return [[ROUNDING * max(abs(one), abs(other)) for one, other in zip(a, b, strict=True)]]
        return [[ROUNDING * abs(value) for value in values] for values in (a, b)]

    @cached_property
    def _tested(self) -> tuple[list[list[float]], int]:
        """What is tested, over another 2ᵉ, and e: the pairs, or both groups about the mean of all.

        A large number that both groups share would cost digits, and squares of small ones would vanish.
        """
        a, b = self._scaled
        about = statistics.fmean([*a, *b])
        values, exponent = scale(self._pairs if self.paired else [value - about for value in (*a, *b)])
        return [values] if self.paired else [values[: self.n_a], values[self.n_a :]], exponent

    @cached_property
    def _t_test(self) -> tuple[float, float, float]:
        """p, and the ends of the interval of the mean."""
        from scipy import stats

        samples, exponent = self._tested
        with warnings.catch_warnings():
            # One group may be constant, which SciPy takes for a loss of digits.
            warnings.simplefilter("ignore", RuntimeWarning)
            found = stats.ttest_1samp(*samples, 0.0) if self.paired else stats.ttest_ind(*samples, equal_var=False)
            ends = found.confidence_interval(CONFIDENCE)
        low, high = (unscale(float(end), self._exponent + exponent) for end in ends)
        return float(found.pvalue), low, high

    @cached_property
    def _permuted(self) -> tuple[float, bool]:
        if self.is_open:
            return math.nan, False
        samples, exponent = self._tested
        rounding = unscale(sum(map(sum, self._rounding)), -exponent)
        return (paired_p if self.paired else unpaired_p)(*samples, rounding=rounding)


def difference(a: Iterable[float], b: Iterable[float], *, paired: bool) -> Difference:
    """What group a differs by from group b, a − b.

    Args:
        a: one value for each seed.
        b: likewise; if paired, for the same seeds in the same order.
        paired: whether the groups share their seeds.

    Raises:
        UserError: if a group is empty, a value is no number, or pairs are asked for of groups of unequal size.
    """
    first, second = numbers(a), numbers(b)
    if paired and len(first) != len(second):
        raise UserError(
            f"pairs need two groups of the same seeds, and these have {len(first)} and {len(second)} values: "
            "give the values of the seeds that both have, or paired=False"
        )
    return Difference(first, second, bool(paired))
