"""The values of a group of runs, one for each seed: their mean, spread and intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import NamedTuple

from nnlab.errors import UserError
from nnlab.plain import plain, shown

CONFIDENCE = 0.95
"""Of every interval."""
FEWEST_FOR_BOOTSTRAP = 10
RESAMPLES = 9_999


class Interval(NamedTuple):
    """From low to high, both included; NaN where no interval can be given."""

    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan)


@dataclass(frozen=True)
class Sample:
    """One value for each seed.

    Args:
        values: at least one; any numbers, kept as floats. NaN and infinity are kept, and leave no interval.

    Raises:
        UserError: if there is no value, or one is not a number.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", numbers(self.values))

    @property
    def n(self) -> int:
        """How many seeds."""
        return len(self.values)

    @property
    def is_finite(self) -> bool:
        """Whether no value is NaN or infinite."""
        return all(map(math.isfinite, self.values))

    @cached_property
    def mean(self) -> float:
        """Over the seeds; what IEEE 754 makes of it (NaN, or an infinity) where a value is not finite."""
        if not self.is_finite:
            return sum(self.values) / self.n
        scaled, exponent = scale(self.values)
        return unscale(statistics.fmean(scaled), exponent)

    @cached_property
    def sd(self) -> float:
        """The standard deviation of the sample (n − 1); NaN for a single seed, and where a value is not finite."""
        if self.n < 2 or not self.is_finite:
            return math.nan
        scaled, exponent = scale(self.values)
        return unscale(statistics.stdev(scaled), exponent)

    @cached_property
    def interval(self) -> Interval:
        """The 95 % confidence interval of the mean, by Student's t.

        Reference: Student, "The probable error of a mean", Biometrika 1908.
        """
        return self._around(1 / self.n)

    @cached_property
    def one_more(self) -> Interval:
        """The 95 % prediction interval for one more run: mean ± t(0.975, n − 1) s √(1 + 1/n).

        Reference: G. Hahn, W. Meeker, "Statistical intervals", Wiley 1991, 4.7.
        """
        return self._around(1 + 1 / self.n)

    @cached_property
    def bootstrap(self) -> Interval | None:
        """The 95 % confidence interval of the mean by the bootstrap, corrected for bias and skewness (BCa).

        From 9,999 resamples that are the same each time. None with fewer than ten seeds, and where a value is not
        finite: of a few values, a bootstrap is too narrow.
        Reference: B. Efron, "Better bootstrap confidence intervals", J. Amer. Statist. Assoc. 1987.
        """
        if self.n < FEWEST_FOR_BOOTSTRAP or not self.is_finite:
            return None
        if self.sd == 0:
            return Interval(self.mean, self.mean)
        import numpy as np
        from scipy import stats

        scaled, exponent = scale(self.values)
        mean, sd = statistics.fmean(scaled), statistics.stdev(scaled)
        found = stats.bootstrap(
            ([(value - mean) / sd for value in scaled],),  # about 0 and 1, so that no power of it overflows
            np.mean,
            n_resamples=RESAMPLES,
            batch=max(1, 1_000_000 // self.n),
            method="BCa",
            confidence_level=CONFIDENCE,
            vectorized=True,
            rng=np.random.default_rng(0),
        ).confidence_interval
        return Interval(*(unscale(mean + float(end) * sd, exponent) for end in found))

    def _around(self, variances: float) -> Interval:
        """The mean and 97.5 % of Student's t to both sides of it, times the standard deviation and √variances."""
        if not math.isfinite(self.sd):
            return NO_INTERVAL
        from scipy import special

        half = float(special.stdtrit(self.n - 1, 0.5 + CONFIDENCE / 2)) * self.sd * math.sqrt(variances)
        return Interval(self.mean - half, self.mean + half)


def numbers(values: Iterable[object]) -> tuple[float, ...]:
    """Numbers of any kind as floats.

    Raises:
        UserError: if there are none, or one is not a number or too large for a float.
    """
    read = [plain(value) for value in values]
    if not read:
        raise UserError("a group has at least one value, one for each seed, and this one has none: leave it out")
    wrong = [value for value in read if not isinstance(value, Real)]
    if wrong:
        raise UserError(
            f"values to compare are numbers, one for each seed, but one is {shown(wrong[0])}: "
            "take a metric that every run has"
        )
    try:
        return tuple(float(value) for value in read)
    except OverflowError:
        raise UserError("values to compare are numbers, but one is too large for a float: leave it out") from None


def scale(values: Iterable[float]) -> tuple[list[float], int]:
    """Finite values over 2ᵉ, at most 1 in size, and e: sums and squares of them neither overflow nor vanish.

    The bits of each are its own, but for values 2¹⁰²² smaller than the largest.
    """
    values = list(values)
    exponent = math.frexp(max(map(abs, values)))[1]
    return [math.ldexp(value, -exponent) for value in values], exponent


def unscale(value: float, exponent: int) -> float:
    """A result of scaled values in their own unit; infinite if no float is that large."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)
