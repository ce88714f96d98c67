"""Who searches: nnlab as it is on the command line, and what a person would write with Optuna alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from benchmarks.search.tables import Axis, Family
from nnlab.config.problems import as_typed
from nnlab.tuning.plan import Plan
from nnlab.tuning.planning import make_plan
from nnlab.tuning.search.dimension import HIDDEN
from nnlab.tuning.study import Study
from nnlab.tuning.trials import Asked, Outcome

Form = Literal["choices", "numbers"]
"""How a space is written: every value of the table as a choice, or the range from the smallest to the largest."""

Objective = Callable[[Mapping[str, Any]], float]
"""The loss at a value for each key."""

Contestant = Callable[[Family, Form, int, int, Objective], None]
"""Searches a family's space in this form, with this seed, for so many trials."""


def nnlab_with(*overrides: str) -> Contestant:
    """nnlab's own study with what a command line sets, in memory, one trial at a time."""

    def search(family: Family, form: Form, seed: int, trials: int, objective: Objective) -> None:
        plan = _plan(family, form, trials, overrides)
        study = Study("table", optuna.storages.InMemoryStorage(), plan.settings, plan.space, seed, epochs=1)
        for _ in range(trials):
            trial = study.propose()
            values = dict(Asked.of(trial).values)
            layers = enumerate(values.pop(HIDDEN, []))
            loss = objective(values | {f"model.width.{layer}": units for layer, units in layers})
            study.tell(trial, Outcome("finished", scores={"val/loss": loss}))

    return search


def random(family: Family, form: Form, seed: int, trials: int, objective: Objective) -> None:
    """Independent draws."""
    _optuna(optuna.samplers.RandomSampler(seed=seed), family, form, trials, objective)


def plain_optuna(family: Family, form: Form, seed: int, trials: int, objective: Objective) -> None:
    """Optuna's own default, with numbers on a log scale where they are on one."""
    _optuna(optuna.samplers.TPESampler(seed=seed), family, form, trials, objective)


OPTUNA = "plain Optuna"
OURS = {"nnlab's tpe": "sweep.sampler=tpe", "nnlab's mixed": "sweep.sampler=mixed"}
CONTESTANTS: dict[str, Contestant] = {
    "random": random,
    OPTUNA: plain_optuna,
    **{name: nnlab_with(override) for name, override in OURS.items()},
}


def _optuna(
    sampler: optuna.samplers.BaseSampler, family: Family, form: Form, trials: int, objective: Objective
) -> None:
    space = {axis.key: _distribution(axis, form) for axis in family.axes}
    study = optuna.create_study(sampler=sampler)
    for _ in range(trials):
        trial = study.ask(space)
        study.tell(trial, objective(trial.params))


@cache
def _plan(family: Family, form: Form, trials: int, overrides: Sequence[str]) -> Plan:
    space = [f"{axis.key}={_text(axis, form)}" for axis in family.axes]
    fixed = [
        "data=digits",
        "tracking.enabled=false",
        "sweep.space=null",
        "sweep.pruner=none",
        "sweep.first=null",
        f"sweep.trials={trials}",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_plan([*fixed, *family.setup, *space, *overrides])


def _text(axis: Axis, form: Form) -> str:
    """As on nnlab's command line."""
    low, high = axis.values[0], axis.values[-1]
    if form == "choices" or axis.scale == "unordered":
        return f"choice({', '.join(map(as_typed, axis.values))})"
    if axis.scale == "log":
        return f"tag(log, interval({low}, {high}))"
    return f"range({low}, {high + 1})" if isinstance(high, int) else f"interval({low}, {high})"


def _distribution(axis: Axis, form: Form) -> BaseDistribution:
    """The same for Optuna."""
    if form == "choices" or axis.scale == "unordered":
        return CategoricalDistribution(axis.values)
    low, high, is_log = axis.values[0], axis.values[-1], axis.scale == "log"
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=is_log)
    assert not isinstance(low, str)
    assert not isinstance(high, str)
    return FloatDistribution(low, high, log=is_log)
