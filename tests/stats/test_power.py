"""The seeds that are said to be missing: by statsmodels' own solver, and by comparing simulated runs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from statsmodels.stats.power import TTestIndPower, TTestPower

from nnlab.stats import Difference, difference, judge


def normal(n: int, mean: float, sd: float) -> NDArray[np.float64]:
    """n values with exactly this mean and standard deviation."""
    values = np.random.default_rng(n).normal(size=n)
    values = (values - values.mean()) / values.std(ddof=1)
    return np.asarray(mean + sd * values)


def seeds_in_all(found: Difference) -> int:
    more = judge([found])[0].more_seeds
    assert more is not None
    return found.n_a + more


@pytest.mark.parametrize("effect", [0.15, 0.3, 0.5])
def test_pairs_need_as_many_as_statsmodels_says(effect: float) -> None:
    needed = TTestPower().solve_power(effect, power=0.8, alpha=0.05)
    assert seeds_in_all(difference(normal(6, effect, 1), [0] * 6, paired=True)) == math.ceil(needed)


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.7])
def test_groups_need_as_many_as_statsmodels_says(effect: float) -> None:
    needed = TTestIndPower().solve_power(effect, power=0.8, alpha=0.05)
    found = difference(normal(6, effect, 1), normal(6, 0, 1), paired=False)
    assert seeds_in_all(found) == math.ceil(needed)


def test_a_family_needs_more() -> None:
    found = difference(normal(6, 0.5, 1), [0] * 6, paired=True)
    needed = TTestPower().solve_power(0.5, power=0.8, alpha=0.05 / 10)
    assert {each.more_seeds for each in judge([found] * 10)} == {math.ceil(needed) - 6}


def test_what_no_number_of_seeds_tells_has_none() -> None:
    for found in (difference([1, -1], [0, 0], paired=True), difference(normal(6, 1e-4, 1), [0] * 6, paired=True)):
        (judged,) = judge([found])
        assert (judged.verdict, judged.more_seeds) == ("cannot tell", None)


def told(found: Difference, mean: float, sds: tuple[float, float], *, more: int, margin: float | None = None) -> float:
    """How many of 300 simulated comparisons with so many more seeds are told."""
    rng = np.random.default_rng(more)
    count = 0
    for _ in range(300):
        a = rng.normal(mean, sds[0], found.n_a + more)
        b = rng.normal(0, sds[1], found.n_b + more) if sds[1] else np.zeros(len(a))
        again = replace(found, a=tuple(a.tolist()), b=tuple(b.tolist()))
        count += judge([again], margin=margin)[0].verdict != "cannot tell"
    return count / 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_a", "n_b", "mean", "sds", "paired", "margin"),
    [
        *((3, 3, mean, (1.0, 0.0), True, None) for mean in (2.2, 1.6, 1.45, 1.3, 1.1, 0.8, 0.5)),
        *((3, 3, mean, (1.0, 1.0), False, None) for mean in (2.2, 2.0, 1.2, 0.7)),
        (3, 9, 1.0, (2.0, 0.5), False, None),
        (4, 4, 0.1, (1.0, 0.0), True, 0.8),
        (4, 4, 0.1, (1.0, 1.0), False, 0.8),
    ],
)
def test_with_as_many_more_four_in_five_are_told(
    n_a: int, n_b: int, mean: float, sds: tuple[float, float], paired: bool, margin: float | None
) -> None:
    b = normal(n_b, 0, sds[1]) if sds[1] else [0.0] * n_b
    found = difference(normal(n_a, mean, sds[0]), b, paired=paired)
    (judged,) = judge([found], margin=margin)
    assert judged.more_seeds is not None
    share = told(found, mean, sds, more=judged.more_seeds, margin=margin)
    assert share > 0.72  # 0.8, and three standard errors of 300
    if judged.more_seeds > 8:  # of the margin, a bound of the power is taken
        assert share < (0.95 if margin else 0.88)
