"""What MLflow has of a run so far: `mlflow.json` in the run's directory.

That is about the store which the run goes to. What other stores have, to which the run was copied or went before, is in
a file of the same form beside it, one for each store.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from nnlab.check import NOT_EMPTY, Range
from nnlab.config.tracking_uri import is_same_store, sqlite_path
from nnlab.errors import RunFailedError, UserError
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL
from nnlab.runs.directory import MLFLOW as FILE
from nnlab.runs.files import remove, write_atomically
from nnlab.runs.reading import read_stored


class AwaitsParentError(RunFailedError):
    """The run belongs below a study that MLflow does not have yet."""

    def __init__(self, parent: Path) -> None:
        remedy = (
            ""
            if journal.has_started(parent / JOURNAL)
            else f" {parent} is no study any more: restore it, or move the trials' directories into the folder of the "
            "runs, where each is a run of its own."
        )
        super().__init__(f"MLflow must have the study {parent.name} before its trials.{remedy}")
        self.parent = parent


@dataclass(frozen=True)
class SyncState:
    """How far a run has come in MLflow.

    Args:
        tracking_uri: where it goes, without password.
        experiment_id: of MLflow, once known.
        run_id: of MLflow, once there is a run.
        may_exist: whether MLflow may have the run although its id is not known: someone has started to create it.
            False saves looking for it, which takes the longer the more runs there are.
        is_described: whether params, tags and dataset have arrived.
        offset: how many bytes of the journal have arrived.
        is_closed: whether everything has arrived: the journal up to the run's end at `offset`, and the artifacts.
        is_deleted: whether the run was found deleted in MLflow, and so stays deleted.
        problem: why the last upload failed.
    """

    tracking_uri: Annotated[str, NOT_EMPTY]
    experiment_id: str | None = None
    run_id: str | None = None
    may_exist: bool = True
    is_described: bool = False
    offset: Annotated[int, Range(ge=0)] = 0
    is_closed: bool = False
    is_deleted: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, run: Path, uri: str | None = None) -> SyncState | None:
        """What the store `uri` has of the run directory `run`; None if nothing was ever to go there.

        Args:
            run: the directory.
            uri: resolved; None is the store that the run goes to.

        Raises:
            UserError: if the file is damaged, or may not be read.
        """
        own = cls._read(run / FILE)
        return own if uri is None or (own is not None and own.is_of(uri)) else cls._read(run / _file_beside(uri))

    @classmethod
    def _read(cls, path: Path) -> SyncState | None:
        remedy = "Delete it: the run is then found again in MLflow by its tag nnlab.run."
        try:
            state: SyncState = read_stored(path, cls, remedy)
        except FileNotFoundError:
            return None
        return state

    def is_of(self, uri: str) -> bool:
        """Whether it is about the store `uri`."""
        return is_same_store(self.tracking_uri, redacted(uri))

    def has_all(self, run: Path) -> bool:
        """Whether all of the run directory `run` has arrived: it has ended, and was not started since."""
        return self.is_closed and self.offset == journal.length(run / JOURNAL)

    def save(self, run: Path, *, is_copy: bool = False) -> None:
        """Write it into the run directory `run`, atomically.

        Args:
            run: the directory.
            is_copy: leave `mlflow.json` alone if it is about another store, or missing.

        Raises:
            RunFailedError: if it cannot be written.
            UserError: with `is_copy`, if `mlflow.json` is damaged.
        """
        own = SyncState.of(run) if is_copy else self
        name = FILE if own is not None and own.is_of(self.tracking_uri) else _file_beside(self.tracking_uri)
        self._write(run / name)

    def _write(self, path: Path) -> None:
        write_atomically(path, json.dumps(asdict(self), indent=2) + "\n")


def note_destination(uri: str | None, run: Path) -> None:
    """Note in the run directory `run` where in MLflow it goes; workers take it there. The last word counts.

    Call it before the run starts, so that no run is ever without the note.

    Args:
        uri: MLflow's tracking URI, resolved; None keeps the run out of MLflow.
        run: absolute.
    """
    with suppress(RunFailedError, UserError, OSError):  # a full disk or a damaged file: the worker reports it
        noted = SyncState.of(run)
        if uri is None or (noted is not None and noted.is_of(uri)):
            return
        fresh = SyncState(tracking_uri=redacted(uri), may_exist=journal.has_started(run / JOURNAL))
        state = SyncState.of(run, uri) or fresh
        if noted is not None:
            noted._write(run / _file_beside(noted.tracking_uri))
        state.save(run)
        remove(run / _file_beside(uri))


def _file_beside(uri: str) -> str:
    """The file about a store that the run does not go to by itself."""
    store = sqlite_path(redacted(uri)) or redacted(uri)
    return f"mlflow-{hashlib.sha256(str(store).encode()).hexdigest()[:12]}.json"
