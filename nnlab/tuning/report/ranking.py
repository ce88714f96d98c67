"""Which trials are best: an order for one objective, a front for two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.search.settings import direction
from nnlab.tuning.trials import Asked

Rank = tuple[Any, ...]
"""Costs and a number; the least is best."""


def ranking(trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> list[FrozenTrial]:
    """The trials that can win, best first: by the first objective, then the second, then the lower number.

    A trial can win if it is complete, every value of it is finite, and it repeats no earlier trial.
    """
    ranked = [(rank, trial) for trial in trials if (rank := rank_of(trial, objectives)) is not None]
    return [trial for _, trial in sorted(ranked, key=itemgetter(0))]


def rank_of(trial: FrozenTrial, objectives: Sequence[str]) -> Rank | None:
    """The place of a trial in the order of the `ranking`, with its number at the end; None if it cannot win."""
    if trial.state != TrialState.COMPLETE or not all(map(math.isfinite, trial.values)):
        return None
    if Asked.of(trial).duplicate_of is not None:
        return None
    return (*map(cost, objectives, trial.values), trial.number)


def best_trial(trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> FrozenTrial | None:
    """The first of the `ranking`; None if no trial can win. With two objectives it stands on the Pareto front."""
    return next(iter(ranking(trials, objectives)), None)


def pareto_front(trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> list[FrozenTrial]:
    """The trials of the `ranking` of which no other is at least as good in every objective and better in one.

    Trials with equal values are all on the front.
    """
    candidates = ranking(trials, objectives)
    best = in_memory_study(candidates, objectives).best_trials
    return [candidates[trial.number] for trial in best]


def in_memory_study(trials: Sequence[FrozenTrial], objectives: Sequence[str]) -> optuna.Study:
    """A study of copies of `trials`, numbered from 0 in their order, for what Optuna computes from a study alone."""
    with quiet_optuna():
        study = optuna.create_study(directions=[direction(name) for name in objectives])
        study.add_trials(trials)
    return study


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from writing what it does, and what it leaves out, on standard error."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def best_so_far(trials: Iterable[FrozenTrial], objectives: Sequence[str], place: int) -> tuple[list[int], list[float]]:
    """The numbers of the trials that were better than all before them in objective `place`, and their values."""
    numbers: list[int] = []
    values: list[float] = []
    for trial in sorted(ranking(trials, objectives), key=lambda trial: trial.number):
        value = trial.values[place]
        if not values or cost(objectives[place], value) < cost(objectives[place], values[-1]):
            numbers.append(trial.number)
            values.append(value)
    return numbers, values


def cost(objective: str, value: float) -> float:
    """`value` of an objective, turned so that less is better."""
    return -value if direction(objective) == "maximize" else value
