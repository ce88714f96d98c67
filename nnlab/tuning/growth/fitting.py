"""Whether a trial of another study is a trial of this one: whether this one would have run exactly the same."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from nnlab.config.leaves import WITHOUT_EFFECT, leaves, without
from nnlab.config.problems import ConfigError, as_typed
from nnlab.config.schema import as_dict
from nnlab.runs.directory import TRIALS
from nnlab.runs.stored_run import StoredRun
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.placing import Placed, choices_in, placed, values_of
from nnlab.tuning.search.space import Space
from nnlab.tuning.trial_configs import put
from nnlab.tuning.trials import Asked, Outcome

KEPT = ("finished", "pruned", "diverged")
"""What came of a trial by its values. Others failed by accident, or went over limits that may be others now."""
ABSENT = object()


@dataclass(frozen=True)
class Fit:
    """A trial of another study, seen from this one.

    Attributes:
        why_not: why it is no trial of this one; empty if it is.
        params: here.
        runs: of the trial.
    """

    why_not: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    runs: list[StoredRun] = field(default_factory=list)


def fit(trial: FrozenTrial, study: Path, plan: Plan, values: Mapping[str, Any]) -> Fit:
    """See whether a trial of the study in a directory is one of `plan`.

    Args:
        trial: of the other study.
        study: its directory.
        plan: of this one.
        values: that the runs are said to have had, of keys that their configs lack.

    Raises:
        UserError: if a file of the trial's runs is damaged.
    """
    asked, outcome = Asked.of(trial), Outcome.of(trial)
    if not trial.state.is_finished() or outcome is None:
        return Fit("not ended")
    if asked.duplicate_of is not None:
        return Fit("repeats another")
    if outcome.status not in KEPT:
        return Fit(outcome.status.replace("_", " "))
    found = [StoredRun.at(study / TRIALS / name) for name in outcome.runs]
    runs = [run for run in found if run is not None and run.has_ended]
    if not runs or len(runs) < len(found):
        return Fit("its run directory is gone")
    config = completed(runs[0].config, values)
    why_not = ""
    for choices in _choices(config, plan.space):
        point = placed(plan.space, values_of(config, choices))
        why_not = _outside(point, plan) or _otherwise(config, point, plan, asked.seeds[0])
        if not why_not:
            return Fit("", point.params, runs)
    return Fit(why_not)


def completed(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A config with the values that it lacks; those that it has stay."""
    whole = deepcopy(dict(config))
    known = dict(leaves(whole))
    for key, value in values.items():
        if key not in known:
            put(whole, key, value)
    return whole


def _choices(config: Mapping[str, Any], space: Space) -> Iterator[dict[str, str]]:
    """The choices of the searched groups that a config may be made of, each with each."""
    found = choices_in(config, space)
    for names in itertools.product(*found.values()):
        yield dict(zip(found, names, strict=True))


def _outside(point: Placed, plan: Plan) -> str:
    """Why a point is none of the study, in words that are the same for all trials of that kind."""
    axes = {dimension.name: dimension for dimension in plan.space.dimensions}
    for name in (*point.moved, *point.left):
        if name in axes:
            return f"{name} is outside of {axes[name]}"
        return f"{name} is another than is searched"
    if plan.accepts is not None and not plan.accepts(plan.space.values(point.params)):
        return "ruled out by sweep.constraint or sweep.trial_memory"
    return ""


def _otherwise(config: Mapping[str, Any], point: Placed, plan: Plan, seed: int) -> str:
    """What else would be different here."""
    try:
        here = as_dict(plan.at(plan.space.values(point.params), seed).config)
    except ConfigError as error:
        return f"not possible here ({error.problems[0]})"
    for key, old, new in differences(config, here):
        there, now = ("absent" if value is ABSENT else as_typed(value) for value in (old, new))
        return f"{key} is {there} there and {now} here"
    return ""


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The keys in which two configs differ with an effect, with both values; `ABSENT` stands for none."""
    old, new = (dict(leaves(json.loads(json.dumps(without(config, WITHOUT_EFFECT))))) for config in (one, other))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key, ABSENT) != new.get(key, ABSENT):
            yield key, old.get(key, ABSENT), new.get(key, ABSENT)
