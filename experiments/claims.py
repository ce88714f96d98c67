"""A claim or hypothesis, and what was measured over the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nnlab.stats import Sample, difference

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
    def sample(self) -> Sample:
        """The values, with their mean, spread and intervals."""
        return Sample(tuple(self.values))

    @property
    def best(self) -> float:
        """The best seed's."""
        return min(self.values, key=self.claim.shortfall)

    @property
    def p(self) -> float:
        """Two-sided, of Student's t test that the mean is zero: for paired runs, whose differences the values are.

        1 where a single seed, or a value that is no number, leaves it open. Where all values are alike (figures on a
        grid), the exact test by flipping signs stands in for it.
        """
        p = difference(self.values, [0.0] * len(self.values), paired=True).p_t
        return 1.0 if math.isnan(p) else p


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
