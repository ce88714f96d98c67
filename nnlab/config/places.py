"""Whether a run can be stored where its config says: checked before anything starts, and reported with all else."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from nnlab.config.problems import ConfigProblem
from nnlab.config.tracking import LONGEST_IN_A_DATABASE
from nnlab.config.tracking_uri import sqlite_path

LONGEST_NAME = 255
"""Bytes of one part of a path, on every file system in use."""


def place_problems(settings: Mapping[str, Any], runs_dir: Path, uri: str | None) -> Iterator[ConfigProblem]:
    """Folders that cannot be written, and names that MLflow would refuse.

    Args:
        settings: the valid values by full key.
        runs_dir: absolute.
        uri: of MLflow, resolved; None if nothing goes there.
    """
    why = why_not_writable(runs_dir)
    if why and "runs_dir" in settings:
        rule = f"must be writable, but a run directory cannot be created there: {why}"
        yield ConfigProblem("runs_dir", rule, str(runs_dir), "another folder, with runs_dir=FOLDER or NNLAB_RUNS_DIR")
    if uri is None:
        return
    database, name = sqlite_path(uri), settings.get("tracking.experiment", "")
    if database is None:
        if len(name) > LONGEST_IN_A_DATABASE:
            rule = f"must have at most {LONGEST_IN_A_DATABASE} characters, but has {len(name)}"
            yield ConfigProblem("tracking.experiment", rule, name, "a shorter name")
        return
    if database.parent != runs_dir and (why := why_not_writable(database.parent)):
        rule = f"must be in a writable folder, but MLflow's store cannot be created there: {why}"
        yield ConfigProblem("tracking.uri", rule, uri, "sqlite:///ANOTHER_FOLDER/mlflow.db, or null")
    if _is_deleted(database, name):
        rule = f"must not be deleted in MLflow, but is in {database}"
        yield ConfigProblem("tracking.experiment", rule, name, "mlflow experiments restore, or another name")


def why_not_writable(folder: Path) -> str:
    """Why nothing can be made in a folder, which need not be there yet; empty if something can."""
    try:
        above = next(path for path in (folder, *folder.parents) if path.exists() or path.is_symlink())
        if not above.is_dir():
            return f"{above} is not a folder"
        if "\0" in str(folder):
            return "a path cannot hold a null character"
        if any(len(part.encode(errors="surrogateescape")) > LONGEST_NAME for part in folder.parts):
            return "File name too long"
        with tempfile.TemporaryDirectory(prefix=".nnlab-", dir=above):
            return ""
    except OSError as error:
        return f"{error.strerror or error}"


def _is_deleted(database: Path, experiment: str) -> bool:
    """Whether the experiment was deleted in the store; False where that cannot be known now."""
    if not os.path.isfile(database):  # also where its folder may not be read
        return False
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=1)) as store:
            found = store.execute("SELECT lifecycle_stage FROM experiments WHERE name = ?", (experiment,)).fetchone()
    except (sqlite3.Error, ValueError):
        return False
    return found is not None and found[0] == "deleted"
