"""A real process that does some work and is killed at a chosen moment.

It is forked from this one, which has imported and composed everything: a kill then costs milliseconds, not the second
that a command takes to start. `tests/e2e` kills the commands themselves.
"""

from __future__ import annotations

import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from nnlab.execution.events import RunEvent, RunStarted
from nnlab.execution.listener import RunListener

SECONDS = 120.0
"""How long any of it may take."""


class Started(RunListener):
    """Writes a byte into a pipe as soon as a run has its directory."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def on(self, event: RunEvent) -> None:
        """Handle an event."""
        if isinstance(event, RunStarted):
            os.write(self._pipe, b".")


class Child:
    """Work in a process of its own.

    Args:
        work: gets the pipe for `Started`; what it raises becomes the exit status: 130 for an interrupt, 1 for an error.
        log: gets the traceback of an error.
    """

    def __init__(self, work: Callable[[int], object], log: Path) -> None:
        self._started, pipe = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                work(pipe)
                status = 0
            except KeyboardInterrupt:
                status = 130
            except BaseException:
                log.write_text(traceback.format_exc(), encoding="utf-8")
            finally:
                os._exit(status)
        os.close(pipe)

    def wait_for_start(self) -> bool:
        """Wait until the run has started; false if the process ended before."""
        ready, _, _ = select.select([self._started], [], [], SECONDS)
        return bool(ready) and os.read(self._started, 1) != b""

    def has_ended(self) -> bool:
        """Whether the process has."""
        return bool(os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))

    def send(self, number: signal.Signals, after: float = 0.0) -> bool:
        """Send a signal after so many seconds; false if the process ended by itself before."""
        deadline = time.monotonic() + after
        while time.monotonic() < deadline and not self.has_ended():
            time.sleep(min(0.001, max(0.0, deadline - time.monotonic())))
        if self.has_ended():
            return False
        os.kill(self.pid, number)
        return True

    def end(self) -> int:
        """Wait for the end; the exit status, or minus the signal that ended it."""
        os.close(self._started)
        deadline = time.monotonic() + SECONDS
        while not self.has_ended():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(f"a process did not end within {SECONDS:.0f} s")
            time.sleep(0.001)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
