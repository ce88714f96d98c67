"""What a study would do, looked at before it does anything: nothing is written, and nothing that is trained is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optuna
from optuna.trial import FrozenTrial

from nnlab.config.job import Job
from nnlab.config.size import NetworkSize
from nnlab.errors import UserError
from nnlab.execution.forecast import seconds_of_runs, size_of
from nnlab.runs.directory import JOURNAL
from nnlab.runs.search_time import seconds_searched
from nnlab.tuning.ahead import next_trials
from nnlab.tuning.allowed import EACH
from nnlab.tuning.beginning import Beginning, beginning_of
from nnlab.tuning.budget import Budget, Use
from nnlab.tuning.growth.here import trials_here
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.new_study import check_free
from nnlab.tuning.plan import Plan
from nnlab.tuning.points import Points
from nnlab.tuning.search.extremes import extremes
from nnlab.tuning.search.samplers import LEARNING
from nnlab.tuning.stored_study import StoredStudy
from nnlab.tuning.trials import Asked

MOST_SHOWN = 10
"""Proposals."""
SAMPLED = 5
"""Random points, where nothing is proposed yet."""
DRAWN = 200
"""To find so many that are allowed."""


@dataclass(frozen=True)
class Point:
    """A point of the space.

    Attributes:
        values: by key, see `Space.values`.
        size: of the network.
        seconds: about, that a run takes there; None where that was not asked.
    """

    values: Mapping[str, Any]
    size: NetworkSize
    seconds: float | None = None


@dataclass(frozen=True)
class Proposed:
    """What a trial will be.

    Attributes:
        number: of the trial.
        asked: what it is to run.
        point: where; None if there can be no such run.
        problem: why there cannot.
    """

    number: int
    asked: Asked
    point: Point | None
    problem: str = ""


@dataclass(frozen=True)
class DryRun:
    """What a study would do.

    Attributes:
        plan: of the study.
        name: of a study that would be resumed; None for a new one.
        trials: how many it has already.
        use: how much of its budget it has used.
        unfinished: the numbers of the trials that would go on.
        proposed: the next trials, those that are known now.
        nothing_left: why no more trials can be proposed than those; empty where that is not known.
        combinations: of the space, those that are allowed; None if infinite, or more than can be looked at.
        networks: the smallest and the largest of the space.
        runs: those that take the least and the most time.
        sample: some points with their times: those that are proposed, else random ones.
        note: what to tell with these times; empty for nothing.
        beginning: the guesses and the kept trials with which it begins.
    """

    plan: Plan
    name: str | None
    trials: int
    use: Use
    unfinished: Sequence[int]
    proposed: Sequence[Proposed]
    nothing_left: str
    combinations: int | None
    networks: Sequence[Point]
    runs: Sequence[Point]
    sample: Sequence[Point]
    note: str
    beginning: Beginning

    @property
    def budget(self) -> Budget:
        """What ends the search."""
        return Budget.of(self.plan.settings)

    @property
    def trials_left(self) -> int | None:
        """How many more trials may be complete or pruned, at most: those that are asked for, as far as the space has
        combinations that were not tried. None where neither says it."""
        settings, size = self.plan.settings, self.combinations
        if self.budget.used_up(self.use):
            return 0
        asked = None if settings.trials is None else settings.trials - self.use.finished
        new = None if size is None or settings.repeat_duplicates else size - (self.trials - len(self.unfinished))
        return min((max(0, each) for each in (asked, new) if each is not None), default=None)

    @property
    def runs_to_confirm(self) -> int:
        """How many runs confirm the best trials."""
        settings = self.plan.settings
        return 0 if settings.confirm is None else settings.confirm * settings.confirm_seeds

    @property
    def learns_from(self) -> int | None:
        """The number of the first trial that depends on outcomes to come; None if none does."""
        learns = isinstance(self.plan.settings.sampler, LEARNING) and not self.nothing_left
        return self.trials + len(self.proposed) if learns else None


class _SoFar(NamedTuple):
    """With what a study begins, the trials that it has, and for how many seconds it has searched, if that matters."""

    beginning: Beginning
    stored: Sequence[FrozenTrial]
    seconds: float


def dry_run(plan: Plan, directory: Path | None, arguments: Sequence[str]) -> DryRun:
    """Look at a study before it is run.

    Args:
        plan: what to search, and how.
        directory: of the study that would be resumed; None for a new one.
        arguments: the whole command line.

    Raises:
        UserError: if the study could not be started or resumed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    beginning, stored, seconds = _so_far(plan, directory, arguments)
    budget = Budget.of(plan.settings)
    use = budget.use(stored, seconds)
    unfinished = [trial.number for trial in stored if not trial.state.is_finished()]
    asked = MOST_SHOWN if budget.trials is None else budget.trials - use.finished - len(unfinished)
    most = 0 if budget.used_up(use) else max(0, min(MOST_SHOWN, asked))
    trials, nothing_left = next_trials(plan, beginning, stored, most)
    proposed = [_proposal(plan, trial.number, Asked.of(trial)) for trial in trials]
    known = Points(plan.configs, plan.dataset)
    smallest, largest = extremes(plan.space, lambda values: known.size(values).multiplications, plan.accepts)
    shortest, longest = extremes(plan.space, lambda values: known.work(values).seconds, plan.accepts)
    sample = [each.point for each in proposed if each.point] or _some_points(plan)
    points = [_point(plan, shortest), _point(plan, longest), *sample]
    estimates = seconds_of_runs([Job(*plan.at(point.values, plan.fixed.seed), overrides=[]) for point in points])
    timed = [replace(point, seconds=each) for point, each in zip(points, estimates.seconds, strict=True)]
    of_proposals = iter(timed[2:])
    return DryRun(
        plan=plan,
        name=None if directory is None else directory.name,
        trials=len(stored),
        use=use,
        unfinished=unfinished,
        proposed=[replace(each, point=next(of_proposals)) if each.point else each for each in proposed],
        nothing_left=nothing_left,
        combinations=_combinations(plan),
        networks=[_point(plan, values) for values in (smallest, largest)],
        runs=timed[:2],
        sample=timed[2:],
        note=estimates.note,
        beginning=beginning,
    )


