"""What a worker process does around the calls that it gets: it ends with its parent, and on its parent's word."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType
from typing import ParamSpec, Protocol, TypeVar

from nnlab.execution.worker_memory import forget_peak, resident
from nnlab.streams import secure

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPT = signal.SIGUSR1
"""The parent's word that the user has pressed Ctrl-C; SIGTERM is that it is to end."""
FIRST_TO_GO = "500"
"""Of 1000: where memory runs out, the system is to kill a worker, whose call is retried, rather than its parent."""
MUCH = 32e6
"""Bytes that a call may leave behind without being searched for garbage, which takes some milliseconds."""

_is_interrupted = False
_is_calling = False
_begun: Moment | None = None


class Moment(Protocol):
    """A moment of `time.monotonic`, which a worker and its parent share; 0 is none."""

    value: float


def begun_at() -> Moment:
    """Where a worker says when it has begun with its call: what comes before that is no time of the call's."""
    moment: Moment = multiprocessing.get_context("spawn").RawValue("d", 0.0)
    return moment


def start_worker(begun: Moment) -> None:
    """The parent handles Ctrl-C, the worker ends with the parent, and no broken stream ends a call."""
    global _begun
    _begun = begun
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
    before = resident()
    try:
        if _is_interrupted:
            raise KeyboardInterrupt
        begin()
        return fn(*args, **kwargs)
    finally:
        _is_calling = False
        if resident() > before + MUCH:  # what lies in circles would be counted as the next call's
            gc.collect()
        forget_peak()  # now, not before the next call: it is looked at from the moment that it is submitted


def begin() -> None:
    """The time of the call begins now: what came before is needed once a process, not by this call."""
    if _begun is not None:
        _begun.value = time.monotonic()


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
