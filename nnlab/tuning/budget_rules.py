"""The rules of what ends a search: which settings make no sense, and what they do to a preset's number of trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any

from nnlab.config.problems import ConfigProblem, as_typed
from nnlab.tuning.budget import BUDGETS
from nnlab.tuning.search.samplers import Grid
from nnlab.tuning.search.settings import SweepSettings
from nnlab.tuning.search.space import Space


def without_presets_number(sweep: Mapping[str, Any], given: Set[str]) -> dict[str, Any]:
    """The raw settings without the preset's number of trials, where the command line has another budget but no number.

    Args:
        sweep: composed, key -> value.
        given: the keys of the command line, in full.
    """
    own = [key for key in BUDGETS if f"sweep.{key}" in given and sweep.get(key) is not None]
    return {**sweep, "trials": None} if own and "sweep.trials" not in given else dict(sweep)


def with_grids_size(settings: SweepSettings, space: Space) -> SweepSettings:
    """The settings, in which a grid without a number of trials has as many as it has points."""
    if settings.trials is None and isinstance(settings.sampler, Grid) and space.size is not None:
        return replace(settings, trials=space.size)
    return settings


def note_on_number(preset: object, settings: SweepSettings) -> list[str]:
    """What to tell of a preset's number of trials that does not apply; nothing where it does."""
    if preset is None or settings.trials is not None:
        return []
    own = next(key for key in BUDGETS if getattr(settings, key) is not None)
    other = f"sweep.{own}={as_typed(getattr(settings, own))}"
    return [f"{other} ends the search, not the preset's number; to have both: sweep.trials={as_typed(preset)}"]


def budget_problems(settings: SweepSettings) -> Iterator[ConfigProblem]:
    """What is wrong with the settings that end a search."""
    if all(getattr(settings, key) is None for key in BUDGETS):
        rule = "is null, and so are sweep.seconds, sweep.until and sweep.patience, so that nothing ends the search"
        yield ConfigProblem("sweep.trials", rule, None, "sweep.trials=30, or sweep.seconds=600")
    until, name = settings.until, settings.objectives[0]
    if until is None:
        return
    if len(settings.objectives) == 2:
        rule = "is a score of one objective, but there are two, and a trial that reaches one may be poor in the other"
        yield ConfigProblem("sweep.until", rule, until, f"null, or sweep.objective={name}, or sweep.patience=20")
    elif name == "val/accuracy" and not 0 < until <= 1:
        share = until / 100 if 1 < until <= 100 else 0.95
        yield ConfigProblem("sweep.until", "must be a share of the rows, above 0 and at most 1", until, f"{share:g}")
    elif name == "val/loss" and until < 0:
        yield ConfigProblem("sweep.until", "is never reached, as no loss is below 0", until, "0.05")
