"""Pruners by name, with their options: what stops an unpromising trial.

A trial is judged after each epoch, or after each seed where `sweep.seeds` is above 1. Steps count from 1.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Annotated

from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    SuccessiveHalvingPruner,
    WilcoxonPruner,
)

from nnlab.check import Checked, Range

A_FIFTH = 5
"""Of the epochs: what one epoch says of a network is mostly how it was initialized, and how large its steps are."""


@dataclass(frozen=True)
class NoPruner(Checked):
    """Every trial finishes."""

    def make(self, epochs: int, seeds: int = 1) -> BasePruner:
        """Optuna's pruner for trials of `seeds` runs of at most `epochs` epochs."""
        return NopPruner()


@dataclass(frozen=True)
class Median(Checked):
    """Stop a trial whose best score so far is worse than the median of what complete trials had at the same step.

    Pruned trials do not count: the median is that of survivors, so that without grace three of four trials are stopped,
    not every second. That finds more in equal epochs where these are dear, but stops the best of 40 in three studies of
    ten, with grace in one of twenty (`docs/log.md`).

    Args:
        startup_trials: complete trials before the first is stopped.
        warmup_epochs: epochs (or seeds) of each trial after which it is not judged; None is a fifth of its epochs, or
            no seed.
        interval: epochs (or seeds) from one judgement to the next.

    Reference: D. Golovin et al., Google Vizier, KDD 2017, section 3.2.2.
    """

    startup_trials: Annotated[int, Range(ge=0)] = 5
    warmup_epochs: Annotated[int, Range(ge=0)] | None = None
    interval: Annotated[int, Range(ge=1)] = 1

    def make(self, epochs: int, seeds: int = 1) -> BasePruner:
        """Optuna's pruner for trials of `seeds` runs of at most `epochs` epochs."""
        grace = self.warmup_epochs
        if grace is None:
            grace = 0 if seeds > 1 else -(-epochs // A_FIFTH)
        # Optuna's warm-up names the first step that is judged.
        return MedianPruner(self.startup_trials, grace + 1, self.interval)


@dataclass(frozen=True)
class Halving(Checked):
    """Asynchronous successive halving: at min_epochs · ηᵏ epochs, only the best 1/η of those that reached it continue.

    Args:
        min_epochs: epochs before a trial is first judged.
        reduction_factor: η.

    Reference: L. Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020.
    """

    min_epochs: Annotated[int, Range(ge=1)] = 1
    reduction_factor: Annotated[int, Range(ge=2)] = 4

    def make(self, epochs: int, seeds: int = 1) -> BasePruner:
        """Optuna's pruner for trials of `seeds` runs of at most `epochs` epochs."""
        return SuccessiveHalvingPruner(min_resource=self.min_epochs, reduction_factor=self.reduction_factor)


@dataclass(frozen=True)
class Hyperband(Checked):
    """Successive halving in several brackets, each with a later first judgement; trials are spread over them.

    Args:
        min_epochs: epochs before a trial of the first bracket is judged.
        max_epochs: epochs that brackets are planned for; None is those of a run.
        reduction_factor: η.

    Reference: L. Li et al., Hyperband, JMLR 18, 2018; Optuna's asynchronous form of it.
    """

    min_epochs: Annotated[int, Range(ge=1)] = 1
    max_epochs: Annotated[int, Range(ge=1)] | None = None
    reduction_factor: Annotated[int, Range(ge=2)] = 3

    def make(self, epochs: int, seeds: int = 1) -> BasePruner:
        """Optuna's pruner for trials of `seeds` runs of at most `epochs` epochs."""
        return HyperbandPruner(self.min_epochs, self.max_epochs or epochs, self.reduction_factor)


@dataclass(frozen=True)
class Wilcoxon(Checked):
    """Stop a trial that is worse than the best one, seed by seed, by a one-sided signed-rank test.

    Args:
        p_threshold: the p-value below which the difference counts.
        startup_steps: seeds before a trial is first judged (at least 2).

    Reference: F. Wilcoxon, Individual Comparisons by Ranking Methods, Biometrics Bulletin 1, 1945.
    """

    p_threshold: Annotated[float, Range(gt=0, lt=1)] = 0.1
    startup_steps: Annotated[int, Range(ge=0)] = 2

    def make(self, epochs: int, seeds: int = 1) -> BasePruner:
        """Optuna's pruner for trials of `seeds` runs."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return WilcoxonPruner(p_threshold=self.p_threshold, n_startup_steps=self.startup_steps)


Pruner = NoPruner | Median | Hyperband | Halving | Wilcoxon
PRUNERS: dict[str, type[Pruner]] = {
    "none": NoPruner,
    "median": Median,
    "hyperband": Hyperband,
    "asha": Halving,
    "wilcoxon": Wilcoxon,
}
"""By their names in `sweep.pruner`."""
