"""Spaces to search, and studies done by hand: a fresh sampler for each trial, as a sweep has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial

from nnlab.tuning.search.samplers import SAMPLERS, Sampler, has_torch
from nnlab.tuning.search.space import Space, read_space

optuna.logging.set_verbosity(optuna.logging.ERROR)

NEEDS_TORCH = pytest.mark.skipif(not has_torch(), reason="needs PyTorch")
NAMES = [pytest.param(name, marks=[NEEDS_TORCH, pytest.mark.slow]) if name == "gp" else name for name in SAMPLERS]
"""Of all samplers."""


def space_of(texts: dict[str, Any]) -> Space:
    space, problems = read_space(texts)
    assert problems == []
    assert space is not None
    return space


NUMBERS = space_of(
    {
        "optimizer.lr": "tag(log, interval(1e-3, 1))",
        "trainer.batch_size": "range(16, 129, 16)",
        "model.width.0": "tag(log, range(8, 257))",
        "model.dropout": "interval(0, 0.5)",
    }
)
FINITE = space_of(
    {"trainer.batch_size": "range(16, 65, 16)", "model.activation": "relu,tanh", "model.dropout": "range(0, 0.3, 0.1)"}
)
CONDITIONAL = space_of(
    {
        "optimizer": "choice(sgd, momentum)",
        "optimizer.momentum": "interval(0, 0.9)",
        "optimizer.lr": "tag(log, interval(1e-3, 1))",
        "model.depth": "range(1, 4)",
        "model.width": "choice(16, 32)",
    }
)

FITTING = {
    "tpe": CONDITIONAL,
    "mixed": CONDITIONAL,
    "random": CONDITIONAL,
    "grid": FINITE,
    "cmaes": NUMBERS,
    "gp": NUMBERS,
    "qmc": CONDITIONAL,
}
"""The widest kind of space that each sampler takes."""


def cost(values: dict[str, Any]) -> float:
    """Smallest, near 0, at a rate of 0.1, no dropout and few units; whatever else is asked hardly matters."""
    units = sum(values.get("model.hidden", [])) + values.get("trainer.batch_size", 0)
    rate = math.log10(values.get("optimizer.lr", 0.1)) + 1
    return rate**2 + values.get("model.dropout", 0.0) + values.get("optimizer.momentum", 0.0) ** 2 + units / 1000  # type: ignore[no-any-return]


def searched(
    sampler: Sampler,
    space: Space,
    trials: int,
    *,
    seed: int = 7,
    before: Sequence[FrozenTrial] = (),
    direction: str = "minimize",
    objective: Callable[[dict[str, Any]], float] = cost,
) -> optuna.Study:
    """A study of so many trials, those `before` included."""
    study = optuna.create_study(study_name="by hand", direction=direction)  # type: ignore[arg-type]
    study.add_trials(before)
    for number in range(len(before), trials):
        study.sampler = sampler.make(seed, number, space)
        trial = study.ask()
        study.tell(trial, objective(space.suggest(trial)))
    return study


def params(trials: Iterable[FrozenTrial]) -> list[dict[str, Any]]:
    return [trial.params for trial in trials]
