"""What a comparison found: groups of runs, every pair of them judged, and what the reader has to know."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from nnlab.stats import Judged, McNemar, Sample

Seed = int | str
"""What a value is of: the seed, or another key's value as a text."""

MOST_PAIRS = 10
"""That a reader is shown; of more, those of the best group."""


@dataclass(frozen=True)
class Group:
    """Runs that are alike but for their seeds, or that have the same value of a key.

    Attributes:
        name: short, and different from the other groups' names.
        seeds: (n,) in ascending order.
        values: (n,) of the metric, one a seed: the mean of the runs with that seed.
        sample: of the values.
        runs: the names of the runs.
        asked: the name by which they were asked for; None if by a key, or from Python.
        varies: what differs from seed to seed, in words.
        keys: the values of the config that all its runs have in common, by full key.
    """

    name: str
    seeds: tuple[Seed, ...]
    values: tuple[float, ...]
    sample: Sample
    runs: tuple[str, ...]
    asked: str | None
    varies: str
    keys: dict[str, Any]


class JudgedPair(NamedTuple):
    """Two groups by their names, and what can be said of `a` - `b`."""

    a: str
    b: str
    judged: Judged


@dataclass(frozen=True, repr=False)
class Answer:
    """What a comparison found, as plain facts.

    Attributes:
        metric: the name of what is compared, of the weights that each run kept.
        lower_is_better: which way is better; None where that is not known.
        groups: in the order in which they were named, or of their values.
        judged: every pair of groups, in their order; one family in Holm's correction.
        notes: what the reader has to know: what was left out and why, what differs beside the seeds, in sentences.
        commands: what to run for the seeds that are missing, where something cannot be told.
        margin: within which groups are equal for practice; None if none was given.
        mcnemar: of two single runs, on the rows of the metric's split; else None.
    """

    metric: str
    lower_is_better: bool | None
    groups: list[Group]
    judged: list[JudgedPair]
    notes: list[str]
    commands: list[str] = field(default_factory=list)
    margin: float | None = None
    mcnemar: McNemar | None = None

    def group(self, name: str) -> Group:
        """The group of that name."""
        return next(group for group in self.groups if group.name == name)

    @property
    def best(self) -> Group:
        """The group with the best mean, of equal ones the first; where it is not known which way is better, the
        highest."""
        finite = [group for group in self.groups if math.isfinite(group.sample.mean)] or self.groups
        sign = -1 if self.lower_is_better else 1
        return max(finite, key=lambda group: sign * group.sample.mean)

    @property
    def main_pairs(self) -> Sequence[JudgedPair]:
        """The pairs that a reader is shown: all, if they are few; else those of the best group."""
        if len(self.judged) <= MOST_PAIRS:
            return self.judged
        name = self.best.name
        return [pair for pair in self.judged if name in (pair.a, pair.b)]
