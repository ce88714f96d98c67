"""The parent's handle of a worker process: starts it, tells it which runs to sync into MLflow, and waits for it.

MLflow takes seconds to import, and its server may be slow or down. In a process of its own none of that
delays training, and Ctrl-C in the terminal does not reach it.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nnlab.errors import UserError
from nnlab.mlflow_sync.launch import ALL, NOT_ALL, how_it_died, is_stopped, launch, log_in
from nnlab.mlflow_sync.messages import Answers, LeftOut, Refuses, Replaced, from_line, in_words
from nnlab.mlflow_sync.state import SyncState, note_destination
from nnlab.mlflow_sync.waiting import Arrivals, how_to_sync
from nnlab.paths import expanded
from nnlab.redaction import redacted

SECONDS_FOR_A_FIRST_ANSWER = 10.0
SECONDS_IN_SILENCE = 2.0
SECONDS_STOPPED = 5.0
"""After so long a worker that somebody has stopped (SIGSTOP) is replaced, once its runs are waited for."""
POLL_SECONDS = 0.5
NAMED = 3  # of the runs that are missing


class SyncProcess:
    """A worker process that brings run directories into MLflow, as seen by the process that started it.

    It imports MLflow at once, so it is worth starting before its runs are known. `assign` it, or `discard` it. A worker
    that dies is replaced once.
    """

    def __init__(self) -> None:
        self._process = launch()
        self._uri = ""
        self._runs_dir = self._log = Path()
        self._warn: Callable[[str], object] = lambda text: None
        self._settings = b""
        self._runs: dict[Path, None] = {}
        self._outbox = b""  # what the worker has not taken yet
        self._lock = threading.Lock()  # of the outbox, and of which process it is for
        self._more_may_come = True
        self._was_replaced = self._was_stopped = False
        self._has_answered = False
        self._told: set[str] = set()
        self._is_over = threading.Event()
        self.was_left = False  # by Ctrl-C while it was waited for

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def assign(
        self, uri: str, runs_dir: Path, niceness: int = 10, warn: Callable[[str], object] = lambda text: None
    ) -> None:
        """Say where the runs are, and where they go; call it once.

        Args:
            uri: MLflow's tracking URI as `resolve_uri` gives it.
            runs_dir: the folder of all runs; `mirror.log` is written there (`mirror-UID.log` if that is another's).
            niceness: how much the process yields to others, from 0 to 19. A study, which keeps all processors busy,
                is done sooner where it does not: what is left for the end is done by one process alone.
            warn: called from another thread, at once, with what the user must know: each once, in one line.

        Raises:
            UserError: if `runs_dir` cannot be written.
        """
        runs_dir = expanded(runs_dir).absolute()
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            self._log = log_in(runs_dir)
        except OSError as error:
            self.discard()
            raise UserError(
                f"The folder of the runs must be writable, but {runs_dir} is not ({error.strerror or error}). "
                "Choose another with runs_dir=FOLDER or NNLAB_RUNS_DIR."
            ) from error
        self._uri, self._runs_dir, self._warn = uri, runs_dir, warn
        # Through the pipe, since others can read a command line.
        self._settings = _line(tracking_uri=uri, runs_dir=str(runs_dir), log=str(self._log), niceness=niceness)
        self._send(self._settings)
        threading.Thread(target=self._listen, daemon=True).start()

    def discard(self) -> None:
        """End the process if it was never assigned."""
        if not self._uri:
            self._process.kill()
            self._process.communicate()

    def add(self, run: Path) -> None:
        """Sync the run directory `run` into MLflow, now and as it grows, also if it is resumed or restarted later."""
        note_destination(self._uri, run)
        with self._lock:
            self._runs[run] = None
        self._send(_line(run=str(run)))

    def close(self) -> None:
        """Say that no more runs come."""
        self._more_may_come = False
        self._send(b"")

    def finish(self, patience: float, notify: Callable[[str], object] = lambda text: None) -> list[str]:
        """Say that no more runs come, and wait until MLflow has all of them.

        A store that has never answered is given a moment only, and one that refuses none. Ctrl-C ends the waiting, too;
        the process then goes on by itself, and ends when nothing more can be done.

        Args:
            patience: how many seconds to wait at most while nothing arrives.
            notify: called again and again with what is waited for, and how much has arrived, if that takes long.

        Returns:
            What MLflow does not have, in words, one text per cause; empty if it has everything.
        """
        self.close()
        try:
            self._wait(patience, notify)
        except KeyboardInterrupt:
            self.was_left = True
        return self._problems()

    def _wait(self, patience: float, notify: Callable[[str], object]) -> None:
        arrivals = Arrivals(self._runs)
        started = progressed = time.monotonic()
        stopped_since: float | None = None
        while not self._is_over.wait(min(POLL_SECONDS, patience)):
            self._send(b"")
            now = time.monotonic()
            if arrivals.update():
                progressed = now
            stopped_since = (stopped_since or now) if is_stopped(self.pid) else None
            if stopped_since is not None and now >= stopped_since + SECONDS_STOPPED:
                self._was_stopped = True
                os.kill(self.pid, signal.SIGKILL)
            if now >= progressed + (patience if self._has_answered else min(patience, SECONDS_FOR_A_FIRST_ANSWER)):
                break
            if now >= started + SECONDS_IN_SILENCE:
                count = f"{arrivals.count - len(arrivals.missing)} of {arrivals.count} runs have arrived"
                notify(
                    f"waiting for MLflow at {redacted(self._uri)}: {count}; "
                    f"Ctrl-C leaves it to {how_to_sync(self._runs_dir)}"
                )

    def _listen(self) -> None:
        """Hear the worker, and replace it if it dies; in a thread of its own."""
        while True:
            process = self._process
            if process.stdout is not None:
                with process.stdout as lines:
                    for line in lines:
                        self._hear(line)
                        self._send(b"")
            if not self._replaced(process.wait()):
                break
        with self._lock:
            if process.stdin is not None:
                process.stdin.close()
        self._is_over.set()

    def _hear(self, line: bytes) -> None:
        match message := from_line(line):
            case Answers():
                self._has_answered = True
            case Replaced():
                self._warn(in_words(message, redacted(self._uri), how_to_sync(self._runs_dir)))
            case Refuses(why) | LeftOut(_, why) if why not in self._told:
                self._told.add(why)
                self._warn(in_words(message, redacted(self._uri), how_to_sync(self._runs_dir)))

    def _replaced(self, status: int) -> bool:
        """Whether the worker, which has ended with this status, died at its work and another goes on."""
        if not self._more_may_come and status in (ALL, NOT_ALL):
            return False
        how = "was stopped (SIGSTOP)" if self._was_stopped else how_it_died(status)
        if self._was_replaced:
            self._warn(
                f"the process that brings runs into MLflow {how} again; the work goes on without it, "
                f"and then {how_to_sync(self._runs_dir)} brings them."
            )
            return False
        self._was_replaced, self._was_stopped = True, False
        self._warn(f"the process that brings runs into MLflow {how}, and is started again.")
        with self._lock:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = launch()
            self._outbox = self._settings + b"".join(_line(run=str(run)) for run in self._runs)
        self._send(b"")
        return True

    def _problems(self) -> list[str]:
        missing: dict[str, list[Path]] = {}
        for run in Arrivals(self._runs).missing:
            missing.setdefault(self._cause(run), []).append(run)
        return [
            f"MLflow at {redacted(self._uri)} has not received all of {_named(runs, len(self._runs))}: {cause} Nothing "
            f"is lost: the run directories hold everything, {how_to_sync(self._runs_dir)} brings it, and "
            f"{self._log} has the details."
            for cause, runs in missing.items()
        ]

    def _cause(self, run: Path) -> str:
        if not self._is_over.is_set():
            return f"it is slow or unreachable; process {self.pid} keeps trying."
        cause = None
        with suppress(UserError, OSError):
            state = SyncState.of(run)
            cause = state.problem if state else None
        if cause in self._told:
            return "see above."
        return cause or f"the process that syncs it {how_it_died(self._process.returncode)}."

    def _send(self, message: bytes) -> None:
        """Hand over a message and what was left of others. It never waits: a worker that is stopped reads nothing."""
        with self._lock:
            self._outbox += message
            pipe = self._process.stdin
            if pipe is None or pipe.closed:
                return
            try:
                while self._outbox:
                    self._outbox = self._outbox[os.write(pipe.fileno(), self._outbox) :]
                if not self._more_may_come:
                    pipe.close()
            except BlockingIOError:  # the rest goes with the next
                pass
            except OSError:  # it has died; the one that replaces it is told everything
                self._outbox = b""


def _line(**message: str | int) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _named(runs: list[Path], count: int) -> str:
    names = ", ".join(run.name for run in runs[:NAMED]) + (", ..." if len(runs) > NAMED else "")
    return f"the run {names}" if len(runs) == 1 else f"{len(runs)} of {count} runs ({names})"
