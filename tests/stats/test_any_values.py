"""Laws of differences and verdicts, for values of every size: any warning of NumPy or SciPy is an error here."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nnlab.stats import Difference, Sample, difference, judge

GRID = st.integers(90, 99).map(lambda percent: percent / 100)
ALIKE = st.sampled_from([1.0, math.nextafter(1, 2)])
VALUES = st.one_of(
    st.floats(),
    st.floats(-1, 1),
    GRID,
    ALIKE,
    st.integers(0, 9).map(lambda each: 1e9 + each * 1e-6),
    st.integers(-3, 3),
)
GROUPS = st.one_of(*(st.lists(kind, min_size=1, max_size=9) for kind in (VALUES, GRID, ALIKE, st.floats(-1, 1))))
OPPOSITE = {"higher": "lower", "lower": "higher"}


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=0) or (math.isnan(one) and math.isnan(other))


def of(a: list[float], b: list[float], *, paired: bool) -> Difference:
    n = min(len(a), len(b))
    return difference(a[:n], b[:n], paired=True) if paired else difference(a, b, paired=False)


@settings(max_examples=150, deadline=None)
@given(a=GROUPS, b=GROUPS, paired=st.booleans(), margin=st.sampled_from([None, 1e-3, 5e-324, 1e300]))
@example(a=[1.7e308, -1.7e308], b=[-1.7e308, 1.7e308], paired=True, margin=None)
@example(a=[5e-324, 0.0], b=[0.0, 5e-324], paired=False, margin=5e-324)
@example(a=[1e300, 2.0, 3.0], b=[1e300, 1.0, 2.0], paired=True, margin=None)
@example(a=[1e9, 1e9 + 1e-6, 1e9], b=[1e9 + 1e-3] * 8, paired=False, margin=None)
def test_groups_exchanged_have_the_opposite_verdict(
    a: list[float], b: list[float], paired: bool, margin: float | None
) -> None:
    one, other = of(a, b, paired=paired), of(b, a, paired=paired)
    (judged,), (opposite,) = judge([one], margin=margin), judge([other], margin=margin)
    assert opposite.verdict == OPPOSITE.get(judged.verdict, judged.verdict)
    assert (opposite.more_seeds, opposite.exact_cannot) == (judged.more_seeds, judged.exact_cannot)
    assert same(opposite.p, judged.p)
    assert same(one.mean, -other.mean)
    assert same(one.probability, 1 - other.probability)
    assert math.isnan(judged.p) or 0 <= judged.p <= 1


@settings(max_examples=150, deadline=None)
@given(a=GROUPS, b=GROUPS, paired=st.booleans())
@example(a=[0.0, 2e-298, 1.0], b=[0.0, 0.0, 1.0], paired=True)
@example(a=[3e-20, 4e-20, 3e-20, 2e-20, 3e-20, 1.0], b=[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], paired=True)
def test_what_is_different_has_an_interval_without_zero(a: list[float], b: list[float], paired: bool) -> None:
    (judged,) = judge([of(a, b, paired=paired)])
    low, high = judged.difference.interval
    if judged.verdict in OPPOSITE:
        assert low > 0 if judged.verdict == "higher" else high < 0
    elif not judged.exact_cannot and low > 0:
        assert judged.p != judged.difference.p_t  # then it is the exact test that says no
    if not judged.difference.is_open and judged.difference.p_exact is not None:
        assert judged.difference.p_exact >= judged.difference.smallest_p


@settings(max_examples=80, deadline=None)
@given(a=GROUPS, b=GROUPS, paired=st.booleans(), exponent=st.integers(-60, 60))
def test_the_unit_of_the_values_changes_no_verdict(a: list[float], b: list[float], paired: bool, exponent: int) -> None:
    scaled = [[value * 2.0**exponent for value in values] for values in (a, b)]
    if any(each and not 1e-290 < abs(each) < 1e290 for each in [*a, *b]):
        return  # bits are lost at the ends
    (judged,), (other,) = judge([of(a, b, paired=paired)]), judge([of(*scaled, paired=paired)])
    assert (judged.verdict, judged.more_seeds) == (other.verdict, other.more_seeds)
    assert same(judged.p, other.p)


@given(values=GROUPS)
def test_the_mean_lies_in_the_interval_and_that_within_one_more(values: list[float]) -> None:
    sample = Sample(tuple(values))
    if not math.isnan(sample.interval.low):
        assert sample.one_more.low <= sample.interval.low <= sample.mean <= sample.interval.high <= sample.one_more.high


def test_a_pair_with_a_huge_value_hides_no_difference_of_the_others() -> None:
    (judged,) = judge([difference([1e30, 2.0, 3.0, 5.0], [1e30, 1.0, 1.0, 1.0], paired=True)])
    assert judged.verdict == "cannot tell"


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6, 1e9])
def test_a_large_number_that_all_share_changes_nothing(offset: float) -> None:
    a, b = [0.5, 0.75, 0.25, 1.0, 0.5], [0.25, 0.5, 0.125, 0.5, 0.125]
    for paired in (True, False):
        (plain,) = judge([difference(a, b, paired=paired)])
        (far,) = judge([difference([x + offset for x in a], [x + offset for x in b], paired=paired)])
        assert far.verdict == plain.verdict
        assert far.p == pytest.approx(plain.p)
        assert far.difference.interval == pytest.approx(plain.difference.interval, abs=1e-6)
