"""Brings what a run's directory holds into MLflow. Doing it twice, or again after a kill, changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException

from nnlab.errors import UserError
from nnlab.tracking import description, journal
from nnlab.tracking.files import FileLock
from nnlab.tracking.journal import Event
from nnlab.tracking.logged_model import log_model
from nnlab.tracking.redaction import redacted
from nnlab.tracking.run_directory import JOURNAL
from nnlab.tracking.view import View

# MLflow's limits on one call.
METRICS_A_CALL = 1000
PARAMS_A_CALL = 100

MLFLOW_STATUS = {"finished": "FINISHED", "diverged": "FAILED", "failed": "FAILED"}
"""The others, interrupted and killed, are KILLED."""

FILES = (
    "config.yaml",
    "overrides.yaml",
    "provenance.json",
    "requirements.txt",
    "metrics.jsonl",
    "history.csv",
)
FOLDERS = ("model", "plots")

LOCK = "mlflow.lock"


def feed(run: Path, client: MlflowClient) -> View:
    """Send everything of the run directory `run` that MLflow has not got yet.

    Args:
        run: absolute.
        client: of a store that exists.

    Returns:
        What MLflow has got now; closed once the run has ended and all has arrived.

    Raises:
        BlockingIOError: if another process is feeding the same run.
        UserError: if a file of the run is damaged, or its experiment is deleted in MLflow.
        RunFailedError: if the run's directory cannot be written.
        MlflowException: if MLflow does not take it; what it took is remembered.
    """
    with FileLock(run / LOCK, wait=False):
        view = View.of(run) or View(tracking_uri=redacted(client.tracking_uri))
        if view.is_closed or (view.is_described and view.offset == (run / JOURNAL).stat().st_size):
            return view
        return _Feeding(run, client, view).all()


class _Feeding:
    """One pass over a run directory."""

    def __init__(self, run: Path, client: MlflowClient, view: View) -> None:
        self._run = run
        self._client = client
        self._view = view
        try:
            self._provenance = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
            self._config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
        except (ValueError, yaml.YAMLError) as error:
            raise UserError(
                f"provenance.json and config.yaml must be as nnlab wrote them, but in {run} they are damaged "
                f"({' '.join(str(error).split())}). Restore them, or move the run directory away."
            ) from error

    def all(self) -> View:
        if self._open().info.lifecycle_stage == "deleted":
            self._remember(is_closed=True, problem="the run was deleted in MLflow")
            return self._view
        if not self._view.is_described:
            self._describe()
        events, offset = journal.read(self._run / JOURNAL, self._view.offset)
        self._send(events)
        end = journal.end_of(events)
        if end is not None:
            self._close(end)
        self._remember(offset=offset, is_closed=end is not None, problem=None)
        return self._view

    @property
    def _id(self) -> str:
        assert self._view.run_id is not None
        return self._view.run_id

    def _remember(self, **changes: Any) -> None:
        self._view = replace(self._view, **changes)
        self._view.save(self._run)

    def _open(self) -> Run:
        """Find the run in MLflow, or make it. A store that lost the run gets all of it again."""
        if self._view.run_id is not None:
            try:
                return self._client.get_run(self._view.run_id)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
        name = self._run.name
        experiment_id = self._experiment((self._config.get("tracking") or {}).get("experiment") or "nnlab")
        found = self._client.search_runs([experiment_id], f"tags.`nnlab.run` = '{name}'", ViewType.ALL, 1)
        if found:
            run = found[0]
        else:
            (start, *_), _ = journal.read(self._run / JOURNAL)
            tags = description.tags(name, self._provenance)
            run = self._client.create_run(experiment_id, start["time"], tags, name)
        self._remember(experiment_id=experiment_id, run_id=run.info.run_id, is_described=False, offset=0)
        return run

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            folder = self._run.parent / "artifacts" / re.sub(r"[^\w-]+", "_", name)
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

    def _describe(self) -> None:
        params = iter([Param(key, value) for key, value in description.params(self._config).items()])
        while batch := list(islice(params, PARAMS_A_CALL)):
            self._client.log_batch(self._id, params=batch)
        self._client.log_inputs(self._id, datasets=[description.dataset_input(self._provenance)])
        self._remember(is_described=True)

    def _send(self, events: list[Event]) -> None:
        metrics = iter(
            [
                Metric(name, value, event["time"], event["epoch"])
                for event in events
                if event["event"] in ("epoch", "test")
                for name, value in event["metrics"].items()
            ]
        )
        while batch := list(islice(metrics, METRICS_A_CALL)):
            self._client.log_batch(self._id, metrics=batch)
        for event in events:
            if event["event"] == "note":
                self._tag(event["tags"])

    def _tag(self, tags: Mapping[str, str]) -> None:
        self._client.log_batch(
            self._id, tags=[RunTag(key, value[: description.TAG_LENGTH]) for key, value in tags.items()]
        )

    def _close(self, end: Event) -> None:
        """Send the files and the status; a file that fails does not keep the run open in MLflow."""
        try:
            for name in FILES:
                if (self._run / name).exists():
                    self._client.log_artifact(self._id, str(self._run / name))
            for name in FOLDERS:
                if (self._run / name).is_dir():
                    self._client.log_artifacts(self._id, str(self._run / name), name)
            if (self._run / "model" / "architecture.json").exists():
                log_model(self._run / "model", self._client, self._id, str(self._view.experiment_id))
        finally:
            reason = {"mlflow.note.content": end["reason"]} if end["reason"] else {}
            self._tag({"nnlab.status": end["status"], **reason})
            self._client.set_terminated(self._id, MLFLOW_STATUS.get(end["status"], "KILLED"), end["time"])
