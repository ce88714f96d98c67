"""A process that clears up after another one, however that ends. Not imported: started as a process.

It is told through its standard input, a line each: `remove FOLDER`, `end PID` of a process that works there, `ended`
once that has ended by itself. When the other end is closed, which the system does when its holder dies, the process is
killed and the folder removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

SECONDS = 10.0
"""How long the process is waited for, which may be writing in the folder."""
PATIENCE = 60.0
"""Seconds for which a folder is removed again that is filled meanwhile."""


def main() -> None:
    """Listen until the other end is closed, then clear up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # who started it decides
    folder, pid = "", 0
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        folder = rest if word == "remove" else folder
        pid = int(rest) if word == "end" else 0 if word == "ended" else pid
    if pid:
        _end(pid)
    if folder:
        _remove(folder)


def _remove(folder: str) -> None:
    """Remove a folder; again while something that its holder had started, such as git, still writes there."""
    deadline = time.monotonic() + PATIENCE
    while os.path.lexists(folder) and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def _end(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            os.killpg(pid, 0)
            time.sleep(0.01)
    except (ProcessLookupError, PermissionError):
        pass


if __name__ == "__main__":
    main()
