"""Temporary folders, as for what is copied on its way into MLflow or for an index of git's: gone after use, or with the
next one where a kill came between."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nnlab.runs.files import FileLock
from nnlab.runs.owners import is_own

PREFIX = "nnlab-"
LOCK, CONTENT = ".in-use", "content"


@contextmanager
def scratch(use: str) -> Iterator[Path]:
    """An empty folder among the system's temporary files, while the block runs.

    The first one removes those of processes that were killed in their block: nobody else would.

    Args:
        use: a word in its name.

    Raises:
        OSError: if it cannot be made.
    """
    _remove_those_of_the_dead(Path(tempfile.gettempdir()))
    with (
        tempfile.TemporaryDirectory(prefix=f"{PREFIX}{use}-", ignore_cleanup_errors=True) as folder,
        FileLock(Path(folder, LOCK)),
    ):
        content = Path(folder, CONTENT)
        content.mkdir()
        yield content


@functools.cache  # once in a process: there may be much else in the place
def _remove_those_of_the_dead(place: Path) -> None:
    for folder in place.glob(f"{PREFIX}*"):
        # The lock and no number of a process: containers may share the place, where each counts its own.
        with suppress(OSError):
            if is_own(folder) and LOCK in (names := os.listdir(folder)) and {LOCK, CONTENT}.issuperset(names):
                with FileLock(folder / LOCK, wait=False):
                    shutil.rmtree(folder, ignore_errors=True)
