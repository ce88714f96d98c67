"""Which run of MLflow is that of a run directory: by the id that is noted there, or by tag and start time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from nnlab.errors import UserError
from nnlab.mlflow_sync.contents import Description
from nnlab.mlflow_sync.state import SyncState
from nnlab.runs.tags import RUN_TAG

PAGE = 1000
"""Runs in one answer of MLflow."""


def runs_in(client: MlflowClient, experiments: list[str], filter_string: str = "") -> Iterator[Run]:
    """All runs of these experiments that MLflow's filter lets through, deleted ones too."""
    token = None
    while experiments:
        page = client.search_runs(experiments, filter_string, ViewType.ALL, PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def run_of(client: MlflowClient, about: Description) -> Run | None:
    """The run of a directory, by its tag and its start time, whatever its experiment is called by now.

    Names of studies come back where their folders were deleted: the time says which run is meant. The name is compared
    here, since a filter cannot hold every name that a directory may have.
    """
    meant = client.get_experiment_by_name(about.experiment)
    first = [] if meant is None else [meant.experiment_id]
    for experiments in (first, [each for each in experiments_in(client) if each not in first]):
        for run in runs_in(client, experiments, f"attributes.start_time = {about.started_at}"):
            if run.data.tags.get(RUN_TAG) == about.name:
                return run
    return None


def is_of_another(run: Run, path: Path, about: Description, state: SyncState) -> bool:
    """Whether the run that is noted in the directory `path` is that of another directory, from which the note came.

    So it is with a copy of a run directory, and the run of the other would get what the copy becomes. A directory that
    was renamed keeps its run.
    """
    if run.info.start_time != about.started_at:
        return True
    name = run.data.tags.get(RUN_TAG, path.name)
    if name in (path.name, "", ".", "..") or "/" in name:
        return False
    with suppress(UserError, OSError, ValueError):  # damaged, or no name at all
        noted = SyncState.of(path.with_name(name), state.tracking_uri)
        return noted is not None and noted.run_id == state.run_id
    return False


def experiments_in(client: MlflowClient) -> Iterator[str]:
    """The ids of all experiments, deleted ones too."""
    token = None
    while True:
        page = client.search_experiments(ViewType.ALL, page_token=token)
        yield from (experiment.experiment_id for experiment in page)
        token = page.token
        if not token:
            return
