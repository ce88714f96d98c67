"""The process that brings runs into MLflow: `python -m nnlab.tracking.mirror`, started by `MirrorProcess`.

Its standard input holds a JSON object a line: first the tracking URI and the folder of all runs, then one
for each run directory to follow. The end of the input means that no more come, or that the parent died.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from nnlab.errors import RunFailedError, UserError
from nnlab.tracking.redaction import redacted
from nnlab.tracking.run_directory import JOURNAL, RunDirectory, end_if_dead
from nnlab.tracking.store import ensure_store
from nnlab.tracking.view import View

if TYPE_CHECKING:
    from mlflow import MlflowClient

POLL_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
"""Between two attempts while MLflow is away."""
BACKLOG_SECONDS = 5.0
"""How long the leftovers of dead runs may hold up the end, once every followed run is done."""


@dataclass
class Trouble:
    """How often sending has failed in a row, and when it is worth trying again (by the monotonic clock)."""

    failures: int = 0
    retry_at: float = 0.0


class Mirror:
    """Follows run directories until MLflow has got each, or does not take it.

    Args:
        uri: resolved.
        runs_dir: absolute; dead runs in it that were on their way to the same MLflow are closed in passing.
    """

    def __init__(self, uri: str, runs_dir: Path) -> None:
        self._uri = uri
        self._runs_dir = runs_dir
        self._connected: MlflowClient | None = None
        self._failures = 0

    def client(self) -> MlflowClient:
        """MLflow's client, its store made if need be.

        Raises:
            RunFailedError: if there is a store that cannot be used.
        """
        if self._connected is None:
            from mlflow import MlflowClient

            ensure_store(self._uri, self._runs_dir / "artifacts")
            self._connected = MlflowClient(self._uri)
        return self._connected

    def follow(self, arrivals: queue.SimpleQueue[Path | None]) -> bool:
        """Follow the runs that arrive, until None does and all have ended; returns whether MLflow has got all."""
        followed: dict[Path, Trouble] = {}
        backlog = self._left_behind()
        more_may_come, has_all, is_prepared = True, True, False
        while more_may_come or followed:
            with contextlib.suppress(queue.Empty):
                arrived = arrivals.get(timeout=POLL_SECONDS)
                if arrived is not None:
                    followed[arrived] = Trouble()
                else:
                    more_may_come = False
                    self._failures = 0
                    followed = {run: Trouble() for run in followed}  # a fresh chance for each
            for run, trouble in list(followed.items()):
                if time.monotonic() < trouble.retry_at:
                    continue
                if self._bring(run, trouble):
                    del followed[run]
                elif not more_may_come and self._is_hopeless(run, trouble):
                    del followed[run]
                    has_all = False
            if not self._failures:
                self._bring_next(backlog)
                if followed and not is_prepared:
                    is_prepared = True
                    _prepare()
        deadline = time.monotonic() + BACKLOG_SECONDS
        while not self._failures and time.monotonic() < deadline and self._bring_next(backlog):
            pass
        return has_all

    def _bring(self, run: Path, trouble: Trouble) -> bool:
        """Send what is new of a run; returns whether MLflow has got all of it, the end included."""
        try:
            client = self.client()
            from nnlab.tracking.feed import feed

            end_if_dead(run)
            is_closed = feed(run, client).is_closed
        except BlockingIOError:  # another mirror is at it
            return False
        except Exception as error:  # whatever MLflow raises, the other runs go on
            is_damaged = isinstance(error, UserError | PermissionError | FileNotFoundError)
            self._failures += 0 if is_damaged else 1
            trouble.failures += 1
            trouble.retry_at = time.monotonic() + min(2.0**trouble.failures, LONGEST_PAUSE_SECONDS)
            _report(run, error)
            return False
        self._failures = trouble.failures = 0
        return is_closed

    def _is_hopeless(self, run: Path, trouble: Trouble) -> bool:
        """Whether a run that grows no more has failed twice, or MLflow has failed thrice whatever the run."""
        return (trouble.failures >= 2 or self._failures >= 3) and not RunDirectory.is_alive(run)

    def _bring_next(self, backlog: Iterator[Path]) -> bool:
        """Close the next dead run; returns whether there was one."""
        run = next(backlog, None)
        if run is not None:
            self._bring(run, Trouble())
        return run is not None

    def _left_behind(self) -> Iterator[Path]:
        """The dead runs beside ours that were to go to the same MLflow and have not arrived."""
        for journal in sorted(self._runs_dir.glob(f"*/{JOURNAL}")):
            run = journal.parent
            try:
                view = View.of(run)
                is_ours = view is not None and not view.is_closed and view.tracking_uri == redacted(self._uri)
                if is_ours and not RunDirectory.is_alive(run):
                    yield run
            except (UserError, OSError) as error:
                _report(run, error)


def _prepare() -> None:
    """Use the time while a run trains to get ready for its model."""
    from nnlab.tracking.logged_model import prepare

    with contextlib.suppress(Exception):  # logging the model will say what is wrong
        prepare()


def _report(run: Path, error: Exception) -> None:
    """Say in the log, and in the run's directory where the parent looks, what went wrong."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {run.name}:", file=sys.stderr)
    if isinstance(error, UserError | RunFailedError):
        print(error, file=sys.stderr)
    else:
        traceback.print_exception(error)
    sys.stderr.flush()
    with contextlib.suppress(UserError, RunFailedError, OSError):
        view = View.of(run)
        if view is not None:
            text = redacted(" ".join(str(error).split()) or type(error).__name__)
            replace(view, problem=text[:500]).save(run)


def _read(source: TextIO, arrivals: queue.SimpleQueue[Path | None]) -> None:
    for line in source:
        arrivals.put(Path(json.loads(line)["run"]))
    arrivals.put(None)


class _Redacting(io.TextIOBase):
    """A text stream in which no password arrives."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(redacted(text))

    def flush(self) -> None:
        self._stream.flush()


def main() -> int:
    """Mirror until the end of standard input; exit status 1 if MLflow has not got everything."""
    os.nice(10)
    settings = json.loads(sys.stdin.readline())
    arrivals: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, arrivals), daemon=True).start()
    with contextlib.redirect_stderr(_Redacting(sys.stderr)):
        mirror = Mirror(settings["tracking_uri"], Path(settings["runs_dir"]))
        # The import and the store take seconds: now, while the parent reads its data. What fails is tried again.
        with contextlib.suppress(Exception):
            mirror.client()
        return 0 if mirror.follow(arrivals) else 1


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Everything is written. MLflow's handlers at exit would keep the parent waiting for another second.
    os._exit(status)
