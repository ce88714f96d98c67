"""The parent's handle of a worker process: starts it, tells it which runs to sync into MLflow, and waits for it.

MLflow takes seconds to import, and its server may be slow or down. In a process of its own none of that
delays training, and Ctrl-C in the terminal does not reach it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nnlab.errors import UserError
from nnlab.mlflow_sync.state import SyncState, note_destination
from nnlab.paths import environment_of_mlflow
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL
from nnlab.runs.opening import open_descriptor

LOG = "mirror.log"

SECONDS_FOR_A_FIRST_ANSWER = 10.0
SECONDS_IN_SILENCE = 2.0

ALWAYS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
UNLESS_SET = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
# They would make MLflow write into another run or experiment than it is given.
NEVER = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_ACTIVE_MODEL_ID")


class SyncProcess:
    """A worker process that brings run directories into MLflow, as seen by the process that started it.

    It imports MLflow at once, so it is worth starting before its runs are known. `assign` it, or `discard` it.
    """

    def __init__(self) -> None:
        environment = (
            {key: value for key, value in os.environ.items() if key not in NEVER} | ALWAYS | environment_of_mlflow()
        )
        environment = UNLESS_SET | environment
        # `-P` keeps stray modules of the current folder out; nnlab is found wherever it was found by us.
        places = [str(Path(__file__).resolve().parents[2]), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(places)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nnlab.mlflow_sync.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,  # says when MLflow answers
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            env=environment,
            start_new_session=True,
        )
        self._uri = ""
        self._log = Path(LOG)
        self._runs: list[Path] = []
        self._has_answered = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def assign(self, uri: str, runs_dir: Path, niceness: int = 10) -> None:
        """Say where the runs are, and where they go; call it once.

        Args:
            uri: MLflow's tracking URI as `resolve_uri` gives it.
            runs_dir: the folder of all runs; `mirror.log` is written there (`mirror-UID.log` where that is another
                user's).
            niceness: how much the process yields to others, from 0 to 19. A study, which keeps all processors busy,
                is done sooner where it does not: what is left for the end is done by one process alone.

        Raises:
            UserError: if `runs_dir` cannot be written.
        """
        runs_dir = runs_dir.absolute()
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            self._log = _log_in(runs_dir)
        except OSError as error:
            self.discard()
            raise UserError(
                f"The folder of the runs must be writable, but {runs_dir} is not ({error.strerror or error}). "
                "Choose another with runs_dir=FOLDER or NNLAB_RUNS_DIR."
            ) from error
        self._uri = uri
        # Through the pipe, since others can read a command line.
        self._send({"tracking_uri": uri, "runs_dir": str(runs_dir), "log": str(self._log), "niceness": niceness})

    def discard(self) -> None:
        """End the process if it was never assigned."""
        if not self._uri:
            self._process.kill()
            self._process.communicate()

    def add(self, run: Path) -> None:
        """Sync the run directory `run` into MLflow, now and as it grows, also if it is resumed or restarted later."""
        if run not in self._runs:
            self._runs.append(run)
        note_destination(self._uri, run)
        self._send({"run": str(run)})

    def finish(self, patience: float, notify: Callable[[str], object] = lambda text: None) -> list[str]:
        """Say that no more runs come, and wait until MLflow has all of them.

        Close the runs first: the process follows each to its end. Afterwards the process has ended, or continues
        by itself where MLflow is slow. A store that has not answered once is waited for 10 s at most; Ctrl-C ends
        the waiting, too.

        Args:
            patience: how many seconds to wait at most.
            notify: called once with what is waited for, if that takes long.

        Returns:
            What MLflow does not have, in words, one text per run; empty if it has everything.
        """
        with suppress(OSError):  # the process may have died before it read everything
            if self._process.stdin is not None:
                self._process.stdin.close()
        with suppress(KeyboardInterrupt):
            self._wait(patience, notify)
        return [problem for run in self._runs if (problem := self._problem(run))]

    def _wait(self, patience: float, notify: Callable[[str], object]) -> None:
        started = time.monotonic()
        is_said = False
        while self._process.poll() is None:
            limit = patience if self._answers() else min(patience, SECONDS_FOR_A_FIRST_ANSWER)
            waited = time.monotonic() - started
            if waited >= limit:
                break
            if waited >= SECONDS_IN_SILENCE and not is_said:
                is_said = True
                notify(
                    f"waiting up to {limit:.0f} s for MLflow at {redacted(self._uri)}; press Ctrl-C to leave "
                    "it to the next run; nothing is lost"
                )
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(min(0.5, limit - waited))
        if self._process.returncode is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _answers(self) -> bool:
        """Whether MLflow has answered the process, or is creating its store."""
        pipe = self._process.stdout
        if not self._has_answered and pipe is not None and not pipe.closed:
            self._has_answered = bool(select.select([pipe], [], [], 0)[0]) and os.read(pipe.fileno(), 1) != b""
        return self._has_answered

    def _problem(self, run: Path) -> str | None:
        cause = f"the process that syncs it died with status {self._process.returncode}"
        try:
            state = SyncState.of(run)
            if not journal.has_started(run / JOURNAL) or (state is not None and state.has_all(run)):
                return None
            if state is not None and state.problem:
                cause = state.problem
        except UserError as error:
            cause = str(error)
        if self._process.returncode is None:
            cause = f"it is slow or unreachable; process {self.pid} keeps trying"
        return (
            f"MLflow at {redacted(self._uri)} has not received all of the run {run.name}: {cause}. Nothing is lost: "
            f"{run} holds everything, the next run will try again, and {self._log} has the details."
        )

    def _send(self, message: dict[str, str | int]) -> None:
        if self._process.stdin is None:
            return
        with suppress(OSError):  # a dead process: `finish` reports it
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()


def _log_in(runs_dir: Path) -> Path:
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
