"""Brings what a run's directory holds into MLflow. Doing it twice, or again after a kill, changes nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException

from nnlab.errors import UserError
from nnlab.mlflow_sync import fields as description
from nnlab.mlflow_sync.artifacts import artifacts, has_model
from nnlab.mlflow_sync.logged_model import log_model
from nnlab.mlflow_sync.state import AwaitsParentError, SyncState, note_destination
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, MODEL
from nnlab.runs.files import FileLock, read_bytes, read_text
from nnlab.runs.journal import Event
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import STATUS_TAG

MLFLOW_STATUS = {"finished": "FINISHED", "pruned": "FINISHED", "diverged": "FAILED", "failed": "FAILED"}
"""The others, interrupted and killed, are KILLED."""

LOCK = "mlflow.lock"

_SAFE_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def upload(run: Path, client: MlflowClient) -> SyncState:
    """Send everything in the run directory `run` that MLflow does not have yet.

    Args:
        run: absolute.
        client: of a store that exists.

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
        note_destination(client.tracking_uri, run)
        state = SyncState.of(run) or SyncState(tracking_uri=redacted(client.tracking_uri))
        if state.has_all(run) or (state.is_described and state.offset == (run / JOURNAL).stat().st_size):
            return state
        return _Upload(run, client, state).all()


