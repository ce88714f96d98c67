"""What processes that died have left in run directories: drafts of files, and the data that workers shared."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nnlab.runs.directory import DATA, LOCK, STUDY, TRIALS
from nnlab.runs.files import FileLock, remove
from nnlab.runs.owners import is_own

DRAFT = re.compile(r"\..+\.(?P<pid>\d+)\.tmp")
"""The name of a file that is being written, see `write_atomically`."""


def clear_leftovers(runs_dir: Path) -> None:
    """Remove what the dead have left in the folder of the runs; what belongs to a living process stays.

    The lock of a run directory says whether its process lives, and the number in a draft's name which process wrote it:
    others, such as the one that syncs, write into directories whose runs have ended.
    """
    for path in (*_own(runs_dir), *(trial for study in _own(runs_dir) for trial in _own(study / TRIALS))):
        with suppress(OSError):  # a directory that cannot be written keeps what is in it
            if (found := list(_leftovers(path))) and os.path.lexists(path / LOCK):
                _clear(path, found)


def _clear(path: Path, found: list[Path]) -> None:
    try:
        lock = FileLock(path / LOCK, wait=False)
    except BlockingIOError:
        return
    with lock:
        for leftover in found:
            remove(leftover)


def _leftovers(path: Path) -> Iterator[Path]:
    """What would be one in a run directory whose process is dead."""
    with os.scandir(path) as entries:
        names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    if DATA in names and STUDY in names:
        yield path / DATA
    for name, is_folder in names.items():
        if is_folder and name not in (DATA, TRIALS):
            yield from (path / name / draft for draft in os.listdir(path / name) if _is_dead(draft))
        elif _is_dead(name):
            yield path / name


def _is_dead(name: str) -> bool:
    """Whether this is the name of a draft whose process is no more."""
    draft = DRAFT.fullmatch(name)
    if draft is None:
        return False
    try:
        os.kill(int(draft["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OverflowError, PermissionError):  # no process had that number; somebody else's process has it
        pass
    return False


def _own(folder: Path) -> list[Path]:
    """The directories in a folder that are one's own, by name; a link is none."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.is_dir() and is_own(path))
    return []
