"""A command from its start to its exit: how long it took, and how much memory all its processes held at most."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import environment

SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Watched:
    """What a command cost.

    Attributes:
        began: seconds since 1970.
        ended: the same.
        megabytes: the most that the process and its children held together, shared pages counted once; 0 if not asked.
    """

    began: float
    ended: float
    megabytes: float

    @property
    def wall(self) -> float:
        """Seconds."""
        return self.ended - self.began


def watched(command: Sequence[str], folder: Path, *, memory: bool = False) -> Watched:
    """Run the command in `folder`, with the BLAS kernel left to its own choice.

    Looking at memory takes time from what is looked at, so a run tells either.

    Raises:
        RuntimeError: if it fails, with what it said.
    """
    began = time.time()
    process = subprocess.Popen(
        list(command), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = _Peak(process.pid) if memory else None
    out, _ = process.communicate()
    ended = time.time()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}:\n{out}")
    return Watched(began, ended, peak.stop() if peak else 0.0)


class _Peak:
    """Looks at a process and all below it, again and again."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._kilobytes = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The peak in megabytes."""
        self._is_over.set()
        self._thread.join()
        return self._kilobytes / 1024

    def _look(self) -> None:
        while not self._is_over.wait(SECONDS_BETWEEN_LOOKS):
            self._kilobytes = max(self._kilobytes, sum(_proportional_set(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for each in found:
        try:
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:  # ended in between
            continue
    return found


def _proportional_set(pid: int) -> int:
    """The kilobytes that a process holds; of a page that n processes share, the n-th part."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
