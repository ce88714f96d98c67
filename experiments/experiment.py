"""What an experiment is: the runs that it needs, and how they are judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.claims import Measured
from experiments.lab import Lab, Planned

Evaluations = Mapping[str, int]
"""How often test splits were evaluated, by split."""


@dataclass(frozen=True)
class Runs:
    """The runs of an experiment, read back.

    Args:
        table: one row per run, see `nnlab.results.results`, with its `variant`.
        epochs: one row per epoch, see `nnlab.results.histories`, with the run's `variant` and `seed`.
    """

    table: pd.DataFrame
    epochs: pd.DataFrame

    def of(self, variant: str) -> pd.DataFrame:
        """The runs of a variant, by seed."""
        return self.table[self.table["variant"] == variant].sort_values("seed")

    def values(self, variant: str, column: str) -> list[float]:
        """A column of a variant's runs, by seed."""
        return [float(value) for value in self.of(variant)[column]]

    def seconds(self, *variants: str) -> float:
        """Of training the variants (default: all)."""
        table = self.table[self.table["variant"].isin(variants)] if variants else self.table
        return float(table["seconds"].sum())

    def by_epoch(self, variant: str, column: str) -> pd.DataFrame:
        """A metric of a variant's runs: one row per epoch, one column per seed."""
        rows = self.epochs[self.epochs["variant"] == variant]
        return rows.pivot(index="epoch", columns="seed", values=column)

    def at_epoch(self, variant: str, column: str, epoch: int) -> list[float]:
        """A metric of a variant's runs after an epoch, by seed."""
        rows = self.epochs[(self.epochs["variant"] == variant) & (self.epochs["epoch"] == epoch)]
        return [float(value) for value in rows.sort_values("seed")[column]]

    def differences(self, variant: str, other: str, column: str, *, epoch: int | None = None) -> list[float]:
        """A variant less another, seed by seed: of the kept weights, or after an epoch."""
        ours, theirs = (
            self.values(each, column) if epoch is None else self.at_epoch(each, column, epoch)
            for each in (variant, other)
        )
        return [one - two for one, two in zip(ours, theirs, strict=True)]


@dataclass(frozen=True)
class Findings:
    """What an experiment found.

    Args:
        measured: its rows in the table of results.
        found: in Markdown, what neither that table nor a figure shows; mostly a table, or nothing.
        figures: by file name without `.png`, in the order in which they are shown.
        evaluations: how often test splits were evaluated; `judge` gives those outside the runs, by `split_of`.
    """

    measured: Sequence[Measured]
    found: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    evaluations: Evaluations = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """A folder of `experiments/` with a README and a module `experiment` that has one of these as `EXPERIMENT`.

    Args:
        name: of the folder, and of the MLflow experiment of its runs.
        title: what it asks, in a line.
        plan: the runs that it needs.
        judge: the findings from them.
    """

    name: str
    title: str
    plan: Callable[[Lab], list[Planned]]
    judge: Callable[[Lab, Runs], Findings]

    @property
    def folder(self) -> Path:
        """Where its README and figures are."""
        return Path(__file__).parent / self.name


@dataclass(frozen=True)
class Answer:
    """An experiment and what it found."""

    experiment: Experiment
    findings: Findings


def evaluations_of(table: pd.DataFrame, outside: Evaluations) -> dict[str, int]:
    """How often the runs of a table (see `Runs`) evaluated test splits, and the evaluations `outside` of them.

    What the runs recorded is counted, not what was planned.
    """
    counts = Counter(outside)
    if "test/accuracy" in table:
        counts.update(split_of(row) for _, row in table[table["test/accuracy"].notna()].iterrows())
    return dict(counts)


def split_of(run: Mapping[str, object] | pd.Series) -> str:
    """Whose test split a run has: the source's own, or one of its own where all rows are divided again."""
    own = str(run["data.name"])
    return f"{own} with all its rows divided anew" if run["data.split.pooled"] else own
