"""Holding Ctrl-C back where what it raises would be taken for something else.

OmegaConf and Hydra do that while they are imported and while they compose: it would be told as an error of the config,
end in a traceback of theirs, or be lost.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Let Ctrl-C raise after the block, which must be short."""
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    presses: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: presses.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for number in presses:
            signal.raise_signal(number)
