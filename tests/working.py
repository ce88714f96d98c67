"""Calls for worker processes, which import this file."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def process_id() -> int:
    return os.getpid()


def square(number: int) -> int:
    return number**2


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait_for_file(begun: Path, wanted: Path) -> str:
    """Say the process in `begun`, wait until `wanted` is there, and return what it holds."""
    draft = begun.with_suffix(".draft")
    draft.write_text(str(os.getpid()), encoding="ascii")
    draft.rename(begun)
    while not wanted.exists():
        time.sleep(0.01)
    return wanted.read_text(encoding="ascii")


def until(path: Path) -> int:
    """The number in a file, once it is there."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"waited in vain for {path}"
        time.sleep(0.01)
    return int(path.read_text(encoding="ascii"))


def lives(pid: int) -> bool:
    """Whether a process does anything: it is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for_file_deaf(begun: Path, wanted: Path) -> str:
    """As `wait_for_file`, but SIGTERM is ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return wait_for_file(begun, wanted)


def hold_memory(count: int, begun: Path) -> str:
    """Hold so many bytes for ever."""
    held = bytearray(b"x") * count
    return wait_for_file(begun, Path("/nowhere", str(len(held))))


def took_memory(count: int) -> int:
    """Hold so many bytes for a moment; returns the process."""
    held = bytearray(b"x") * count
    time.sleep(0.5)
    del held
    return os.getpid()
