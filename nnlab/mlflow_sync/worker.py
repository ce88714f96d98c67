"""Follows run directories and brings them into MLflow: what the worker process does all its life."""

from __future__ import annotations

import contextlib
import queue
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

from nnlab.errors import RunFailedError, UserError
from nnlab.mlflow_sync.backlog import Bound, unsynced
from nnlab.mlflow_sync.connection import Connection
from nnlab.mlflow_sync.messages import LeftOut, Message, Refuses
from nnlab.mlflow_sync.schedule import Schedule
from nnlab.mlflow_sync.state import AwaitsParentError, SyncState
from nnlab.mlflow_sync.trouble import Trouble, trouble
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, RunDirectory, end_dead_runs, end_if_dead
from nnlab.runs.leftovers import clear_leftovers

POLL_SECONDS = 0.2
BACKLOG_SECONDS = 5.0
"""How long the leftovers of dead runs may hold up the end, once every followed run is done."""
LOOK_BACK_SECONDS = 2.0
"""How often the runs that have arrived are looked at: one may have been resumed or restarted since."""


class Worker:
    """Follows run directories until MLflow has each, or it is clear that it will not.

    A damaged run concerns that run alone. Trouble with the store concerns all: none is tried before the store's own
    pause is over.

    Args:
        uri: resolved.
        runs_dir: absolute; dead runs in it are closed in passing, and brought into MLflow if that is where they were
            on their way to.
        tell: called with what the parent must know, as soon as it is known, each once.
    """

    def __init__(self, uri: str, runs_dir: Path, tell: Callable[[Message], object] = lambda message: None) -> None:
        self._runs_dir = runs_dir
        self._tell = tell
        self._told: set[Message] = set()
        self._store = Connection(uri, runs_dir, self._tell_once)
        self.looked_at = time.monotonic()
        """When the worker last went on from one thing to the next; a call that hangs stops that."""

    def connect(self) -> None:
        """Connect to the store, which is created if it is missing; what fails is told, and tried again later."""
        try:
            self._store.client()
        except Exception as error:  # whatever MLflow and its drivers raise
            self._failed(None, Schedule(), error)

    def work(self, arrivals: queue.SimpleQueue[Path | None]) -> bool:
        """Follow the runs that arrive, until None does and all have ended; returns whether MLflow has all of them."""
        followed: dict[Path, Schedule] = {}
        synced: dict[Path, int] = {}  # with the length of the journal
        backlog = unsynced(self._runs_dir, self._store.uri)
        more_may_come, has_all, look_back_at = True, True, 0.0
        while more_may_come or followed:
            self.looked_at = time.monotonic()
            for run_or_end in _arrived(arrivals):
                if run_or_end is not None:
                    followed[run_or_end] = Schedule()
                else:
                    more_may_come = False
                    self._store.attempts.succeeded()
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
                if self._store.attempts.is_due and schedule.is_due(run) and self._upload(run, schedule, len(followed)):
                    synced[run] = followed.pop(run).offset
                elif not more_may_come and self._is_hopeless(run, schedule, followed):
                    del followed[run]
                    has_all = False
            if self._store.trouble is None:
                self._upload_next(backlog, followed)
        end_dead_runs(self._runs_dir)
        clear_leftovers(self._runs_dir)
        deadline = time.monotonic() + BACKLOG_SECONDS
        while self._store.trouble is None and time.monotonic() < deadline and self._upload_next(backlog, followed):
            self.looked_at = time.monotonic()
        return has_all

    def _upload(self, run: Path, schedule: Schedule, runs: int = 1) -> bool:
        """Send what is new in one of `runs` runs; returns whether MLflow has all of it, the end included."""
        schedule.awaits = None
        self.looked_at = time.monotonic()
        started = time.process_time()
        try:
            client = self._store.client()
        except Exception as error:  # whatever MLflow and its drivers raise
            self._failed(None, schedule, error)
            if self._store.trouble is not None:
                _note(run, self._store.trouble)
            return False
        try:
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
            self._failed(run, schedule, error)
            return False
        self._store.worked()
        schedule.uploaded(state.offset, busy=time.process_time() - started, runs=runs)
        return has_all

    def _failed(self, run: Path | None, schedule: Schedule, error: Exception) -> None:
        """Note whom the error concerns, one run or the store; what only a person can change is told at once."""
        found = trouble(error, run)
        _report(run, error, found)
        is_final = found.kind != "passing"
        if found.kind == "refused":
            self._tell_once(Refuses(found.text))
        elif run is not None and is_final:
            self._tell_once(LeftOut(run.name, found.text))
        if run is None or not (is_final or self._store.takes_questions):
            self._store.failed(found)
            return
        schedule.attempts.failed(only_a_person_helps=is_final)
        if found.kind == "refused":  # a full disk, say: others are tried, but not all that were left before
            self._store.trouble = found

    def _is_hopeless(self, run: Path, schedule: Schedule, followed: Collection[Path]) -> bool:
        """Whether a run that no longer grows will not arrive without a person, failed twice, has no working store, or
        awaits a study that is no longer coming."""
        if RunDirectory.is_alive(run):
            return False
        if schedule.awaits is not None and schedule.awaits not in followed:
            found = Trouble("damaged", str(AwaitsParentError(schedule.awaits)))
        elif self._store.is_hopeless and self._store.trouble is not None:
            found = self._store.trouble
        else:
            return schedule.attempts.only_a_person_helps or schedule.attempts.failures >= 2
        _report(run, RunFailedError(found.text), found)
        return True

    def _upload_next(self, backlog: Iterator[Bound], followed: Collection[Path]) -> bool:
        """Bring the next dead run of the folder into MLflow; returns whether there was one."""
        found = next((each for each in backlog if each.run not in followed and not each.is_alive), None)
        if found is None:
            return False
        if found.damage is None:
            self._upload(found.run, Schedule())
        else:
            self._failed(found.run, Schedule(), UserError(found.damage))
        return True

    def _tell_once(self, message: Message) -> None:
        if message not in self._told:
            self._told.add(message)
            self._tell(message)


def _arrived(arrivals: queue.SimpleQueue[Path | None]) -> Iterator[Path | None]:
    """What has arrived; waits a moment for something to."""
    with contextlib.suppress(queue.Empty):
        yield arrivals.get(timeout=POLL_SECONDS)
        while True:
            yield arrivals.get_nowait()


def _report(run: Path | None, error: Exception, found: Trouble) -> None:
    """Write what went wrong into the log, and into the run's directory, where the parent looks."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {run.name if run else 'MLflow'}:", file=sys.stderr)
    if isinstance(error, UserError | RunFailedError):
        print(error, file=sys.stderr)
    else:
        traceback.print_exception(error)
    sys.stderr.flush()
    if run is not None:
        _note(run, found)


def _note(run: Path, found: Trouble) -> None:
    with contextlib.suppress(UserError, RunFailedError, OSError):
        state = SyncState.of(run)
        if state is not None and state.problem != found.text:
            replace(state, problem=found.text).save(run)
