"""A claim or hypothesis, and what was measured over the seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

CONFIDENCE = 0.95
OWN = "own question"
"""The source of what nobody published: a hypothesis of nnlab's own, or a bound that it holds itself to."""


@dataclass(frozen=True)
class Claim:
    """What is claimed of a network. All of it is fixed before the first run.

    Args:
        text: the claim, with what is measured.
        source: who published it; `OWN` if it is nnlab's.
        claimed: the figure.
        kind: what the figure is, which decides how it is judged (`experiments.verdicts`). Published: that of a single
            `run`; of the `best run` of several; or a `bound` ("above 90 %"). nnlab's own: a `check`, a bound that
            every seed must meet; or a `hypothesis`, that a difference between paired runs is above the figure.
        margin: how far below the figure the mean may be and still reproduce it, see `accuracy_margin` and `margin`.
        lower_is_better: whether it is a loss or a time: "below" then means "above".
        decimals: to print.
    """

    text: str
    source: str
    claimed: float
    kind: Literal["run", "best run", "bound", "check", "hypothesis"] = "run"
    margin: float = 0.0
    lower_is_better: bool = False
    decimals: int = 4

    @property
    def is_published(self) -> bool:
        """Whether somebody published it; nnlab's own bounds and questions are counted apart."""
        return self.kind in ("run", "best run", "bound")

    def shortfall(self, value: float) -> float:
        """By how much a value is worse than the figure; negative if it is better."""
        return value - self.claimed if self.lower_is_better else self.claimed - value


def accuracy_margin(figure: float, *, rows: int, decimals: int) -> float:
    """The margin of a published accuracy: what its own printing and its own test rows leave open.

    Half a unit of the last digit that is printed, and 1.96 standard errors of a share counted on that many rows:
    √(figure (1 − figure) / rows). Nothing that nnlab measures enters it.

    Args:
        figure: as published, 0 to 1.
        rows: that it was counted on.
        decimals: that are printed of it, as a number from 0 to 1.
    """
    return 0.5 / 10.0**decimals + 1.96 * math.sqrt(figure * (1 - figure) / rows)


def margin(figure: float, *, decimals: int) -> float:
    """The margin of a published loss or time: half a unit of the last digit that is printed, and 1 % of the figure."""
    return 0.5 / 10.0**decimals + 0.01 * abs(figure)


@dataclass(frozen=True)
class Measured:
    """A claim and its measurement.

    Attributes:
        claim: what is said.
        values: one per seed.
        seconds: of training, all seeds together.
        command: repeats the runs.
        reason: why the claim may fail; shown where it does.
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
    def best(self) -> float:
        """The best seed's."""
        return min(self.values, key=self.claim.shortfall)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the mean, by Student's t; NaN for a single seed.

        Reference: Student, "The probable error of a mean", Biometrika 1908.
        """
        return self._around(1 / len(self.values))

    @property
    def one_more(self) -> tuple[float, float]:
        """The 95 % prediction interval for one more run: mean ± t(0.975, n − 1) s √(1 + 1/n); NaN for a single seed.

        Reference: G. Hahn, W. Meeker, "Statistical intervals", Wiley 1991, 4.7.
        """
        return self._around(1 + 1 / len(self.values))

    @property
    def p(self) -> float:
        """Two-sided, of Student's t test that the mean is zero: for paired runs, whose differences the values are.

        1 where a single seed, or a value that is no number, leaves it open. Where all values are alike (figures on a
        grid), t would be infinite, and the exact test by flipping signs stands in for it: two of 2ⁿ are as far off.
        """
        n = len(self.values)
        if n < 2 or not all(map(math.isfinite, self.values)):
            return 1.0
        if self.std == 0:
            return 2 / 2**n if self.mean else 1.0
        return float(2 * stats.t.sf(abs(self.mean) / (self.std / math.sqrt(n)), n - 1))

    def _around(self, variances: float) -> tuple[float, float]:
        """The mean and 97.5 % of Student's t to both sides of it, times the standard deviation and √variances."""
        n = len(self.values)
        if n < 2:
            return math.nan, math.nan
        half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * self.std * math.sqrt(variances)
        return self.mean - half, self.mean + half


def hypothesis(text: str, values: Sequence[float], *, seconds: float, command: str, decimals: int = 4) -> Measured:
    """A question of nnlab's own: the hypothesis that a difference between paired runs is above zero, as measured.

    Args:
        text: what is measured.
        values: the differences, one per seed.
        seconds: of training.
        command: repeats the runs.
        decimals: to print.
    """
    return Measured(Claim(text, OWN, 0.0, "hypothesis", decimals=decimals), values, seconds, command)
