"""Errors of the machine: a full disk, no memory. They are no result: the same work succeeds once they are over."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from nnlab.errors import Kind, MachineError

KINDS: dict[int, Kind] = {
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EIO: "disk",
    errno.EROFS: "disk",
    errno.ENOMEM: "memory",
    errno.EMFILE: "files",
    errno.ENFILE: "files",
}
"""The errors of the system that are the machine's, and what fails then.

EAGAIN is one only where a process or thread is started, and says so there: elsewhere it is a lock that somebody holds.
"""


def machine_error(error: BaseException) -> MachineError | None:
    """The machine's error that `error` is, or was raised from; None if there is none."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MachineError):
            return cause
        if isinstance(cause, MemoryError):
            return MachineError(f"there is not enough memory ({_text(cause)})", "memory")
        if isinstance(cause, OSError) and cause.errno in KINDS:
            path = cause.filename if isinstance(cause.filename, str) else None
            text = cause.strerror or _text(cause)
            return MachineError(f"{path}: {text}" if path else text, KINDS[cause.errno], path, cause.errno)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return None


@contextmanager
def machine_errors() -> Iterator[None]:
    """Raise an error that is the machine's as such, whatever it has become on its way.

    Raises:
        MachineError: if the block raises one, or something that was raised from one.
    """
    try:
        yield
    except MachineError:
        raise
    except Exception as error:
        found = machine_error(error)
        if found is None:
            raise
        raise found from error


def raise_if_disk(error: Exception) -> None:
    """For what is a mere warning where it fails by itself.

    Raises:
        MachineError: if the disk is what failed.
    """
    found = machine_error(error)
    if found is not None and found.kind == "disk":
        raise found from error


def _text(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
