"""Where a study's trials are kept: a journal file in the study's directory, or any storage that Optuna has.

Why a journal file, and this lock around it: of Optuna's storages it is the one that several processes may start on
together (SQLite failed one start in twelve, and Optuna advises against it for parallel studies) and that a trial
costs the least on (11-43 ms against SQLite's 66-108). What broke it was a lock file left behind by a killed process,
which stops everybody for the grace period, and a torn last line, after which nothing can be read. A lock of the
kernel ends with its process, so nothing is left behind; and its holder recognizes a torn line.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.study import get_all_study_names

from nnlab.config.server_address import check_server_address
from nnlab.errors import MachineError, UserError
from nnlab.machine import machine_error
from nnlab.redaction import redacted
from nnlab.runs.files import FileLock
from nnlab.runs.opening import open_descriptor
from nnlab.tuning.study_log import LARGEST, StudyLog, damaged

JOURNAL_FILE = "study.log"
LOCK_SUFFIX = ".lock"
TORN_SUFFIX = ".torn"
SECONDS_FOR_SQLITE = 60


class _MendingLock(BaseJournalFileLock):
    """The kernel's lock on a file beside the journal; taking it removes a torn last line."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._held: FileLock | None = None

    def acquire(self) -> bool:
        self._held = FileLock(self._journal.with_name(self._journal.name + LOCK_SUFFIX))
        try:
            _trim(self._journal)
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None


def _trim(journal: Path) -> None:
    """Cut a line that its writer did not finish, and keep a copy of it. Only for the holder of the lock."""
    with os.fdopen(open_descriptor(journal, os.O_RDWR), "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return
        if size > LARGEST:
            raise damaged(journal, f"it has more than {LARGEST:,} bytes")
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        content = file.read()
        whole = content.rfind(b"\n") + 1
        torn = open_descriptor(journal.with_name(journal.name + TORN_SUFFIX), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with os.fdopen(torn, "ab") as copy:
            copy.write(content[whole:] + b"\n")
        file.truncate(whole)


def open_storage(url: str | None, journal: Path) -> BaseStorage:
    """The storage of a study; any number of processes may have it open.

    Args:
        url: of one of Optuna's storages (`postgresql://...`, `mysql://...`, `sqlite:///...`); None is `journal`.
        journal: the file of the default storage.

    Raises:
        UserError: if the storage cannot be opened.
    """
    if url is None:
        try:
            os.close(open_descriptor(journal, os.O_RDWR | os.O_CREAT))
            lock = _MendingLock(journal.absolute())
            log = StudyLog(journal.absolute(), lock)
            lock.acquire()  # cuts off what a killed process has left
            lock.release()
        except OSError as error:
            raise UserError(
                f"A study's journal must be readable and writable, but {journal} is not ({error.strerror or error})."
            ) from error
        return _replayed(log, journal)
    if not url.startswith("sqlite"):
        check_server_address("sweep.storage", url)
    try:
        options = {"connect_args": {"timeout": SECONDS_FOR_SQLITE}} if url.startswith("sqlite") else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return RDBStorage(url, engine_kwargs={"pool_pre_ping": True, **options})
    except ImportError as error:
        raise UserError(
            f"sweep.storage={redacted(url)} needs a database driver that is not installed ({redacted(str(error))}). "
            "Install it (for PostgreSQL: pip install 'nnlab[cluster]'), or leave sweep.storage out."
        ) from error
    except Exception as error:  # SQLAlchemy's, around the drivers' own, which say it shorter
        reason = " ".join(redacted(str(getattr(error, "orig", None) or error)).split())[:300]
        raise UserError(
            f"sweep.storage must be a storage that Optuna can open, but {redacted(url)} is not ({reason}). "
            "Start the server, correct the address, or leave sweep.storage out for a file in the study's directory."
        ) from error


def read_storage(journal: Path) -> BaseStorage:
    """The storage in the file `journal`, which is not changed; nothing is written beside it.

    Raises:
        UserError: if it cannot be read, or is damaged.
    """
    return _replayed(StudyLog(journal.absolute(), None), journal)


def _replayed(log: StudyLog, journal: Path) -> BaseStorage:
    try:
        return JournalStorage(log)
    except OSError as error:
        raise UserError(
            f"A study's journal must be readable, but {journal} is not ({error.strerror or error})."
        ) from error
    except UserError:
        raise
    except Exception as error:  # of Optuna's replay
        raise damaged(journal, f"Optuna cannot replay it ({type(error).__name__}: {error})") from error


def check_new_name(name: str, storage: BaseStorage) -> None:
    """Refuse the name of a new study that the storage has already.

    Raises:
        UserError: if it has.
    """
    if name in get_all_study_names(storage):
        raise UserError(
            f"A new study's name must be free in its storage, but {name!r} exists already. "
            f"Resume it with sweep.resume={name}, or choose another sweep.name."
        )


@contextmanager
def answering() -> Iterator[None]:
    """Wraps whatever uses the storage in the middle of a study.

    Raises:
        MachineError: if the storage does not answer.
    """
    try:
        yield
    except (StorageInternalError, OSError) as error:
        raise failed_storage(error) from error


def failed_storage(error: Exception) -> MachineError:
    """What to raise when the storage does not answer in the middle of a study."""
    reason = " ".join(redacted(str(error)).split())[:300]
    found = machine_error(error)
    text = f"The study's storage does not answer: {type(error).__name__}: {reason}."
    return MachineError(text, "storage") if found is None else MachineError(text, found.kind, found.path, found.code)
