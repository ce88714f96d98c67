"""The rule of verdicts: worked numbers, and SciPy's intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from experiments.claims import Claim, Measured
from experiments.verdicts import judge, tally, verdict

NAN = math.nan


def of(values: list[float], claimed: float = 0.95, **options: object) -> Measured:
    return Measured(Claim("accuracy", "a book", claimed, **options), values, 1.0, "command")  # type: ignore[arg-type]


def sample(mean: float, std: float, n: int) -> list[float]:
    """n values with exactly this mean and standard deviation."""
    values = np.random.default_rng(n).normal(size=n)
    return [float(value) for value in mean + std * (values - values.mean()) / values.std(ddof=1)]


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        # The rows that were called reproduced because one seed reached the figure.
        # 0.8781 ± t(9) 2.262 * 0.0848 * sqrt(1.1) = 0.8781 ± 0.2012: 0.9659 lies in it.
        pytest.param(sample(0.8781, 0.0848, 10), {"claimed": 0.9659, "margin": 0.0036}, "spread", id="Nielsen's 100"),
        # 0.596 ± t(19) 2.093 * 0.095 * sqrt(1.05) = 0.596 ± 0.204.
        pytest.param(sample(0.596, 0.095, 20), {"claimed": 0.710, "margin": 0.011}, "spread", id="layer framework"),
        # 0.9763 ± t(4) 2.776 * 0.0010 * sqrt(1.2) = 0.9763 ± 0.0030: 0.9800 does not.
        pytest.param(sample(0.9763, 0.0010, 5), {"claimed": 0.98, "margin": 0.0028}, "no", id="beyond the spread"),
        pytest.param([0.94, 0.96], {}, "yes", id="the mean is the claim"),
        pytest.param([0.96, 0.97], {}, "yes", id="better"),
        pytest.param([0.947, 0.949], {"margin": 0.002}, "yes", id="at the margin"),
        pytest.param([0.94, 0.9401, 0.9402], {"margin": 0.002}, "no", id="beyond the margin, hardly a spread"),
        pytest.param([0.93, 0.94, 0.96], {}, "spread", id="one seed reaches it, which is no yes"),
        pytest.param([0.94, 0.94, 0.94], {}, "no", id="no spread at all"),
        pytest.param([0.94], {}, "no", id="one seed tells of no spread"),
        pytest.param([0.97, NAN], {}, "no", id="a seed without a figure"),
        pytest.param([0.97, math.inf], {}, "no", id="a seed that is infinite"),
        pytest.param([0.90, 0.94], {"lower_is_better": True}, "yes", id="a lower loss"),
        pytest.param([0.96, 0.96, 0.97], {"lower_is_better": True, "margin": 0.02}, "yes", id="a loss at the margin"),
        pytest.param([1.2, 1.2, 1.21], {"lower_is_better": True}, "no", id="a higher loss"),
        pytest.param([0.91, 0.92], {"claimed": 0.9, "kind": "bound"}, "yes", id="above a bound"),
        pytest.param([0.85, 0.94], {"claimed": 0.9, "kind": "bound"}, "no", id="a bound has no spread"),
        pytest.param(
            [0.001, 0.004], {"claimed": 0.005, "kind": "bound", "lower_is_better": True}, "yes", id="below a bound"
        ),
        pytest.param([0.0, 0.0], {"claimed": 0.0, "kind": "check"}, "yes", id="every seed keeps to a check"),
        pytest.param([0.0, 0.1], {"claimed": 0.0, "kind": "check"}, "no", id="one seed breaks a check"),
    ],
)
def test_the_verdict(values: list[float], options: dict[str, object], expected: str) -> None:
    assert verdict(of(values, **options)) == expected  # type: ignore[arg-type]


def test_a_figure_of_the_best_run_is_held_against_our_best_too() -> None:
    # Nine runs alike and one better: the prediction interval, 0.884 ± 2.262 * 0.0126 * sqrt(1.1), ends below 0.92.
    values = [0.88] * 9 + [0.92]
    assert verdict(of(values, 0.92)) == "no"
    assert verdict(of(values, 0.92, kind="best run")) == "spread", "and never a yes: the mean is not there"
    assert verdict(of(values, 0.93, kind="best run")) == "no"
    assert verdict(of([0.93, 0.94], 0.92, kind="best run")) == "yes"


@given(
    values=st.lists(st.floats(0.1, 1.0), min_size=2, max_size=10).filter(lambda values: np.std(values) > 1e-4),
    claimed=st.floats(0.1, 1.0),
    margin=st.floats(0.0, 0.05),
)
def test_the_verdict_is_that_of_scipys_intervals(values: list[float], claimed: float, margin: float) -> None:
    n, mean = len(values), float(np.mean(values))
    low, high = stats.t.interval(0.95, n - 1, loc=mean, scale=np.std(values, ddof=1) * math.sqrt(1 + 1 / n))
    near = min(abs(mean + margin - claimed), abs(low - claimed), abs(high - claimed)) < 1e-9
    expected = "yes" if mean >= claimed - margin else "spread" if low <= claimed <= high else "no"
    assert near or verdict(of(values, claimed, margin=margin)) == expected


def test_a_hypothesis_is_judged_among_all_others() -> None:
    # t = 0.01 / (0.006 / sqrt(5)) = 3.727: p = 0.0204 alone, times 3 above 0.05.
    clear = of(sample(0.01, 0.0005, 5), 0.0, kind="hypothesis")
    faint = of(sample(0.01, 0.006, 5), 0.0, kind="hypothesis")
    wrong_way = of(sample(-0.01, 0.0005, 5), 0.0, kind="hypothesis")
    assert [each.verdict for each in judge([faint])] == ["yes"]
    assert judge([faint])[0].p == pytest.approx(0.0204, abs=2e-4)
    assert [each.verdict for each in judge([clear, faint, faint, faint])] == ["yes", "no", "no", "no"]
    assert [each.verdict for each in judge([wrong_way])] == ["no"], "however sure, it is below zero"
    assert [each.verdict for each in judge([of([0.1], 0.0, kind="hypothesis")])] == ["no"], "one seed is no evidence"
    assert [each.verdict for each in judge([of([0.1, NAN], 0.0, kind="hypothesis")])] == ["no"]


def test_published_claims_are_no_part_of_the_family_and_keep_their_order() -> None:
    faint = of(sample(0.01, 0.006, 5), 0.0, kind="hypothesis")
    others = [of([0.96, 0.97]), of([0.0], 0.0, kind="check")]
    assert [each.verdict for each in judge([others[0], faint, others[1]])] == ["yes", "yes", "yes"]


def test_the_headline_counts_published_claims_alone() -> None:
    rows = [
        of([0.96, 0.97]),
        of([0.93, 0.94, 0.96]),
        of([0.8, 0.8]),
        of([0.91], 0.9, kind="bound"),
        of([0.0], 0.0, kind="check"),
        of(sample(0.01, 0.0005, 5), 0.0, kind="hypothesis"),
    ]
    published, *own = tally(judge(rows))
    assert published.startswith("2 of 4 published claims are reproduced; 1 more")
    assert [line.split()[:3] for line in own] == [["1", "of", "1"], ["1", "of", "1"]]
    assert not [line for line in tally(judge(rows[4:])) if "published" in line]
