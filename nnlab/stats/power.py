"""How many more seeds would tell a difference, from the power of the t test."""

from __future__ import annotations

import math
import warnings

from nnlab.stats.differences import Difference
from nnlab.stats.permutations import smallest_p

POWER = 0.8
MOST = 10_000
"""More seeds than that are no answer."""


def more_seeds(difference: Difference, level: float) -> int | None:
    """The fewest further seeds with which the t test finds the difference in 80 of 100 cases.

    It is assumed that the mean and the standard deviations are as measured so far, and values normal. Seeds are added
    to both groups alike.

    Reference: J. Cohen, "Statistical power analysis for the behavioral sciences", 1988, 2.

    Args:
        difference: as measured so far.
        level: of the test, after any correction.

    Returns:
        None if nothing is measured that more seeds could tell: no difference, no spread known, or more than 10,000.
    """
    if difference.is_open or difference.is_zero or difference.effect == 0:
        return None

    def enough(more: int) -> bool:
        if difference.is_constant:  # the permutation test alone, to which all of them speak for one side
            sizes = difference.n_a + more, difference.n_b + more
            return smallest_p(*sizes, paired=difference.paired) <= level
        return power(difference, more, level) >= POWER

    if not enough(MOST):
        return None
    low, high = 0, MOST  # more seeds have more power
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def power(difference: Difference, more: int, level: float) -> float:
    """How likely the t test is to find the difference with so many more seeds on each side, two-sided."""
    from statsmodels.stats.power import ttest_power

    sizes = [size + more for size in (difference.n_a, difference.n_b)[: len(difference.sds)]]
    variances = [sd * sd / size for sd, size in zip(difference.sds, sizes, strict=True)]
    # Welch's degrees of freedom, which are n − 1 for a single sample: the pairs.
    freedom = sum(variances) ** 2 / sum(each**2 / (size - 1) for each, size in zip(variances, sizes, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an effect of hundreds of standard errors
        found = float(ttest_power(abs(difference.effect) / math.sqrt(sum(variances)), 1, level, df=freedom))
    return 1.0 if math.isnan(found) else found
