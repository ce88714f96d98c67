"""The answer of `compare` as an object: its tables as frames, and a `repr` that reads like the terminal's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnlab.analysis.comparison.answer import Answer as Answer
from nnlab.analysis.comparison.answer import Group as Group
from nnlab.analysis.comparison.answer import JudgedPair as JudgedPair
from nnlab.analysis.comparison.text import as_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Comparison(Answer):
    """Groups of runs and the differences between them; its `repr` is the table that `python -m nnlab.compare` prints.

    Its attributes are those of `Answer`.
    """

    def __repr__(self) -> str:
        return as_text(self)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per group: group, metric, n, mean, sd, low, high (95 % by Student's t), bca_low, bca_high (BCa
        bootstrap), seeds and values (tuples). What cannot be computed is missing."""
        import pandas as pd

        return pd.DataFrame([_group_row(group, self.metric) for group in self.groups])

    @property
    def differences(self) -> pd.DataFrame:
        """One row per pair of groups, of a - b: a, b, pairing, n, difference, low, high (95 %), p_t, p_exact,
        p_corrected (Holm), probability (that a run of a has the higher value), verdict, more_seeds."""
        import pandas as pd

        return pd.DataFrame([_pair_row(pair) for pair in self.judged], columns=list(PAIR_COLUMNS))


PAIR_COLUMNS = (
    *("a", "b", "pairing", "n", "difference", "low", "high", "p_t", "p_exact", "p_corrected"),
    *("probability", "verdict", "more_seeds"),
)


def _group_row(group: Group, metric: str) -> dict[str, Any]:
    sample = group.sample
    interval, bootstrap = sample.interval, sample.bootstrap  # the latter None below 10 seeds
    return {
        "group": group.name,
        "metric": metric,
        "n": sample.n,
        "mean": sample.mean,
        "sd": sample.sd,
        "low": interval.low,
        "high": interval.high,
        "bca_low": None if bootstrap is None else bootstrap.low,
        "bca_high": None if bootstrap is None else bootstrap.high,
        "seeds": group.seeds,
        "values": group.values,
    }


def _pair_row(pair: JudgedPair) -> dict[str, Any]:
    judged, difference = pair.judged, pair.judged.difference
    interval = difference.interval
    return {
        "a": pair.a,
        "b": pair.b,
        "pairing": "seed" if difference.paired else "none",
        "n": difference.n_a if difference.paired else (difference.n_a, difference.n_b),
        "difference": difference.mean,
        "low": interval.low,
        "high": interval.high,
        "p_t": difference.p_t,
        "p_exact": difference.p_exact,
        "p_corrected": judged.p_corrected,
        "probability": difference.probability,
        "verdict": judged.verdict,
        "more_seeds": judged.more_seeds,
    }
