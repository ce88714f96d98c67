"""The job of a run that is on record, from its own config: to go on with it, or to do it again.

Nothing of the directory is believed: the config is checked as any other, and the data must be what it was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nnlab.config.job import Job
from nnlab.config.tracking_uri import is_same_store, resolve_uri, sqlite_path, sqlite_uri
from nnlab.config.validate import validate
from nnlab.errors import UserError
from nnlab.redaction import redacted
from nnlab.runs.files import is_file
from nnlab.runs.stored_config import check_digest, completed
from nnlab.runs.stored_run import StoredRun


def stored_job(
    stored: StoredRun, runs_dir: Path, *, tracking_uri: str | None = None, data_root: Path | None = None
) -> Job:
    """The job of a run, from its own config.

    Args:
        stored: the run.
        runs_dir: the folder of the runs, absolute.
        tracking_uri: the address of MLflow in full, which the run has without its password.
        data_root: where its data is now; None is where it was.

    Raises:
        UserError: if config or data are not what they were, or are gone.
    """
    raw = completed(stored.config)
    raw["runs_dir"] = str(runs_dir)
    if data_root is not None and isinstance(raw.get("data"), dict):
        raw["data"]["root"] = str(data_root)
    if isinstance(raw.get("tracking"), dict) and raw["tracking"].get("enabled"):
        raw["tracking"]["uri"] = destination_of(stored, raw["tracking"].get("uri"), tracking_uri)
    config, dataset = validate(raw)
    check_digest(stored, config)
    known = stored.provenance.get("dataset")
    before = known.get("sha256") if isinstance(known, dict) else None
    if before != dataset.sha256:
        raise UserError(
            f"A run keeps the data that it was started with, but {dataset.name} has changed since: its SHA-256 was "
            f"{before} and is {dataset.sha256}. Restore the data, or start another run."
        )
    return Job(config, dataset, stored.overrides)


def destination_of(stored: StoredRun, known: Any, given: str | None) -> Any:
    """MLflow's address: the one that is given, or the run's own, which was recorded without its password."""
    if given is None and (not isinstance(known, str) or "***" not in known):
        return _where_it_is_now(stored, known)
    if given is not None:
        return resolve_uri(given, stored.path.absolute().parent)
    whole = os.environ.get("MLFLOW_TRACKING_URI") or ""
    if not is_same_store(redacted(whole), str(known)):
        raise UserError(
            f"The run {stored.name} goes to MLflow at {known}, whose password is not recorded. Give the whole address "
            "with --tracking-uri or MLFLOW_TRACKING_URI."
        )
    return whole


def _where_it_is_now(stored: StoredRun, known: Any) -> Any:
    """The address of a store; of a SQLite file that is gone, but is beside the runs, which were moved with it, that."""
    file = sqlite_path(known) if isinstance(known, str) else None
    if file is None or file.exists():
        return known
    run_or_study = [stored.path.absolute().parent, *stored.path.absolute().parents[2:3]]
    return next((sqlite_uri(folder / file.name) for folder in run_or_study if is_file(folder / file.name)), known)
