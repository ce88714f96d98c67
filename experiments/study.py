"""What a study is: the runs it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.claims import Measured
from experiments.lab import Lab, Planned
from experiments.looks import Looks


@dataclass(frozen=True)
class Runs:
    """A study's runs, read back.

    Args:
        table: a row a run, see `nnlab.results.results`, and its `variant`.
        epochs: a row an epoch, see `nnlab.results.histories`, with the run's `variant` and `seed`.
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
        """Spent on training the variants (all of them if none is named)."""
        table = self.table[self.table["variant"].isin(variants)] if variants else self.table
        return float(table["seconds"].sum())

    def by_epoch(self, variant: str, column: str) -> pd.DataFrame:
        """A metric of a variant's runs: a row an epoch, a column a seed."""
        rows = self.epochs[self.epochs["variant"] == variant]
        return rows.pivot(index="epoch", columns="seed", values=column)

    def at_epoch(self, variant: str, column: str, epoch: int) -> list[float]:
        """A metric of a variant's runs after an epoch, by seed."""
        rows = self.epochs[(self.epochs["variant"] == variant) & (self.epochs["epoch"] == epoch)]
        return [float(value) for value in rows.sort_values("seed")[column]]

    def differences(self, variant: str, other: str, column: str, *, epoch: int | None = None) -> list[float]:
        """How much more a variant has than another, seed by seed; after an epoch, or as the kept weights have it."""
        ours, theirs = (
            self.values(each, column) if epoch is None else self.at_epoch(each, column, epoch)
            for each in (variant, other)
        )
        return [one - two for one, two in zip(ours, theirs, strict=True)]


@dataclass(frozen=True)
class Findings:
    """What a study found.

    Args:
        measured: its rows in the table of results.
        found: sentences and tables in Markdown, with the figures that were measured.
        figures: by file name without `.png`; shown in this order.
        looks: how often a test split was evaluated beside the runs, by `experiments.looks.split_of`.
    """

    measured: Sequence[Measured]
    found: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    looks: Looks = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """A study: a folder of `experiments/` with a README and a module that has one of these as `STUDY`.

    Args:
        name: of the folder and of the MLflow experiment.
        title: what it asks, in a line.
        plan: the runs that it needs.
        judge: what it makes of them.
    """

    name: str
    title: str
    plan: Callable[[Lab], list[Planned]]
    judge: Callable[[Lab, Runs], Findings]

    @property
    def folder(self) -> Path:
        """Where its README and figures are."""
        return Path(__file__).parent / self.name
