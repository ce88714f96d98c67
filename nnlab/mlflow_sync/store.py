"""Creates MLflow's SQLite store: whole or not at all, and once, however many processes start together."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from nnlab.config.tracking_uri import sqlite_path, sqlite_uri
from nnlab.errors import RunFailedError
from nnlab.paths import environment_of_mlflow
from nnlab.runs.files import FileLock


def ensure_store(uri: str, artifact_root: Path, is_making: Callable[[], None] = lambda: None) -> None:
    """Create a SQLite store if it is missing, and check it; other stores manage themselves.

    MLflow's own first start is safe neither from a second one nor from a kill. So it happens under a
    lock and under another name, and the finished file is renamed.

    Args:
        uri: resolved.
        artifact_root: absolute, for the experiment "Default" that MLflow creates by itself.
        is_making: called when the store does not exist yet and can be created, by this process or another; that takes
            seconds.

    Raises:
        RunFailedError: if the store cannot be created, is not MLflow's, or belongs to another version of MLflow.
    """
    path = sqlite_path(uri)
    if path is None:
        return
    os.environ |= environment_of_mlflow()
    from mlflow.store.db import utils

    # MLflow takes the address for a path, and would make a folder by that name where it is quoted.
    utils._make_parent_dirs_if_sqlite = lambda db_uri: None
    try:
        if not _has_content(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            is_making()
            with FileLock(path.with_name(f"{path.name}.lock")):
                _remove_drafts(path)
                if not _has_content(path):
                    _create(path, artifact_root)
    except OSError as error:
        raise RunFailedError(f"MLflow's store {path} could not be created ({error.strerror or error}).") from error
    _verify(path)


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _remove_drafts(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{_draft(path)}{suffix}").unlink()


def _create(path: Path, artifact_root: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    draft = _draft(path)
    _check_can_be_made(draft)
    store = SqlAlchemyStore(sqlite_uri(draft), artifact_root.as_uri())  # type: ignore[no-untyped-call]
    store.engine.dispose()
    _verify(draft)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(path)


def _check_can_be_made(draft: Path) -> None:
    """MLflow tries for two minutes to open a file that cannot be."""
    try:
        with closing(sqlite3.connect(draft)) as database:
            database.execute("PRAGMA user_version = 0")
    except sqlite3.Error as error:
        raise RunFailedError(f"MLflow's store {draft} could not be created ({error}).") from error


def _verify(path: Path) -> None:
    """Check that the file is a store of the installed MLflow's schema; it is never upgraded from here."""
    from mlflow.store.db.utils import _get_alembic_config, _get_latest_schema_revision

    try:
        # Not `mode=ro`: what a killed process left half-written is rolled back by the next reader, who has to
        # write for that. SQLite reads a file that may not be written all the same.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=20)) as database:
            (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        is_passing = isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error)
        if is_passing:
            raise RunFailedError(f"MLflow's store {path} cannot be read at present ({error}).") from error
        raise RunFailedError(
            f"MLflow's store must be one that MLflow created, but {path} cannot be read as one ({error}). "
            "Move the file away: a new one will be created, and the run directories still hold all runs."
        ) from error
    expected = _get_latest_schema_revision()  # type: ignore[no-untyped-call]
    if found != expected:
        from alembic.script import ScriptDirectory

        scripts = ScriptDirectory.from_config(_get_alembic_config(""))  # type: ignore[no-untyped-call]
        is_older = found in {script.revision for script in scripts.walk_revisions()}
        remedy = (
            f"Copy the file as a backup, then run: mlflow db upgrade {shlex.quote(sqlite_uri(path))}"
            if is_older
            else "Use the newer MLflow that wrote it, or another store by tracking.uri"
        )
        raise RunFailedError(
            f"MLflow's store must have the installed MLflow's schema ({expected}), but {path} is "
            f"{'older' if is_older else 'newer'} ({found}). {remedy}."
        )
