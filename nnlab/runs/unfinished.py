"""The runs of a folder that were stopped, and the newest of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nnlab.errors import UserError
from nnlab.runs import journal
from nnlab.runs.directory import JOURNAL, TRIALS, run_directories
from nnlab.runs.files import open_binary
from nnlab.runs.stored_run import StoredRun


def newest(runs_dir: Path, is_wanted: Callable[[StoredRun], bool], warn: Callable[[str], object]) -> StoredRun | None:
    """The run or study that was started last, of those that are wanted and that no process records.

    Args:
        runs_dir: the folder of the runs; trials are left aside.
        is_wanted: says whether a run is.
        warn: called with what is wrong with a run that cannot be read, and so is passed over.
    """
    paths = [path for path in run_directories(runs_dir) if path.parent.name != TRIALS]
    for path in sorted(paths, key=_started_at, reverse=True):
        try:
            run = StoredRun.at(path)
        except (UserError, OSError) as error:
            warn(str(error))
            continue
        if run is not None and not run.is_alive and is_wanted(run):
            return run
    return None


def _started_at(path: Path) -> int:
    """When a run was started, as its journal's first line says; of a damaged one 0."""
    try:
        with open_binary(path / JOURNAL) as file:
            first = file.readline(journal.LONGEST_END)
        events, _ = journal.read(path / JOURNAL, until=len(first))
        return int(events[0]["time"])
    except (UserError, OSError, IndexError, ValueError, TypeError):
        return 0
