"""McNemar's test on a textbook's table, and by counting."""

from __future__ import annotations

import numpy as np
import pytest

from nnlab.errors import UserError
from nnlab.stats import McNemar, mcnemar


def rows(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[bool], list[bool]]:
    return (
        [True] * (both + only_a) + [False] * (only_b + neither),
        [True] * both + [False] * only_a + [True] * only_b + [False] * neither,
    )


def test_agrestis_approval_of_the_prime_minister() -> None:
    # A. Agresti, "Categorical data analysis", 10.1: 794, 150, 86, 570; R: binom.test(86, 236)$p.value
    found = mcnemar(*rows(794, 150, 86, 570))
    assert (found.both, found.only_a, found.only_b, found.neither) == (794, 150, 86, 570)
    assert found.p == pytest.approx(3.716e-05, rel=1e-3)


def test_five_rows_of_one_kind_are_one_sixteenth() -> None:
    assert mcnemar(*rows(9, 5, 0, 3)) == McNemar(5, 0, 9, 3, 2 / 2**5)
    assert mcnemar(*rows(9, 0, 0, 3)).p == 1
    assert mcnemar(*rows(0, 4, 4, 0)).p == 1


@pytest.mark.parametrize(
    ("a", "b"), [([], []), ([True], [True, False]), ([0.5], [1]), ([[True]], [[True]]), (["a"], [True])]
)
def test_what_is_not_right_or_wrong_is_refused(a: list[bool], b: list[bool]) -> None:
    with pytest.raises(UserError):
        mcnemar(a, b)


def test_numpy_arrays_are_taken() -> None:
    a, b = np.array([True, True, False]), np.array([1, 0, 0])
    assert mcnemar(a, b) == McNemar(1, 0, 1, 1, 1.0)
