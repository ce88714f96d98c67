"""The study whose trials a new one keeps: which of them, and why not the others."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnlab.config.leaves import leaves
from nnlab.config.problems import ConfigError, ConfigProblem, as_typed
from nnlab.config.quoting import as_override
from nnlab.errors import UserError
from nnlab.tuning.growth.fitting import ABSENT, fit
from nnlab.tuning.growth.growth import KEY, From, Growth
from nnlab.tuning.other_study import other_study
from nnlab.tuning.overrides import FOLLOWING
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.searchable import GROUPS, is_shape
from nnlab.wording import number_of

MEASURING = ("sweep.objective", "sweep.at", "sweep.seeds", "sweep.race")
"""Of a sweep's settings those that decide what is measured of a trial; the others decide which trials there are."""


@dataclass(frozen=True)
class Kept:
    """What a new study keeps.

    Attributes:
        growth: for `study.json`.
        points: the parameters of the trials, here.
        notes: what is to be told, a line each.
    """

    growth: Growth
    points: list[Mapping[str, Any]]
    notes: list[str]


def kept_trials(plan: Plan) -> Kept | None:
    """See which trials of `sweep.from` a new study keeps; nothing is written. None if it names none.

    Raises:
        ConfigError: if there is no such study, it measures otherwise, or it has no trial to keep.
    """
    asked = From.of(plan.settings)
    if asked is None:
        return None
    try:
        return _kept(asked, plan)
    except ConfigError:
        raise
    except UserError as error:
        raise ConfigError([ConfigProblem(KEY, str(error).rstrip("."), plan.settings.from_)]) from error


def _kept(asked: From, plan: Plan) -> Kept:
    source = other_study(Path(plan.fixed.runs_dir) / asked.study, plan)
    _check_measured_alike(source.manifest.fingerprint, plan, asked)
    numbers: list[int] = []
    points: list[Mapping[str, Any]] = []
    left: dict[str, list[int]] = {}
    for trial in source.trials:
        found = fit(trial, source.directory, plan, asked.values)
        if found.why_not:
            left.setdefault(found.why_not, []).append(trial.number)
        else:
            numbers.append(trial.number)
            points.append(found.params)
    reasons = [f"{_numbers(trials)} ({why})" for why, trials in left.items()]
    if not numbers:
        rule = f"has no trial that this study could keep: {', '.join(reasons) or 'it has none at all'}"
        raise ConfigError([ConfigProblem(KEY, rule, asked.study, "leave it out, or search what these trials have")])
    earlier = source.manifest.growth.offset if source.manifest.growth else 0
    growth = Growth(asked.study, numbers, asked.values, earlier + len(source.trials) - len(numbers))
    counted = f"{len(numbers)} of {number_of(len(source.trials), 'trial')} of {asked.study}"
    notes = [f"{KEY}: {counted} kept, as the first of this study"]
    return Kept(growth, points, [*notes, *(f"{KEY}: not kept: {reason}" for reason in reasons)])


def _numbers(trials: list[int]) -> str:
    return f"trial{'s' if len(trials) > 1 else ''} {', '.join(map(str, trials))}"


def _check_measured_alike(before: Mapping[str, Any], plan: Plan, asked: From) -> None:
    """Refuse a study whose trials are measured otherwise: on other data, for another objective, with other fixed keys.

    What a searched choice of a group fixes is compared trial by trial, see `fit`.
    """
    now = plan.fingerprint(plan.dataset.sha256)
    searched = {key.removeprefix("sweep.space.") for key in (*before, *now) if key.startswith("sweep.space.")}
    searched |= {"model.hidden"} if any(map(is_shape, searched)) else set()
    groups = searched & set(GROUPS)
    told, remedies = [], []
    for key in sorted(before.keys() | now.keys()):
        if key in searched or key.partition(".")[0] in groups or "(" in key or key in FOLLOWING:
            continue
        if key.startswith("sweep.") and key not in MEASURING:
            continue
        there, here = before.get(key, asked.values.get(key, ABSENT)), now.get(key, ABSENT)
        if there != here and not (key not in before and key in MEASURING):
            shown = ["absent" if value is ABSENT else as_typed(value) for value in (there, here)]
            shown = [text[:8] for text in shown] if key == "data_sha256" else shown
            told.append(f"{key} is {shown[0]} there and {shown[1]} here")
            if there is not ABSENT and key != "data_sha256":
                remedies.append(shlex.quote(as_override(key.removesuffix(".name"), there)))
    if before.get("sweep.race"):  # a race keeps no trials of another study either
        remedies = []
    stated = dict(_already_said(before, asked))
    if stated and not told:  # all that is wrong: the rest of what is asked for remains
        others = {key: value for key, value in leaves(asked.values) if key not in stated}
        remedies = [
            shlex.quote(f"{KEY}={as_typed({'study': asked.study, 'values': others} if others else asked.study)}")
        ]
    told += [
        f"{key} is {as_typed(value)} there already, so that values must not have it" for key, value in stated.items()
    ]
    if told:
        rule = f"has trials that were measured otherwise: {'; '.join(told)}"
        raise ConfigError([ConfigProblem(KEY, rule, asked.study, " ".join(remedies) or "another study, or none")])


def _already_said(before: Mapping[str, Any], asked: From) -> Iterator[tuple[str, Any]]:
    """The stated values of keys that the study's trials have themselves."""
    known = {**before, **{key.removeprefix("sweep.space."): text for key, text in before.items()}}
    for key, _ in leaves(asked.values):
        if key in known:
            yield key, known[key]
