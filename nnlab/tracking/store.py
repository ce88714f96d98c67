"""Where MLflow keeps its runs, and how a SQLite store comes to be: whole, once, whoever else starts."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, unquote

from nnlab.errors import RunFailedError, UserError
from nnlab.tracking.files import FileLock
from nnlab.tracking.redaction import redacted

_SQLITE = "sqlite:///"
_OPTIONS = re.compile(r"\w+=[^&/]*(&\w+=[^&/]*)*")
_SERVER = re.compile(r"(https?|postgresql|mysql|mssql)(\+\w+)?://[^/]")


def resolve_uri(uri: str | None, runs_dir: Path) -> str:
    """MLflow's tracking URI, absolute.

    Args:
        uri: a SQLite file (relative: to the current folder), a server or another database; None or empty for
            `mlflow.db` in `runs_dir`.
        runs_dir: the folder of all runs.

    Raises:
        UserError: if MLflow cannot keep runs there.
    """
    default = sqlite_uri(runs_dir / "mlflow.db")
    if not uri:
        return default
    if _SERVER.match(uri):
        return uri
    name = uri.removeprefix(_SQLITE)
    if uri.startswith(_SQLITE) and name.startswith("file:/"):  # SQLite's own URI form, with options
        return uri
    if uri.startswith(_SQLITE) and name and not name.startswith((":", "file:", "?")):
        return _as_meant(uri)
    raise UserError(
        "tracking.uri (or MLFLOW_TRACKING_URI) must name a SQLite file, an MLflow server or a database server, "
        f"but got {redacted(uri)!r}. MLflow no longer keeps runs in plain folders: "
        f"use {default}, http://HOST:PORT or postgresql://..."
    )


def sqlite_uri(path: Path) -> str:
    """The address of a SQLite file: absolute, quoted as SQLAlchemy (from 2.1 on) does and undoes it."""
    return _SQLITE + quote(str(path.expanduser().absolute()), safe=" +/")


def sqlite_path(uri: str) -> Path | None:
    """The file of a resolved SQLite URI; None for every other store."""
    if not uri.startswith(_SQLITE):
        return None
    path = unquote(uri.removeprefix(_SQLITE).split("?")[0])
    # SQLite's own form is quoted once more, for SQLite.
    return Path(unquote(path.removeprefix("file:")) if path.startswith("file:") else path)


def is_same_store(one: str, other: str) -> bool:
    """Whether two resolved addresses mean one store; earlier versions did not quote a SQLite file's path."""
    return one == other or (sqlite_path(one) is not None and sqlite_path(one) == sqlite_path(other))


def _as_meant(uri: str) -> str:
    """A SQLite address with its path absolute.

    Raises:
        UserError: if the path stands there as it is, not quoted as in an address, and so would mean another file.
    """
    name = uri.removeprefix(_SQLITE)
    address, mark, options = name.partition("?")
    path, as_it_is = Path(unquote(address)).expanduser(), Path(name).expanduser()
    is_unquoted = path != as_it_is and as_it_is.parent.is_dir() and not path.parent.is_dir()
    if is_unquoted or (mark and not _OPTIONS.fullmatch(options)):
        raise UserError(
            "The path in a SQLite address must be quoted (%25 for a per cent sign, %3F for a question mark), but "
            f"{uri!r} means {path}. Use {sqlite_uri(as_it_is)}"
        )
    return sqlite_uri(path) + mark + options


def ensure_store(uri: str, artifact_root: Path, is_making: Callable[[], None] = lambda: None) -> None:
    """Make a SQLite store if it is absent, and check it; other stores look after themselves.

    MLflow's own first start is neither safe against a second one nor against a kill. So it happens under a
    lock and under another name, and the finished file is renamed.

    Args:
        uri: resolved.
        artifact_root: absolute, for the experiment "Default" that MLflow makes by itself.
        is_making: is told when the store is not there yet and can be made, by this process or by another; that takes
            seconds.

    Raises:
        RunFailedError: if the store cannot be made, is no MLflow store, or belongs to another MLflow version.
    """
    path = sqlite_path(uri)
    if path is None:
        return
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
        raise RunFailedError(f"MLflow's store {path} could not be made ({error.strerror or error}).") from error
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
        raise RunFailedError(f"MLflow's store {draft} could not be made ({error}).") from error


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
            f"MLflow's store must be one that MLflow made, but {path} cannot be read as such ({error}). "
            "Move the file away: a new one is made, and the run directories still hold all runs."
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
