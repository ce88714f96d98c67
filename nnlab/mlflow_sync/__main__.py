"""The worker process, which brings runs into MLflow: `python -m nnlab.mlflow_sync`, started by `SyncProcess`.

Its standard input holds one JSON object per line: first the tracking URI, the folder of all runs and the log, then one
for each run directory to follow. The end of the input means that no more will come, or that the parent died. Its
standard output is for `messages`.
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
from functools import partial
from pathlib import Path
from typing import TextIO

from nnlab.mlflow_sync.launch import ALL, NOT_ALL
from nnlab.mlflow_sync.messages import Message, to_line
from nnlab.mlflow_sync.worker import Worker
from nnlab.redaction import Redacting
from nnlab.runs.opening import open_descriptor

HUNG = 4
SECONDS_TO_HANG = 1800.0
"""A call that takes longer will not return: a database that is frozen lets its clients wait for ever."""


def main() -> int:
    """Work until the end of standard input, and until nothing more can be done."""
    _import_mlflow()
    line = sys.stdin.readline()
    if not line:
        return ALL
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
        worker = Worker(settings["tracking_uri"], Path(settings["runs_dir"]), partial(_tell, parent))
        threading.Thread(target=_end_if_hung, args=(worker,), daemon=True).start()
        worker.connect()  # the store takes a moment: now, while the parent reads its data
        return ALL if worker.work(arrivals) else NOT_ALL


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


def _read(source: TextIO, arrivals: queue.SimpleQueue[Path | None]) -> None:
    for line in source:
        arrivals.put(Path(json.loads(line)["run"]))
    arrivals.put(None)


def _tell(parent: int, message: Message) -> None:
    with contextlib.suppress(OSError):  # it has gone
        os.write(parent, to_line(message))


def _end_if_hung(worker: Worker) -> None:
    while time.monotonic() < worker.looked_at + SECONDS_TO_HANG:
        time.sleep(SECONDS_TO_HANG / 100)
    os._exit(HUNG)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Everything is written. MLflow's handlers at exit would keep the parent waiting for another second.
    os._exit(status)
