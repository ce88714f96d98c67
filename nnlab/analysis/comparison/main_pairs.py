"""Which pairs a reader is shown: all, or, of many, those of the best group."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnlab.analysis.comparison.answer import Group, JudgedPair

MOST_PAIRS = 10


def main_pairs(
    groups: Sequence[Group], judged: Sequence[JudgedPair], *, lower_is_better: bool | None
) -> Sequence[JudgedPair]:
    """All pairs, if they are few; else those of the group with the best mean, or, if that is not known, the highest."""
    if len(judged) <= MOST_PAIRS:
        return judged
    name = best(groups, lower_is_better=lower_is_better).name
    return [pair for pair in judged if name in (pair.a, pair.b)]


def best(groups: Sequence[Group], *, lower_is_better: bool | None) -> Group:
    """The group with the best mean; of equal ones the first."""
    finite = [group for group in groups if math.isfinite(group.sample.mean)] or groups
    sign = -1 if lower_is_better else 1
    return max(finite, key=lambda group: sign * group.sample.mean)
