"""What can be said of differences: higher, lower, equal, or that it cannot be told (docs/design/comparison.md)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nnlab.errors import UserError
from nnlab.stats.differences import LEVEL, Difference
from nnlab.stats.power import more_seeds

Verdict = Literal["higher", "lower", "equal", "cannot tell"]


@dataclass(frozen=True)
class Judged:
    """A difference and what can be said of it, as one of a family.

    Attributes:
        difference: of a and b.
        verdict: of a: "higher" or "lower" than b, "equal", or "cannot tell".
        p: the larger of the t test's and the permutation test's; the t test's alone if `exact_cannot`.
        p_corrected: by Holm's method, for the size of the family. Both are NaN where nothing can be said.
        exact_cannot: whether so few seeds cannot bring the permutation test's p, corrected, to 0.05.
        more_seeds: with "cannot tell", about how many more would tell; None if that cannot be said either.
        why: with "cannot tell", what is in the way beside too few seeds for the spread; else "".
    """

    difference: Difference
    verdict: Verdict
    p: float
    p_corrected: float
    exact_cannot: bool
    more_seeds: int | None
    why: str

    def for_people(self, *, lower_is_better: bool | None) -> str:
        """The verdict as it is shown: "better" or "worse" where it is known which way is better."""
        if lower_is_better is None or self.verdict not in ("higher", "lower"):
            return self.verdict
        return "better" if (self.verdict == "lower") == lower_is_better else "worse"


def holm(p_values: Iterable[float]) -> list[float]:
    """The p-values corrected for their number, in the order given: at most 0.05 where Holm's procedure rejects at 0.05.

    NaN stays NaN, and counts in their number.
    Reference: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 1979.
    """
    p = [float(each) for each in p_values]
    if len(p) < 2:
        return p
    from statsmodels.stats.multitest import multipletests

    corrected = multipletests([1.0 if math.isnan(each) else each for each in p], method="holm")[1]
    return [math.nan if math.isnan(each) else float(other) for each, other in zip(p, corrected, strict=True)]


def judge(differences: Sequence[Difference], *, margin: float | None = None) -> list[Judged]:
    """The verdict on each difference; all of them are one family.

    Args:
        differences: of pairs of groups.
        margin: within which two groups are equal for practice, in the unit of the values.

    Raises:
        UserError: if the margin is not a number above zero.
    """
    if margin is not None and not (margin > 0 and math.isfinite(margin)):
        raise UserError(f"A margin must be a number above zero, in the metric's unit, such as 0.001, but got {margin}.")
    count = len(differences)
    cannot = [each.smallest_p * count > LEVEL for each in differences]
    p = [
        each.p_t if exact_cannot else max(each.p_t, each.p_permutation)
        for each, exact_cannot in zip(differences, cannot, strict=True)
    ]
    corrected = holm(p)
    verdicts = [_verdict(each, own, margin) for each, own in zip(differences, corrected, strict=True)]
    unknown = [place for place, verdict in enumerate(verdicts) if verdict == "cannot tell"]
    # Holm's method multiplies a p by the number of those that are no smaller.
    ordered = sorted(each for each in p if not math.isnan(each))
    smaller = [0 if math.isnan(p[place]) else bisect_left(ordered, p[place]) for place in unknown]
    levels = [LEVEL / (count - fewer) for fewer in smaller]
    more = dict(zip(unknown, more_seeds([differences[place] for place in unknown], levels, margin=margin), strict=True))
    return [
        Judged(
            difference=differences[place],
            verdict=verdicts[place],
            p=p[place],
            p_corrected=corrected[place],
            exact_cannot=cannot[place],
            more_seeds=more.get(place),
            why=_why(differences[place]) if place in more else "",
        )
        for place in range(count)
    ]


def _verdict(difference: Difference, p_corrected: float, margin: float | None) -> Verdict:
    if difference.is_zero:
        return "equal"
    low, high = difference.interval
    if margin is not None and -margin <= low and high <= margin:
        return "equal"
    if p_corrected <= LEVEL:
        return "higher" if difference.effect > 0 else "lower"
    return "cannot tell"


def _why(difference: Difference) -> str:
    if not difference.is_finite:
        return "a value is not finite"
    if min(difference.n_a, difference.n_b) < 2:
        return "a single seed has no spread"
    if difference.is_constant:
        return "all differences are alike, and too few for the exact test"
    return ""
