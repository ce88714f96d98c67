"""The studies' own questions: a difference between paired runs that is asked to be above zero."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.claims import OWN, Claim, Measured


def hypothesis(text: str, values: Sequence[float], *, seconds: float, command: str, decimals: int = 4) -> Measured:
    """The hypothesis that a difference is above zero, and its measurement.

    Args:
        text: what is measured.
        values: the differences, one a seed.
        seconds: of training.
        command: does the runs again.
        decimals: to show.
    """
    return Measured(Claim(text, OWN, 0.0, "hypothesis", decimals=decimals), values, seconds, command)
