"""What MLflow has of a run so far: `mlflow.json` in the run's directory."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nnlab.errors import RunFailedError, UserError
from nnlab.redaction import redacted
from nnlab.runs.directory import JOURNAL
from nnlab.runs.files import read_bytes, write_atomically

FILE = "mlflow.json"


class AwaitsParentError(RunFailedError):
    """The run belongs below a study that MLflow does not have yet."""

    def __init__(self, parent: Path) -> None:
        super().__init__(f"MLflow must have the study {parent.name} before its trials.")
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
        problem: why the last upload failed.
    """

    tracking_uri: str
    experiment_id: str | None = None
    run_id: str | None = None
    may_exist: bool = True
    is_described: bool = False
    offset: int = 0
    is_closed: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, run: Path) -> SyncState | None:
        """The state of the run directory `run`; None if it was never meant for MLflow.

        Raises:
            UserError: if the file is damaged.
        """
        try:
            content = json.loads(read_bytes(run / FILE))
            content = {"may_exist": True, **content}  # of earlier versions
            return cls(**{field.name: content[field.name] for field in fields(cls)})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{run / FILE} must say what MLflow has of the run, but is damaged ({error!r}). "
                "Delete it: the run is then found again in MLflow by its tag nnlab.run."
            ) from error

    def has_all(self, run: Path) -> bool:
        """Whether all of the run directory `run` has arrived: it has ended, and was not started since.

        Raises:
            OSError: if the run has no journal.
        """
        return self.is_closed and self.offset == (run / JOURNAL).stat().st_size

    def save(self, run: Path) -> None:
        """Write it into the run directory `run`, atomically."""
        write_atomically(run / FILE, json.dumps(asdict(self), indent=2) + "\n")


def note_destination(uri: str | None, run: Path) -> None:
    """Note in the run directory `run` where in MLflow it is to go, unless that is noted already; workers take it there.

    Args:
        uri: MLflow's tracking URI, resolved; None keeps the run out of MLflow.
        run: absolute.
    """
    with suppress(RunFailedError, UserError):  # a full disk or a damaged file: the worker reports it
        if uri is not None and SyncState.of(run) is None:
            SyncState(tracking_uri=redacted(uri), may_exist=False).save(run)
