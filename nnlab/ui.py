"""`python -m nnlab.ui [--port N]`: MLflow's UI over the store that runs go to, on 127.0.0.1 alone."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from nnlab.errors import UserError
from nnlab.exit_status import exit_status
from nnlab.tracking.store import ensure_store, resolve_uri, sqlite_path

TRAINING_PAGES = "#/experiments?workflowType=machine_learning"
"""Without this MLflow opens on its pages for language models."""


def main() -> None:
    """The command; it becomes MLflow's server."""
    parser = argparse.ArgumentParser(prog="nnlab.ui", description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--runs-dir", type=Path, default=Path(os.environ.get("NNLAB_RUNS_DIR") or "runs"))
    parser.add_argument("--tracking-uri", default=os.environ.get("MLFLOW_TRACKING_URI"))
    options = parser.parse_args()
    with exit_status():
        uri = resolve_uri(options.tracking_uri, options.runs_dir)
        command = server_command(uri, options.port)
        ensure_store(uri, options.runs_dir.absolute() / "artifacts")
        sys.stdout.write(f"MLflow's UI, until Ctrl-C: http://127.0.0.1:{options.port}/{TRAINING_PAGES}\n")
        sys.stdout.flush()
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        os.execve(sys.executable, command, environment)


def server_command(uri: str, port: int) -> list[str]:
    """What starts the server.

    Args:
        uri: of the store, resolved.
        port: to listen on.

    Raises:
        UserError: if there is nothing to show, or a server shows it already.
    """
    if uri.startswith(("http://", "https://")):
        raise UserError(f"{uri} is an MLflow server with a UI of its own. Open that address in a browser.")
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        raise UserError(
            f"There are no runs to show: {database} is not there. Do a run first (make run), or name another "
            "store by NNLAB_RUNS_DIR or MLFLOW_TRACKING_URI."
        )
    server = ["ui", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", *server]


if __name__ == "__main__":
    main()
