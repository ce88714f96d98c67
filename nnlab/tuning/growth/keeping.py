"""Brings the trials that a study keeps into it: first copies of their runs, then a record of each in its storage.

A study that is killed meanwhile goes on where it was when it is resumed; until then it needs the other one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from nnlab.runs.copies import copy_run
from nnlab.runs.recorder import Announce
from nnlab.runs.tags import KEPT_TAG
from nnlab.tuning.growth.growth import Growth
from nnlab.tuning.growth.here import trials_here
from nnlab.tuning.plan import Plan
from nnlab.tuning.search.settings import direction
from nnlab.tuning.storage import JOURNAL_FILE, answering
from nnlab.tuning.tasks import Tasks
from nnlab.tuning.trial import run_name
from nnlab.tuning.trials import OUTCOME


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
    for trial, runs in trials_here(growth, plan, present):
        paths = tasks.paths(trial.number)[: len(runs)]
        for place, (run, path) in enumerate(zip(runs, paths, strict=True)):
            copy_run(run, path, _facts(trial, place, path, growth, tasks))
            if announce is not None:
                announce(path)
        trial.user_attrs[OUTCOME]["runs"] = [path.name for path in paths]
        with answering():
            study.add_trial(trial)


def _facts(trial: FrozenTrial, place: int, path: Path, growth: Growth, tasks: Tasks) -> dict[str, Any]:
    """What `provenance.json` of a copy says otherwise than that of the run."""
    wanted = growth.trials[trial.number]
    name = run_name(trial.number, place, len(tasks.paths(trial.number)))
    return {
        "name": f"{name}, kept from {growth.study}, trial {wanted}",
        "tags": {**tasks.tags(trial), KEPT_TAG: f"{growth.study} {wanted}"},
        "parent": os.path.relpath(tasks.directory, path),
    }
