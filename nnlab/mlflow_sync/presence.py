"""Whether MLflow still has what it once had: a store may be lost, emptied, restored from a backup or replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from nnlab.config.tracking_uri import sqlite_path
from nnlab.mlflow_sync.artifacts import has_model, names
from nnlab.mlflow_sync.logged_model import has_its_files
from nnlab.mlflow_sync.lookup import runs_in
from nnlab.mlflow_sync.places import may_be_there
from nnlab.mlflow_sync.state import SyncState
from nnlab.mlflow_sync.upload import LOCK, PARENT_TAG
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, TRIALS
from nnlab.runs.files import FileLock


def lost(runs: Sequence[tuple[Path, SyncState]], client: MlflowClient) -> list[Path]:
    """Which of these runs the store does not have as it should; one search for each experiment.

    Args:
        runs: directories, and what is noted of the store there; studies before trials.
        client: of the store.
    """
    by_experiment = defaultdict(set)
    for _, state in runs:
        if state.experiment_id is not None:
            by_experiment[state.experiment_id].add(state.run_id)
    there: dict[str, Run] = {}
    for experiment_id, wanted in by_experiment.items():
        there |= {run.info.run_id: run for run in runs_in(client, [experiment_id]) if run.info.run_id in wanted}
    has_local_files = sqlite_path(client.tracking_uri) is not None
    without_model = _with_lost_models(client, list(by_experiment)) if has_local_files else set()
    found, gone = [], set()
    for path, state in runs:
        run = there.get(state.run_id or "")
        if run is None:
            is_lost = not state.is_deleted  # one that the user deleted may be gone for good by now
            gone.add(path)
        elif run.info.lifecycle_stage == "deleted":
            is_lost = False
        else:
            is_lost = (
                state.is_deleted  # restored since
                or run.info.status == "RUNNING"
                or run.info.end_time != journal.last_time(path / JOURNAL)
                or (path.parent.name == TRIALS and _has_lost_its_study(path, run, gone, client.tracking_uri))
                or (has_local_files and not may_be_there(run.info.artifact_uri, names(path)))
                or (state.run_id in without_model and has_model(path))
            )
        if is_lost:
            found.append(path)
    return found


def forget(run: Path, uri: str, *, is_copy: bool) -> None:
    """Note that the store lacks something of the run in the directory `run`: all of it is sent again.

    Raises:
        BlockingIOError: if another process is uploading the run.
        RunFailedError: if that cannot be noted.
    """
    with FileLock(run / LOCK, wait=False):
        state = SyncState.of(run, uri)
        if state is not None:
            changed = replace(state, may_exist=True, is_described=False, is_closed=False, is_deleted=False, offset=0)
            changed.save(run, is_copy=is_copy)


def _with_lost_models(client: MlflowClient, experiments: list[str]) -> set[str]:
    """The ids of the runs that have logged models in MLflow, but none whose files are there."""
    has_files: dict[str, bool] = {}
    token = None
    while experiments:
        page = client.search_logged_models(experiments, page_token=token)
        for model in page:
            if model.source_run_id is not None:
                before = has_files.get(model.source_run_id, False)
                has_files[model.source_run_id] = before or has_its_files(model)
        token = page.token
        if not token:
            break
    return {run_id for run_id, has in has_files.items() if not has}


def _has_lost_its_study(path: Path, run: Run, gone: Collection[Path], uri: str) -> bool:
    """Whether a trial is below another run than its study's, or below none."""
    study = path.parent.parent
    state = SyncState.of(study, uri)
    return study in gone or (state is not None and run.data.tags.get(PARENT_TAG) != state.run_id)
