"""The permutation tests against SciPy's, which lists every arrangement, and against counts by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from nnlab.stats import difference


def scipys(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any], *, paired: bool) -> float:
    def difference_of_means(x: Any, y: Any, axis: int) -> Any:
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    kind = "samples" if paired else "independent"
    found = stats.permutation_test(
        (a, b), difference_of_means, permutation_type=kind, n_resamples=np.inf, vectorized=True
    )
    return float(found.pvalue)


@pytest.mark.parametrize("digits", [1, 15])
@pytest.mark.parametrize("n", [2, 3, 6, 9, 12])
def test_signs_are_flipped_as_scipy_does(n: int, digits: int) -> None:
    a, b = np.random.default_rng(n).normal(0.5, 1, (2, n)).round(digits)
    assert difference(a, b, paired=True).p_exact == pytest.approx(scipys(a, b, paired=True))


@pytest.mark.parametrize("digits", [1, 15])
@pytest.mark.parametrize(("n_a", "n_b"), [(2, 2), (2, 5), (5, 2), (5, 5), (7, 6), (2, 40), (3, 30)])
def test_groups_are_divided_as_scipy_does(n_a: int, n_b: int, digits: int) -> None:
    rng = np.random.default_rng(n_a)
    a, b = rng.normal(0.7, 1, n_a).round(digits), rng.normal(0, 1, n_b).round(digits)
    assert difference(a, b, paired=False).p_exact == pytest.approx(scipys(a, b, paired=False))


@pytest.mark.parametrize("paired", [True, False])
def test_random_arrangements_come_near_the_exact_p(paired: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = np.random.default_rng(1).normal(0.4, 1, (2, 12)).round(1)
    exact = difference(a, b, paired=paired).p_exact
    monkeypatch.setattr("nnlab.stats.permutations.MOST_SUMS", 1)
    drawn = difference(a, b, paired=paired)
    assert drawn.p_exact is None
    assert exact is not None
    assert drawn.p_permutation == pytest.approx(exact, abs=4 * 2 * (exact / 2 / 99_999) ** 0.5)
    assert drawn.p_permutation == difference(a, b, paired=paired).p_permutation


def test_differences_of_one_sign_are_the_most_extreme() -> None:
    assert difference(np.arange(1, 33), [0] * 32, paired=True).p_exact == 2 / 2**32
