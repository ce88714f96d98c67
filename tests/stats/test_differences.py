"""Differences: worked cases of the literature, SciPy on the same data, laws, and values at the ends of the floats."""

from __future__ import annotations

import math

import numpy as np
import pytest
from published import DARWIN, DARWIN_BEYOND, SLEEP_1, SLEEP_2
from scipy import stats

from nnlab.errors import UserError
from nnlab.stats import difference


def test_students_sleep_data_paired_as_r_has_it() -> None:
    found = difference(SLEEP_1, SLEEP_2, paired=True)
    assert found.mean == pytest.approx(-1.58)
    assert found.p_t == pytest.approx(0.002833, abs=5e-7)
    assert found.interval == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)
    assert found.p_exact == pytest.approx(4 / 1024)  # eight of nine are below zero, and one is zero
    assert found.probability == 0.05


def test_students_sleep_data_unpaired_as_r_has_it() -> None:
    found = difference(SLEEP_1, SLEEP_2, paired=False)
    assert found.p_t == pytest.approx(0.07939, abs=5e-6)
    assert found.interval == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    assert found.sd == pytest.approx(math.hypot(np.std(SLEEP_1, ddof=1), np.std(SLEEP_2, ddof=1)))


def test_fishers_count_for_darwins_maize() -> None:
    found = difference(DARWIN, [0] * 15, paired=True)
    assert found.p_exact == DARWIN_BEYOND / 2**15
    assert found.p_t == pytest.approx(0.0497, abs=5e-5)


@pytest.mark.parametrize(("n_a", "n_b"), [(2, 2), (3, 9), (9, 3), (5, 5), (10, 9), (6, 1000)])
def test_unpaired_is_welchs_test_as_scipy_has_it(n_a: int, n_b: int) -> None:
    rng = np.random.default_rng(n_a)
    a, b = rng.normal(0.4, 1, n_a), rng.normal(0, 3, n_b)
    found, scipys = difference(a, b, paired=False), stats.ttest_ind(a, b, equal_var=False)
    assert found.p_t == pytest.approx(float(scipys.pvalue), rel=1e-9)
    assert found.interval == pytest.approx(tuple(scipys.confidence_interval()), rel=1e-9)


@pytest.mark.parametrize("n", [2, 3, 10, 30, 1000])
def test_paired_is_students_test_as_scipy_has_it(n: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(0.4, 1, n), rng.normal(0, 1, n)
    found, scipys = difference(a, b, paired=True), stats.ttest_rel(a, b)
    assert found.p_t == pytest.approx(float(scipys.pvalue), rel=1e-9)
    assert found.interval == pytest.approx(tuple(scipys.confidence_interval()), rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("values", [[math.nan], [math.inf], [-math.inf, math.inf]])
def test_of_what_is_not_finite_nothing_is_said(values: list[float], n: int) -> None:
    found = difference([*values, *[1.0] * n], [2.0, *[1.0] * (n + len(values) - 1)], paired=True)
    assert all(map(math.isnan, (*found.interval, found.p_t, found.p_permutation, found.mean, found.sd)))
    assert found.p_exact is None


def test_five_pairs_cannot_go_below_one_sixteenth() -> None:
    assert [difference([1] * n, [0] * n, paired=True).smallest_p for n in (1, 5, 6)] == [1.0, 0.0625, 0.03125]
    assert difference([1] * 3, [0] * 3, paired=False).smallest_p == pytest.approx(2 / 20)


def test_differences_that_are_alike_but_for_rounding_are_alike() -> None:
    a, b = [0.98, 0.97, 0.3, 0.12, 0.2], [0.97, 0.96, 0.29, 0.11, 0.19]
    assert len({one - other for one, other in zip(a, b, strict=True)}) > 1
    found = difference(a, b, paired=True)
    assert found.is_constant
    assert found.p_t == found.p_exact == 0.0625
    assert math.isnan(found.interval.low)


def test_pairs_of_groups_of_unequal_size_are_refused() -> None:
    with pytest.raises(UserError, match="2 and 3"):
        difference([1, 2], [1, 2, 3], paired=True)


@pytest.mark.parametrize("values", [[], ["0.5"], [None], [[1.0, 2.0]], [1j], [10**400]])
def test_what_is_no_number_is_refused(values: list[object]) -> None:
    with pytest.raises(UserError):
        difference(values, [1.0], paired=False)  # type: ignore[arg-type]
