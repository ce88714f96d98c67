"""Brings the trials that a study keeps into it: first copies of their runs, then a record of each in its storage.

A study that is killed meanwhile goes on where it was when it is resumed; until then it needs the other one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, create_trial

from nnlab.errors import UserError
from nnlab.runs.copies import copy_run
from nnlab.runs.recorder import Announce
from nnlab.runs.tags import KEPT_TAG
from nnlab.tuning.growth.fitting import Fit, fit
from nnlab.tuning.growth.growth import Growth
from nnlab.tuning.growth.source import source_study
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.settings import direction
from nnlab.tuning.storage import JOURNAL_FILE, answering
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import run_name
from nnlab.tuning.trials import ASKED, OUTCOME, Asked, Outcome


def keep_trials(growth: Growth, plan: Plan, storage: BaseStorage, directory: Path, announce: Announce | None) -> None:
    """Bring what is missing of the trials that a study keeps; where all are there, nothing is done.

    Args:
        growth: of the study.
        plan: of the study.
        storage: of the study.
        directory: of the study.
        announce: called with the directory of each run, to sync it into MLflow.

    Raises:
        UserError: if the other study is gone, or is not what it was.
        RunFailedError: if the storage does not answer, or the directory cannot be written.
    """
    directions = [direction(name) for name in plan.settings.objectives]
    with answering():
        study = optuna.create_study(
            storage=storage, study_name=directory.name, directions=directions, load_if_exists=True
        )
        present = len(study.get_trials(deepcopy=False))
    if present >= len(growth.trials):
        return
    tasks = Tasks(plan, directory.name, directory, directory / JOURNAL_FILE)
    for trial, found in missing_trials(growth, plan, directory, present):
        _copy_runs(found, trial, growth.trials[trial.number], growth, tasks, announce)
        with answering():
            study.add_trial(trial)


def missing_trials(growth: Growth, plan: Plan, directory: Path, present: int) -> Iterator[tuple[FrozenTrial, Fit]]:
    """The trials that are still to be brought, as they are to be here, and where they come from; nothing is written.

    Args:
        growth: of the study.
        plan: of the study.
        directory: of the study, which need not be there yet.
        present: how many of them the study has.

    Raises:
        UserError: if the other study is gone, or is not what it was.
    """
    so_far = f"The study {directory.name!r} has {present} of the {len(growth.trials)} trials that it keeps of another"
    try:
        source = source_study(growth.study, plan)
    except UserError as error:
        raise UserError(f"{so_far}. {error}") from error
    plan = replace(plan, accepts=None)  # it was asked when the trials were chosen, and may be another by now
    tasks = Tasks(plan, directory.name, directory, directory / JOURNAL_FILE)
    for number in range(present, len(growth.trials)):
        wanted = growth.trials[number]
        old = source.trials[wanted] if wanted < len(source.trials) else None
        found = Fit("is gone") if old is None else fit(old, source.directory, plan, growth.values)
        if old is None or found.why_not:
            raise UserError(
                f"{so_far}, but trial {wanted} of {growth.study!r} {found.why_not}. Restore that, or start another "
                "study without sweep.resume."
            )
        yield _kept(old, found, number, growth, plan, tasks), found


def _kept(old: FrozenTrial, found: Fit, number: int, growth: Growth, plan: Plan, tasks: Tasks) -> FrozenTrial:
    """The trial as it is here."""
    outcome, asked = Outcome.of(old), Asked.of(old)
    assert outcome is not None
    names = [path.name for path in tasks.paths(number)[: len(found.runs)]]
    here = Asked(plan.space.values(found.params), asked.seeds, (number, 1), source=growth.source(number))
    axes = {dimension.name: dimension.distribution for dimension in plan.space.dimensions}
    trial = create_trial(
        state=old.state,
        values=old.values,
        params=dict(found.params),
        distributions={name: axes[name] for name in found.params},
        user_attrs={ASKED: here.to_dict(), OUTCOME: replace(outcome, runs=names).to_dict()},
        intermediate_values=old.intermediate_values,
    )
    trial.number = number
    trial.datetime_start, trial.datetime_complete = old.datetime_start, old.datetime_complete
    return trial


def _copy_runs(
    found: Fit, trial: FrozenTrial, wanted: int, growth: Growth, tasks: Tasks, announce: Announce | None
) -> None:
    for place, (run, path) in enumerate(zip(found.runs, tasks.paths(trial.number), strict=False)):
        name = run_name(trial.number, place, len(tasks.paths(trial.number)))
        facts = {
            "name": f"{name}, kept from {growth.study}, trial {wanted}",
            "tags": {**tasks.tags(trial), KEPT_TAG: f"{growth.study} {wanted}"},
            "parent": os.path.relpath(tasks.directory, path),
        }
        copy_run(run, path, facts)
        if announce is not None:
            announce(path)
