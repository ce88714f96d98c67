"""The same numbers as other packages make of the same data: autorank (frequentist) and baycomp (Bayesian)."""

from __future__ import annotations

import pandas as pd
import pytest
from autorank import autorank
from baycomp.single import Posterior
from real_groups import GROUPS

from nnlab.stats import Sample, difference, judge

A, B = GROUPS["own_split_accuracy"][:12], GROUPS["own_split_accuracy"][12:24]


@pytest.mark.parametrize("group", GROUPS)
def test_autorank_has_the_same_p_and_intervals(group: str) -> None:
    a, b = GROUPS[group][:20], GROUPS[group][20:]
    # autorank's intervals are corrected for two populations: 95 % of each at a level of 0.1
    theirs = autorank(pd.DataFrame({"a": a, "b": b}), alpha=0.1, force_mode="parametric")
    assert difference(a, b, paired=True).p_t == pytest.approx(theirs.pvalue)
    if not theirs.all_normal:
        return  # then their intervals are of medians
    for name, values in (("a", a), ("b", b)):
        row = theirs.rankdf.loc[name]
        assert Sample(tuple(values)).mean == pytest.approx(row["mean"])
        assert Sample(tuple(values)).interval == pytest.approx((row["ci_lower"], row["ci_upper"]))


@pytest.mark.parametrize("margin", [0.005, 0.02, 0.03, 0.04, 0.1])
@pytest.mark.parametrize("shift", [0, 0.02, 0.1])
def test_baycomp_gives_the_same_verdicts(margin: float, shift: float) -> None:
    a, b = A + shift, B
    # Their t test of folds corrects for training rows in common; seeds have none, so the posterior is the plain one.
    d = a - b
    left, within, right = Posterior(d.mean(), d.var(ddof=1) / len(d), len(d) - 1, rope=margin).probs()
    below, above = Posterior(d.mean(), d.var(ddof=1) / len(d), len(d) - 1).probs()
    (judged,) = judge([difference(a, b, paired=True)], margin=margin)
    assert judged.difference.p_t == pytest.approx(2 * min(below, above))
    assert left + within + right == pytest.approx(1)
    # The whole interval in the margin leaves 2.5 % at most on each side.
    assert (judged.verdict == "equal") == (max(left, right) <= 0.025)
