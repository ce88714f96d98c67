"""Where a run is in MLflow, and how a person gets to see it there."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from nnlab.commands.invocation import python, typed
from nnlab.config.schema import Config
from nnlab.config.tracking_uri import resolve_uri
from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState
from nnlab.redaction import redacted
from nnlab.runs.resolve import default_runs_dir


def mlflow_links(config: Config, run: Path, width: int) -> list[str]:
    """The lines that a command ends with; none if the run directory `run` is not in MLflow.

    Args:
        config: of the run.
        run: its directory.
        width: of the first column.
    """
    uri = config.tracking.destination
    run_id = _run_id(run)
    if uri is None or run_id is None:
        return []
    return [
        f"{'MLflow run':<{width}}{run_id} in experiment {config.tracking.experiment!r}",
        f"{'view it':<{width}}{open_pages(redacted(uri))}",
    ]


def open_pages(uri: str) -> str:
    """What to type, or where to go, to see the runs of an MLflow store.

    Args:
        uri: resolved, and without its password: it is shown.
    """
    if uri.startswith(("http://", "https://")):
        return uri
    ours = typed("ui") if uri == _default_uri() else f"{python()} -m nnlab.ui --tracking-uri {shlex.quote(uri)}"
    if "%" in uri:  # MLflow's own command would make a folder by the quoted name
        return ours
    return f"{ours}, or: {python()} -m mlflow ui --backend-store-uri {shlex.quote(uri)}"


def _run_id(run: Path) -> str | None:
    try:
        state = SyncState.of(run)
    except UserError:  # damaged, which `Sync` has warned of
        return None
    return state.run_id if state else None


def _default_uri() -> str | None:
    """The store that `nnlab.ui` shows if it is told nothing."""
    try:
        return resolve_uri(os.environ.get("MLFLOW_TRACKING_URI"), default_runs_dir())
    except (UserError, OSError):
        return None
