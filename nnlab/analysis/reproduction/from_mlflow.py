"""What MLflow has of a run whose directory is gone, as a run directory among the temporary files.

Config, command and provenance are the files that were uploaded; the numbers are those that MLflow's pages show: the
metric histories and the tags. What comes from there is read like any run directory, of which nothing is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from nnlab.analysis.reproduction.in_mlflow import PARENT_TAG, MlflowRun, answering
from nnlab.errors import UserError
from nnlab.runs.directory import CONFIG, JOURNAL, OVERRIDES, PROVENANCE, TRIALS
from nnlab.runs.files import write_atomically
from nnlab.runs.journal import Status, line_of
from nnlab.runs.reading import LARGEST
from nnlab.runs.scratch import scratch
from nnlab.runs.stored_run import StoredRun
from nnlab.runs.tags import EXTENDED_TAG, STATUS_TAG

FILES = (CONFIG, OVERRIDES, PROVENANCE)
FOR_CODE = ("code.diff", "requirements.txt")
STUDY_FOLDER = "study"
NOTE_TAG = "mlflow.note.content"

LARGEST_IN_SQL = 1.7976931348623157e308
"""What MLflow's databases hold instead of infinity."""

OF_TEST, OF_KEPT = "test/", ("best/", "objective")
"""How the names of metrics begin that are not an epoch's."""

EXTENSION = re.compile(r"after epoch ([0-9]{1,18}) to ([0-9]{1,18}) epochs")


@contextmanager
def as_directory(mlflow_run: MlflowRun) -> Iterator[StoredRun]:
    """The run as a run directory, which is there in the block.

    Raises:
        UserError: if MLflow does not have enough of it, with what is missing.
    """
    with scratch("run") as folder:
        with answering(mlflow_run.uri):
            path = _copied(mlflow_run, folder)
        yield StoredRun.open(path)


def _copied(mlflow_run: MlflowRun, folder: Path) -> Path:
    """A run directory, where a study has those of its trials, beside what it keeps for all of them."""
    client, study = mlflow_run.client, folder / STUDY_FOLDER
    path = study / TRIALS / mlflow_run.name
    path.mkdir(parents=True)
    for name in _files(mlflow_run):
        client.download_artifacts(mlflow_run.run_id, name, str(path))
    if (parent := mlflow_run.run.data.tags.get(PARENT_TAG)) is not None:
        for each in client.list_artifacts(parent):
            if each.path.endswith(".diff") and (each.file_size or 0) <= LARGEST:
                client.download_artifacts(parent, each.path, str(study))
    write_atomically(path / JOURNAL, b"".join(_journal(mlflow_run)))
    return path


def _files(mlflow_run: MlflowRun) -> list[str]:
    there = {each.path: each for each in mlflow_run.client.list_artifacts(mlflow_run.run_id)}
    missing = [name for name in FILES if name not in there]
    if missing:
        raise UserError(
            f"MLflow must have the files of a run whose directory is gone, but of {mlflow_run.run_id} it lacks "
            f"{', '.join(missing)}. Restore the run directory, or MLflow's files: {mlflow_run.run.info.artifact_uri}"
        )
    wanted = [name for name in (*FILES, *FOR_CODE) if name in there]
    for name in wanted:
        if (there[name].file_size or 0) > LARGEST:
            raise UserError(f"MLflow's {name} of {mlflow_run.run_id} has more than {LARGEST:,} bytes: it is damaged.")
    return wanted


def _journal(mlflow_run: MlflowRun) -> Iterator[bytes]:
    """The lines of the run's journal, as MLflow's histories and tags say it."""
    run = mlflow_run.run
    tags = {key: value for key, value in run.data.tags.items() if key.startswith("nnlab.")}
    epochs: dict[int, dict[str, float]] = {}
    tests: dict[int, dict[str, float]] = {}
    kept: dict[int, dict[str, float]] = {}
    for name in run.data.metrics:
        by_step = tests if name.startswith(OF_TEST) else kept if name.startswith(OF_KEPT) else epochs
        for step, value in _history(mlflow_run, name).items():
            by_step.setdefault(step, {})[name] = value
    start, end = run.info.start_time, run.info.end_time or run.info.start_time
    extensions = {int(after): int(to) for after, to in EXTENSION.findall(tags.get(EXTENDED_TAG, ""))}
    yield line_of("start", {"time": start, "goes_on": False})
    for epoch, metrics in sorted(epochs.items()):
        yield line_of("epoch", {"time": start, "epoch": epoch, "metrics": metrics})
        if epoch in extensions:
            yield line_of("start", {"time": start, "goes_on": True, "epochs": extensions[epoch]})
    for epoch, metrics in sorted(tests.items())[-1:]:
        yield line_of("test", {"time": end, "epoch": epoch, "metrics": metrics})
    for epoch, metrics in sorted(kept.items()):
        yield line_of("kept", {"time": end, "epoch": epoch, "metrics": metrics})
    yield line_of("note", {"time": end, "tags": tags})
    status = tags.get(STATUS_TAG)
    if status in get_args(Status):
        yield line_of("end", {"time": end, "status": status, "reason": run.data.tags.get(NOTE_TAG)})


def _history(mlflow_run: MlflowRun, name: str) -> dict[int, float]:
    """A metric by its steps; where MLflow has several values of a step, the latest, which its pages show."""
    found = mlflow_run.client.get_metric_history(mlflow_run.run_id, name)
    return {point.step: _number(point.value) for point in sorted(found, key=lambda point: point.timestamp)}


def _number(value: float) -> float:
    return float("inf") * (1 if value > 0 else -1) if abs(value) >= LARGEST_IN_SQL else float(value)
