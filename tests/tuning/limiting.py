"""Trials for worker processes, which import this file: what they do is said by their number."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from nnlab.tuning.trials import Outcome

LARGE = 300_000_000
"""Bytes that a large trial holds."""


def do(task: Any, attempt: int) -> Outcome:
    """By its number modulo 4: ends at once, takes for ever, holds much memory for ever, or kills itself once."""
    kind = task.number % 4
    if kind == 1:
        time.sleep(1000)
    if kind == 2:
        held = bytearray(b"x") * LARGE
        time.sleep(1000 + len(held))
    if kind == 3 and not attempt:
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome("finished", scores={"val/loss": 1.0, "val/accuracy": 0.5}, parameters=10, epochs=1)
