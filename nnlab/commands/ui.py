"""`python -m nnlab.ui [--port N]`: MLflow's UI over the store that runs go to, on 127.0.0.1 alone."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import quote

from nnlab.commands.invocation import typed
from nnlab.commands.place_options import add_runs_dir, add_tracking_uri
from nnlab.commands.reminder import reminder
from nnlab.config.tracking_uri import resolve_uri, sqlite_path
from nnlab.errors import RunFailedError, TerminatedError, UserError
from nnlab.mlflow_sync.store import ensure_store
from nnlab.mlflow_sync.trouble import trouble
from nnlab.redaction import redacted

HOST = "127.0.0.1"
TRAINING_PAGES = "#/experiments?workflowType=machine_learning"
"""Without this MLflow opens on its pages for language models."""
SECONDS_TO_END = 5.0
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # Jobs are for language models, and take four processes of their own.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
STORE = "MLFLOW_BACKEND_STORE_URI"
END_WITH_PARENT = 1  # Linux' PR_SET_PDEATHSIG


def main(arguments: Sequence[str]) -> NoReturn:
    """The command: serves until Ctrl-C; exit status 130.

    Raises:
        UserError: if there is nothing to show, or the port is taken.
        RunFailedError: if the store does not answer, or the server ends by itself.
    """
    parser = argparse.ArgumentParser(prog="nnlab.ui", description=__doc__)
    parser.add_argument("--port", type=int, default=5000, help="the port of the UI (default: %(default)s)")
    add_runs_dir(parser)
    add_tracking_uri(parser)
    options = parser.parse_args(arguments)

    uri = resolve_uri(options.tracking_uri, options.runs_dir)
    check_store(uri)
    check_port(options.port)
    try:
        ensure_store(uri, options.runs_dir.absolute() / "artifacts")
    except (UserError, RunFailedError):
        raise
    except Exception as error:  # of a database's driver
        raise RunFailedError(
            f"MLflow's store must answer to be shown, but {redacted(uri)} does not: {trouble(error).text} "
            "Start its server, or correct the address."
        ) from error
    sys.stdout.write(f"MLflow's UI, until Ctrl-C: http://{HOST}:{options.port}/{TRAINING_PAGES}\n")
    if line := reminder(options.runs_dir):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    address, folder = short_address(uri)
    # Everybody on the machine can read a command line, but nobody else the environment.
    serve(server_command(options.port), {**os.environ, **ENVIRONMENT, STORE: address}, folder)


def short_address(uri: str) -> tuple[str, Path | None]:
    """The address to give the server, and the folder to start it in; None for the current one.

    A path that is quoted in its address is named from its folder: MLflow would make a folder by the quoted name.
    """
    database = sqlite_path(uri)
    if database is None or "%" not in uri or "?" in uri:
        return uri, None
    return f"sqlite:///{quote(database.name)}", database.parent


def server_command(port: int) -> list[str]:
    """What starts the server, which reads the store's address from its environment."""
    return [sys.executable, "-m", "mlflow", "ui", "--host", HOST, "--port", str(port), "--workers", "1"]


def check_store(uri: str) -> None:
    """Refuse a store that cannot be shown from here.

    Args:
        uri: of the store, resolved.

    Raises:
        UserError: if there is nothing to show, or a server shows it already.
    """
    if uri.startswith(("http://", "https://")):
        raise UserError(f"{redacted(uri)} is an MLflow server with a UI of its own. Open that address in a browser.")
    database = sqlite_path(uri)
    if database is not None and not database.exists():
        raise UserError(
            f"There are no runs to show: {database} does not exist. Start a run first ({typed('run')}), or name "
            "another store with NNLAB_RUNS_DIR or MLFLOW_TRACKING_URI."
        )


def check_port(port: int) -> None:
    """Whether the port can be listened on.

    Raises:
        UserError: if not, with the reason.
    """
    if not 1 <= port <= 65535:
        raise UserError(f"A port must be from 1 to 65535, but got --port {port}. The default is 5000.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"The port must be free, but {HOST}:{port} is not ({error.strerror}). If nnlab.ui already runs there, "
                f"open it; otherwise choose another: --port {_free_port()}."
            ) from error


def serve(command: Sequence[str], environment: Mapping[str, str] | None, folder: Path | None = None) -> NoReturn:
    """Run the server until it is interrupted; no process of it is left then.

    Args:
        command: with its arguments.
        environment: of the server; None for ours.
        folder: to start it in; None for ours.

    Raises:
        KeyboardInterrupt: at Ctrl-C; `TerminatedError` at SIGTERM, and where the terminal is closed.
        RunFailedError: if the server ends by itself.
    """
    parent = os.getpid()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a script has started us in the background
    # A group of its own: Ctrl-C reaches only this process, which then ends all of the server's processes.
    server = subprocess.Popen(
        command, env=environment, cwd=folder, start_new_session=True, preexec_fn=lambda: _end_with(parent)
    )
    try:
        status = server.wait()
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        _end(server)
        for number, handler in before.items():
            signal.signal(number, handler)
    raise RunFailedError(f"MLflow's server exited by itself with status {status}; its output is above.")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End all processes of the server's group: by SIGTERM first, then by SIGKILL."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(SECONDS_TO_END)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _end_with(parent: int) -> None:
    """In the server's process: end when the parent is killed, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise TerminatedError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
