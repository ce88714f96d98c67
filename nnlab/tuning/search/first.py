"""`sweep.first`: what a new study tries before its sampler proposes anything, from wherever it comes.

It is looked up once, when the study starts, and stands in `study.json` from then on: neither a preset that is edited
nor a run that is removed later changes what a study that is resumed tries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlab.check import closest
from nnlab.config.problems import ConfigError, ConfigProblem
from nnlab.errors import UserError
from nnlab.paths import expanded
from nnlab.runs.directory import STUDY, TRIALS
from nnlab.runs.files import is_file
from nnlab.runs.resolve import resolve
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.other_study import other_study
from nnlab.tuning.plan import Plan
from nnlab.tuning.report.ranking import best_trial
from nnlab.tuning.search.guess import DEFAULT, GIVEN, KEY, Guess, given_guess, items_text
from nnlab.tuning.search.nearest import nearest
from nnlab.tuning.search.placing import Placed, choices_in, placed, values_of
from nnlab.tuning.trials import Outcome


@dataclass(frozen=True)
class First:
    """What a study tries first.

    Attributes:
        guesses: in the order of their trials.
        notes: what is to be told of them, a line each.
    """

    guesses: list[Guess]
    notes: list[str]


def first_guesses(plan: Plan, kept: Sequence[Mapping[str, Any]] = ()) -> First:
    """Look up what a new study is to try first; nothing is written.

    A guess that is the same as a trial before it is left out.

    Args:
        plan: of the study.
        kept: the parameters of the trials that the study begins with.

    Raises:
        ConfigError: if a run or study that is named does not exist, or has nothing to take over.
    """
    first = First([], [])
    for item in plan.settings.first_items:
        source, point = _found(item, plan)
        earlier = [*kept, *(guess.params for guess in first.guesses)]
        number = len(earlier)
        if why := _why_left_out(point, earlier, plan):
            if source == GIVEN and point.params not in earlier:
                raise ConfigError([ConfigProblem(KEY, why, items_text([item]), "another guess, or none")])
            first.notes.append(f"{KEY}: {source} is left out: it {why}")
            continue
        first.guesses.append(Guess(number, source, point.params))
        if lines := point.lines(plan.space):
            first.notes.append(f"{KEY}: trial {number} ({source}) has {'; '.join(lines)}")
    return first


def _why_left_out(point: Placed, earlier: Sequence[Mapping[str, Any]], plan: Plan) -> str:
    """Why a guess is none. What the sampler is to draw for one is drawn so that the study allows it."""
    if not point.params:
        return "has no key that is searched"
    if point.params in earlier:
        return f"is the same as trial {earlier.index(point.params)}"
    accepts, space = plan.accepts, plan.space
    if accepts is not None and space.is_whole(point.params) and not accepts(space.values(point.params)):
        return "is ruled out by sweep.constraint or sweep.trial_memory"
    return ""


def _found(item: Any, plan: Plan) -> tuple[str, Placed]:
    if isinstance(item, Mapping):
        return GIVEN, Placed(given_guess(item, plan.space))
    if item == DEFAULT:
        return DEFAULT, default_point(plan)
    try:
        path = resolve(item, expanded(plan.fixed.runs_dir), option="runs_dir=FOLDER")
        source, run = _best_of(path, plan) if is_file(path / STUDY) else (f"run {path.name}", StoredRun.open(path))
        config = run.config
    except UserError as error:
        wanted = "null" if item.lower() in ("none", "false", "off") else closest(item, [DEFAULT])
        nearest_item = wanted and f"{KEY}={wanted}"
        raise ConfigError([ConfigProblem(KEY, str(error).rstrip("."), item, nearest_item)]) from error
    choices = {group: names[0] for group, names in choices_in(config, plan.space).items()}
    return source, placed(plan.space, values_of(config, choices))


def default_point(plan: Plan) -> Placed:
    """The point of a space where all searched keys have the values that they have without a search."""
    own = plan.configs.own_choices()
    groups = {dimension.name: dimension for dimension in plan.space.dimensions if dimension.name in own}
    chosen = {name: found.value for name, axis in groups.items() if (found := nearest(axis, own[name]))}
    return placed(plan.space, values_of(plan.configs.at(chosen), own))


def _best_of(study: Path, plan: Plan) -> tuple[str, StoredRun]:
    """A run of the best trial of a study, by fresh seeds if it has any, and what to call it."""
    stored = other_study(study, plan)
    confirmed = stored.confirmation.winner if stored.confirmation is not None else None
    best = confirmed.trial if confirmed is not None else best_trial(stored.trials, stored.objectives)
    outcome = None if best is None else Outcome.of(best)
    if best is None or outcome is None:
        raise UserError(f"The study {study.name!r} has no complete trial, so that it has no best one.")
    run = StoredRun.at(study / TRIALS / outcome.runs[0])
    if run is None:
        raise UserError(f"The run of trial {best.number}, the best of the study {study.name!r}, is gone.")
    return f"study {study.name}, trial {best.number}", run
