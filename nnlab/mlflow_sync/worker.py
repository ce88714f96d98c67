"""The worker process, which brings runs into MLflow: `python -m nnlab.mlflow_sync.worker`, started by `SyncProcess`.

Its standard input holds one JSON object per line: first the tracking URI, the folder of all runs and the log, then one
for each run directory to follow. The end of the input means that no more will come, or that the parent died.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nnlab.config.tracking_uri import is_same_store, sqlite_path
from nnlab.errors import RunFailedError, UserError
from nnlab.mlflow_sync.schedule import Schedule
from nnlab.mlflow_sync.state import AwaitsParentError, SyncState
from nnlab.mlflow_sync.store import ensure_store
from nnlab.redaction import Redacting, redacted
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory, end_dead_runs, end_if_dead, run_directories
from nnlab.runs.leftovers import clear_leftovers
from nnlab.runs.opening import open_descriptor

if TYPE_CHECKING:
    from mlflow import MlflowClient

POLL_SECONDS = 0.2
BACKLOG_SECONDS = 5.0
"""How long the leftovers of dead runs may hold up the end, once every followed run is done."""
LOOK_BACK_SECONDS = 2.0
"""How often the runs that have arrived are looked at: one may have been resumed or restarted since."""


class Worker:
    """Follows run directories until MLflow has each, or refuses it.

    Args:
        uri: resolved.
        runs_dir: absolute; dead runs in it are closed in passing, and brought into MLflow if that is where they were
            on their way to.
        answers: called as soon as MLflow answers, or its store is being created.
    """

    def __init__(self, uri: str, runs_dir: Path, answers: Callable[[], None] = lambda: None) -> None:
        self._uri = uri
        self._runs_dir = runs_dir
        self._answers = answers
        self._connected: MlflowClient | None = None
        self._failures = 0

    def client(self) -> MlflowClient:
        """MLflow's client; its store is created if it is missing.

        Raises:
            RunFailedError: if there is a store that cannot be used.
        """
        if self._connected is None:
            from mlflow import MlflowClient

            ensure_store(self._uri, self._runs_dir / "artifacts", self._answers)
            client = MlflowClient(self._uri)
            if sqlite_path(self._uri) is None:
                client.search_experiments(max_results=1)
            self._connected = client
            self._answers()
        return self._connected

    def work(self, arrivals: queue.SimpleQueue[Path | None]) -> bool:
        """Follow the runs that arrive, until None does and all have ended; returns whether MLflow has all of them."""
        followed: dict[Path, Schedule] = {}
        synced: dict[Path, int] = {}  # with the length of the journal
        backlog = self._backlog()
        more_may_come, has_all, look_back_at = True, True, 0.0
        while more_may_come or followed:
            with contextlib.suppress(queue.Empty):
                run_or_end = arrivals.get(timeout=POLL_SECONDS)
                if run_or_end is not None:
                    followed[run_or_end] = Schedule()
                else:
                    more_may_come = False
                    self._failures = 0
                    followed = {run: Schedule() for run in followed}  # a fresh chance for each
            if not more_may_come or time.monotonic() >= look_back_at:
                look_back_at = time.monotonic() + LOOK_BACK_SECONDS
                for run in [run for run, length in synced.items() if journal.length(run / JOURNAL) > length]:
                    del synced[run]
                    followed.setdefault(run, Schedule())
            for run, schedule in list(followed.items()):
                if not journal.has_started(run / JOURNAL):
                    if not more_may_come and not RunDirectory.is_alive(run):
                        del followed[run]  # it was never started
                    continue
                if not schedule.is_due(run):
                    continue
                if self._upload(run, schedule, len(followed)):
                    synced[run] = followed.pop(run).offset
                elif not more_may_come and self._is_hopeless(run, schedule, followed):
                    del followed[run]
                    has_all = False
            if not self._failures:
                self._upload_next(backlog)
        end_dead_runs(self._runs_dir)
        clear_leftovers(self._runs_dir)
        deadline = time.monotonic() + BACKLOG_SECONDS
        while not self._failures and time.monotonic() < deadline and self._upload_next(backlog):
            pass
        return has_all

    def _upload(self, run: Path, schedule: Schedule, runs: int = 1) -> bool:
        """Send what is new in one of `runs` runs; returns whether MLflow has all of it, the end included."""
        schedule.awaits = None
        started = time.process_time()
        try:
            client = self.client()
            from nnlab.mlflow_sync.upload import upload

            end_if_dead(run)
            state = upload(run, client)
            has_all = state.has_all(run)
        except BlockingIOError:  # another worker is uploading it
            return False
        except AwaitsParentError as error:
            schedule.awaits = error.parent
            return False
        except Exception as error:  # whatever MLflow raises, the other runs continue
            is_damaged = isinstance(error, UserError | PermissionError | FileNotFoundError)
            self._failures += 0 if is_damaged else 1
            schedule.failed()
            _report(run, error)
            return False
        self._failures = 0
        schedule.uploaded(state.offset, busy=time.process_time() - started, runs=runs)
        return has_all

    def _is_hopeless(self, run: Path, schedule: Schedule, followed: Collection[Path]) -> bool:
        """Whether a run that no longer grows has failed twice, MLflow has failed three times for any run, or the
        study that it awaits is no longer coming."""
        if RunDirectory.is_alive(run):
            return False
        if schedule.awaits is not None and schedule.awaits not in followed:
            _report(run, AwaitsParentError(schedule.awaits))
            return True
        return schedule.failures >= 2 or self._failures >= 3

    def _upload_next(self, backlog: Iterator[Path]) -> bool:
        """Close the next dead run; returns whether there was one."""
        run = next(backlog, None)
        if run is not None:
            self._upload(run, Schedule())
        return run is not None

    def _backlog(self) -> Iterator[Path]:
        """Other, dead runs, studies before trials, that were to go to the same MLflow and have not arrived."""
        for run in run_directories(self._runs_dir):
            try:
                state = SyncState.of(run)
                is_ours = state is not None and is_same_store(state.tracking_uri, redacted(self._uri))
                if state is not None and is_ours and not state.has_all(run) and not RunDirectory.is_alive(run):
                    yield run
            except (UserError, OSError) as error:
                _report(run, error)


def _report(run: Path, error: Exception) -> None:
    """Write what went wrong into the log, and into the run's directory, where the parent looks."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {run.name}:", file=sys.stderr)
    if isinstance(error, UserError | RunFailedError):
        print(error, file=sys.stderr)
    else:
        traceback.print_exception(error)
    sys.stderr.flush()
    with contextlib.suppress(UserError, RunFailedError, OSError):
        state = SyncState.of(run)
        if state is not None:
            text = redacted(" ".join(str(error).split()) or type(error).__name__)
            replace(state, problem=text[:500]).save(run)


