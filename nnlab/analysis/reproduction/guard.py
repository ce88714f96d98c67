"""Runs a command in a folder that is thrown away, and ends with its status. Not imported: started as a process.

`guard.py FOLDER COMMAND...` ends the command and removes the folder as soon as its standard input is closed: whoever
started it holds the other end, which the system closes when that process dies, however it dies.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading


def main(folder: str, command: list[str]) -> int:
    """Run the command; returns its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # who started it decides; SIG_IGN would be the command's too
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    is_abandoned = threading.Event()
    watch = threading.Thread(target=_watch, args=(child, folder, is_abandoned), daemon=True)
    watch.start()
    status = child.wait()
    if is_abandoned.is_set():
        watch.join()
        return 1
    return status


def _watch(child: subprocess.Popen[bytes], folder: str, is_abandoned: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    is_abandoned.set()
    child.kill()
    child.wait()  # it may be writing there
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
