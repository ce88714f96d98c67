"""Whether a claim is reproduced: the rule, which was fixed before the runs, and its consequences.

- **yes**: the mean over the seeds is within the claim's margin, or better than the claim.
- **spread**: it is not; but the figure is that of a single run, and lies in the 95 % prediction interval for one more
  run of ours. A figure that is the best of several runs is compared with the best of ours too.
- **no**: neither.

A bound has no spread: the mean meets it or not. nnlab's own checks hold when every seed meets the bound. nnlab's
own hypotheses hold when the difference is above zero and its p-value, corrected for their number, at most 0.05.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.claims import Measured
from nnlab.stats import LEVEL, holm

Verdict = Literal["yes", "spread", "no"]
ROUNDING = 1e-12
"""The rounding error of sums that is forgiven: a mean exactly at its margin is within it."""


@dataclass(frozen=True)
class Judged:
    """A measurement and its verdict.

    Attributes:
        measured: what was claimed and measured.
        verdict: by the rule above.
        p: of a hypothesis, corrected; NaN for the others.
    """

    measured: Measured
    verdict: Verdict
    p: float = math.nan


def judge(rows: Sequence[Measured]) -> list[Judged]:
    """The verdicts on all rows of a report. All hypotheses among them are one family, and corrected together."""
    corrected = iter(holm([row.p for row in rows if row.claim.kind == "hypothesis"]))
    return [
        _of_hypothesis(row, next(corrected)) if row.claim.kind == "hypothesis" else Judged(row, verdict(row))
        for row in rows
    ]


def verdict(measured: Measured) -> Verdict:
    """The verdict on any claim but a hypothesis, which is judged among others."""
    claim = measured.claim
    if not all(map(math.isfinite, measured.values)):
        return "no"
    if claim.kind == "check":
        return "yes" if max(measured.values) <= claim.claimed else "no"
    if claim.shortfall(measured.sample.mean) <= claim.margin + ROUNDING:
        return "yes"
    if claim.kind == "bound":
        return "no"
    low, high = measured.sample.one_more
    best_reaches = claim.kind == "best run" and claim.shortfall(measured.best) <= claim.margin + ROUNDING
    return "spread" if low <= claim.claimed <= high or best_reaches else "no"


def tally(judged: Sequence[Judged]) -> list[str]:
    """The headline: how many published claims are reproduced; nnlab's own hypotheses and checks apart from them."""
    published = [each.verdict for each in judged if each.measured.claim.is_published]
    lines = []
    if published:
        lines.append(
            f"{published.count('yes')} of {len(published)} published claims are reproduced; "
            f"{published.count('spread')} more within the spread of single runs; "
            f"not reproduced: {published.count('no')}"
        )
    for kind, what in (("hypothesis", "hypotheses of our own hold"), ("check", "checks of our own hold")):
        own = [each.verdict for each in judged if each.measured.claim.kind == kind]
        if own:
            lines.append(f"{own.count('yes')} of {len(own)} {what}")
    return lines


def _of_hypothesis(measured: Measured, p: float) -> Judged:
    return Judged(measured, "yes" if measured.sample.mean > measured.claim.claimed and p <= LEVEL else "no", p)
