"""The answer of `compare`: groups of runs, what can be said of each pair of them, and what the reader has to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from nnlab.stats import Judged, McNemar, Sample

Seed = int | str
"""What a value is of: the seed, or another key's value as a text."""


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
class Comparison:
    """Groups of runs and the differences between them; its `repr` is the table that `python -m nnlab.compare` prints.

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

    def __repr__(self) -> str:
        from nnlab.analysis.comparison.text import as_text

        return as_text(self)

    def group(self, name: str) -> Group:
        """The group of that name."""
        return next(group for group in self.groups if group.name == name)

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
