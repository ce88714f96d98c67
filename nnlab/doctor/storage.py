"""Where runs are stored: the disk under the runs folder, and MLflow's store."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nnlab.commands.reminder import reminder
from nnlab.config.tracking_uri import resolve_uri, sqlite_path
from nnlab.doctor.finding import Finding
from nnlab.errors import RunFailedError, UserError
from nnlab.mlflow_sync.store import ensure_store
from nnlab.redaction import redacted
from nnlab.runs.files import write_atomically

SLOW_MILLISECONDS = 20.0
"""For a small file to be on the disk: a trial writes about ten, and MLflow's SQLite store as often."""
FEW_GIGABYTES = 1.0
WRITES = 20


def storage(runs_dir: Path, uri: str | None) -> Iterator[Finding]:
    """Everything about the runs folder and the store.

    Args:
        runs_dir: the folder of the runs; need not exist.
        uri: MLflow's tracking URI as the user set it; None for the default.
    """
    yield from disk(runs_dir.absolute())
    yield store(runs_dir, uri)
    if line := reminder(runs_dir):
        fact, _, remedy = line.partition(": ")
        yield Finding("MLflow", "note", fact, remedy)


def disk(runs_dir: Path) -> Iterator[Finding]:
    """Whether the disk is fast and has room: that of the runs folder, or where that will be created."""
    folder = next(place for place in (runs_dir, *runs_dir.parents) if place.is_dir())
    if not os.access(folder, os.W_OK):
        yield Finding("runs folder", "problem", f"{folder} cannot be written", "choose another with NNLAB_RUNS_DIR")
        return
    milliseconds = statistics.median(_write_times(folder))
    fact = f"{milliseconds:.1f} ms for a small file to reach the disk under {runs_dir.name}/"
    if milliseconds > SLOW_MILLISECONDS:
        yield Finding("disk", "note", fact, "keep runs and store on a local disk (NNLAB_RUNS_DIR)")
    else:
        yield Finding("disk", "good", fact)
    free = shutil.disk_usage(folder).free / 1e9
    if free < FEW_GIGABYTES:
        yield Finding("room", "note", f"{free:.2f} GB free", "free some, or move the runs (NNLAB_RUNS_DIR)")
    else:
        yield Finding("room", "good", f"{free:.0f} GB free")


def store(runs_dir: Path, uri: str | None) -> Finding:
    """Whether MLflow's store can be used."""
    try:
        resolved = resolve_uri(uri, runs_dir)
        path = sqlite_path(resolved)
        if path is None:
            return Finding("MLflow store", "note", f"{redacted(resolved)}: a server or database; not checked")
        if not path.exists():
            return Finding("MLflow store", "good", "does not exist yet; the first run creates it (a few seconds, once)")
        ensure_store(resolved, runs_dir.absolute() / "artifacts")
    except (UserError, RunFailedError) as error:
        fact, _, remedy = str(error).partition(". ")
        return Finding("MLflow store", "problem", fact, remedy or "try again, or name another with MLFLOW_TRACKING_URI")
    return Finding("MLflow store", "good", f"{path.name}, {path.stat().st_size / 1e6:.1f} MB, of the installed schema")


def _write_times(folder: Path) -> list[float]:
    """Milliseconds of some small files, each written as a run's are."""
    times = []
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=folder) as scratch:
        for number in range(WRITES):
            started = time.perf_counter()
            write_atomically(Path(scratch) / str(number), b"x" * 4096)
            times.append(1000 * (time.perf_counter() - started))
    return times
