"""The files of a run directory: no link is followed, and what is written is there whole or not at all.

Everything under a run directory is read and written through here, see `nnlab.runs.opening` for what is refused.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from nnlab.errors import MachineError, RunFailedError
from nnlab.machine import KINDS
from nnlab.runs.opening import UnsafeFileError, check_one_name, kind_of, open_descriptor, opened_folder


def open_binary(path: Path) -> BinaryIO:
    """The plain file `path`, open for reading; raises as `open_descriptor` does."""
    return os.fdopen(open_descriptor(path, os.O_RDONLY), "rb")


def read_bytes(path: Path, *, to_publish: bool = False) -> bytes:
    """The content of the plain file `path`.

    Args:
        path: of the file.
        to_publish: whether others will see the content. A file with a second name is then refused: the other one may
            be that of something private.

    Raises:
        OSError: as `open_descriptor` does.
    """
    with open_binary(path) as file:
        if to_publish:
            check_one_name(path, os.fstat(file.fileno()))
        return file.read()


def read_text(path: Path) -> str:
    """The content of the plain file `path`, which is UTF-8.

    Raises:
        UnicodeDecodeError: if it is not.
        OSError: as `open_descriptor` does.
    """
    return read_bytes(path).decode()


def is_file(path: Path) -> bool:
    """Whether there is a plain file at `path`; a link is none."""
    return _is(stat.S_IFREG, path)


def is_folder(path: Path) -> bool:
    """Whether there is a folder at `path`; a link is none."""
    return _is(stat.S_IFDIR, path)


def write_atomically(path: Path, content: str | bytes, *, is_synced: bool = True) -> None:
    """Replace the file at `path`: readers and a crash see the old content or the new, never a part.

    The folder must exist. Text is written as UTF-8. A link at `path` is replaced, and what it points to left alone.

    Args:
        path: of the file.
        content: all of it.
        is_synced: whether it is on the disk, and not only with the system, when this returns.

    Raises:
        RunFailedError: if the folder cannot be written or the disk is full; the old file is then untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = f".{path.name}.{os.getpid()}.tmp"
    try:
        with opened_folder(path.parent) as folder:
            try:
                with suppress(FileNotFoundError):  # of a process that had the same id
                    os.unlink(draft, dir_fd=folder)
                new = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                with os.fdopen(os.open(draft, new, 0o666, dir_fd=folder), "wb") as file:
                    file.write(data)
                    file.flush()
                    if is_synced:
                        os.fsync(file.fileno())
                os.replace(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(draft, dir_fd=folder)
                raise
    except OSError as error:
        raise not_writable(path, error) from error


def bring_to_disk(path: Path) -> None:
    """Force to the disk what has been written into the plain file `path` so far, whoever wrote it.

    Raises:
        OSError: if that fails.
    """
    with open_binary(path) as file:
        os.fsync(file.fileno())


def bring_names_to_disk(path: Path) -> None:
    """Force to the disk which files are in the folder `path`.

    Raises:
        OSError: if that fails.
    """
    with opened_folder(path) as folder:
        os.fsync(folder)


def names_in(path: Path) -> list[str]:
    """What is in the folder `path`; nothing where there is none.

    Raises:
        OSError: if it is no folder.
    """
    try:
        with opened_folder(path) as folder:
            return os.listdir(folder)
    except FileNotFoundError:
        return []


def make_folder(path: Path) -> None:
    """Make the folder `path`, unless it is there; the folder that it is in must exist.

    Raises:
        UnsafeFileError: if something else has its name, such as a link.
        OSError: if it cannot be made.
    """
    with opened_folder(path.parent) as folder:
        with suppress(FileExistsError):
            os.mkdir(path.name, dir_fd=folder)
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            raise UnsafeFileError(path, f"it must be a folder, but is {kind_of(found)}")


def remove(path: Path) -> None:
    """Remove what is at `path`, if anything is: a file, a link (not what it points to), or a folder with all in it.

    Raises:
        OSError: if that fails.
    """
    with suppress(FileNotFoundError), opened_folder(path.parent) as folder:
        if stat.S_ISDIR(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
            shutil.rmtree(path.name, dir_fd=folder)
        else:
            os.unlink(path.name, dir_fd=folder)


def not_writable(path: Path, error: OSError) -> RunFailedError:
    """What to raise when something of a run cannot be written while it runs: a MachineError if the machine fails."""
    remedy = "Free some space, or keep the runs elsewhere with runs_dir or NNLAB_RUNS_DIR."
    if isinstance(error, UnsafeFileError):
        remedy = "Move that away, or keep the runs in a folder of your own with runs_dir or NNLAB_RUNS_DIR."
    text = f"A run must be able to write its files, but writing {path} failed ({error.strerror or error}). {remedy}"
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
            OSError: if the file can be neither created nor opened, or is no plain file.
        """
        self._descriptor = open_descriptor(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BaseException:
            os.close(self._descriptor)
            raise

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether some process holds the lock at this moment; a missing file is a free lock."""
        try:
            descriptor = open_descriptor(path, os.O_RDONLY)
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


def _is(kind: int, path: Path) -> bool:
    try:
        return stat.S_IFMT(os.lstat(path).st_mode) == kind
    except (OSError, ValueError):
        return False
