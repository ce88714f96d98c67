"""What an error says: a damaged run, a refusal that only a person can lift, or trouble that passes by itself."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nnlab.errors import RunFailedError, UserError
from nnlab.redaction import redacted

Kind = Literal["damaged", "refused", "passing"]

LONGEST = 500
"""Characters of what is told of an error."""

FULL = "Its disk is full: free some space there."
DENIED = "Give yourself the right to write there, or choose another store by tracking.uri."
BROKEN = "Move the file away: a new one will be created, and the run directories still hold all runs."
LOGIN = "Correct MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
DATABASE_LOGIN = "Correct user, password and database in tracking.uri or MLFLOW_TRACKING_URI."
FORBIDDEN = "Ask whoever runs the server for the right to write there, or use another user."
NO_HOST = "Correct the host's name in tracking.uri or MLFLOW_TRACKING_URI."
TLS = (
    "Name the certificate of whoever signed the server's by MLFLOW_TRACKING_SERVER_CERT_PATH (a database's by "
    "sslrootcert=FILE in its address), or correct the address."
)
NO_MLFLOW = "Correct tracking.uri or MLFLOW_TRACKING_URI: what answers there is no MLflow server, or an old one."

ERRNO_REMEDIES = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EACCES: DENIED,
    errno.EPERM: DENIED,
    errno.EROFS: DENIED,
}
SQLITE_REMEDIES = {
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": DENIED,
    "SQLITE_CANTOPEN": DENIED,
    "SQLITE_PERM": DENIED,
    "SQLITE_NOTADB": BROKEN,
    "SQLITE_CORRUPT": BROKEN,
}
SQLSTATE_REMEDIES = {  # https://www.postgresql.org/docs/current/errcodes-appendix.html
    "53100": FULL,
    "25006": DENIED,
    "42501": DENIED,
    "28000": DATABASE_LOGIN,
    "28P01": DATABASE_LOGIN,
    "3D000": DATABASE_LOGIN,
}
MLFLOW_REMEDIES = {
    "UNAUTHENTICATED": LOGIN,
    "CUSTOMER_UNAUTHORIZED": LOGIN,
    "PERMISSION_DENIED": FORBIDDEN,
    "ENDPOINT_NOT_FOUND": NO_MLFLOW,
    "NOT_IMPLEMENTED": NO_MLFLOW,
}
# Where the drivers of databases have words alone.
WORDS = (
    (re.compile(r"password authentication failed|no pg_hba|role .* does not exist|Access denied"), DATABASE_LOGIN),
    (re.compile(r"FATAL: +database .* does not exist|Unknown database"), DATABASE_LOGIN),
    (re.compile(r"failed to resolve host(?!.*[Tt]emporary)|could not translate host name(?!.*[Tt]emporary)"), NO_HOST),
    (re.compile(r"does not support SSL|certificate verify failed|root certificate file"), TLS),
    (re.compile(r"not in a valid JSON format"), NO_MLFLOW),
)
# MLflow's, of a request that it will never take.
REJECTED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}
OF_ONE_RUN = {"PERMISSION_DENIED", "ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED"}
# Whose errors are those of a store, unless they are known for a refusal.
OF_A_STORE = {"mlflow", "requests", "urllib3", "sqlalchemy", "sqlite3", "psycopg", "psycopg2", "pymysql", "botocore"}


class RefusedError(RunFailedError):
    """The store takes no runs until a person changes something; the message says what."""


@dataclass(frozen=True)
class Trouble:
    """What went wrong.

    Args:
        kind: "damaged" concerns one run, "refused" and "passing" the store.
        text: one line without passwords; with the remedy, if only a person can do something about it.
    """

    kind: Kind
    text: str


def trouble(error: Exception, run: Path | None = None) -> Trouble:
    """What an error says.

    Args:
        error: whatever MLflow and its drivers raise, or nnlab's own.
        run: the run directory that was worked on; None if the store was only asked.
    """
    causes = _causes(error)
    if run is not None and any(_is_in(run, cause) for cause in causes):
        return Trouble("damaged", _line(error))
    for cause in causes:
        if isinstance(cause, RefusedError):
            return Trouble("refused", _line(cause))
        if remedy := _remedy(cause):
            # A server may keep one experiment from a user, and take all others.
            is_for_one = run is not None and getattr(cause, "error_code", None) in OF_ONE_RUN
            return Trouble("damaged" if is_for_one else "refused", f"{_line(cause)} {remedy}")
    if isinstance(error, UserError) or getattr(error, "error_code", None) in REJECTED:
        return Trouble("damaged", _line(error))
    is_of_a_store = type(error).__module__.partition(".")[0] in OF_A_STORE or isinstance(
        error, OSError | RunFailedError
    )
    return Trouble("passing" if is_of_a_store else "damaged", _line(getattr(error, "orig", None) or error))


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it stands for, the innermost, which says it shortest, first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and all(one is not other for other in found):
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), getattr(one, "orig", None)]
            waiting.append(one.__cause__ or (None if one.__suppress_context__ else one.__context__))
    return found[::-1]


def _remedy(cause: BaseException) -> str | None:
    if isinstance(cause, ssl.SSLError):
        return None if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) else TLS
    if isinstance(cause, socket.gaierror):
        return NO_HOST if cause.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)) else None
    if _sqlite_name(cause) == "SQLITE_READONLY_DBMOVED":  # deleted or replaced: the next attempt takes the new file
        return None
    known = [
        *(remedy for name, remedy in SQLITE_REMEDIES.items() if _sqlite_name(cause).startswith(name)),
        SQLSTATE_REMEDIES.get(str(getattr(cause, "sqlstate", None))),
        MLFLOW_REMEDIES.get(str(getattr(cause, "error_code", None))),
        ERRNO_REMEDIES.get(cause.errno or 0) if isinstance(cause, OSError) else None,
        *(remedy for words, remedy in WORDS if words.search(str(cause))),
    ]
    return next((remedy for remedy in known if remedy), None)


def _sqlite_name(cause: BaseException) -> str:
    return getattr(cause, "sqlite_errorname", "") or ""


def _is_in(run: Path, cause: BaseException) -> bool:
    """Whether it is a file of the run that could not be read or written."""
    if not isinstance(cause, OSError):
        return False
    name = cause.filename2 or cause.filename
    return isinstance(name, str | Path) and Path(name).is_relative_to(run)


def _line(error: BaseException) -> str:
    # Whatever answers at MLflow's address must not steer the terminal.
    text = "".join(sign if sign.isprintable() else " " for sign in str(error))
    text = redacted(" ".join(text.split()) or type(error).__name__)
    return text if isinstance(error, UserError | RunFailedError) else f"{text[:LONGEST].rstrip('.')}."
