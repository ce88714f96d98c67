"""What Ctrl-C, SIGTERM and SIGHUP do to work in progress. Only the main thread can change that."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from nnlab.errors import TerminatedError
from nnlab.runs.journal import Status

SECONDS_OF_A_PRESS = 0.05
"""Within which another Ctrl-C is the same key press: `timeout -s INT`, say, sends it to a process and to its group."""


@dataclass(frozen=True)
class Ending:
    """How work ends that a signal ends.

    Args:
        status: in the journal.
        reason: the same, in words.
        error: what is raised.
    """

    status: Status
    reason: str
    error: type[KeyboardInterrupt]

    def exception(self) -> KeyboardInterrupt:
        """What to raise."""
        return self.error(self.reason)


INTERRUPTED = Ending("interrupted", "interrupted by the user", KeyboardInterrupt)
TERMINATED = Ending("killed", "terminated by the system (SIGTERM)", TerminatedError)
HUNG_UP = Ending("killed", "its terminal was closed (SIGHUP)", TerminatedError)
SIGNALS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: HUNG_UP}
OF_WORKERS = {signal.SIGUSR1: INTERRUPTED}
"""Workers ignore Ctrl-C, which the terminal sends to all of its processes; this is how their parent passes it on."""


class Request:
    """Whether this process was asked to end.

    At first, and after `raise_it`, a signal raises at once. While the block of `noted` is executed, the first is kept
    in `ending` alone, to be honoured where the work is in a consistent state; a second Ctrl-C raises nevertheless.
    SIGTERM and SIGHUP raise no second time: shells, `timeout` and the system send both to a process and to its group.

    Attributes:
        ending: what was asked for while it was only noted.
    """

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self._is_noted = False
        self._at = 0.0

    @contextmanager
    def noted(self) -> Iterator[None]:
        """While the block is executed, note signals."""
        self._is_noted = True
        try:
            yield
        finally:
            self._is_noted = False

    def raise_it(self) -> None:
        """Raise what was asked for, if anything was.

        Raises:
            KeyboardInterrupt: at Ctrl-C; `TerminatedError` at SIGTERM and SIGHUP.
        """
        if self.ending is not None:
            raise self.ending.exception()

    def take(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        ending = (SIGNALS | OF_WORKERS)[signal.Signals(number)]
        if self._is_noted:
            if self.ending is None:
                self.ending, self._at = ending, time.monotonic()
                return
            if ending is not INTERRUPTED or time.monotonic() - self._at < SECONDS_OF_A_PRESS:
                return
        raise ending.exception()


@contextmanager
def asked_to_end() -> Iterator[Request]:
    """What signals ask for while the block is executed; in another thread than the main one nothing is changed."""
    request = Request()
    is_worker = multiprocessing.parent_process() is not None
    with ExitStack() as stack:
        for number in [*SIGNALS, *(OF_WORKERS if is_worker else ())]:
            stack.enter_context(_handled(number, request.take))
        yield request


@contextmanager
def termination_raises() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `TerminatedError`, with the reason, so that work can be closed as killed."""
    request = Request()
    with _handled(signal.SIGTERM, request.take), _handled(signal.SIGHUP, request.take):
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
    """Handle a signal; one that is ignored stays so: under `nohup` SIGHUP is, in a script's background Ctrl-C."""
    before = signal.getsignal(number)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return
    signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, signal.SIG_DFL if before is None else before)