class _Upload:
    """One pass over a run directory."""

    def __init__(self, run: Path, client: MlflowClient, state: SyncState) -> None:
        self._run = run
        self._client = client
        self._state = state
        self._journal = run / JOURNAL
        try:
            self._provenance = json.loads(read_bytes(run / "provenance.json"))
            self._config = yaml.load(read_text(run / "config.yaml"), _SAFE_LOADER)
        except (ValueError, yaml.YAMLError) as error:
            raise UserError(
                f"provenance.json and config.yaml must be as nnlab wrote them, but in {run} they are damaged "
                f"({' '.join(str(error).split())}). Restore them, or move the run directory away."
            ) from error
        parent = self._provenance.get("parent")
        self._parent = None if parent is None else Path(os.path.normpath(run / parent))

    def all(self) -> SyncState:
        run = self._open()
        sent, _ = journal.read(self._journal, until=self._state.offset)
        events, offset = journal.read(self._journal, self._state.offset)
        if run.info.lifecycle_stage == "deleted":
            self._remember(offset=offset, is_closed=True, is_deleted=True, problem="the run was deleted in MLflow")
            return self._state
        end = journal.end_of(events)
        if end is None and run.info.status != "RUNNING":
            self._client.update_run(self._id, "RUNNING")
        self._rename(run.info.run_name, end)
        self._send(sent, events)
        if end is not None:
            self._close(end, is_tested=any(event["event"] == "test" for event in sent + events))
        self._remember(is_described=True, offset=offset, is_closed=end is not None, problem=None)
        return self._state

    @property
    def _id(self) -> str:
        assert self._state.run_id is not None
        return self._state.run_id

    def _remember(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        self._state.save(self._run)

    def _open(self) -> Run:
        """Find the run in MLflow, or create it. A store that lost the run gets all of it again."""
        if self._state.run_id is not None:
            try:
                return self._client.get_run(self._state.run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
        parent_run_id = self._parent_run_id()
        (start, *_), _ = journal.read(self._journal)
        name = self._run.name
        experiment_id = self._experiment((self._config.get("tracking") or {}).get("experiment") or "nnlab")
        # Names of studies come back where their folders were deleted: the time says which run is meant.
        ours = f"tags.`nnlab.run` = '{name}' AND attributes.start_time = {start['time']}"
        found = self._client.search_runs([experiment_id], ours, ViewType.ALL, 1) if self._state.may_exist else []
        if found:
            run = found[0]
        else:
            self._remember(may_exist=True)
            identity = description.identity(name, self._provenance, parent_run_id)
            run = self._client.create_run(experiment_id, start["time"], identity, self._provenance.get("name", name))
        self._remember(
            experiment_id=experiment_id, run_id=run.info.run_id, is_described=False, is_closed=False, offset=0
        )
        return run

    def _rename(self, shown: str, end: Event | None) -> None:
        """Let the name say that the run was pruned, until it is restarted; a name that the user gave it is kept."""
        name = self._provenance.get("name", self._run.name)
        marked = f"{name} (pruned)"
        wanted = marked if end is not None and end["status"] == "pruned" else name
        if shown in (name, marked) and shown != wanted:
            self._client.update_run(self._id, name=wanted)

    def _parent_run_id(self) -> str | None:
        if self._parent is None:
            return None
        state = SyncState.of(self._parent, self._client.tracking_uri)
        if state is None or state.run_id is None:
            raise AwaitsParentError(self._parent)
        return state.run_id

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            folder = (self._parent or self._run).parent / "artifacts" / re.sub(r"[^\w-]+", "_", name)
            is_server = self._client.tracking_uri.startswith("http")  # which has a place of its own for files
            try:
                return str(self._client.create_experiment(name, None if is_server else folder.as_uri()))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # Another process made it just now.
                experiment = self._client.get_experiment_by_name(name)
        if experiment is None or experiment.lifecycle_stage != "active":
            raise UserError(
                f"MLflow's experiment must not be deleted, but {name!r} is. "
                "Restore it (mlflow experiments restore), or choose another by tracking.experiment."
            )
        return str(experiment.experiment_id)

    def _send(self, sent: list[Event], events: list[Event]) -> None:
        """Send metrics and tags, and the first time params and dataset; the client keeps to MLflow's limits by itself.

        MLflow would keep a metric of the same step once more if its time or value differed. So of all that the
        journal says of a step the first value is sent, however often: a run that was restarted repeats its epochs. What
        runs are compared by is sent again where it differs, since the last value is the true one.
        """
        params: list[Param] = []
        if not self._state.is_described:
            params = [Param(key, value) for key, value in description.params(self._config).items()]
            self._client.log_inputs(self._id, datasets=[description.dataset_input(self._provenance)])
        arrived = {point for point, _ in _points(sent)}
        metrics = []
        for point, metric in _points(events):
            if point not in arrived:
                arrived.add(point)
                metrics.append(metric)
        tags = [RunTag(key, value[: description.TAG_LENGTH]) for key, value in self._tags(sent, events).items()]
        self._client.log_batch(self._id, metrics, params, tags)

    def _tags(self, sent: list[Event], events: list[Event]) -> dict[str, str]:
        tags: dict[str, str] = {}
        for event in events:
            match event["event"]:
                case "start":
                    tags |= description.tags(self._provenance)
                case "note":
                    tags |= event["tags"]
                case "end":
                    tags[STATUS_TAG] = event["status"]
        end = journal.end_of(events)
        if end is not None and any(event.get("reason") for event in sent + events):
            tags["mlflow.note.content"] = end["reason"] or ""  # an earlier end no longer counts
        return tags

    def _close(self, end: Event, *, is_tested: bool) -> None:
        """Send the files and the status; a file that fails does not keep the run open in MLflow.

        MLflow's list of models gets those of single runs and of a study's winner; any other trial's model is there
        as files. Hundreds of them would bury the one that matters, and each costs 0.1 s.
        """
        try:
            with artifacts(self._run) as copy:
                self._client.log_artifacts(self._id, str(copy))
                if (is_tested or self._parent is None) and has_model(copy):
                    model = StoredRun(self._run).model()
                    log_model(model, copy / MODEL, self._client, self._id, str(self._state.experiment_id))
        finally:
            self._client.set_terminated(self._id, MLFLOW_STATUS.get(end["status"], "KILLED"), end["time"])


def _points(events: list[Event]) -> Iterator[tuple[tuple[Any, ...], Metric]]:
    """Every number of the journal with what distinguishes it from others, in the journal's order."""
    for event in events:
        if event["event"] in journal.STEP:
            step = event[journal.STEP[event["event"]]]
            for name, value in event["metrics"].items():
                point = (name, step, value) if event["event"] == "kept" else (name, step)
                yield point, Metric(name, value, event["time"], step)
