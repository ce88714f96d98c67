"""What MLflow has got of a run so far: `mlflow.json` in the run's directory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from nnlab.errors import UserError
from nnlab.tracking.files import write_atomically

FILE = "mlflow.json"


@dataclass(frozen=True)
class View:
    """How far a run has come in MLflow.

    Args:
        tracking_uri: where it goes, without password.
        experiment_id: of MLflow, once known.
        run_id: of MLflow, once there is a run.
        is_described: whether params, tags and dataset have arrived.
        offset: how many bytes of the journal have arrived.
        is_closed: whether all has arrived, the end and the artifacts too.
        problem: why the last attempt to send something failed.
    """

    tracking_uri: str
    experiment_id: str | None = None
    run_id: str | None = None
    is_described: bool = False
    offset: int = 0
    is_closed: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, run: Path) -> View | None:
        """The view of the run directory `run`; None if it was never meant to be in MLflow.

        Raises:
            UserError: if the file is damaged.
        """
        try:
            content = json.loads((run / FILE).read_text(encoding="utf-8"))
            return cls(**{field.name: content[field.name] for field in fields(cls)})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{run / FILE} must say what MLflow has got of the run, but is damaged ({error!r}). "
                "Delete it: the run is then found again in MLflow by its tag nnlab.run."
            ) from error

    def save(self, run: Path) -> None:
        """Write it into the run directory `run`, atomically."""
        write_atomically(run / FILE, json.dumps(asdict(self), indent=2) + "\n")
