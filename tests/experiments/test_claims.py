"""What is measured beside a claim: margins and p-values, against SciPy's own and worked numbers."""

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


@given(values=differing)
def test_p_is_scipys(values: list[float]) -> None:
    assert measured(*values).p == pytest.approx(float(stats.ttest_1samp(values, 0.0).pvalue), rel=1e-7, abs=1e-12)


def test_differences_that_are_all_alike_are_judged_by_their_signs() -> None:
    # All five above zero: of the 32 ways to flip signs two are as far off.
    assert measured(0.6, 0.6, 0.6, 0.6, 0.6).p == 2 / 32
    assert measured(0.0, 0.0, 0.0).p == 1.0


def test_what_leaves_the_mean_open_is_no_evidence() -> None:
    assert measured(0.96).p == 1.0
    assert measured(0.1, 0.2, math.nan).p == 1.0


@pytest.mark.parametrize(("lower_is_better", "best"), [(False, 0.97), (True, 0.93)])
def test_the_best_seed_is_the_highest_accuracy_or_the_lowest_loss(lower_is_better: bool, best: float) -> None:
    assert measured(0.95, 0.97, 0.93, lower_is_better=lower_is_better).best == best


def test_margins_are_the_printing_and_the_test_rows_of_the_claim() -> None:
    # 0.95 of 10,000 rows: sqrt(0.95 * 0.05 / 10000) = 0.0021794; printed as 0.9500.
    assert accuracy_margin(0.95, rows=10_000, decimals=4) == pytest.approx(0.00005 + 1.96 * 0.0021794, abs=1e-7)
    low, high = stats.binomtest(9500, 10_000).proportion_ci(0.95, method="exact")
    assert accuracy_margin(0.95, rows=10_000, decimals=6) == pytest.approx((high - low) / 2, rel=0.02)
    assert margin(0.3225, decimals=4) == pytest.approx(0.00005 + 0.003225)
