"""What a study would do, looked at before it does anything: nothing is written, and nothing that is trained is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial

from nnlab.config.job import Job
from nnlab.config.size import NetworkSize, network_size
from nnlab.core.optimizers import OPTIMIZERS
from nnlab.errors import UserError
from nnlab.execution.forecast import Work, seconds_of_runs, size_of, states_of
from nnlab.tuning.manifest import Manifest
from nnlab.tuning.new_study import check_free
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.extremes import extremes
from nnlab.tuning.search.samplers import LEARNING
from nnlab.tuning.search.settings import direction
from nnlab.tuning.stored_study import StoredStudy
from nnlab.tuning.study import FINISHED, Study
from nnlab.tuning.trials import Asked

MOST_SHOWN = 10
"""Proposals."""
SAMPLED = 5
"""Random points, where nothing is proposed yet."""


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
        finished: how many of them are complete or pruned.
        unfinished: the numbers of the trials that would go on.
        proposed: the next trials, those that are known now.
        nothing_left: why no more trials can be proposed than those; empty where that is not known.
        networks: the smallest and the largest of the space.
        runs: those that take the least and the most time.
        sample: some points with their times: those that are proposed, else random ones.
    """

    plan: Plan
    name: str | None
    trials: int
    finished: int
    unfinished: Sequence[int]
    proposed: Sequence[Proposed]
    nothing_left: str
    networks: Sequence[Point]
    runs: Sequence[Point]
    sample: Sequence[Point]

    @property
    def trials_left(self) -> int:
        """How many more trials may be complete or pruned, at most: those that are asked for, as far as the space has
        combinations that were not tried."""
        settings, size = self.plan.settings, self.plan.space.size
        asked = max(0, settings.trials - self.finished)
        if size is None or settings.repeat_duplicates:
            return asked
        return min(asked, max(0, size - (self.trials - len(self.unfinished))))

    @property
    def runs_left(self) -> int:
        """How many runs that is at most: one a seed, and those that confirm the best trials."""
        settings = self.plan.settings
        confirming = 0 if settings.confirm is None else settings.confirm * settings.confirm_seeds
        return self.trials_left * settings.seeds + confirming

    @property
    def learns_from(self) -> int | None:
        """The number of the first trial that depends on outcomes to come; None if none does."""
        learns = isinstance(self.plan.settings.sampler, LEARNING) and not self.nothing_left
        return self.trials + len(self.proposed) if learns else None


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
    if directory is None:
        if plan.settings.name is not None:
            check_free(Path(plan.fixed.runs_dir) / plan.settings.name)
        stored: Sequence[FrozenTrial] = ()
    else:
        Manifest.read(directory).check(plan.fingerprint(plan.dataset.sha256))
        stored = StoredStudy.open(directory.name, arguments).trials
    proposed, nothing_left = _proposed(plan, stored)
    smallest, largest = extremes(plan.space, lambda values: _size(plan, values).multiplications)
    shortest, longest = extremes(plan.space, partial(_work, plan))
    sample = [each.point for each in proposed if each.point] or _some_points(plan)
    points = [_point(plan, shortest), _point(plan, longest), *sample]
    seconds = seconds_of_runs([Job(*plan.at(point.values, plan.fixed.seed), overrides=[]) for point in points])
    timed = [replace(point, seconds=each) for point, each in zip(points, seconds, strict=True)]
    of_proposals = iter(timed[2:])
    return DryRun(
        plan=plan,
        name=None if directory is None else directory.name,
        trials=len(stored),
        finished=sum(trial.state in FINISHED for trial in stored),
        unfinished=[trial.number for trial in stored if not trial.state.is_finished()],
        proposed=[replace(each, point=next(of_proposals)) if each.point else each for each in proposed],
        nothing_left=nothing_left,
        networks=[_point(plan, values) for values in (smallest, largest)],
        runs=timed[:2],
        sample=timed[2:],
    )


def _proposed(plan: Plan, stored: Sequence[FrozenTrial]) -> tuple[list[Proposed], str]:
    """The next trials, as the study itself proposes them, as long as no outcome decides about them; and why there are
    no more, if none are left."""
    settings = plan.settings
    done = sum(trial.state in FINISHED for trial in stored)
    left = min(MOST_SHOWN, settings.trials - sum(not trial.state.is_finished() for trial in stored) - done)
    study = Study(
        "dry run",
        _copied("dry run", settings.objectives, stored),
        settings,
        plan.space,
        plan.fixed.seed,
        plan.fixed.trainer.last_epoch,
        shares_seeds=plan.has_a_split_per_seed,
    )
    trials = study.propose_batch(max(0, min(left, _known_ahead(plan, stored))))
    return [_proposal(plan, trial.number, Asked.of(trial)) for trial in trials], study.nothing_left


def _known_ahead(plan: Plan, stored: Sequence[FrozenTrial]) -> int:
    """How many of the next trials depend on no outcome that is still to come.

    A sampler that learns is random until as many trials have ended; and a trial, or a batch of them, that is proposed
    while none is running depends on those before, which are known.
    """
    if not isinstance(sampler := plan.settings.sampler, LEARNING):
        return MOST_SHOWN
    is_idle = all(trial.state.is_finished() for trial in stored)
    at_once = plan.workers if plan.settings.deterministic else 1
    return max(sampler.startup_trials - len(stored), at_once if is_idle else 0)


def _copied(name: str, objectives: Sequence[str], trials: Sequence[FrozenTrial]) -> BaseStorage:
    """A storage in memory with the trials of a study."""
    storage = InMemoryStorage()
    study = optuna.create_study(storage=storage, study_name=name, directions=list(map(direction, objectives)))
    study.add_trials(trials)
    return storage


def _proposal(plan: Plan, number: int, asked: Asked) -> Proposed:
    try:
        return Proposed(number, asked, _point(plan, asked.values))
    except UserError as error:  # no corner of the space has shown it
        return Proposed(number, asked, None, str(error))


def _some_points(plan: Plan) -> list[Point]:
    rng = np.random.default_rng(0)
    return [_point(plan, plan.space.values(plan.space.random_point(rng))) for _ in range(SAMPLED)]


def _point(plan: Plan, values: Mapping[str, Any]) -> Point:
    run = plan.at(values, plan.fixed.seed)
    return Point(values, size_of(*run))


def _size(plan: Plan, values: Mapping[str, Any]) -> NetworkSize:
    """Of the network at a point, from the composed config alone, which is faster than checking it."""
    model = plan.configs.at(values)["model"]
    widths = (plan.dataset.features, *model["hidden"], model["output_units"] or plan.dataset.classes)
    return network_size(widths, has_biases=model["bias"])


def _work(plan: Plan, values: Mapping[str, Any]) -> float:
    raw = plan.configs.at(values)
    trainer, limit, optimizer = raw["trainer"], raw["data"]["limit"], OPTIMIZERS[raw["optimizer"]["name"]]
    rows = len(plan.dataset.train) if limit is None else min(limit, len(plan.dataset.train))
    epochs = trainer["stop_after"] or trainer["epochs"]
    layers, states = len(raw["model"]["hidden"]), states_of(optimizer())
    return Work(_size(plan, values), layers, rows, trainer["batch_size"], epochs, states).seconds
