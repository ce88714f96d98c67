"""What Ctrl-C and SIGTERM do to work in progress. Only the main thread can change that."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from nnlab.errors import TerminatedError


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that a terminated run is closed as such."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise TerminatedError

    with _handled(signal.SIGTERM, terminate):
        yield


@contextmanager
def ctrl_c_counted() -> Iterator[list[float]]:
    """Append the time of each Ctrl-C to a list: the first is only noted, the second interrupts."""
    presses: list[float] = []

    def count(number: int, frame: FrameType | None) -> None:
        presses.append(time.monotonic())
        if len(presses) > 1:
            raise KeyboardInterrupt

    with _handled(signal.SIGINT, count):
        yield presses


@contextmanager
def _handled(number: signal.Signals, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
