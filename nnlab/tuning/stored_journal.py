"""A study's journal as it is, for a reader who may not write: another user, or one of a read-only disk.

Optuna's own backend creates the file and a lock beside it. Neither is needed to read: lines are only ever appended, and
one that is not finished yet does not count.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend

from nnlab.errors import UserError


class _Journal(BaseJournalBackend):
    def __init__(self, path: Path) -> None:
        self._path = path

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        whole, _, _ = self._path.read_bytes().rpartition(b"\n")
        for line in whole.splitlines()[log_number_from:]:
            yield json.loads(line)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        raise PermissionError(f"{self._path} was opened for reading alone")


def read_storage(journal: Path) -> BaseStorage:
    """The storage in the file `journal`, which is not changed; nothing is written beside it.

    Raises:
        UserError: if it cannot be read, or is damaged.
    """
    try:
        return JournalStorage(_Journal(journal))
    except OSError as error:
        raise UserError(
            f"A study's journal must be readable, but {journal} is not ({error.strerror or error})."
        ) from error
    except Exception as error:  # whatever Optuna makes of records that are none of its own
        raise UserError(
            f"Each line of a study's journal must be one of Optuna's records, but a line of {journal} is not "
            f"({type(error).__name__}: {error}). Something other than nnlab changed the file: restore it."
        ) from error
