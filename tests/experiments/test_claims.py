"""What is measured beside a claim: intervals, margins and p-values, against SciPy's own and worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.claims import Claim, Measured, accuracy_margin, margin

differing = st.lists(st.floats(-10, 10), min_size=2, max_size=12).filter(lambda values: np.std(values) > 1e-3)


def measured(*values: float, claimed: float = 0.95, **options: object) -> Measured:
    return Measured(Claim("accuracy", "a book", claimed, **options), values, 1.0, "command")  # type: ignore[arg-type]


def test_the_interval_of_five_values_is_that_of_students_table() -> None:
    # 8, 9, 10, 11, 12: mean 10, standard deviation sqrt(10 / 4); t for 4 degrees of freedom and 95 % is 2.776.
    five = measured(8, 9, 10, 11, 12)
    assert five.mean == 10
    assert five.std == pytest.approx(math.sqrt(2.5))
    low, high = five.interval
    assert high - 10 == pytest.approx(2.776 * math.sqrt(2.5 / 5), abs=1e-3)
    assert 10 - low == pytest.approx(high - 10)


def test_the_prediction_interval_of_a_worked_example() -> None:
    # NIST/SEMATECH's form: mean ± t s sqrt(1 + 1/n). 8 to 12: 2.776 * 1.5811 * sqrt(1.2) = 4.808.
    low, high = measured(8, 9, 10, 11, 12).one_more
    assert low == pytest.approx(10 - 4.808, abs=2e-3)
    assert high == pytest.approx(10 + 4.808, abs=2e-3)


def test_one_more_run_is_in_its_prediction_interval_95_times_of_100() -> None:
    # A law: for normal values the interval holds the next one with probability 0.95, whatever n.
    random = np.random.default_rng(0)
    inside = 0
    for draw in random.normal(3.0, 2.0, size=(4000, 5)):
        low, high = measured(*draw[:4]).one_more
        inside += low <= draw[4] <= high
    assert inside / 4000 == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / 4000))


@given(values=differing)
def test_intervals_and_p_are_scipys(values: list[float]) -> None:
    ours, theirs = measured(*values), stats.ttest_1samp(values, 0.0)
    np.testing.assert_allclose(ours.interval, theirs.confidence_interval(0.95), rtol=1e-8, atol=1e-8)
    assert ours.p == pytest.approx(float(theirs.pvalue), rel=1e-7, abs=1e-12)


def test_differences_that_are_all_alike_are_judged_by_their_signs() -> None:
    # All five above zero: of the 32 ways to flip signs two are as far off.
    assert measured(0.6, 0.6, 0.6, 0.6, 0.6).p == 2 / 32
    assert measured(0.0, 0.0, 0.0).p == 1.0


def test_one_seed_has_no_spread() -> None:
    one = measured(0.96)
    assert math.isnan(one.std)
    assert all(math.isnan(end) for end in (*one.interval, *one.one_more))
    assert one.p == 1.0


@pytest.mark.parametrize(("lower_is_better", "best"), [(False, 0.97), (True, 0.93)])
def test_the_best_seed_is_the_highest_accuracy_or_the_lowest_loss(lower_is_better: bool, best: float) -> None:
    assert measured(0.95, 0.97, 0.93, lower_is_better=lower_is_better).best == best


def test_margins_are_the_printing_and_the_test_rows_of_the_claim() -> None:
    # 0.95 of 10,000 rows: sqrt(0.95 * 0.05 / 10000) = 0.0021794; printed as 0.9500.
    assert accuracy_margin(0.95, rows=10_000, decimals=4) == pytest.approx(0.00005 + 1.96 * 0.0021794, abs=1e-7)
    low, high = stats.binomtest(9500, 10_000).proportion_ci(0.95, method="exact")
    assert accuracy_margin(0.95, rows=10_000, decimals=6) == pytest.approx((high - low) / 2, rel=0.02)
    assert margin(0.3225, decimals=4) == pytest.approx(0.00005 + 0.003225)
