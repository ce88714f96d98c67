"""How many more seeds would tell, from the power of the t test."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nnlab.stats.differences import LEVEL, Difference
from nnlab.stats.permutations import smallest_p

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POWER = 0.8
MOST = 10_000
"""More seeds than that are no answer."""


def more_seeds(
    differences: Sequence[Difference], levels: Sequence[float], *, margin: float | None = None
) -> list[int | None]:
    """About how many further seeds tell each difference in 80 of 100 cases: that there is one, or that it is small.

    It is assumed that the mean and the standard deviations are as measured so far, and the values normal. Seeds are
    added to both groups alike.

    Reference: J. Cohen, "Statistical power analysis for the behavioral sciences", 1988, 2.

    Args:
        differences: as measured so far.
        levels: of each test, after any correction.
        margin: within which a whole interval says that there is no difference for practice.

    Returns:
        None where nothing is measured that more seeds could tell: no spread, or more than 10,000.
    """
    import numpy as np

    found: list[int | None] = [None] * len(differences)
    spread = [place for place, each in enumerate(differences) if not each.is_open and not each.is_constant]
    for place, (each, level) in enumerate(zip(differences, levels, strict=True)):
        if each.is_constant and not each.is_zero:  # all speak for one side: the permutation test alone
            found[place] = next(more for more in range(1, MOST) if _smallest_p(each, more) <= level)
    chosen, their_levels = [differences[place] for place in spread], np.asarray([levels[place] for place in spread])
    if not chosen:
        return found
    low, high = np.zeros(len(spread), np.int64), np.full(len(spread), MOST + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        enough = power(chosen, middle, their_levels, margin=margin) >= POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    for place, more in zip(spread, high.tolist(), strict=True):
        # Where the permutation test has less than four arrangements to say so by, t has the higher power.
        few = levels[place] / 4 < _smallest_p(differences[place], more) <= levels[place]
        found[place] = None if more > MOST else more + few
    return found


def power(
    differences: Sequence[Difference],
    more: NDArray[np.int64],
    levels: NDArray[np.float64],
    *,
    margin: float | None = None,
) -> NDArray[np.float64]:
    """How likely each difference is to be told with so many more seeds on each side: that it is none, or that it is.

    Args:
        differences: none of which is constant.
        more: seeds, of shape (differences,), like the levels.
        levels: of the two-sided t tests.
        margin: within which the whole 95 % interval is to lie, for a difference that is none for practice.
    """
    import numpy as np

    sds = np.array([[each.sds[0], each.sds[-1] if len(each.sds) > 1 else 0.0] for each in differences]).T
    sizes = np.array([[each.n_a, each.n_b] for each in differences]).T + more
    unit = sds.max(axis=0)  # squares of small ones would vanish
    variances = (sds / unit) ** 2 / sizes
    error = np.sqrt(variances.sum(axis=0))
    # Welch's degrees of freedom, which are n − 1 for a single sample: the pairs.
    freedom = variances.sum(axis=0) ** 2 / (variances**2 / (sizes - 1)).sum(axis=0)
    effect = np.array([abs(each.effect) for each in differences]) / unit
    told = _power(effect / error, levels / 2, freedom)
    if margin is None:
        return told
    with np.errstate(over="ignore"):
        margins = np.array([each.scaled(margin) for each in differences]) / unit
    sides = [_power((margins + sign * effect) / error, np.full(len(effect), LEVEL / 2), freedom) for sign in (1, -1)]
    return np.maximum(told, sides[0] + sides[1] - 1)  # the chance of both is no less


def _power(
    effects: NDArray[np.float64], levels: NDArray[np.float64], freedom: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of one-sided t tests, by effects in standard errors.

    A two-sided test has hardly any power on the other side, where statsmodels' is NaN for large effects.
    """
    import numpy as np
    from statsmodels.stats.power import ttest_power

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = np.asarray(ttest_power(effects, 1, levels, df=freedom, alternative="larger"))
    return np.where(np.isnan(found), effects > 0, found)  # NaN is left for some effects of 40 standard errors


def _smallest_p(difference: Difference, more: int) -> float:
    return smallest_p(difference.n_a + more, difference.n_b + more, paired=difference.paired)
