"""What a worker process does around the calls that it gets: it ends with its parent, and on its parent's word."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar

from nnlab.execution.worker_memory import forget_peak
from nnlab.streams import secure

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPT = signal.SIGUSR1
"""The parent's word that the user has pressed Ctrl-C; SIGTERM is that it is to end."""
FIRST_TO_GO = "500"
"""Of 1000: where memory runs out, the system is to kill a worker, whose call is retried, rather than its parent."""

_is_interrupted = False
_is_calling = False


def start_worker() -> None:
    """The parent handles Ctrl-C, the worker ends with the parent, and no broken stream ends a call."""
    secure()
    signal.signal(INTERRUPT, _interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    threading.Thread(target=_die_with_parent, daemon=True).start()


def call(fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do a call. A run handles `INTERRUPT` by itself; what comes before and after it is left at once.

    Raises:
        KeyboardInterrupt: if the parent says that the user wants it.
    """
    global _is_calling
    _is_calling = True
    try:
        if _is_interrupted:
            raise KeyboardInterrupt
        return fn(*args, **kwargs)
    finally:
        _is_calling = False
        forget_peak()  # now, not before the next call: it is looked at from the moment that it is submitted


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Between calls it is only noted: no call is to begin any more."""
    global _is_interrupted
    _is_interrupted = True
    if _is_calling:
        raise KeyboardInterrupt


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
