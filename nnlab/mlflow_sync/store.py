"""Checks MLflow's store before it is used, and creates a SQLite one: whole or not at all, and once.

MLflow's own way is safe neither from a second start beside it nor from a kill, and tries for two minutes to
reach a database that refuses it.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.config.tracking_uri import sqlite_path, sqlite_uri
from nnlab.errors import RunFailedError
from nnlab.mlflow_sync.moved import follow
from nnlab.mlflow_sync.trouble import BROKEN, RefusedError
from nnlab.paths import environment_of_mlflow
from nnlab.redaction import redacted
from nnlab.runs.files import FileLock

if TYPE_CHECKING:
    from mlflow import MlflowClient

SECONDS_TO_CONNECT = 10
HAVE_A_TIMEOUT = ("psycopg", "psycopg2", "pymysql", "mysqldb")
CREATING = 0x6E6E6C6162
"""The number of PostgreSQL's lock under which one process creates the tables."""

_connected_to: dict[str, tuple[int, int]] = {}
"""The file that MLflow has open for an address of SQLite."""


def connect(uri: str, artifact_root: Path, is_making: Callable[[], None] = lambda: None) -> MlflowClient:
    """MLflow's client of a store that is there now: see `ensure_store`, whose arguments and errors it has.

    MLflow keeps the connections of an address while the process lives: with a file that was deleted or replaced, they
    would go on reading and writing what nobody sees any more.
    """
    ensure_store(uri, artifact_root, is_making)
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    file = _file(uri)
    if file is not None:
        if _connected_to.get(uri, file) != file:
            client._tracking_client.store.engine.dispose()
        _connected_to[uri] = file
    return client


def is_replaced(uri: str) -> bool:
    """Whether the SQLite file that this process is connected to was deleted, or is another now."""
    return uri in _connected_to and _file(uri) != _connected_to[uri]


def _file(uri: str) -> tuple[int, int] | None:
    """Which file is there, whatever its name; None if there is none."""
    path = sqlite_path(uri)
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


def ensure_store(uri: str, artifact_root: Path, is_making: Callable[[], None] = lambda: None) -> None:
    """Create a SQLite store or the tables of a database if they are missing, and check them.

    A SQLite store is made under a lock and under another name, and the finished file is renamed; one that was moved
    with its files finds them again (`follow`). An MLflow server looks after its store by itself.

    Args:
        uri: resolved.
        artifact_root: absolute; the folder of the experiments' files, also of "Default" that MLflow creates by itself.
        is_making: called when the store does not exist yet and can be created, by this process or another; that takes
            seconds.

    Raises:
        RefusedError: if the store is not MLflow's, or belongs to another version of MLflow.
        RunFailedError: if it cannot be created or read.
        sqlalchemy.exc.SQLAlchemyError: if a database does not answer, or refuses.
    """
    os.environ |= environment_of_mlflow()
    path = sqlite_path(uri)
    if path is None:
        if not uri.startswith(("http://", "https://")):
            _ensure_database(uri, is_making)
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
        raise RunFailedError(f"MLflow's store {path} could not be created ({error.strerror or error}).") from error
    _verify(path)
    follow(path, artifact_root)


def _ensure_database(uri: str, is_making: Callable[[], None]) -> None:
    """Check that a database takes us, in one attempt; MLflow makes ten, for two minutes, whatever the answer."""
    import sqlalchemy
    from mlflow.store.db.utils import _get_schema_version

    try:
        driver = sqlalchemy.make_url(uri).get_driver_name()
        limited = {"connect_timeout": SECONDS_TO_CONNECT} if driver in HAVE_A_TIMEOUT else {}
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool, connect_args=limited)
    except ImportError as error:
        raise RefusedError(
            f"MLflow's store at {redacted(uri)} needs a database driver that is not installed ({error}). "
            "Install it (for PostgreSQL: pip install 'nnlab[cluster]'), or choose another store by tracking.uri."
        ) from error
    with engine.connect() as connection:
        # Two that create tables at once both fail, and who looks meanwhile sees half of them.
        is_postgresql = engine.dialect.name == "postgresql"
        if is_postgresql and not connection.scalar(sqlalchemy.text(f"SELECT pg_try_advisory_lock({CREATING})")):
            is_making()
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({CREATING})"))
        if sqlalchemy.inspect(connection).has_table("experiments"):
            found = _get_schema_version(engine)  # type: ignore[no-untyped-call]
            _check_schema(str(found), redacted(uri), "Back the database up", redacted(uri))
        elif is_postgresql:
            is_making()
            _create_tables(uri)


def _create_tables(uri: str) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(uri, ".")  # type: ignore[no-untyped-call]
    store.engine.dispose()


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _remove_drafts(path: Path) -> None:
    with suppress(FileNotFoundError):
        _draft(path).unlink()
    _remove_logs(_draft(path))


def _remove_logs(path: Path) -> None:
    """Remove what SQLite keeps beside a database that is not there: it would be played into the next of that name."""
    for suffix in ("-journal", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").unlink()


def _create(path: Path, artifact_root: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    draft = _draft(path)
    _check_can_be_made(draft)
    store = SqlAlchemyStore(sqlite_uri(draft), artifact_root.as_uri())  # type: ignore[no-untyped-call]
    store.engine.dispose()
    _verify(draft)
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    _remove_logs(path)
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
    try:
        # Not `mode=ro`: what a killed process left half-written is rolled back by the next reader, who has to
        # write for that. SQLite reads a file that may not be written all the same.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=20)) as database:
            (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        is_passing = isinstance(error, sqlite3.OperationalError) and "no such table" not in str(error)
        if is_passing:
            raise RunFailedError(f"MLflow's store {path} cannot be read at present ({error}).") from error
        raise RefusedError(
            f"MLflow's store must be one that MLflow created, but {path} cannot be read as one ({error}). {BROKEN}"
        ) from error
    _check_schema(found, f"{path}", "Copy the file as a backup", sqlite_uri(path))


def _check_schema(found: str, store: str, backup: str, uri: str) -> None:
    """Refuse a schema of another MLflow; `uri` is for MLflow's own command."""
    from mlflow.store.db.utils import _get_alembic_config, _get_latest_schema_revision

    expected = _get_latest_schema_revision()  # type: ignore[no-untyped-call]
    if found != expected:
        from alembic.script import ScriptDirectory

        scripts = ScriptDirectory.from_config(_get_alembic_config(""))  # type: ignore[no-untyped-call]
        is_older = found in {script.revision for script in scripts.walk_revisions()}
        remedy = (
            f"{backup}, then run: mlflow db upgrade {shlex.quote(uri)}"
            if is_older
            else "Use the newer MLflow that wrote it, or another store by tracking.uri"
        )
        raise RefusedError(
            f"MLflow's store must have the installed MLflow's schema ({expected}), but {store} is "
            f"{'older' if is_older else 'newer'} ({found}). {remedy}."
        )