def _read(source: TextIO, arrivals: queue.SimpleQueue[Path | None]) -> None:
    for line in source:
        arrivals.put(Path(json.loads(line)["run"]))
    arrivals.put(None)


def _import_mlflow() -> None:
    """Import all of MLflow that takes a second or more, before it is needed.

    A quarter less without the garbage collector, which goes through all modules again and again, and finds nothing.
    """
    gc.disable()
    with contextlib.suppress(Exception):  # whoever needs it will say what is wrong
        import mlflow.store.db.utils  # noqa: F401

        import nnlab.mlflow_sync.upload  # noqa: F401
    gc.freeze()
    gc.enable()


def _notify(parent: int) -> None:
    """Tell the parent, which reads our standard output, that MLflow answers."""
    with contextlib.suppress(OSError):  # it has gone
        os.write(parent, b".")


def main() -> int:
    """Work until the end of standard input; exit status 1 if MLflow does not have everything."""
    _import_mlflow()
    line = sys.stdin.readline()
    if not line:
        return 0
    settings = json.loads(line)
    os.chdir(settings["runs_dir"])
    parent = os.dup(sys.stdout.fileno())
    log = open_descriptor(Path(settings["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(log, descriptor)
    os.nice(settings["niceness"])
    arrivals: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, arrivals), daemon=True).start()
    with contextlib.redirect_stderr(Redacting(sys.stderr)):
        worker = Worker(settings["tracking_uri"], Path(settings["runs_dir"]), partial(_notify, parent))
        # The store takes a moment: now, while the parent reads its data. What fails is tried again.
        with contextlib.suppress(Exception):
            worker.client()
        return 0 if worker.work(arrivals) else 1


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Everything is written. MLflow's handlers at exit would keep the parent waiting for another second.
    os._exit(status)
