"""Verdicts by the rules of docs/design/comparison.md, on differences whose p is known."""

from __future__ import annotations

import math

import pytest
from published import SLEEP_1, SLEEP_2

from nnlab.errors import UserError
from nnlab.stats import difference, holm, judge


def test_holm_as_r_has_it() -> None:
    # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm"), and the order does not matter
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.05, 0.01, 0.04, 0.02, 0.03]) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])
    assert holm([]) == []
    corrected = holm([0.01, math.nan])
    assert corrected[0] == pytest.approx(0.02)
    assert math.isnan(corrected[1])


def test_the_larger_of_both_p_decides() -> None:
    (sleep,) = judge([difference(SLEEP_1, SLEEP_2, paired=True)])
    assert (sleep.verdict, sleep.p, sleep.p_corrected) == ("lower", 4 / 1024, 4 / 1024)
    assert (sleep.exact_cannot, sleep.more_seeds) == (False, None)
    (other,) = judge([difference(SLEEP_2, SLEEP_1, paired=True)])
    assert other.verdict == "higher"


def test_where_the_exact_test_cannot_reach_the_level_t_decides_alone() -> None:
    (five,) = judge([difference([5.0, 5.1, 4.9, 5.2, 5.0], [0.0] * 5, paired=True)])
    assert (five.verdict, five.exact_cannot) == ("higher", True)
    assert five.p == five.difference.p_t


def test_a_family_is_corrected_together() -> None:
    sleep = difference(SLEEP_1, SLEEP_2, paired=True)
    judged = judge([sleep] * 13)
    assert {each.verdict for each in judged} == {"cannot tell"}  # 13 × 4 / 1024 > 0.05
    assert {each.p_corrected for each in judged} == {13 * 4 / 1024}


def test_within_the_margin_is_equal_even_beside_zero() -> None:
    sleep = difference(SLEEP_1, SLEEP_2, paired=True)
    assert judge([sleep], margin=2.5)[0].verdict == "equal"
    assert judge([sleep], margin=2.4)[0].verdict == "lower"
    assert judge([difference(SLEEP_2, SLEEP_1, paired=True)], margin=2.4)[0].verdict == "higher"


def test_which_way_is_better_decides_the_word() -> None:
    (lower,) = judge([difference(SLEEP_1, SLEEP_2, paired=True)])
    (higher,) = judge([difference(SLEEP_2, SLEEP_1, paired=True)])
    (equal,) = judge([difference(SLEEP_1, SLEEP_1, paired=True)])
    for way, words in ((True, ["better", "worse"]), (False, ["worse", "better"]), (None, ["lower", "higher"])):
        assert [each.for_people(lower_is_better=way) for each in (lower, higher, equal)] == [*words, "equal"]


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("paired", [True, False])
def test_runs_that_are_the_same_are_equal(n: int, paired: bool) -> None:
    (judged,) = judge([difference([0.9] * n, [0.9] * n, paired=paired)])
    assert (judged.verdict, judged.more_seeds) == ("equal", None)


def test_what_cannot_be_judged_says_why() -> None:
    judged = judge([difference([1.0], [2.0], paired=True), difference([1, math.nan], [1, 2], paired=False)])
    assert [each.verdict for each in judged] == ["cannot tell", "cannot tell"]
    assert all(each.why and each.more_seeds is None and math.isnan(each.p_corrected) for each in judged)


def test_alike_differences_need_as_many_seeds_as_the_exact_test() -> None:
    (three,) = judge([difference([0.99, 0.98, 0.97], [0.98, 0.97, 0.96], paired=True)], margin=0.5)
    assert (three.verdict, three.more_seeds) == ("cannot tell", 3)
    assert three.why
    (six,) = judge([difference([2] * 6, [1] * 6, paired=True)])
    assert (six.verdict, six.difference.interval) == ("higher", (1, 1))


@pytest.mark.parametrize("margin", [0, -1, math.nan, math.inf])
def test_a_margin_is_above_zero(margin: float) -> None:
    with pytest.raises(UserError):
        judge([], margin=margin)


def test_none_is_judged_of_none() -> None:
    assert judge([]) == []


def test_a_family_of_many_is_judged_in_time_that_grows_with_it() -> None:
    asked = 0

    class Counted(float):
        def __lt__(self, other: float) -> bool:
            nonlocal asked
            asked += 1
            return float(self) < other

        __gt__ = float.__gt__

    many = [difference([0.1 * place, 1.0], [0.0, 0.9], paired=False) for place in range(300)]
    for each in many:
        vars(each)["p_t"] = Counted(each.p_t)
    judged = judge(many)
    assert len(judged) == 300
    assert asked < 300 * 30  # all with all are 90,000
