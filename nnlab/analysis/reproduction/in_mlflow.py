"""Runs that are looked up in MLflow, where their directories are gone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.config.tracking_uri import sqlite_path
from nnlab.errors import UserError
from nnlab.mlflow_sync.launch import NEVER, UNLESS_SET
from nnlab.paths import environment_of_mlflow
from nnlab.redaction import redacted
from nnlab.runs.tags import RUN_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARENT_TAG = "mlflow.parentRunId"
NAME = re.compile(r"[^/\0]{1,200}")


@dataclass(frozen=True)
class MlflowRun:
    """A run of MLflow.

    Attributes:
        client: of the store.
        run: as MLflow has it.
        uri: of the store.
    """

    client: MlflowClient
    run: Run
    uri: str

    @property
    def run_id(self) -> str:
        """MLflow's id of the run."""
        return str(self.run.info.run_id)

    @property
    def name(self) -> str:
        """That its directory had, if a directory can have it."""
        name = str(self.run.data.tags[RUN_TAG])
        return name if NAME.fullmatch(name) and name not in (".", "..") else self.run_id

    def tag(self, tags: Mapping[str, str]) -> None:
        """Set tags of the run.

        Raises:
            UserError: if MLflow does not take them.
        """
        with answering(self.uri):
            for key, value in tags.items():
                self.client.set_tag(self.run_id, key, value)


@contextmanager
def answering(uri: str) -> Iterator[None]:
    """What MLflow raises in the block, as a message.

    Raises:
        UserError: with what MLflow says.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever MLflow raises
        from nnlab.mlflow_sync.trouble import trouble

        found = trouble(error)
        remedy = " Try again when it answers, or name another with --tracking-uri." if found.kind == "passing" else ""
        raise UserError(f"MLflow at {redacted(uri)} does not give the run: {found.text}{remedy}") from error


def connected(uri: str, runs_dir: Path) -> MlflowClient:
    """A client of MLflow's store, which must be there.

    Raises:
        UserError: if it is not, or does not answer.
    """
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        raise UserError(f"MLflow has no store at {redacted(uri)}. Name it with --tracking-uri or MLFLOW_TRACKING_URI.")
    for name in NEVER:
        os.environ.pop(name, None)
    waiting = {name: value for name, value in UNLESS_SET.items() if name not in os.environ}
    os.environ |= waiting | environment_of_mlflow() | {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
    with answering(uri):
        from nnlab.mlflow_sync.store import connect

        client = connect(uri, runs_dir.absolute() / "artifacts")
        client.search_experiments(max_results=1)
        return client


def run_by_id(client: MlflowClient, run_id: str, uri: str) -> MlflowRun:
    """The run of nnlab that MLflow knows by this id.

    Raises:
        UserError: if there is none, or it was deleted there.
    """
    with answering(uri):
        run = client.get_run(run_id)
    if run.info.lifecycle_stage == "deleted":
        raise UserError(
            f"A run must not be deleted in MLflow, but {run_id} is. Restore it: mlflow runs restore --run-id {run_id}"
        )
    if RUN_TAG not in run.data.tags:
        raise UserError(f"A run must be one of nnlab's, but MLflow's {run_id} has no tag {RUN_TAG}. Check the id.")
    return MlflowRun(client, run, uri)


def runs_named(client: MlflowClient, name: str, uri: str) -> list[MlflowRun]:
    """The runs of nnlab whose directory had this name; none for a name that MLflow's filters cannot hold."""
    if any(sign in name for sign in "'\"\\\n"):
        return []
    return _matching(client, f"tags.`{RUN_TAG}` = '{name}'", uri)


def runs_of_study(client: MlflowClient, study: MlflowRun) -> list[MlflowRun]:
    """The runs of a study's trials, by the names of their directories."""
    found = _matching(client, f"tags.`{PARENT_TAG}` = '{study.run_id}'", study.uri)
    return sorted(found, key=lambda each: each.name)


def _matching(client: MlflowClient, filter_string: str, uri: str) -> list[MlflowRun]:
    from nnlab.mlflow_sync.lookup import experiments_in, runs_in

    with answering(uri):
        found = list(runs_in(client, list(experiments_in(client)), filter_string))
    return [
        MlflowRun(client, run, uri)
        for run in found
        if run.info.lifecycle_stage != "deleted" and RUN_TAG in run.data.tags
    ]
