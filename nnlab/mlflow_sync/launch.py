"""Worker processes: how they are started, in an environment that keeps MLflow to what it is told, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from nnlab.paths import environment_of_mlflow, importing_from
from nnlab.runs.opening import open_descriptor

LOG = "mirror.log"

ALL, NOT_ALL = 0, 3
"""The worker's exit status: whether MLflow has every run. Any other is that of one that died at its work."""

ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
UNLESS_SET = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "PGCONNECT_TIMEOUT": "10",
}
# They would make MLflow write into another run or experiment than it is given.
NEVER = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_ACTIVE_MODEL_ID")


def prepare_this_process() -> None:
    """The environment of a worker for this process: before MLflow is imported, which reads its settings then."""
    for name in NEVER:
        os.environ.pop(name, None)
    os.environ |= ALWAYS | environment_of_mlflow()
    os.environ |= {name: value for name, value in UNLESS_SET.items() if name not in os.environ}


def launch() -> subprocess.Popen[bytes]:
    """Start one; its standard input never makes the writer wait."""
    inherited = {key: value for key, value in os.environ.items() if key not in NEVER}
    # `-P` keeps stray modules of the current folder out; nnlab is found wherever it was found by us.
    environment = importing_from(
        Path(__file__).resolve().parents[2], UNLESS_SET | inherited | ALWAYS | environment_of_mlflow()
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "nnlab.mlflow_sync"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=os.sep,
        env=environment,
        start_new_session=True,
    )
    if process.stdin is not None:
        os.set_blocking(process.stdin.fileno(), False)
    return process


def how_it_died(status: int) -> str:
    """Words for an exit status that `subprocess` gives."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed ({signal.Signals(-status).name})"
    except ValueError:
        return f"was killed (signal {-status})"


def is_stopped(pid: int) -> bool:
    """Whether a child of this process was stopped (SIGSTOP) and not continued."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return False
    try:
        found = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return found is not None and found.si_code == os.CLD_STOPPED


def log_in(runs_dir: Path) -> Path:
    """The log in the folder of the runs that this user can write: another's, or what only has its name, is left alone.

    Raises:
        OSError: if there can be none.
    """

    def usable(log: Path) -> Path:
        os.close(open_descriptor(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        return log

    try:
        return usable(runs_dir / LOG)
    except PermissionError:
        return usable(runs_dir / f"{Path(LOG).stem}-{os.geteuid()}.log")
