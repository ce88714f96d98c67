"""Which trials are best: an order for one objective, a front for two."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.trial import FrozenTrial, TrialState

from nnlab.tuning.search.settings import direction
from nnlab.tuning.trials import Asked


def ranking(trials: Iterable[FrozenTrial], objectives: Sequence[str]) -> list[FrozenTrial]:
    """The trials that can win, best first: by the first objective, then the second, then the lower number.

    A trial can win if it is complete, every value of it is finite, and it repeats no earlier trial.
    """

    def order(trial: FrozenTrial) -> tuple[float, ...]:
        return (*map(cost, objectives, trial.values), trial.number)

    return sorted(
        (
            trial
            for trial in trials
            if trial.state == TrialState.COMPLETE
            and all(math.isfinite(value) for value in trial.values)
            and Asked.of(trial).duplicate_of is None
        ),
        key=order,
    )


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
