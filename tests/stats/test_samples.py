"""Samples: worked numbers, SciPy's bootstrap, and values at the ends of the floats."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from published import SLEEP_1
from scipy import stats

from nnlab.errors import UserError
from nnlab.stats import Interval, Sample


def test_students_sleep_data_as_r_has_it() -> None:
    # R: t.test(sleep$extra[1:10]), sd(...), predict(lm(extra ~ 1), interval = "prediction")
    sample = Sample(SLEEP_1)
    assert sample.n == 10
    assert sample.mean == pytest.approx(0.75)
    assert sample.sd == pytest.approx(1.789010, abs=5e-7)
    assert sample.interval == pytest.approx((-0.5297804, 2.0297804), abs=5e-8)
    half = 2.262157 * 1.789010 * math.sqrt(1.1)
    assert sample.one_more == pytest.approx((0.75 - half, 0.75 + half), abs=1e-5)


def test_bca_is_scipys() -> None:
    values = np.random.default_rng(3).exponential(size=40)
    scipys = stats.bootstrap((values,), np.mean, n_resamples=9_999, rng=np.random.default_rng(1)).confidence_interval
    assert Sample(tuple(values)).bootstrap == pytest.approx(tuple(scipys), abs=0.02)
    assert Sample(tuple(values)).bootstrap == Sample(tuple(values)).bootstrap


def test_below_ten_there_is_no_bootstrap() -> None:
    assert Sample(tuple(range(9))).bootstrap is None
    assert Sample(tuple(range(10))).bootstrap is not None
    assert Sample((1.0,) * 10).bootstrap == Interval(1.0, 1.0)


@pytest.mark.parametrize("values", [(1.0,), (1.0, math.nan), (math.inf, 1.0, 2.0), (math.inf, -math.inf)])
def test_without_a_spread_there_is_no_interval(values: tuple[float, ...]) -> None:
    sample = Sample(values)
    assert all(map(math.isnan, (sample.sd, *sample.interval, *sample.one_more)))
    assert sample.bootstrap is None


@pytest.mark.parametrize("factor", [1e300, 1e308, 1e-300, 2.0**-1070])
def test_size_does_not_matter(factor: float) -> None:
    values = (1.0, 1.25, 1.5)
    small = Sample(tuple(value * factor for value in values))
    assert small.mean == pytest.approx(1.25 * factor)
    assert small.sd == pytest.approx(0.25 * factor, rel=0.1)


def test_numbers_of_any_kind_are_floats() -> None:
    sample = Sample((1, np.float32(2), np.int64(3), Fraction(4), True))  # type: ignore[arg-type]
    assert sample.values == (1.0, 2.0, 3.0, 4.0, 1.0)
    assert {type(value) for value in sample.values} == {float}


@pytest.mark.parametrize("values", [(), ("1",), (None,)])
def test_what_is_no_sample_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(UserError):
        Sample(values)
