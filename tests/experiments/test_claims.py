"""The statistics of a claim against Student's table, and its verdict against the rule's words."""

from __future__ import annotations

import math

import pytest

from experiments.claims import Claim, Measured


def measured(*values: float, claimed: float | None = 0.95, **options: object) -> Measured:
    return Measured(Claim("accuracy", "a book", claimed, **options), values, 1.0, "command")  # type: ignore[arg-type]


def test_the_interval_of_five_values_is_that_of_students_table() -> None:
    # 8, 9, 10, 11, 12: mean 10, standard deviation sqrt(10 / 4); t for 4 degrees of freedom and 95 % is 2.776.
    five = measured(8, 9, 10, 11, 12)
    assert (five.mean, five.std) == (10, pytest.approx(math.sqrt(2.5)))
    low, high = five.interval
    assert high - 10 == pytest.approx(2.776 * math.sqrt(2.5 / 5), abs=1e-3)
    assert 10 - low == pytest.approx(high - 10)


def test_one_seed_has_no_spread() -> None:
    one = measured(0.96)
    assert math.isnan(one.std)
    assert all(math.isnan(end) for end in one.interval)
    assert one.is_reproduced


@pytest.mark.parametrize(
    ("values", "options", "is_reproduced"),
    [
        pytest.param([0.94, 0.96], {}, True, id="the claim lies in the range"),
        pytest.param([0.96, 0.97], {}, True, id="every seed exceeds it"),
        pytest.param([0.93, 0.94], {}, False, id="no seed reaches it"),
        pytest.param([0.97, math.nan], {}, False, id="a seed without a figure"),
        pytest.param([0.90, 0.94], {"lower_is_better": True}, True, id="every loss is below"),
        pytest.param([0.96, 0.99], {"lower_is_better": True}, False, id="every loss is above"),
        pytest.param([0.95, 0.94], {"rule": "bounded"}, True, id="at most the bound"),
        pytest.param([0.94, 0.951], {"rule": "bounded"}, False, id="one seed above the bound"),
        # Differences 1 and 3: mean 2, t(1) = 12.706, half width 12.706 * sqrt(2) / sqrt(2) = 12.7.
        pytest.param([1.0, 3.0], {"rule": "above", "claimed": 0.0}, False, id="the interval of two reaches below"),
        pytest.param([1.0, 1.0, 1.1], {"rule": "above", "claimed": 0.0}, True, id="the interval stays above"),
        pytest.param([0.1], {"rule": "above", "claimed": 0.0}, False, id="one seed is no evidence of a difference"),
        pytest.param([0.1], {"claimed": None}, True, id="nothing is claimed"),
    ],
)
def test_the_verdict(values: list[float], options: dict[str, object], is_reproduced: bool) -> None:
    assert measured(*values, **options).is_reproduced is is_reproduced  # type: ignore[arg-type]
