"""Laws that hold whatever the numbers: of the prediction interval, and of Holm's method."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlab.stats import Sample, holm


def test_one_more_run_is_in_its_prediction_interval_95_times_of_100() -> None:
    # For normal values the interval holds the next one with probability 0.95, whatever n.
    random = np.random.default_rng(0)
    inside = 0
    for draw in random.normal(3.0, 2.0, size=(4000, 5)):
        low, high = Sample((*draw[:4],)).one_more
        inside += low <= draw[4] <= high
    assert inside / 4000 == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / 4000))


@pytest.mark.slow
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(max_examples=20)
def test_holms_method_is_the_closed_test_of_bonferroni(p_values: list[float]) -> None:
    """A hypothesis is rejected when every intersection that contains it is, each by Bonferroni's test."""
    places = range(len(p_values))
    sets = [set(some) for size in places for some in itertools.combinations(places, size + 1)]
    expected = [
        max(min(1.0, len(some) * min(p_values[each] for each in some)) for some in sets if place in some)
        for place in places
    ]
    assert holm(p_values) == pytest.approx(expected)
