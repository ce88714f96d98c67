"""Ending processes: a signal to each, and waiting until they have ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess


def send(number: signal.Signals, processes: Sequence[BaseProcess]) -> None:
    """Send a signal to those that live."""
    for process in processes:
        if process.pid is not None and process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(process.pid, number)


def wait_for_ends(processes: Sequence[BaseProcess], seconds: float) -> None:
    """Until all have ended, or so many seconds."""
    deadline = time.monotonic() + seconds
    while (living := [process.sentinel for process in processes if process.is_alive()]) and (
        time.monotonic() < deadline
    ):
        wait(living, timeout=max(0.0, deadline - time.monotonic()))
