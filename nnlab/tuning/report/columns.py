"""The columns of a leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import stdev

from optuna.trial import FrozenTrial

from nnlab.table import Column
from nnlab.tuning.confirm.results import Confirmation
from nnlab.tuning.report.certainty import Certainty
from nnlab.tuning.report.trial_facts import (
    code_text,
    codes_of,
    natural_order,
    objective_text,
    short_names,
    spread_text,
    value_text,
)
from nnlab.tuning.trials import Asked, Outcome

REPETITIONS = 3
RANK, VERSUS, CONFIRMED = "rank", "vs best", "fresh seeds"
SCORES = ("val/accuracy", "val/loss")


def columns_of(
    trials: Sequence[FrozenTrial],
    objectives: Sequence[str],
    everything: Sequence[FrozenTrial],
    confirmation: Confirmation | None = None,
    certainty: Certainty | None = None,
) -> list[Column]:
    """The columns, from left to right.

    Args:
        trials: those of the rows, which are complete.
        objectives: their names, one or two.
        everything: all trials of the study.
        confirmation: what fresh seeds say of some, if any were run with them.
        certainty: how sure it is that the first is the best, if that can be said.
    """
    repetitions = _repetitions(everything)
    keys = natural_order(key for trial in trials for key in Asked.of(trial).values)
    names = short_names(keys)
    scores = [name for name in SCORES if name not in objectives]
    columns = [
        _column(RANK, trials, lambda trial: str(trials.index(trial) + 1), leaves=100),
        _column("trial", trials, lambda trial: str(trial.number)),
    ]
    if len(codes_of(everything)) > 1:
        columns.append(_column("code", trials, lambda trial: code_text(_outcome(trial).code), left=True))
    if any(trial.number in repetitions for trial in trials):
        same = _column("same", trials, lambda trial: _same(repetitions.get(trial.number, [])), left=True, leaves=3)
        columns.append(same)
    if any(Asked.of(trial).source for trial in trials):
        columns.append(_column("source", trials, _source, left=True, leaves=5))
    if len({len(Asked.of(trial).seeds) for trial in trials}) > 1:  # of a race
        columns.append(_column("seeds", trials, lambda trial: str(len(Asked.of(trial).seeds)), leaves=97))
    if certainty is not None:
        columns.append(_column(VERSUS, trials, lambda trial: certainty.word(trial.number), left=True, leaves=98))
    if confirmation is not None:
        columns.append(_column(CONFIRMED, trials, _fresh(confirmation)))
    return [
        *columns,
        *(_column(name, trials, _score(name)) for name in objectives),
        *(_column(name, trials, _score(name), leaves=4) for name in scores),
        _column("epochs", trials, lambda trial: str(_outcome(trial).epochs), leaves=2),
        _column("seconds", trials, lambda trial: f"{_outcome(trial).seconds:.1f}", leaves=1),
        *(
            _column(names[key], trials, _searched(key), left=True, leaves=99 - place, key=key)
            for place, key in enumerate(keys)
        ),
    ]


def _column(
    heading: str,
    trials: Sequence[FrozenTrial],
    text: Callable[[FrozenTrial], str],
    *,
    left: bool = False,
    leaves: int | None = None,
    key: str = "",
) -> Column:
    return Column(heading, [*map(text, trials)], leaves, left, key)


def _fresh(confirmation: Confirmation) -> Callable[[FrozenTrial], str]:
    """Says what fresh seeds gave a trial: `0.1234 ± 0.0040`, or how many of them it finished with."""

    def text(trial: FrozenTrial) -> str:
        found = confirmation.at(trial.number)
        if found is None:
            return "–"
        values = found.values(confirmation.objective)
        if not found.is_whole:
            return f"{len(values)} of {len(found.seeds)} seeds"
        name = confirmation.objective
        return f"{objective_text(name, found.mean(name))} ± {spread_text(name, stdev(values))}"

    return text


def _score(name: str) -> Callable[[FrozenTrial], str]:
    def text(trial: FrozenTrial) -> str:
        outcome = _outcome(trial)
        if name in SCORES and name not in outcome.scores:
            return "–"
        value = objective_text(name, outcome.objective(name))
        return f"{value} ± {spread_text(name, outcome.std[name])}" if name in outcome.std else value

    return text


def _searched(key: str) -> Callable[[FrozenTrial], str]:
    def text(trial: FrozenTrial) -> str:
        values = Asked.of(trial).values
        return value_text(values[key]) if key in values else "–"

    return text


def _repetitions(trials: Sequence[FrozenTrial]) -> dict[int, list[int]]:
    """By a trial's number, the numbers of those that repeat it."""
    found: dict[int, list[int]] = {}
    for trial in sorted(trials, key=lambda trial: trial.number):
        if (original := Asked.of(trial).duplicate_of) is not None:
            found.setdefault(original, []).append(trial.number)
    return found


def _same(numbers: Sequence[int]) -> str:
    shown = " ".join(f"={number}" for number in numbers[:REPETITIONS])
    return shown + (f" +{len(numbers) - REPETITIONS}" if len(numbers) > REPETITIONS else "")


def _source(trial: FrozenTrial) -> str:
    """The kind alone: `default`, `given`, `run`, `study` or `kept`; nothing of the sampler's own."""
    return (Asked.of(trial).source or "").partition(" ")[0]


def _outcome(trial: FrozenTrial) -> Outcome:
    outcome = Outcome.of(trial)
    assert outcome is not None  # a complete trial has one
    return outcome
