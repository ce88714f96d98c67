"""Addresses of MLflow's store: what may be given, made absolute, and the file that a SQLite one means."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote

from nnlab.config.server_address import check_server_address, without_password
from nnlab.errors import UserError
from nnlab.paths import expanded

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
        check_server_address("MLflow's address (tracking.uri, MLFLOW_TRACKING_URI or an option)", uri)
        return uri
    name = uri.removeprefix(_SQLITE)
    if uri.startswith(_SQLITE) and name.startswith("file:/"):  # SQLite's own URI form, with options
        return uri
    if uri.startswith(_SQLITE) and name and not name.startswith((":", "file:", "?")):
        return _as_meant(uri)
    raise UserError(
        "MLflow's address (tracking.uri, MLFLOW_TRACKING_URI, an option) must name a SQLite file, an MLflow server or "
        f"a database server, but got {without_password(uri)!r}. MLflow no longer keeps runs in plain folders: "
        f"use {default}, http://HOST:PORT or postgresql://..."
    )


def sqlite_uri(path: Path) -> str:
    """The address of a SQLite file: absolute, quoted as SQLAlchemy (from 2.1 on) does and undoes it."""
    return _SQLITE + quote(str(expanded(path).absolute()), safe=" +/")


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
        UserError: if the path is not percent-encoded, and so would mean another file.
    """
    name = uri.removeprefix(_SQLITE)
    address, mark, options = name.partition("?")
    path, as_it_is = expanded(unquote(address)), expanded(name)
    is_unquoted = path != as_it_is and as_it_is.parent.is_dir() and not path.parent.is_dir()
    if is_unquoted or (mark and not _OPTIONS.fullmatch(options)):
        raise UserError(
            "The path in a SQLite address must be percent-encoded (%25 for a percent sign, %3F for a question mark), "
            f"but {uri!r} means {path}. Use {sqlite_uri(as_it_is)}"
        )
    return sqlite_uri(path) + mark + options
