"""A claim, what was measured beside it over the seeds, and whether that bears it out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

CONFIDENCE = 0.95
OWN = "own question"
"""The source of a claim that nobody published: a hypothesis of nnlab's own."""


@dataclass(frozen=True)
class Claim:
    """What somebody says that a network does.

    Args:
        text: the claim, with what is measured.
        source: who says so; the study's own question where nobody does.
        claimed: the figure; None where none is claimed.
        rule: when the measured values bear it out. `reached`: the figure lies in their range, or the best of them
            exceeds it. `bounded`: every one of them is at most the figure. `above`: the whole confidence interval of
            their mean is above the figure (for differences between paired runs).
        lower_is_better: whether exceeding means staying below (a loss, a time).
        decimals: to show.
    """

    text: str
    source: str
    claimed: float | None
    rule: Literal["reached", "bounded", "above"] = "reached"
    lower_is_better: bool = False
    decimals: int = 4

    @property
    def is_own(self) -> bool:
        """Whether it is a hypothesis, not something that was published."""
        return self.source == OWN


@dataclass(frozen=True)
class Measured:
    """A claim and its measurement.

    Attributes:
        claim: what is said.
        values: one a seed.
        seconds: of training, all seeds together.
        command: does the runs again.
        reason: why the claim may not be met; shown where it is not.
    """

    claim: Claim
    values: Sequence[float]
    seconds: float
    command: str
    reason: str = ""

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float:
        """Of the sample (n − 1); NaN for a single seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the mean, by Student's t; NaN for a single seed.

        Reference: Student, "The probable error of a mean", Biometrika 1908.
        """
        n = len(self.values)
        if n < 2:
            return math.nan, math.nan
        half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * self.std / math.sqrt(n)
        return self.mean - half, self.mean + half

    @property
    def is_reproduced(self) -> bool:
        """Whether the values bear the claim out, by its rule; a claim without a figure asks for finite values."""
        claimed = self.claim.claimed
        if not all(math.isfinite(value) for value in self.values):
            return False
        if claimed is None:
            return True
        match self.claim.rule:
            case "reached":
                return min(self.values) <= claimed if self.claim.lower_is_better else max(self.values) >= claimed
            case "bounded":
                return max(self.values) <= claimed
            case "above":
                return self.interval[0] > claimed


def tally(rows: Sequence[Measured]) -> str:
    """How many of the published claims are reproduced, and how many of the hypotheses hold."""
    parts = []
    for is_own, what in ((False, "published claims are reproduced"), (True, "hypotheses of our own hold")):
        verdicts = [row.is_reproduced for row in rows if row.claim.is_own is is_own]
        if verdicts:
            parts.append(f"{sum(verdicts)} of {len(verdicts)} {what}")
    return "; ".join(parts)
