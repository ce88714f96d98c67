"""Files that survive a kill: written whole or not at all, and locked only while a process lives."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from nnlab.errors import MachineError, RunFailedError
from nnlab.machine import KINDS


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the file at `path`: readers and a crash see the old content or the new, never a part.

    The folder must exist. Text is written as UTF-8.

    Raises:
        RunFailedError: if the folder cannot be written or the disk is full; the old file is then untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):
            raise not_writable(path, error) from error
        raise


def not_writable(path: Path, error: OSError) -> RunFailedError:
    """What to raise when something of a run cannot be written while it runs: a MachineError if the machine fails."""
    text = (
        f"A run must be able to write its files, but writing {path} failed ({error.strerror or error}). "
        "Free some space, or keep the runs elsewhere with runs_dir or NNLAB_RUNS_DIR."
    )
    kind = KINDS.get(error.errno or 0)
    return RunFailedError(text) if kind is None else MachineError(text, kind, str(path), error.errno)


class FileLock:
    """An exclusive lock of the operating system (`flock`) on a file, which frees it when the holder dies.

    A child made by a bare `fork` shares the lock; one made by `spawn`, `forkserver` or `subprocess` does not.
    """

    def __init__(self, path: Path, *, wait: bool = True) -> None:
        """Take the lock, creating the file if needed.

        Raises:
            BlockingIOError: if `wait` is false and somebody else holds it.
            OSError: if the file can be neither created nor opened.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BaseException:
            os.close(self._descriptor)
            raise

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether some process holds the lock at this moment; a missing file is a free lock."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        """Release the lock; doing so twice is fine."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
