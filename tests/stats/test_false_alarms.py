"""A real group of runs is not told from itself: at most 5 % of random splits are called different."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from real_groups import GROUPS

from nnlab.stats import Difference, difference, judge


def split(rng: np.random.Generator, group: str, *, paired: bool) -> Difference:
    """8 to 20 runs of a group, divided by chance."""
    runs = rng.choice(GROUPS[group], int(rng.integers(8, 21)), replace=False)
    half = len(runs) // 2
    return difference(runs[:half], runs[half : 2 * half] if paired else runs[half:], paired=paired)


def alarms(count: int, *, paired: bool) -> float:
    rng = np.random.default_rng(14)
    names = itertools.islice(itertools.cycle(GROUPS), count)
    judged = [judge([split(rng, name, paired=paired)])[0].verdict for name in names]
    return sum(verdict != "cannot tell" for verdict in judged) / count


def test_there_are_six_groups_of_forty_runs() -> None:
    assert [len(values) for values in GROUPS.values()] == [40] * 6


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
def test_of_a_thousand_comparisons_at_most_one_in_twenty_is_a_false_alarm(paired: bool) -> None:
    assert 0.01 < alarms(1000, paired=paired) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
def test_of_six_thousand_comparisons_at_most_one_in_twenty_is_a_false_alarm(paired: bool) -> None:
    assert 0.03 < alarms(6000, paired=paired) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False])
def test_of_four_hundred_families_at_most_one_in_twenty_holds_a_false_alarm(paired: bool) -> None:
    rng = np.random.default_rng(15)
    wrong = 0
    for name in itertools.islice(itertools.cycle(GROUPS), 400):
        groups = rng.choice(GROUPS[name], (4, 8), replace=False)  # all six pairs of four groups
        pairs = itertools.combinations(groups, 2)
        judged = judge([difference(a, b, paired=paired) for a, b in pairs])
        wrong += any(each.verdict != "cannot tell" for each in judged)
    assert wrong / 400 <= 0.05