def _so_far(plan: Plan, directory: Path | None, arguments: Sequence[str]) -> _SoFar:
    """How far the study is; errors are those of `dry_run`."""
    if directory is None:
        if plan.settings.name is not None:
            check_free(Path(plan.fixed.runs_dir) / plan.settings.name)
        beginning, stored, seconds = beginning_of(plan), [], 0.0
    else:
        manifest = Manifest.read(directory)
        manifest.check(plan.fingerprint(plan.dataset.sha256))
        beginning = Beginning(manifest.guesses, manifest.growth)
        stored = StoredStudy.open(directory.name, arguments).trials
        seconds = 0.0 if plan.settings.seconds is None else seconds_searched(directory / JOURNAL)
    if beginning.growth is not None:
        missing = trials_here(beginning.growth, plan, len(stored))
        stored = [*stored, *(trial for trial, _ in missing)]
    return _SoFar(beginning, stored, seconds)


def _proposal(plan: Plan, number: int, asked: Asked) -> Proposed:
    try:
        return Proposed(number, asked, _point(plan, asked.values))
    except UserError as error:  # no corner of the space has shown it
        return Proposed(number, asked, None, str(error))


def _combinations(plan: Plan) -> int | None:
    """How many points may be tried; None where nobody can say."""
    space, accepts = plan.space, plan.accepts
    if accepts is None or space.size is None or space.size > EACH:
        return space.size
    return sum(accepts(space.values(point)) for point in space.points())


def _some_points(plan: Plan) -> list[Point]:
    """Random points, of those that are allowed."""
    rng = np.random.default_rng(0)
    drawn = [plan.space.values(plan.space.random_point(rng)) for _ in range(DRAWN)]
    allowed = [values for values in drawn if plan.accepts is None or plan.accepts(values)]
    return [_point(plan, values) for values in (allowed or drawn)[:SAMPLED]]


def _point(plan: Plan, values: Mapping[str, Any]) -> Point:
    run = plan.at(values, plan.fixed.seed)
    return Point(values, size_of(*run))
