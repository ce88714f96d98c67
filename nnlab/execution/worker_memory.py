"""How much memory a worker's process takes, looked at while it lives: a process that was killed cannot be asked."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.1
PAGE = os.sysconf("SC_PAGE_SIZE")


class PeakMemory:
    """Looks at processes in a thread of its own."""

    def __init__(self) -> None:
        self._seen: dict[int, Seen] = {}
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, pid: int | None) -> Seen:
        """Begin to look at a process anew."""
        seen = Seen()
        if pid is not None:
            with self._lock:
                self._seen[pid] = seen
                if self._thread is None:
                    thread = threading.Thread(target=self._look, daemon=True)
                    with suppress(RuntimeError):  # the system has no more threads: then nobody looks
                        thread.start()
                        self._thread = thread
        return seen

    def stop(self) -> None:
        """Look no more."""
        self._ends.set()

    def _look(self) -> None:
        while not self._ends.wait(SECONDS_BETWEEN_LOOKS):
            with self._lock:
                for pid, seen in list(self._seen.items()):
                    try:
                        seen.bytes = max(seen.bytes, peak_of(pid))
                    except OSError:  # it has ended
                        del self._seen[pid]


class Seen:
    """What was seen of a process since its call began.

    Attributes:
        bytes: that it had at most.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._killed_before = kills_for_memory()

    def end(self) -> tuple[int, bool]:
        """The bytes, and whether the system has killed any process for want of memory meanwhile."""
        return self.bytes, kills_for_memory() > self._killed_before


def peak_of(pid: int) -> int:
    """The most bytes that a process has had in memory since `forget_peak`; 0 where the system does not say.

    Raises:
        OSError: if there is no such process.
    """
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def can_be_seen() -> bool:
    """Whether the system says how much memory a process takes: Linux does, macOS does not."""
    with suppress(OSError):
        return peak_of(os.getpid()) > 0
    return False


def resident() -> int:
    """The bytes that this process has in memory; 0 where the system does not say."""
    with suppress(OSError):
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * PAGE
    return 0


def forget_peak() -> None:
    """Let `peak_of` this process begin anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def kills_for_memory() -> int:
    """How many processes the system has killed for want of memory, of the machine or of a container; 0 if unknown."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
