"""Comparisons made of values, without runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnlab.analysis.comparison.comparison import Comparison, Group, JudgedPair
from nnlab.stats import Sample, difference, judge


def group(name: str, values: Sequence[float], first: int = 0, keys: dict[str, Any] | None = None) -> Group:
    """A group of the seeds from `first` on."""
    seeds = tuple(range(first, first + len(values)))
    return Group(name, seeds, tuple(values), Sample(tuple(values)), ("run",), None, "", keys or {})


def compared(*groups: Group, notes: Sequence[str] = (), lower_is_better: bool | None = False) -> Comparison:
    """All pairs, paired where the seeds are the same."""
    pairs = [(a, b) for place, a in enumerate(groups) for b in groups[place + 1 :]]
    found = judge([difference(a.values, b.values, paired=a.seeds == b.seeds) for a, b in pairs])
    judged = [JudgedPair(a.name, b.name, each) for (a, b), each in zip(pairs, found, strict=True)]
    return Comparison("val/accuracy", lower_is_better, [*groups], judged, [*notes])
