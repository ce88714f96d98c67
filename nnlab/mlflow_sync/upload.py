"""Brings what a run's directory holds into MLflow. Doing it twice, or again after a kill, changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Param, Run, RunTag
from mlflow.exceptions import MlflowException

from nnlab.config.tracking_uri import sqlite_path
from nnlab.mlflow_sync.artifacts import artifacts, has_model
from nnlab.mlflow_sync.asking import asked_once
from nnlab.mlflow_sync.contents import News, read_description, read_news
from nnlab.mlflow_sync.experiments import ensure_experiment
from nnlab.mlflow_sync.logged_model import log_model
from nnlab.mlflow_sync.lookup import is_of_another, run_of
from nnlab.mlflow_sync.places import check_links
from nnlab.mlflow_sync.state import AwaitsParentError, SyncState, note_destination
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, MODEL
from nnlab.runs.files import FileLock
from nnlab.runs.stored_run import StoredRun

MLFLOW_STATUS = {"finished": "FINISHED", "pruned": "FINISHED", "diverged": "FAILED", "failed": "FAILED"}
"""The others, interrupted, killed and over a limit, are KILLED."""
MARKS = {"pruned": " (pruned)", "over_limit": " (over limit)"}
"""What follows the name of a run that its study has ended."""

LOCK = "mlflow.lock"

PARENT_TAG = "mlflow.parentRunId"


def upload(run: Path, client: MlflowClient, *, is_copy: bool = False) -> SyncState:
    """Send everything in the run directory `run` that MLflow does not have yet.

    Args:
        run: absolute.
        client: of a store that exists.
        is_copy: the run goes elsewhere by itself; this store only gets a copy.

    Returns:
        What MLflow has now; closed once the run has ended and all has arrived.

    Raises:
        AwaitsParentError: if the run is a trial, and MLflow does not have its study.
        BlockingIOError: if another process is uploading the same run.
        UserError: if a file of the run is damaged, or its experiment is deleted in MLflow.
        RunFailedError: if the run's directory cannot be written.
        MlflowException: if MLflow does not accept it; what it accepted is remembered.
    """
    with FileLock(run / LOCK, wait=False):
        if not is_copy:
            note_destination(client.tracking_uri, run)
        state = SyncState.of(run, client.tracking_uri) or SyncState(tracking_uri=redacted(client.tracking_uri))
        if state.has_all(run) or (state.is_described and state.offset == journal.length(run / JOURNAL)):
            return state
        return _Upload(run, client, state, is_copy=is_copy).all()


class _Upload:
    """One pass over a run directory. What is damaged in it is found before anything is sent, but for the model and the
    later portions of a long journal."""

    def __init__(self, run: Path, client: MlflowClient, state: SyncState, *, is_copy: bool) -> None:
        self._run = run
        self._client = client
        self._state = state
        self._is_copy = is_copy
        self._description = read_description(run)
        self._news = read_news(run, state.offset, self._description.tags)

    def all(self) -> SyncState:
        offset = self._state.offset
        run = self._open()
        if self._state.offset != offset:
            self._news = read_news(self._run, self._state.offset, self._description.tags)
        news = self._news
        if run is None:
            problem = "the run was deleted in MLflow"
            self._remember(offset=news.offset, is_closed=True, is_deleted=True, problem=problem)
            return self._state
        if news.end is None and run.info.status != "RUNNING":
            self._client.update_run(self._id, "RUNNING")
        self._send(news, run)
        while not news.is_last:
            self._remember(is_described=True, offset=news.offset, problem=None)
            news = read_news(self._run, news.offset, self._description.tags)
            self._send(news, run)
        self._rename(run.info.run_name, MARKS.get(news.end["status"], "") if news.end is not None else "")
        if news.end is not None:
            self._close(news, run.info.artifact_uri)
        self._remember(is_described=True, offset=news.offset, is_closed=news.end is not None, problem=None)
        return self._state

    @property
    def _id(self) -> str:
        assert self._state.run_id is not None
        return self._state.run_id

    def _remember(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        self._state.save(self._run, is_copy=self._is_copy)

    def _open(self) -> Run | None:
        """Find the run in MLflow, or create it; None if it was deleted there. A store that lost it gets all again."""
        run = self._known()
        if run is None and self._state.is_deleted:  # for good by now
            return None
        if run is None:
            run = self._found() or self._created()
        if run.info.lifecycle_stage == "deleted":
            return None
        if self._state.is_deleted:  # and restored since: nothing was sent meanwhile
            self._forget(is_deleted=False)
        parent_run_id = self._parent_run_id()
        if parent_run_id is not None and run.data.tags.get(PARENT_TAG) != parent_run_id:
            self._client.set_tag(self._id, PARENT_TAG, parent_run_id)  # its study was lost, and is there again
        return run

    def _known(self) -> Run | None:
        """The run whose id is noted."""
        if self._state.run_id is None:
            return None
        try:
            run = self._client.get_run(self._state.run_id)
            if not is_of_another(run, self._run, self._description, self._state):
                return run
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        self._forget(run_id=None, may_exist=True)
        return None

    def _found(self) -> Run | None:
        """The run whose id was not noted any more."""
        run = run_of(self._client, self._description) if self._state.may_exist else None
        if run is not None:
            self._forget(experiment_id=run.info.experiment_id, run_id=run.info.run_id)
        return run

    def _created(self) -> Run:
        about, parent_run_id = self._description, self._parent_run_id()
        if about.parent is not None and parent_run_id is None:
            raise AwaitsParentError(about.parent)
        experiment_id = self._experiment(about.experiment)
        self._remember(may_exist=True)
        tags = dict(about.identity) | ({} if parent_run_id is None else {PARENT_TAG: parent_run_id})
        with asked_once():
            run = self._client.create_run(experiment_id, about.started_at, tags, about.shown_name)
        self._forget(experiment_id=experiment_id, run_id=run.info.run_id)
        return run

    def _forget(self, **changes: Any) -> None:
        """All is to be sent again: what has arrived before is not doubled by that."""
        self._remember(is_described=False, is_closed=False, offset=0, **changes)

    def _parent_run_id(self) -> str | None:
        """MLflow's id of the study; None if there is none, or MLflow does not have it."""
        if self._description.parent is None:
            return None
        state = SyncState.of(self._description.parent, self._client.tracking_uri)
        return None if state is None else state.run_id

    def _rename(self, shown: str, mark: str) -> None:
        """Let the name say that the run was pruned or over a limit, until it is restarted; a name that the user gave it
        is kept."""
        name = self._description.shown_name
        wanted = f"{name}{mark}"
        if shown in (name, *(f"{name}{each}" for each in MARKS.values())) and shown != wanted:
            self._client.update_run(self._id, name=wanted)

    def _experiment(self, name: str) -> str:
        database = sqlite_path(self._client.tracking_uri) if self._is_copy else None
        beside = database or self._description.parent or self._run
        return ensure_experiment(self._client, name, beside.parent / "artifacts")

    def _send(self, news: News, run: Run) -> None:
        """Send metrics and tags, and the first time params and dataset; the client keeps to MLflow's limits by itself.

        MLflow never changes a param, so those that it has are left.
        """
        params: list[Param] = []
        if not self._state.is_described:
            wanted = self._description.params.items()
            params = [Param(key, value) for key, value in wanted if key not in run.data.params]
            self._log_dataset()
        tags = [RunTag(key, value) for key, value in news.tags.items()]
        self._client.log_batch(self._id, news.metrics, params, tags)

    def _log_dataset(self) -> None:
        """Two processes that log one dataset at the same moment both make it; the one that is refused asks again."""
        try:
            self._client.log_inputs(self._id, datasets=[self._description.dataset])
        except MlflowException as error:
            if "IntegrityError" not in str(error) and "UniqueViolation" not in str(error):
                raise
            self._client.log_inputs(self._id, datasets=[self._description.dataset])

    def _close(self, news: News, place: str) -> None:
        """Send the files and the status; a file that fails does not keep the run open in MLflow.

        MLflow's list of models gets those of single runs and of a study's winner; any other trial's model is there
        as files. Hundreds of them would bury the one that matters, and each costs 0.1 s.
        """
        try:
            with artifacts(self._run) as copy:
                check_links(place)
                self._client.log_artifacts(self._id, str(copy))
                if (news.is_tested or self._description.parent is None) and has_model(copy):
                    model = StoredRun(self._run).model()
                    log_model(model, copy / MODEL, self._client, self._id, str(self._state.experiment_id))
        finally:
            assert news.end is not None
            status = MLFLOW_STATUS.get(news.end["status"], "KILLED")
            self._client.set_terminated(self._id, status, news.end["time"])
