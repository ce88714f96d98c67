"""What pruners stop, save and cost on learning curves of real studies, each replayed with all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import optuna

from benchmarks.bench import Bench
from benchmarks.report import Row, Table
from benchmarks.search.pruning.curves import TRIALS, Curve, study_curves
from benchmarks.search.pruning.replay import Replay, replayed
from benchmarks.search.regret import interval
from nnlab.tuning.search.pruners import Halving, Hyperband, Median, NoPruner, Pruner

SETS: dict[str, tuple[str, ...]] = {
    "digits": ("data=digits",),
    "sigmoid": ("data=digits", "sweep=sigmoid_mlp"),
    "cosine": (
        "data=digits",
        "optimizer=adam",
        "schedule=cosine",
        "optimizer.lr=tag(log, interval(0.0003, 0.03))",
        "model.dropout=interval(0, 0.5)",
        "trainer.epochs=20",
    ),
    "mnist": ("data=mnist_5k",),
}
"""Overrides of the studies whose curves are collected."""

PRUNERS: dict[str, Pruner] = {
    "none": NoPruner(),
    "median": Median(),
    "median without grace": Median(warmup_epochs=0),
    "median, ten first": Median(startup_trials=10, warmup_epochs=1),
    "hyperband": Hyperband(),
    "asha": Halving(),
}
"""By their names in the table. Without grace is how `median` was once; ten trials first was the other idea."""

STUDIES_A_ROUND = 10
BUDGET = 0.35
"""Of the epochs that a study without a pruner takes: about what one with a pruner does."""
FIRST_SEED = 5_000
BASELINE = "none"


def search_pruning(bench: Bench) -> Table:
    """How often pruners stop the best of 40 trials, what they save, and what is found in the same number of epochs."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies = 2 if bench.is_quick else STUDIES_A_ROUND * bench.rounds
    sets = dict(list(SETS.items())[:1]) if bench.is_quick else SETS
    trials = 12 if bench.is_quick else TRIALS
    curves = {
        name: [study_curves(overrides, FIRST_SEED + study, trials) for study in range(studies)]
        for name, overrides in sets.items()
    }
    return Table(
        f"{studies} studies of {trials} trials on each of {', '.join(sets)}, trained to the end and replayed: the mean,"
        f"\n  and its 95 % interval as the spread. Regret: how far the best complete trial within {BUDGET:.0%} of the"
        f"\n  epochs is from the best of all trials, as a share of how far the trial in the middle is",
        list(rows(curves)),
    )


def rows(curves: Mapping[str, Sequence[Sequence[Curve]]]) -> list[Row]:
    """The rows of the table.

    Args:
        curves: of each set's studies.
    """
    made = []
    found = {
        name: {label: [replayed(each, pruner) for each in studies] for label, studies in curves.items()}
        for name, pruner in PRUNERS.items()
    }
    of_none = _by_set(found[BASELINE], _regret)
    for name, replays in found.items():
        if name == BASELINE:
            continue
        made += [
            Row(f"{name}: the best is stopped", _interval(_by_set(replays, _stopped)), " %"),
            Row(f"{name}: epochs saved", _interval(_by_set(replays, _saved)), " %"),
            Row(f"{name}: regret less that without", _interval(_by_set(replays, _regret) - of_none), " points", "< 0"),
        ]
    return made


def _stopped(replay: Replay) -> float:
    return 100.0 * replay.stops_the_best


def _saved(replay: Replay) -> float:
    return 100 * replay.saved


def _regret(replay: Replay) -> float:
    return 100 * replay.regret(round(BUDGET * sum(len(curve.scores) for curve in replay.curves)))


def _by_set(replays: Mapping[str, Sequence[Replay]], measure: Callable[[Replay], float]) -> np.ndarray:
    """(sets, studies)"""
    return np.array([[measure(replay) for replay in studies] for studies in replays.values()])


def _interval(values: np.ndarray) -> list[float]:
    low, mean, high = interval(values[..., np.newaxis])[0]
    return [low, mean, high]
