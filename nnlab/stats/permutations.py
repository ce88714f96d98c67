"""Permutation tests of a difference of means: exact for up to some thirty values, by meeting in the middle.

`scipy.stats.permutation_test` lists every arrangement: 2²⁰ for twenty pairs, which takes a minute. Here the values are
divided in two halves, the sums of each half are listed and one half's are sorted, so that a look-up in it counts many
arrangements at once: 2¹⁰ sums for twenty pairs (E. Horowitz, S. Sahni, "Computing partitions with applications to the
knapsack problem", J. ACM 1974). The p-values are SciPy's: twice the share of the smaller tail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SUMS = 1 << 16
"""Of half the values: exact up to 32 pairs, or two groups of 16."""
RANDOM = 99_999
"""Arrangements that are drawn where all are too many."""


def smallest_p(n_a: int, n_b: int, *, paired: bool) -> float:
    """The smallest two-sided p that any values can have: 2 of the 2ⁿ signs of n pairs, or 2 of the ways to divide."""
    return min(1.0, 2 / (2**n_a if paired else math.comb(n_a + n_b, n_a)))


def paired_p(differences: Sequence[float], *, rounding: float) -> tuple[float, bool]:
    """The p of the mean of paired differences, when each sign is as likely as the other.

    Reference: R. A. Fisher, "The design of experiments", 1935, 21.

    Args:
        differences: of size 1 at most.
        rounding: by how much a sum of signed differences may be off; sums as near as that are alike.

    Returns:
        p, and whether all arrangements were counted.
    """
    import numpy as np

    d = np.asarray(differences, np.float64)
    observed = abs(float(d.sum()))
    if 2 ** ((len(d) + 1) // 2) > MOST_SUMS:

        def signs(rng: np.random.Generator, drawn: int) -> tuple[int, int]:
            sums = (2.0 * rng.integers(0, 2, (drawn, len(d)), np.int8) - 1) @ d
            return int((sums >= observed - rounding).sum()), int((sums <= rounding - observed).sum())

        return _random_p(signs, len(d)), False
    left, right = (_signed_sums(half) for half in (d[: len(d) // 2], d[len(d) // 2 :]))
    return min(1.0, 2 * _pairs_from(left, right, observed - rounding) / 2 ** len(d)), True


def unpaired_p(a: Sequence[float], b: Sequence[float], *, rounding: float) -> tuple[float, bool]:
    """The p of the difference of two means, when every way to divide all values into two such groups is as likely.

    Reference: E. J. G. Pitman, "Significance tests which may be applied to samples from any populations", 1937.

    Args:
        a: of size 1 at most.
        b: likewise.
        rounding: by how much a group's sum may be off; sums as near as that are alike.

    Returns:
        p, and whether all arrangements were counted.
    """
    import numpy as np

    smaller, larger = sorted((a, b), key=lambda group: (len(group), *group))  # a and b exchanged have the same p
    pooled, taken = np.asarray([*smaller, *larger], np.float64), len(smaller)
    middle = len(pooled) // 2
    observed = float(pooled[:taken].sum())
    if sum(math.comb(len(pooled) - middle, size) for size in range(taken + 1)) > MOST_SUMS:

        def divided(rng: np.random.Generator, drawn: int) -> tuple[int, int]:
            sums = rng.permuted(np.tile(pooled, (drawn, 1)), axis=1)[:, :taken].sum(axis=1)
            return int((sums >= observed - rounding).sum()), int((sums <= observed + rounding).sum())

        return _random_p(divided, len(pooled)), False
    left, right = (_sums_by_size(half, taken) for half in (pooled[:middle], pooled[middle:]))
    above = below = 0
    for size, sums in enumerate(left):
        if taken - size < len(right):
            above += _pairs_from(sums, right[taken - size], observed - rounding)
            below += _pairs_from(-sums, -right[taken - size], -observed - rounding)
    return min(1.0, 2 * min(above, below) / math.comb(len(pooled), taken)), True


def _signed_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of the values with every combination of signs."""
    import numpy as np

    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def _sums_by_size(values: NDArray[np.float64], most: int) -> list[NDArray[np.float64]]:
    """The sums of all subsets of 0, 1, ... `most` of the values (no more than there are)."""
    import numpy as np

    sums = [np.zeros(1)]
    for value in values:
        bigger = [each + value for each in sums]
        sums = [
            np.concatenate([*sums[size : size + 1], *bigger[size - 1 : size]]) if size else sums[0]
            for size in range(min(len(sums), most) + 1)
        ]
    return sums


def _pairs_from(left: NDArray[np.float64], right: NDArray[np.float64], least: float) -> int:
    """How many pairs of one value from each have a sum of at least `least`."""
    import numpy as np

    ordered = np.sort(right)
    return len(left) * len(right) - int(np.searchsorted(ordered, least - np.sort(left)[::-1], side="left").sum())


def _random_p(tail: Callable[[np.random.Generator, int], tuple[int, int]], size: int) -> float:
    """The p from random arrangements, the same each time, and the observed one.

    Reference: B. Phipson, G. Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 2010.

    Args:
        tail: draws so many arrangements and counts those as high, and those as low, as the observed one.
        size: values of one arrangement.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    above, below, left = 0, 0, RANDOM
    while left:
        drawn = min(left, max(1, 1_000_000 // size))  # 8 MB
        high, low = tail(rng, drawn)
        above, below, left = above + high, below + low, left - drawn
    return min(1.0, 2 * (min(above, below) + 1) / (RANDOM + 1))
