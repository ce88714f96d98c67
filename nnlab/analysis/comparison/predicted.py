"""Two single runs on the rows of one split: which of them decided more rows right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnlab.analysis.comparison.facts import RunFacts

if TYPE_CHECKING:
    from nnlab.stats import McNemar


def tested(a: RunFacts, b: RunFacts, metric: str, notes: list[str]) -> McNemar | None:
    """McNemar's test of two runs by the predictions that they keep; None, with a note, if it cannot be had.

    Args:
        a: a run.
        b: another.
        metric: decides the split: the test split for `test/...`, else validation.
        notes: to add to.
    """
    return None
