"""Starts the process that brings runs into MLflow, and asks it how far it has come.

MLflow takes seconds to import, and its server may be slow or away. In a process of its own none of that
stands before, beside or after training, and Ctrl-C in the terminal does not reach it.
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
from nnlab.mlflow_sync.state import Destination, View
from nnlab.redaction import redacted
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL

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
# They would make MLflow write into another run or experiment than it is told.
NEVER = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_ACTIVE_MODEL_ID")


class Ahead:
    """A process that imports MLflow before anybody knows what it is for, beside the imports of who starts it.

    `take` it, or `discard` it.
    """

    def __init__(self) -> None:
        environment = {key: value for key, value in os.environ.items() if key not in NEVER} | ALWAYS
        environment = UNLESS_SET | environment
        # `-P` keeps stray modules of the current folder out; nnlab is found wherever it was found by us.
        places = [str(Path(__file__).resolve().parents[2]), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(places)
        self._is_taken = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nnlab.mlflow_sync.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,  # says when MLflow answers
            stderr=subprocess.DEVNULL,
            cwd=os.sep,
            env=environment,
            start_new_session=True,
        )

    def take(self) -> subprocess.Popen[bytes]:
        """The process, for the first who asks."""
        if self._is_taken:
            return Ahead().take()
        self._is_taken = True
        return self._process

    def discard(self) -> None:
        """End the process if nobody has taken it."""
        if not self._is_taken:
            self._is_taken = True
            self._process.kill()
            self._process.communicate()


class MirrorProcess:
    """One process that follows any number of run directories and brings them into MLflow.

    Args:
        uri: MLflow's tracking URI as `store.resolve_uri` gives it.
        runs_dir: the folder of all runs; `mirror.log` is written there.
        niceness: how far the process stands back behind others that want the processors, from 0 to 19. A study, which
            keeps them all busy, is done sooner where it does not: what waits for the end is done by one alone.
        ahead: a process that was started already; None starts one.

    Raises:
        UserError: if `runs_dir` cannot be written.
    """

    def __init__(self, uri: str, runs_dir: Path, niceness: int = 10, ahead: Ahead | None = None) -> None:
        self._uri = uri
        self._runs_dir = runs_dir.expanduser().absolute()
        self._runs: list[Path] = []
        log = self._runs_dir / LOG
        try:
            self._runs_dir.mkdir(parents=True, exist_ok=True)
            log.open("ab").close()
        except OSError as error:
            raise UserError(
                f"The folder of the runs must be writable, but {self._runs_dir} is not ({error.strerror or error}). "
                "Choose another by runs_dir=FOLDER or the environment's NNLAB_RUNS_DIR."
            ) from error
        self._process = (ahead or Ahead()).take()
        self._has_answered = False
        # Through the pipe, since others can read a command line.
        self._send({"tracking_uri": uri, "runs_dir": str(self._runs_dir), "log": str(log), "niceness": niceness})

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def follow(self, run: Path) -> None:
        """Bring the run directory `run` into MLflow, now and as it grows, also if it goes on or begins again later."""
        if run not in self._runs:
            self._runs.append(run)
        Destination(self._uri).follow(run)
        self._send({"run": str(run)})

    def run_id(self, run: Path) -> str | None:
        """MLflow's id of the run directory `run`, or None as long as it has none."""
        try:
            view = View.of(run)
        except UserError:  # damaged: `finish` reports it
            return None
        return view.run_id if view else None

    def finish(self, timeout: float, say: Callable[[str], object] = lambda text: None) -> list[str]:
        """Say that no more runs come, and wait up to `timeout` seconds until MLflow has got all of them.

        Close the runs first: the process follows each to its end. Afterwards the process has ended, or goes
        on by itself where MLflow is slow. A store that has not answered once is waited for 10 s at most; Ctrl-C ends
        the waiting, too.

        Args:
            timeout: in seconds.
            say: is told once what is waited for, if that takes long.

        Returns:
            What MLflow has not got, in words, a text a run; empty if it has got everything.
        """
        with suppress(OSError):  # the process may have died before it read everything
            if self._process.stdin is not None:
                self._process.stdin.close()
        with suppress(KeyboardInterrupt):
            self._wait(timeout, say)
        return [problem for run in self._runs if (problem := self._problem(run))]

    def _wait(self, timeout: float, say: Callable[[str], object]) -> None:
        began = time.monotonic()
        is_said = False
        while self._process.poll() is None:
            limit = timeout if self._answers() else min(timeout, SECONDS_FOR_A_FIRST_ANSWER)
            waited = time.monotonic() - began
            if waited >= limit:
                break
            if waited >= SECONDS_IN_SILENCE and not is_said:
                is_said = True
                say(
                    f"waiting up to {limit:.0f} s for MLflow at {redacted(self._uri)}; Ctrl-C leaves it to later, "
                    "nothing is lost"
                )
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(min(0.5, limit - waited))
        if self._process.returncode is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def _answers(self) -> bool:
        """Whether MLflow has answered the process, or its store is being made."""
        pipe = self._process.stdout
        if not self._has_answered and pipe is not None and not pipe.closed:
            self._has_answered = bool(select.select([pipe], [], [], 0)[0]) and os.read(pipe.fileno(), 1) != b""
        return self._has_answered

    def _problem(self, run: Path) -> str | None:
        cause = f"the process that feeds it ended early, with status {self._process.returncode}"
        try:
            view = View.of(run)
            if not journal.has_begun(run / JOURNAL) or (view is not None and view.has_all(run)):
                return None
            if view is not None and view.problem:
                cause = view.problem
        except UserError as error:
            cause = str(error)
        if self._process.returncode is None:
            cause = f"it is slow or away; process {self.pid} goes on trying"
        return (
            f"MLflow at {redacted(self._uri)} has not got all of the run {run.name}: {cause}. Nothing is lost: "
            f"{run} holds everything, the next run will try again, and {self._runs_dir / LOG} has the details."
        )

    def _send(self, message: dict[str, str | int]) -> None:
        if self._process.stdin is None:
            return
        with suppress(OSError):  # a dead process: `finish` reports it
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
