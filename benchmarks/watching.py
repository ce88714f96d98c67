"""A command from its start to its exit: how long it takes, and the peak memory of all its processes together."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import environment
from nnlab.config.tracking_uri import resolve_uri
from nnlab.mlflow_sync.store import ensure_store

SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Watched:
    """What a command cost.

    Attributes:
        started: seconds since 1970.
        ended: the same.
        megabytes: the peak of the process and its children together, shared pages counted once; 0 if not asked for.
    """

    started: float
    ended: float
    megabytes: float

    @property
    def wall(self) -> float:
        """Seconds."""
        return self.ended - self.started


def watched(command: Sequence[str], folder: Path, *, memory: bool = False) -> Watched:
    """Run the command in `folder`, with the BLAS kernel left to its own choice.

    Sampling memory slows the command down, so time is measured without it.

    Raises:
        RuntimeError: if it fails, with its output.
    """
    started = time.time()
    process = subprocess.Popen(
        list(command), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = _Peak(process.pid) if memory else None
    out, _ = process.communicate()
    ended = time.time()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}:\n{out}")
    return Watched(started, ended, peak.stop() if peak else 0.0)


def new_runs_dir(bench: Bench) -> Path:
    """A runs folder with an empty MLflow store, which everyone has after their first run: creating it takes seconds."""
    runs, store = bench.folder / "runs", bench.folder / "mlflow.db"
    if not store.exists():
        ensure_store(resolve_uri(None, bench.folder), runs / "artifacts")
    runs.mkdir()
    shutil.copy(store, runs)
    return runs


def run_command(runs: Path, *overrides: str) -> list[str]:
    """`python -m nnlab.run` into that runs folder."""
    return [sys.executable, "-m", "nnlab.run", *overrides, f"runs_dir={runs}"]


def sweep_command(runs: Path, *overrides: str) -> list[str]:
    """`python -m nnlab.sweep` into that runs folder."""
    return [sys.executable, "-m", "nnlab.sweep", *overrides, f"runs_dir={runs}"]


class _Peak:
    """Samples the memory of a process and its descendants."""

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
